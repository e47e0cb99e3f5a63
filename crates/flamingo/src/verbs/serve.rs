//! `flamingo serve`: the engine over HTTP.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use flamingo::chat;
use flamingo::engine::Engine;
use flamingo::film::Reader;
use flamingo::serve::{ApiKey, Limits, Server, Setup, Template};
use flamingo::shots::ShotSet;

use crate::args::{MediaArgs, ModelArgs};
use crate::failure::{Failure, Hint, Result, say};
use crate::{ffmpeg, interrupt, output, part_files};

/// Answer over HTTP: OpenAI's protocol, the program's own, and a page to try the model.
///
/// Clients of OpenAI's protocol take http://HOST:PORT/v1 as their base address. The page is at http://HOST:PORT/.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo serve --model photos --shots animals=animals/\n  curl http://127.0.0.1:8080/v1/models"
)]
pub(crate) struct ServeArgs {
    /// Address to listen at; others than this machine can ask at 0.0.0.0
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port to listen at; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// File with the key that clients must send (`Authorization: Bearer KEY`)
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// What clients call the model [default: what --model says, or demo]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How a chat becomes a prompt: paper, idefics-instruct, langinstruct, or a file (.json, .jinja) [default: the
    /// model's own, or paper]
    #[arg(long, value_name = "NAME|FILE")]
    template: Option<String>,
    /// Shots that requests can name: a folder of pictures with captions.jsonl or metadata.jsonl, one with a folder for
    /// each class, or a file of documents (JSONL); can be given several times
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    shots: Vec<(String, PathBuf)>,
    /// What stands between the picture of such a shot and what it shows
    #[arg(long, value_name = "TEXT", default_value = "Output:")]
    shots_text: String,
    /// Fetch pictures that requests name by http(s) address; never from private networks
    #[arg(long)]
    allow_fetch: bool,
    #[command(flatten)]
    bounds: BoundArgs,
    #[command(flatten)]
    media: MediaArgs,
    #[command(flatten)]
    model: ModelArgs,
}

/// How much requests may ask for.
#[derive(Debug, Args)]
#[command(next_help_heading = "Bounds")]
struct BoundArgs {
    /// Most requests that wait or are being answered
    #[arg(long, value_name = "N", default_value_t = Limits::default().queue)]
    max_queue: usize,
    /// Most open connections
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections)]
    max_connections: usize,
    /// Most MiB of a request
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().body >> 20)]
    max_body: usize,
    /// Most MiB of all requests together
    #[arg(long, value_name = "MIB", default_value_t = Limits::default().all_bodies >> 20)]
    max_bodies: usize,
    /// Most tokens of a prompt
    #[arg(long, value_name = "N", default_value_t = Limits::default().prompt_tokens)]
    max_prompt_tokens: usize,
    /// Most tokens of an answer, which is also what chats get that ask for no number
    #[arg(long, value_name = "N", default_value_t = Limits::default().new_tokens)]
    max_tokens: usize,
    /// Most seconds of a request
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().answer_time.as_secs())]
    timeout: u64,
    /// Seconds that begun answers may take once the server is told to end
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::default().drain_time.as_secs())]
    drain: u64,
}

fn named(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.into(), path.into()))
        }
        _ => Err(format!("{text:?} is not NAME=PATH")),
    }
}

