//! Models whose frozen parts are files elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

use flamingo_image::{Fit, Preprocess};
use flamingo_kernels::{Device, Init, Matrices, Precision, QuantKind, WeightType};
use flamingo_model::{
    Flamingo, FlamingoConfig, GatedConfig, Looking, PerceiverResamplerConfig, TextInput,
};
use flamingo_weights::{
    ContentHash, FORMAT_VERSION, Fetcher, HubOptions, LanguagePart, Loaded, ModelConfig, ModelFile,
    NamedTensor, PARTS_FORMAT_VERSION, Part, PartFiles, Registry, Source, Store, Tensors,
    VisionPart, apply_tensors, convert, convert_trained, load, named_tensors, open, open_language,
    open_vision, save,
};

use crate::tiny_parts::{TOKENS, file, write_tower};
use crate::towers::write_efficientnet;

/// A folder with published files, a cache, and models made of them: `whole` holds them, `apart` names them.
struct Place {
    folder: tempfile::TempDir,
    parts: PartFiles,
}

fn part(path: &Path) -> Part {
    let json = serde_json::json!({
        "file": path.file_name().unwrap().to_str().unwrap(),
        "sha256": ContentHash::of_file(path).unwrap(),
        "bytes": fs::metadata(path).unwrap().len(),
        "licence": "Apache-2.0",
        "from": [{"package": {"name": "tiny", "version": "7", "member": "tiny/file"}}],
    });
    serde_json::from_value(json).unwrap()
}

