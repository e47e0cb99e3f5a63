//! `flamingo doctor`: what this machine and this program can do.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use flamingo::Files;
use flamingo::engine::{Decoding, Engine, EngineOptions};
use flamingo::film::Ffmpeg;
use flamingo::kernels::{Backend, InstructionSet, available_backends, floats, open_device};
use flamingo::model::{Description, print_count};
use flamingo::sequence::{Document, Part};
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::failure::Result;
use crate::instructions::CPU_SWITCH;
use crate::{ffmpeg, output};

/// Tell what this machine and this program can do.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    /// Cargo's features that can be chosen, and whether this program has them.
    built_with: BTreeMap<&'static str, bool>,
    system: String,
    processor: Processor,
    memory: Memory,
    devices: Vec<DeviceState>,
    films: Films,
    model: Model,
    check: Check,
}

#[derive(Serialize)]
struct Processor {
    model: String,
    architecture: &'static str,
    features: Vec<&'static str>,
    kernels: Kernels,
    threads: usize,
}

/// What our own kernels are run with; the framework's choose by themselves.
#[derive(Serialize)]
struct Kernels {
    used: String,
    available: Vec<String>,
    /// The environment variable that names one of them.
    switch: &'static str,
}

/// What films can be read.
#[derive(Serialize)]
struct Films {
    /// Animations and folders of frames.
    itself: [&'static str; 4],
    /// What reads film files, and where it is.
    ffmpeg: Option<FfmpegState>,
}

#[derive(Serialize)]
struct FfmpegState {
    version: String,
    path: PathBuf,
}

impl Films {
    fn found() -> Self {
        let state = |found: Ffmpeg| FfmpegState {
            version: found.version().unwrap_or_else(|error| error.to_string()),
            path: found.ffmpeg,
        };
        Self {
            itself: ["GIF", "WebP", "PNG", "folders of frames"],
            ffmpeg: ffmpeg::find().map(state),
        }
    }
}

/// In bytes.
#[derive(Serialize)]
struct Memory {
    total: u64,
    available: u64,
}

#[derive(Serialize)]
struct DeviceState {
    name: &'static str,
    compiled: bool,
    works: bool,
}

#[derive(Serialize)]
struct Model {
    sha256: String,
    description: Description,
}

/// One prompt, asked of the embedded model.
#[derive(Serialize)]
struct Check {
    prompt: &'static str,
    answer: String,
    load_seconds: f64,
    answer_seconds: f64,
}

pub(crate) fn run(args: &DoctorArgs) -> Result<()> {
    let report = report()?;
    if args.json {
        output::json(&report)
    } else {
        output::line(&report.to_string())
    }
}

fn report() -> Result<Report> {
    let system = System::new_with_specifics(
        RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing())
            .with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    let cpu = system
        .cpus()
        .first()
        .map(|cpu| cpu.brand().trim().to_owned());
    let (check, description) = check()?;
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        built_with: built_with(),
        system: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned()),
        processor: Processor {
            model: cpu
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "unknown".to_owned()),
            architecture: std::env::consts::ARCH,
            features: features(),
            kernels: Kernels {
                used: InstructionSet::best().to_string(),
                available: InstructionSet::available()
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                switch: CPU_SWITCH,
            },
            threads: rayon::current_num_threads(),
        },
        memory: Memory {
            total: system.total_memory(),
            available: system.available_memory(),
        },
        devices: [
            Backend::Cpu,
            Backend::Cuda(0),
            Backend::Vulkan(0),
            Backend::Metal(0),
        ]
        .map(device)
        .into(),
        films: Films::found(),
        model: Model {
            sha256: flamingo::demo_model_hash(),
            description,
        },
        check,
    })
}

/// Devices have lines of their own.
fn built_with() -> BTreeMap<&'static str, bool> {
    [
        ("corpus", cfg!(feature = "corpus")),
        ("cluster", cfg!(feature = "cluster")),
        ("parquet", cfg!(feature = "parquet")),
        ("serve", cfg!(feature = "serve")),
    ]
    .into()
}