/// How long the engine's last pass may take once nobody waits for it any more.
const LAST_PASS: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let key = args.api_key_file.as_deref().map(key).transpose()?;
    let shots = shots(args)?;
    let address = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(address)
        .map_err(|error| Failure::new(format!("cannot listen at {address}: {error}")))
        .hint("choose another address with --host and --port")?;
    listener.set_nonblocking(true)?;
    if key.is_none() && !args.host.is_loopback() {
        tracing::warn!(
            "anyone who reaches {address} may ask: --api-key-file FILE wants a key of them"
        );
    }
    let films = args.media.sampling();
    let engine = args.model.open_with(|options| options.films = films)?;
    let setup = Setup {
        model: name(args),
        limits: limits(args),
        template: template(args, &engine)?,
        key,
        allow_fetch: args.allow_fetch,
        shots,
        vectors: Some(part_files::store().folder().with_file_name("shots")),
        ffmpeg: ffmpeg::find(),
    };
    let name = setup.model.clone();
    let (server, worker) = Server::new(engine, setup);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let told = listener.local_addr()?;
    let serving = thread::Builder::new()
        .name("server".into())
        .spawn(move || {
            let served = runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                server.serve(listener, told_to_end()).await
            });
            runtime.shutdown_timeout(LAST_PASS);
            if served.is_ok() {
                thread::spawn(|| {
                    thread::sleep(LAST_PASS);
                    std::process::exit(0)
                });
            }
            served
        })?;
    output::line(&format!("{name} is served at http://{told}"))?;
    // Here, among the threads that compute.
    worker.run();
    match serving.join() {
        Ok(served) => Ok(served?),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn key(file: &Path) -> Result<ApiKey> {
    let path = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
    ApiKey::new(&text)
        .ok_or_else(|| Failure::new(format!("{path} holds no key: write one into it")))
}

fn shots(args: &ServeArgs) -> Result<Vec<(String, ShotSet)>> {
    let reader = Reader {
        limits: limits(args).images,
        ffmpeg: ffmpeg::find(),
        ..Reader::default()
    };
    let mut sets: Vec<(String, ShotSet)> = Vec::new();
    for (name, path) in &args.shots {
        if sets.iter().any(|(other, _)| other == name) {
            return Err(Failure::new(format!(
                "--shots {name}=.. is there twice: give other names"
            )));
        }
        let set = ShotSet::read(name, path, &args.shots_text)?.checked(&reader);
        if set.is_empty() {
            let reasons = set.left_out.join("; ");
            return Err(Failure::new(format!(
                "no shot in {} can be read: {reasons}",
                path.display()
            )));
        }
        for reason in &set.left_out {
            tracing::warn!("shots {name}: left out {reason}");
        }
        tracing::info!("shots {name}: {} from {}", set.len(), path.display());
        sets.push((name.clone(), set));
    }
    match sets.len() {
        0..=64 => Ok(sets),
        more => Err(Failure::new(format!(
            "{more} sets of shots: give 64 at most"
        ))),
    }
}

fn name(args: &ServeArgs) -> String {
    let model = args.model.files.model.as_deref();
    let of_path = |model: &str| {
        let path = Path::new(model);
        let last = path.exists().then(|| path.file_name()).flatten();
        last.map_or_else(
            || model.to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    };
    args.name
        .clone()
        .unwrap_or_else(|| model.map_or_else(|| "demo".to_owned(), of_path))
}

fn limits(args: &ServeArgs) -> Limits {
    let (bounds, images) = (&args.bounds, args.media.limits());
    Limits {
        queue: bounds.max_queue.max(1),
        connections: bounds.max_connections.max(1),
        body: bounds.max_body << 20,
        all_bodies: bounds.max_bodies << 20,
        media: args.model.max_media,
        images: flamingo::image::Limits {
            max_film_pixels: images.max_pixels,
            ..images
        },
        prompt_tokens: bounds.max_prompt_tokens,
        new_tokens: bounds.max_tokens.max(1),
        answer_time: Duration::from_secs(bounds.timeout),
        drain_time: Duration::from_secs(bounds.drain),
        ..Limits::default()
    }
}

/// That of the command line, the model's own, that of its kind, or the paper's.
fn template(args: &ServeArgs, engine: &Engine) -> Result<Template> {
    let tokenizer = engine.tokenizer();
    if let Some(name) = &args.template {
        return Ok(Template::open(name, tokenizer)?);
    }
    if let Some(turns) = &engine.model_file().template {
        return Ok(Template::of_json("flamingo.json", &turns.to_string())?);
    }
    if let Some((name, source)) = args.model.files.source()?.folder().and_then(chat::find) {
        return Ok(Template::of_jinja(&name, &source, tokenizer)?);
    }
    let is_instructed = tokenizer.id("<end_of_utterance>").is_some();
    let model = args.model.files.model.as_deref().unwrap_or_default();
    Ok(match (is_instructed, model.contains("langinstruct")) {
        (true, _) => Template::named("idefics-instruct")?,
        (_, true) => Template::named("langinstruct")?,
        _ => Template::default(),
    })
}

/// Until Ctrl-C or a termination signal; a second one ends the program at once.
async fn told_to_end() {
    signal().await;
    say("ending: answers that were begun are finished; again to end at once\n");
    tokio::spawn(async {
        signal().await;
        std::process::exit(i32::from(interrupt::EXIT_CODE));
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let kinds = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    );
    let (Ok(mut terminate), Ok(mut interrupt)) = kinds else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