impl Place {
    /// With this image tower, `vision.safetensors`.
    fn with(tower: &dyn Fn(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        file().write(&at("language.gguf"));
        tower(&at("vision.safetensors"));
        let parts = PartFiles {
            vision: Some(part(&at("vision.safetensors"))),
            language: Some(part(&at("language.gguf"))),
        };
        let place = Self { folder, parts };
        let hub = HubOptions {
            offline: true,
            ..HubOptions::from_vars(|_| None)
        };
        let fetcher = Fetcher {
            store: place.store(),
            from: vec![place.folder.path().to_path_buf()],
            hub,
            registry: Registry::at(Path::new("no pip")),
            command: String::new(),
        };
        for (_, part) in place.parts.iter() {
            fetcher.fetch(part, &mut ()).unwrap();
        }
        place.save();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> Store {
        Store::new(self.path("cache"))
    }

    fn source(&self, name: &str) -> Source {
        Source::WithParts(self.path(name), self.store())
    }

    /// A Flamingo over the parts as training leaves it, with numbers of its own in the rows of new tokens.
    fn save(&self) {
        let vision = open_vision(&self.path("vision.safetensors")).unwrap();
        let language = open_language(&self.path("language.gguf")).unwrap();
        let (model, config) = model(&vision, &language);
        let (first, rows) = (language.new_tokens[0] as usize, language.new_tokens.len());
        assert_eq!(first, TOKENS);
        let mut tensors = named_tensors(&model);
        let table = tensors
            .iter_mut()
            .find(|t| t.name == "language.embed.weight");
        let NamedTensor { shape, values, .. } = table.unwrap();
        for (i, value) in values[first * shape[1]..].iter_mut().enumerate() {
            *value = i as f32 / 100.0 - 1.0;
        }
        let whole = ModelFile {
            version: FORMAT_VERSION,
            preprocess: Some(Preprocess::clip(8, Fit::Pad)),
            tokens: language.tokens.clone(),
            sees: Default::default(),
            parts: PartFiles::default(),
            template: None,
            model: ModelConfig::Flamingo(config),
        };
        let apart = ModelFile {
            version: PARTS_FORMAT_VERSION,
            parts: self.parts.clone(),
            ..whole.clone()
        };
        let save = |name: &str, file: &ModelFile, tensors: &[NamedTensor]| {
            let (folder, words) = (self.path(name), &language.tokenizer);
            save(&folder, file, words, tensors, Precision::F32).unwrap();
        };
        save("whole", &whole, &tensors);
        save(
            "apart",
            &apart,
            &self.parts.left_out_of(tensors, first..first + rows),
        );
    }
}

fn model(vision: &VisionPart, language: &LanguagePart) -> (Flamingo, FlamingoConfig) {
    let resampler = PerceiverResamplerConfig {
        latents: 3,
        layers: 1,
        heads: 2,
        head_dim: 5,
        ffw_multiple: 1,
        ..PerceiverResamplerConfig::open_flamingo(vision.config.width())
    };
    let config = FlamingoConfig {
        vision: vision.config.clone(),
        resampler: Some(resampler),
        gated: GatedConfig::open_flamingo(1),
        language: language.config.clone(),
        project_media: false,
        media_projection_bias: false,
    };
    let mut init = Init::new(7, &Device::flex());
    let mut model = Flamingo::new(&config, &mut init).unwrap();
    model.vision = apply_tensors(model.vision, &vision.tensors, "").unwrap();
    model.language = apply_tensors(model.language, &language.tensors, "").unwrap();
    model.gated[0].alpha_xattn = Some(init.full([1], 0.7));
    (model, config)
}

/// Logits of a prompt with a picture and all new tokens.
fn logits(loaded: &Loaded) -> Vec<f32> {
    let model = &loaded.model;
    let pixels = Init::new(1, &Device::flex())
        .normal([1, 3, 8, 8], 1.0)
        .val();
    let features = model.encode(pixels);
    let [m, s, d] = features.dims();
    let media = model.media(model.resample(features.reshape([m, 1, s, d]), &[0]));
    let ids = [4, 30, 11, 31, 29, 32];
    let input = TextInput::ragged(&ids, ids.len(), &[ids.len()]);
    let looking = Looking::new(&vec![0..1; ids.len()], 1, &Device::flex());
    let stream = model.hidden(&input, &media, &looking);
    let logits = model.logits(stream.squeeze_dim::<2>(0));
    logits.into_data().convert::<f32>().try_into_vec().unwrap()
}

fn loaded(source: &Source, weights: impl Into<WeightType>) -> Loaded {
    load(source, &Device::flex(), weights).unwrap()
}

#[test]
fn a_model_that_names_its_parts_answers_as_the_one_that_holds_them_bit_for_bit() {
    for tower in [write_tower, write_efficientnet] {
        answers_as_the_whole(&Place::with(&tower));
    }
}

fn answers_as_the_whole(place: &Place) {
    let (whole, apart) = (place.source("whole"), place.source("apart"));
    let dense = WeightType {
        matrices: Matrices::Dense,
        ..WeightType::default()
    };
    assert_eq!(
        logits(&loaded(&whole, dense)),
        logits(&loaded(&apart, dense))
    );
    // As the file has them: quantised.
    let opened = open(&apart).unwrap();
    convert(&opened, &place.path("copy"), WeightType::default()).unwrap();
    let copy = Source::Directory(place.path("copy"));
    let kept = |source: &Source| loaded(source, WeightType::default());
    assert_eq!(logits(&kept(&copy)), logits(&kept(&apart)));
    assert!(!kept(&apart).weighed.quantised.is_empty());
    assert_ne!(logits(&kept(&apart)), logits(&loaded(&apart, dense)));
}

#[test]
fn only_what_was_trained_lies_in_the_directory_and_licences_are_told() {
    let place = Place::with(&write_tower);
    let size = |name: &str| {
        let file = place.path(name).join("model.safetensors");
        fs::metadata(file).unwrap().len()
    };
    assert!(size("apart") < size("whole"));
    let file = ModelFile::read(&place.path("apart")).unwrap().unwrap();
    assert_eq!((file.version, &file.parts), (5, &place.parts));
    let opened = open(&place.source("apart")).unwrap();
    convert(&opened, &place.path("copy"), WeightType::default()).unwrap();
    let copy = ModelFile::read(&place.path("copy")).unwrap().unwrap();
    assert_eq!((copy.version, copy.parts), (4, PartFiles::default()));
    for name in ["apart", "copy"] {
        let notice = fs::read_to_string(place.path(name).join("NOTICE")).unwrap();
        for word in [
            "language.gguf, licence Apache-2.0",
            "vision encoder",
            "package tiny 7",
        ] {
            assert!(notice.contains(word), "{notice}");
        }
    }
    assert!(!place.path("whole/NOTICE").exists());
}

#[test]
fn only_what_was_trained_can_be_quantised_while_its_parts_stay_elsewhere() {
    let place = Place::with(&write_tower);
    let weights = WeightType {
        resampler: true,
        ..WeightType::from(QuantKind::Q8_0)
    };
    convert_trained(&place.path("apart"), &place.path("small"), weights).unwrap();
    let file = ModelFile::read(&place.path("small")).unwrap().unwrap();
    assert_eq!((file.version, &file.parts), (5, &place.parts));
    let names: Vec<String> = fs::read_dir(place.path("small"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.contains(&"tokenizer.json".to_owned()), "{names:?}");
    assert!(names.contains(&"NOTICE".to_owned()), "{names:?}");
    let [before, after] = ["apart", "small"].map(|name| {
        let weights = Tensors::open(&[place.path(name).join("model.safetensors")]).unwrap();
        let mut names: Vec<String> = weights.names().map(str::to_owned).collect();
        names.sort();
        (names, weights)
    });
    assert_eq!(before.0, after.0);
    for name in &before.0 {
        let [a, b] = [&before.1, &after.1].map(|weights| weights.values(name).unwrap());
        let most = a.iter().fold(0f32, |most, v| most.max(v.abs()));
        assert!(
            a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= most / 100.0),
            "{name}"
        );
    }
    // The same words, read from the language model's file.
    let words = |name: &str| {
        load(&place.source(name), &Device::flex(), WeightType::default())
            .unwrap()
            .tokenizer
    };
    let (a, b) = (words("apart"), words("small"));
    assert_eq!(a.specials(), b.specials());
    assert_eq!(a.encode("abcz").unwrap(), b.encode("abcz").unwrap());
    let told = convert_trained(&place.path("whole"), &place.path("none"), weights);
    let told = told.unwrap_err().to_string();
    assert!(told.contains("names no files elsewhere"), "{told}");
}

#[test]
fn a_part_that_is_missing_or_was_changed_is_told_before_anything_is_read() {
    let place = Place::with(&write_tower);
    let told = |source: &Source| match open(source) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    let without = told(&Source::Directory(place.path("apart")));
    assert!(without.contains("no cache was given"), "{without}");
    let language = place
        .store()
        .find(place.parts.language.as_ref().unwrap())
        .unwrap();
    let mut bytes = fs::read(&language).unwrap();
    bytes.push(0);
    fs::write(&language, &bytes).unwrap();
    let changed = told(&place.source("apart"));
    let found = ContentHash::of_file(&language).unwrap();
    assert!(changed.contains(found.as_str()), "{changed}");
    fs::remove_file(&language).unwrap();
    let missing = told(&place.source("apart"));
    assert!(
        missing.contains("language.gguf") && missing.contains("flamingo fetch"),
        "{missing}"
    );
}

#[test]
fn a_file_that_is_no_language_model_is_told_as_such() {
    let place = Place::with(&write_tower);
    let told = open_language(&place.path("vision.safetensors"));
    let told = told.err().unwrap().to_string();
    assert!(told.contains("no GGUF file"), "{told}");
}

#[test]
fn rows_that_belong_to_no_table_and_tensors_of_a_part_that_are_here_too_are_refused() {
    for (name, shape) in [
        ("language.embed.weight.rows.32", vec![7, 64]),
        ("language.embed.weight.rows.30", vec![1, 63]),
        ("language.none.weight.rows.0", vec![1, 64]),
        ("language.norm.weight", vec![64]),
    ] {
        let place = Place::with(&write_tower);
        let odd = NamedTensor {
            name: name.to_owned(),
            values: vec![0.0; shape.iter().product()],
            shape,
        };
        let path = place.path("apart/model.safetensors");
        flamingo_weights::write_tensors(&path, &[odd], Precision::F32).unwrap();
        let told = open(&place.source("apart")).err().unwrap().to_string();
        assert!(told.contains(name), "{told}");
    }
}
