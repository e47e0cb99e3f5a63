//! A tiny world on disk, recipes over it, and runs of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flamingo_data::StoreSettings;
use flamingo_image::Image;
use flamingo_kernels::Device;
use flamingo_train::{
    Alone, Observer, Options, Recipe, Result, Resume, StepEvent, Summary, Together, train,
};
use flamingo_weights::Store;
use serde_json::json;

/// Letters, a space, a colon and the special tokens.
pub(crate) const VOCABULARY: usize = 5 + 26 + 2;

/// What recipes write as `SMALL_FLAMINGO`.
const SMALL_FLAMINGO: &str = r#"[model.flamingo.resampler]
width = 6
latents = 3
layers = 1
heads = 2
head_dim = 3
ffw_multiple = 2
activation = "squared_relu"
time_embeddings = 2
final_norm = true

[model.flamingo.gated]
every = 1
first = 0
heads = 2
head_dim = 5
ffw_multiple = 2
activation = "squared_relu"
"#;

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = World {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::write(world.path("tokenizer.json"), tokenizer()).unwrap();
        let lines = (0..23).map(|i| {
            let word: String = (0..7)
                .map(|k| char::from(b'a' + ((i * 5 + k * 3) % 26) as u8))
                .collect();
            json!({"parts": [{"text": "q"}, {"text": word}, {"end": true}, {"text": "again"}]})
                .to_string()
                + "\n"
        });
        fs::write(world.path("text.jsonl"), lines.collect::<String>()).unwrap();
        let names = ["ape", "bee", "cow", "dog", "elk"];
        let mut pairs = String::new();
        for (i, name) in names.iter().enumerate() {
            for k in 0..3u8 {
                let colour = [40 * i as u8, 255 - 40 * i as u8, 20 * k];
                let picture = Image::from_fn(8, 8, |x, y| colour.map(|c| c ^ (x * y) as u8));
                let file = format!("{name}{k}.png");
                fs::write(world.path(&file), picture.to_png()).unwrap();
                let pair = json!({"parts": [{"image": file}, {"text": name}]});
                pairs += &(pair.to_string() + "\n");
            }
        }
        fs::write(world.path("pairs.jsonl"), pairs).unwrap();
        for page in 0..7 {
            let shot = |k: usize| {
                let name = names[(page + k) % 5];
                format!(
                    "<figure><img src={name}{}.png><figcaption>{name}</figcaption></figure>",
                    k % 3
                )
            };
            let shots: String = (0..page % 4 + 1).map(shot).collect();
            let html = format!("<nav>x</nav><article><p>zoo</p>{shots}</article>");
            fs::write(world.path(&format!("{page}.html")), html).unwrap();
        }
        let frames = world.path("film");
        fs::create_dir(&frames).unwrap();
        for k in 0..2 {
            let frame = Image::solid(8, 8, [100 * k, 50, 7]);
            fs::write(frames.join(format!("{k}.png")), frame.to_png()).unwrap();
        }
        let film = json!({"parts": [{"video": "film"}, {"text": "ape"}, {"image": "bee0.png"}, {"text": "bee"}]});
        fs::write(world.path("films.jsonl"), film.to_string()).unwrap();
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A recipe in which `DIR` stands for the world's folder and `SMALL_FLAMINGO` for a model.
    pub(crate) fn recipe(&self, text: &str) -> Recipe {
        let folder = self.folder.path().display().to_string();
        let text = text
            .replace("DIR", &folder)
            .replace("SMALL_FLAMINGO", SMALL_FLAMINGO);
        Recipe::from_toml(&text, "test.toml").unwrap()
    }
}

fn tokenizer() -> String {
    let specials = ["<PAD>", "<BOS>", "<EOS>", "<image>", "<EOC>"].map(str::to_owned);
    let letters = ('a'..='z')
        .map(String::from)
        .chain(["\u{120}".to_owned(), ":".to_owned()]);
    let vocab: serde_json::Map<_, _> = specials
        .into_iter()
        .chain(letters)
        .zip(0..)
        .map(|(token, id)| (token, id.into()))
        .collect();
    json!({
        "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "decoder": null, "truncation": null, "padding": null,
        "model": {"type": "BPE", "vocab": vocab, "merges": []}
    })
    .to_string()
}

/// Stops a run after a step.
struct StopAfter(u64, Arc<AtomicBool>);

impl Observer for StopAfter {
    fn step(&mut self, event: &StepEvent) {
        if event.step == self.0 {
            self.1.store(true, Ordering::Relaxed);
        }
    }
}

/// Runs a recipe, up to a step if one is given.
pub(crate) fn run(recipe: &Recipe, resume: Resume, until: Option<u64>) -> Result<Summary> {
    run_with(recipe, resume, until, Arc::new(Alone))
}

/// Runs a recipe as one of several.
pub(crate) fn run_with(
    recipe: &Recipe,
    resume: Resume,
    until: Option<u64>,
    together: Arc<dyn Together>,
) -> Result<Summary> {
    let stop = Arc::new(AtomicBool::new(false));
    let options = Options {
        together,
        device: Device::flex(),
        base: None,
        ffmpeg: None,
        parts: Store::new(recipe.run.with_file_name("cache")),
        stores: StoreSettings::default(),
        resume,
        stop: stop.clone(),
    };
    train(
        recipe,
        &options,
        &mut StopAfter(until.unwrap_or(u64::MAX), stop),
    )
}

/// Runs the recipe once in one go and once stopped and resumed; both must end in the same bits.
pub(crate) fn resumed_equals_uninterrupted(recipe: &Recipe, stop_after: u64) {
    let mut recipe = recipe.clone();
    // Lines of figures end where the run is stopped: their means are then the same.
    recipe.log.every = stop_after;
    let recipe = &recipe;
    let mut whole = recipe.clone();
    whole.run = recipe.run.with_extension("whole");
    let summary = run(&whole, Resume::Fresh, None).unwrap();
    assert_eq!(summary.model, Some(whole.run.join("model")));

    let stopped = run(recipe, Resume::Fresh, Some(stop_after)).unwrap();
    assert_eq!((stopped.steps, stopped.model), (stop_after, None));
    assert!(
        run(recipe, Resume::Fresh, None).is_err(),
        "it holds a run already"
    );
    // The number of threads changes nothing.
    let mut elsewhere = recipe.clone();
    elsewhere.threads = recipe.threads % 2 + 1;
    let resumed = run(&elsewhere, Resume::Newest, None).unwrap();
    assert_eq!(resumed.steps, recipe.schedule.steps);

    let last = format!("checkpoints/step-{}", recipe.schedule.steps);
    for file in ["trained.safetensors", "optimiser.safetensors"] {
        let read = |run: &Path| fs::read(run.join(&last).join(file)).unwrap();
        assert!(read(&whole.run) == read(&recipe.run), "{file} differs");
    }
    let weights = |run: &Path| fs::read(run.join("model/model.safetensors")).unwrap();
    assert!(
        weights(&whole.run) == weights(&recipe.run),
        "the models differ"
    );
    assert_eq!(losses(&whole.run), losses(&recipe.run));
}

/// Step and losses of each line of a run's figures.
pub(crate) fn losses(run: &Path) -> Vec<(u64, String)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let line = |line: &str| -> (u64, String) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["step"].as_u64().unwrap(), line["losses"].to_string())
    };
    text.lines().map(line).collect()
}