/// The extensions that the processor's kernels make use of.
fn features() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    let known = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
        ("avx512fp16", is_x86_feature_detected!("avx512fp16")),
    ];
    #[cfg(target_arch = "aarch64")]
    let known = [
        ("neon", std::arch::is_aarch64_feature_detected!("neon")),
        (
            "dotprod",
            std::arch::is_aarch64_feature_detected!("dotprod"),
        ),
        ("fp16", std::arch::is_aarch64_feature_detected!("fp16")),
        ("bf16", std::arch::is_aarch64_feature_detected!("bf16")),
    ];
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let known: [(&'static str, bool); 0] = [];
    known
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect()
}

/// Opens the device and adds two numbers there; drivers that are missing panic, and are caught.
fn device(backend: Backend) -> DeviceState {
    let compiled = available_backends()
        .iter()
        .any(|there| there.name() == backend.name());
    let adds = || {
        let device = open_device(backend).ok()?;
        let sum = floats(vec![2.0, 3.0], [2], &device)
            .sum()
            .into_data()
            .convert::<f32>();
        sum.try_to_vec::<f32>().ok()
    };
    let works =
        compiled && catch_unwind(AssertUnwindSafe(adds)).is_ok_and(|sum| sum == Some(vec![5.0]));
    DeviceState {
        name: backend.name(),
        compiled,
        works,
    }
}

const PROMPT: &str = "Output:";

fn check() -> Result<(Check, Description)> {
    let start = Instant::now();
    let device = open_device(Backend::Cpu)?;
    let mut engine = Engine::open(&flamingo::demo_model(), &device, EngineOptions::default())?;
    let load_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let document = Document::new([Part::Text(PROMPT.to_owned())]);
    let sampling = Decoding {
        max_new_tokens: 3,
        ..Decoding::default()
    };
    let files = Files::of([&document]);
    let answers = engine.generate(&[document], &files, &sampling, &mut |_, _| {})?;
    let answer = answers
        .into_iter()
        .next()
        .map(|answer| answer.text)
        .unwrap_or_default();
    let answer_seconds = start.elapsed().as_secs_f64();
    let check = Check {
        prompt: PROMPT,
        answer,
        load_seconds,
        answer_seconds,
    };
    Ok((check, engine.describe()))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        let (processor, memory) = (&self.processor, &self.memory);
        writeln!(f, "flamingo    {}", self.version)?;
        for (feature, there) in &self.built_with {
            let state = if *there { "built in" } else { "not built in" };
            writeln!(f, "feature     {feature:<7} {state}")?;
        }
        writeln!(f, "system      {}", self.system)?;
        writeln!(
            f,
            "processor   {} ({})",
            processor.model, processor.architecture
        )?;
        writeln!(f, "extensions  {}", processor.features.join(" "))?;
        let kernels = &processor.kernels;
        writeln!(
            f,
            "kernels     {} (available: {}; {}=NAME chooses)",
            kernels.used,
            kernels.available.join(", "),
            kernels.switch
        )?;
        writeln!(f, "threads     {}", processor.threads)?;
        let (total, available) = (gib(memory.total), gib(memory.available));
        writeln!(f, "memory      {total:.1} GiB, {available:.1} GiB free")?;
        for device in &self.devices {
            let state = match (device.compiled, device.works) {
                (true, true) => "works",
                (true, false) => "compiled in, but cannot be opened",
                (false, _) => "not compiled in",
            };
            writeln!(f, "device      {:<7} {state}", device.name)?;
        }
        writeln!(f, "films       {}", self.films.itself.join(", "))?;
        match &self.films.ffmpeg {
            Some(found) => writeln!(
                f,
                "            MP4, WebM and other film files with FFmpeg {} ({})",
                found.version,
                found.path.display()
            )?,
            None => writeln!(
                f,
                "            no MP4, WebM or other film file: neither ffmpeg nor ffprobe is in a folder of PATH"
            )?,
        }
        let total = print_count(self.model.description.total);
        writeln!(
            f,
            "demo model  {total} parameters, sha256 {}",
            &self.model.sha256[..16]
        )?;
        let check = &self.check;
        write!(
            f,
            "self-check  loaded in {:.2} s; \"{}\" continues as \"{}\" in {:.2} s",
            check.load_seconds, check.prompt, check.answer, check.answer_seconds
        )
    }
}
