#![allow(clippy::unwrap_used)]

use super::*;

/// Embeds a picture by its mean colour, and a text by the colours that it names.
struct Colours {
    texts: bool,
    calls: usize,
}

impl Tower for Colours {
    fn embed_images(&mut self, images: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
        self.calls += 1;
        let mean = |image: &Image| {
            let sum = |channel: usize| {
                image
                    .rgb
                    .iter()
                    .skip(channel)
                    .step_by(3)
                    .map(|&v| f32::from(v))
                    .sum()
            };
            (0..3).map(sum).collect()
        };
        Ok(images.iter().map(mean).collect())
    }

    fn embed_texts(&mut self, texts: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
        let named = |text: &String| {
            let has = |name: &str| f32::from(u8::from(text.contains(name)));
            vec![has("red"), has("green"), has("blue")]
        };
        Ok(self.texts.then(|| texts.iter().map(named).collect()))
    }
}

const BOTH: Colours = Colours {
    texts: true,
    calls: 0,
};
const ONLY_IMAGES: Colours = Colours {
    texts: false,
    calls: 0,
};

fn picture(colour: [u8; 3]) -> Image {
    Image::solid(3, 5, colour)
}

fn config(toml: &str) -> TowerConfig {
    toml::from_str(toml).unwrap()
}

fn decide(
    tower: Colours,
    toml: &str,
    folder: &Path,
    image: [u8; 3],
    texts: &[&str],
) -> TowerDecision {
    let mut filters = TowerFilters::new(tower, &config(toml), folder).unwrap();
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    filters.decide(&[picture(image)], &texts).unwrap().remove(0)
}

fn here() -> &'static Path {
    Path::new(".")
}

#[test]
fn prompts_tell_explicit_images_from_others() {
    let toml = "[explicit]\nmax_score = 0.5\nexplicit_prompts = [\"red\"]\nsafe_prompts = [\"green\", \"blue\"]";
    let red = decide(BOTH, toml, here(), [250, 9, 9], &[]);
    assert_eq!(red.reasons, [TowerReason::Explicit]);
    assert!(red.explicit.unwrap() > 0.99);
    let green = decide(BOTH, toml, here(), [9, 250, 9], &[]);
    assert_eq!(green.reasons, []);
    assert!(green.explicit.unwrap() < 0.01);
}

fn folder_of(pictures: &[(&str, [u8; 3])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, colour) in pictures {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, picture(*colour).to_png()).unwrap();
    }
    folder
}

#[test]
fn example_folders_do_the_same_for_a_tower_without_texts() {
    let folder = folder_of(&[
        ("bad/1.png", [250, 0, 0]),
        ("bad/more/2.png", [200, 20, 0]),
        ("good/1.png", [0, 250, 0]),
        ("good/2.png", [0, 0, 250]),
    ]);
    std::fs::write(folder.path().join("bad/notes.txt"), "no picture").unwrap();
    let toml = "[explicit]\nmax_score = 0.5\nexplicit_examples = \"bad\"\nsafe_examples = \"good\"";
    let ask = |colour| decide(ONLY_IMAGES, toml, folder.path(), colour, &[]).reasons;
    assert_eq!(ask([250, 9, 9]), [TowerReason::Explicit]);
    assert_eq!(ask([9, 99, 250]), []);
}

#[test]
fn an_image_stays_if_one_text_is_as_like_it_as_asked_for() {
    let toml = "[similarity]\nmin = 0.8";
    let kept = decide(
        BOTH,
        toml,
        here(),
        [0, 250, 0],
        &["blue sky", "a green hill"],
    );
    assert_eq!((kept.reasons.as_slice(), kept.text), (&[][..], Some(1)));
    let unlike = decide(
        BOTH,
        toml,
        here(),
        [0, 250, 0],
        &["blue sky", "red and green"],
    );
    assert_eq!(unlike.reasons, [TowerReason::UnlikeText]);
    assert!((unlike.similarity.unwrap() - 0.5_f32.sqrt()).abs() < 1e-6);
    let without_texts = decide(BOTH, toml, here(), [0, 250, 0], &[]);
    assert_eq!(without_texts.reasons, []);
}

#[test]
fn a_likeness_at_the_threshold_passes() {
    let toml = "[similarity]\nmin = 1.0";
    assert_eq!(
        decide(BOTH, toml, here(), [0, 1, 0], &["green"]).reasons,
        []
    );
}

#[test]
fn images_of_evaluation_sets_are_found_by_their_nearest() {
    let folder = folder_of(&[("a/1.png", [250, 100, 0]), ("b/1.png", [0, 250, 100])]);
    let toml = "[evaluation]\nsets = [\"a\", \"b\"]\nmax_similarity = 0.999";
    let ask = |colour| decide(ONLY_IMAGES, toml, folder.path(), colour, &[]);
    assert_eq!(ask([0, 125, 50]).reasons, [TowerReason::Evaluation]);
    let other = ask([0, 125, 70]);
    assert_eq!(other.reasons, []);
    assert!(other.evaluation.unwrap() > 0.9);
}

#[test]
fn filters_that_compare_with_texts_refuse_a_tower_without() {
    for (toml, section) in [
        ("[similarity]\nmin = 0.2", "towers.similarity"),
        ("[explicit]\nmax_score = 0.5", "towers.explicit"),
    ] {
        let error = TowerFilters::new(ONLY_IMAGES, &config(toml), here())
            .err()
            .unwrap();
        assert!(error.to_string().contains(section), "{error}");
    }
}

#[test]
fn a_folder_without_pictures_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for (set, what) in [("empty", "no picture"), ("missing", "cannot be listed")] {
        let toml = format!("[evaluation]\nsets = [\"{set}\"]");
        let error = TowerFilters::new(BOTH, &config(&toml), folder.path())
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains(what) && error.contains(set), "{error}");
    }
}

#[test]
fn batches_give_what_single_images_give() {
    let toml = "batch = 2\n[similarity]\nmin = 0.8";
    let mut filters = TowerFilters::new(BOTH, &config(toml), here()).unwrap();
    let images = [[250, 0, 0], [0, 250, 0], [0, 0, 250], [9, 9, 9], [0; 3]].map(picture);
    let texts = ["red".to_owned(), "blue".to_owned(), "green".to_owned()];
    let together = filters.decide(&images, &texts).unwrap();
    assert_eq!(filters.tower.calls, 3);
    for (image, decision) in images.iter().zip(&together) {
        let alone = filters.decide(std::slice::from_ref(image), &texts).unwrap();
        assert_eq!(&alone[0], decision);
    }
    assert_eq!(
        together[4].similarity,
        Some(0.0),
        "black has no direction and is like nothing"
    );
}

#[test]
fn a_tower_that_gives_too_few_vectors_is_told_so() {
    struct Lazy;
    impl Tower for Lazy {
        fn embed_images(&mut self, _: &[Image]) -> Result<Vec<Vec<f32>>, TowerFailure> {
            Ok(vec![vec![1.0]])
        }
        fn embed_texts(&mut self, _: &[String]) -> Result<Option<Vec<Vec<f32>>>, TowerFailure> {
            Ok(None)
        }
    }
    let mut filters = TowerFilters::new(Lazy, &TowerConfig::default(), here()).unwrap();
    let error = filters
        .decide(&[picture([1; 3]), picture([2; 3])], &[])
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("gave 1 of vectors of pictures where 2"),
        "{error}"
    );
}
