//! The smoke run of a recipe that names a preset: a small model of the same form, whose parts are made, and samples that
//! are made where the recipe's data are not there. All else goes the way of the real training.

mod samples;

use std::fmt;
use std::path::{Path, PathBuf};

use flamingo_data::{Format, is_there};
use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Device, Init, Precision};
use flamingo_model::vision::VisionConfig;
use flamingo_model::{Flamingo, FlamingoConfig};
use flamingo_sequence::{Form, Tokenizer};
use flamingo_weights::{ModelConfig, ModelFile, PartFiles, named_tensors, save};
use flamingo_world::{special_token_names, tokenizer_json};

use crate::{
    CacheSpec, ContrastiveSpec, DataSpec, Error, FlamingoSpec, InitPart, InitSpec, ModelSpec,
    Recipe, Result,
};
use samples::{Kind, shard};

/// Something that a smoke run made in place of what its recipe names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandIn {
    /// The recipe's key.
    pub key: String,
    /// What is there in its place.
    pub is: String,
    /// Where that lies.
    pub path: PathBuf,
}

impl fmt::Display for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, is, path } = self;
        write!(f, "in place of `{key}`: {is}, {}", path.display())
    }
}

/// Most tokens of a row.
const LENGTH: usize = 64;

/// Most rows that are worked on at once, of the 4 of a batch: so that gradients are summed.
const AT_ONCE: usize = 2;

impl Recipe {
    /// The recipe, which [`Recipe::smoke`] cut down, with a small model in place of the preset's, and with what that takes
    /// made in the run folder: its parts, and samples of each source that is not there. A recipe that names no preset stays
    /// as it is.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn with_stand_ins(mut self) -> Result<(Self, Vec<StandIn>)> {
        let folder = self.run.join("stand-ins");
        let mut made = Vec::new();
        match &mut self.model {
            ModelSpec::Contrastive(spec) if spec.preset.is_some() => {
                let (path, tokenizer) = words(&folder)?;
                *spec = ContrastiveSpec {
                    preset: None,
                    config: spec.config.tiny(tokenizer.vocab_size()),
                };
                if let Some(preprocess) = &mut self.preprocess {
                    preprocess.size = spec.config.vision.image_size();
                }
                made.push(stand_in("tokenizer", "a small vocabulary", &path));
                (self.tokenizer, self.tokens) = (Some(path), Some(special_token_names()));
            }
            ModelSpec::Flamingo(spec) if spec.preset.is_some() => {
                let path = folder.join("parts");
                parts(spec, self.seed, &path)?;
                self.init = Some(init(&path));
                let is = "a small encoder and language model of the same form, of random numbers";
                made.push(stand_in("init", is, &path));
            }
            _ => return Ok((self, made)),
        }
        self.cache = CacheSpec::default();
        for data in &mut self.data {
            data.length = data.length.min(LENGTH);
            data.micro_batch = data.micro_batch.map(|rows| rows.min(AT_ONCE));
            if !is_there(&data.path) {
                made.push(sampled(data, self.seed, &folder)?);
            }
        }
        Ok((self, made))
    }
}

fn stand_in(key: &str, is: &str, path: &Path) -> StandIn {
    StandIn {
        key: key.to_owned(),
        is: is.to_owned(),
        path: path.to_path_buf(),
    }
}

/// The tokenizer of the demo world.
fn words(folder: &Path) -> Result<(PathBuf, Tokenizer)> {
    let (path, json) = (folder.join("tokenizer.json"), tokenizer_json());
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    flamingo_files::write(&path, &json)?;
    let tokenizer = Tokenizer::from_bytes(&json, &special_token_names())?;
    Ok((path, tokenizer))
}

/// Makes a small Flamingo, whose frozen parts are those of the training, and gives `spec` its sizes.
fn parts(spec: &mut FlamingoSpec, seed: u64, path: &Path) -> Result<()> {
    let preset = spec.preset.take().expect("it names a preset");
    let large = FlamingoConfig {
        resampler: Some(spec.resampler.clone()),
        gated: spec.gated.clone(),
        project_media: spec.project_media,
        ..FlamingoConfig::preset(&preset)?
    };
    let names = special_token_names();
    let tokenizer = Tokenizer::from_bytes(&tokenizer_json(), &names)?;
    let tiny = large.tiny(tokenizer.vocab_size());
    spec.gated = tiny.gated.clone();
    spec.resampler = tiny.resampler.clone().expect("the large one has one");
    if path.join("flamingo.json").exists() {
        return Ok(());
    }
    let fit = match tiny.vision {
        VisionConfig::Vit(_) => Fit::CenterCrop,
        VisionConfig::Nfnet(_) | VisionConfig::EfficientNet(_) => Fit::Pad,
    };
    let model = Flamingo::new(&tiny, &mut Init::new(seed, &Device::flex()))?;
    let file = ModelFile {
        version: ModelFile::least_version(&PartFiles::default(), &tiny),
        preprocess: Some(Preprocess::clip(tiny.vision.image_size(), fit)),
        tokens: names,
        sees: spec.sees,
        parts: PartFiles::default(),
        template: None,
        model: ModelConfig::Flamingo(tiny),
    };
    let tensors = named_tensors(&model);
    Ok(save(path, &file, &tokenizer, &tensors, Precision::F32)?)
}

fn init(path: &Path) -> InitSpec {
    InitSpec {
        vision: InitPart::Path(path.to_path_buf()),
        language: InitPart::Path(path.to_path_buf()),
        trained: None,
        image_size: None,
        tokens: Default::default(),
    }
}

/// Makes a shard of the kind of samples that a source has, and has the source read it.
fn sampled(data: &mut DataSpec, seed: u64, folder: &Path) -> Result<StandIn> {
    let form = data.form.unwrap_or(data.format.form());
    let kind = match form {
        Form::Page => Kind::Page,
        Form::Pair if data.frames.is_some() || data.fps.is_some() => Kind::Film,
        Form::Pair => Kind::Pair,
    };
    let path = folder.join(format!("{}.tar", data.name));
    std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    flamingo_files::write(&path, &shard(kind, seed))?;
    let key = format!("data.path of {}", data.name);
    (data.path, data.format) = (path.clone(), Format::Shards);
    if data.form.is_some() || form != Format::Shards.form() {
        data.form = Some(form);
    }
    Ok(stand_in(&key, &kind.to_string(), &path))
}
