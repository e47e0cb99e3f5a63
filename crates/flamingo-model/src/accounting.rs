//! Parameters and operations, counted from the configuration alone.

mod kept;
mod operations;
mod training;

use std::fmt;

use serde::Serialize;

use crate::FlamingoConfig;

pub use operations::StepOperations;
pub use training::{ENCODED_AT_ONCE, KeptBytes, Learning, MicroBatch, PairsBatch, TrainingMemory};

/// Parameters of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartSize {
    /// The part.
    pub part: &'static str,
    /// Its shape in the paper's columns: layers, width, heads.
    pub shape: Option<[usize; 3]>,
    /// Its parameters.
    pub parameters: u64,
    /// Whether training leaves it as it is.
    pub frozen: bool,
}

/// What a model weighs and costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Vision encoder, resampler, gated blocks, language model.
    pub parts: Vec<PartSize>,
    /// Parameters of all parts.
    pub total: u64,
    /// Operations (2 a multiply-add) to encode and resample one picture.
    pub flops_per_image: u64,
    /// Operations for one token of text behind 512 others, looking at one picture.
    pub flops_per_token: u64,
}

/// Context length at which [`Description::flops_per_token`] is counted.
const CONTEXT: usize = 512;

/// Counts parameters and operations of `config`.
pub fn describe(config: &FlamingoConfig) -> Description {
    let (language, resampler) = (&config.language, config.resampler.as_ref());
    let (dv, blocks) = (config.vision.width(), config.gated_blocks());
    let projection = config.media_projection_parameters();
    let part = |part, shape, parameters, frozen| PartSize {
        part,
        shape,
        parameters,
        frozen,
    };
    let parts = vec![
        part("vision encoder", None, config.vision.parameters(), true),
        part(
            "perceiver resampler",
            resampler.map(|r| [r.layers, r.width, r.heads]),
            resampler.map_or(0, |r| r.parameters(dv)),
            false,
        ),
        part(
            "gated xattn-dense",
            Some([blocks, language.width, config.gated.heads]),
            blocks as u64 * config.block_parameters() + projection,
            false,
        ),
        part(
            "language model",
            Some([language.layers, language.width, language.heads]),
            language.parameters(),
            true,
        ),
    ];
    let flops_per_image = config.vision.flops_per_image()
        + resampler.map_or(0, |r| r.flops(dv, 1, config.vision.positions()));
    Description {
        total: parts.iter().map(|part| part.parameters).sum(),
        parts,
        flops_per_image,
        flops_per_token: language.flops_per_token(CONTEXT)
            + blocks as u64 * config.block_flops_per_token(CONTEXT),
    }
}

/// A count as the paper's table prints it: `194M`, `1.4B`, `70B`.
pub fn print_count(count: u64) -> String {
    match count as f64 {
        n if n < 1e3 => format!("{n}"),
        n if n < 1e6 => format!("{:.0}k", n / 1e3),
        n if n < 999.5e6 => format!("{:.0}M", n / 1e6),
        n if n < 9.5e9 => format!("{:.1}B", n / 1e9),
        n => format!("{:.0}B", n / 1e9),
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20} {:>22} {:>12}  training",
            "part", "layers/width/heads", "parameters"
        )?;
        for part in &self.parts {
            let shape = part
                .shape
                .map_or(String::new(), |[l, d, h]| format!("{l}/{d}/{h}"));
            let state = if part.frozen { "frozen" } else { "trained" };
            let count = print_count(part.parameters);
            writeln!(f, "{:<20} {shape:>22} {count:>12}  {state}", part.part)?;
        }
        writeln!(
            f,
            "{:<20} {:>22} {:>12}",
            "total",
            "",
            print_count(self.total)
        )?;
        let (image, token) = (
            self.flops_per_image as f64 / 1e9,
            self.flops_per_token as f64 / 1e9,
        );
        write!(
            f,
            "{image:.3} GFLOP an image, {token:.3} GFLOP a token (after {CONTEXT} others)"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, GatedConfig, Placement};

    #[test]
    fn presets_weigh_what_the_papers_table_prints_but_for_the_resampler() {
        let printed = |name: &str| {
            let description = describe(&FlamingoConfig::preset(name).expect("preset"));
            let counts = description.parts.iter().map(|part| part.parameters);
            counts
                .chain([description.total])
                .map(print_count)
                .collect::<Vec<_>>()
        };
        // The paper prints 194M for the resampler: see PerceiverResamplerConfig::paper.
        let [small, middle, large] = ["flamingo-3b", "flamingo-9b", "flamingo-80b"].map(printed);
        assert_eq!(small, ["435M", "175M", "1.2B", "1.4B", "3.2B"]);
        assert_eq!(middle, ["435M", "175M", "1.6B", "7.1B", "9.3B"]);
        assert_eq!(large, ["435M", "175M", "10B", "70B", "80B"]);
    }

    #[test]
    fn the_papers_other_ways_to_look_weigh_what_its_ablations_print() {
        let changed = |change: fn(&mut GatedConfig)| {
            let mut config = FlamingoConfig::preset("flamingo-3b").expect("preset");
            change(&mut config.gated);
            config.check().expect("valid");
            let description = describe(&config);
            let total = description.total - description.parts[1].parameters;
            // The resampler that the paper prints.
            print_count(total + 194_000_000)
        };
        assert_eq!(changed(|_| {}), "3.2B");
        let vanilla = |gated: &mut GatedConfig| {
            (gated.placement, gated.gate, gated.dense) = (Placement::Inside, Gate::Open, false);
        };
        assert_eq!(changed(vanilla), "2.4B");
        // The paper does not say how high its stack is: one of as many layers as the model has weighs as much.
        let grafting = |gated: &mut GatedConfig| {
            (gated.placement, gated.gate, gated.every) = (Placement::OnTop, Gate::Open, 2);
        };
        assert_eq!(changed(grafting), "3.3B");
    }
}
