//! The page of labels.

use flamingo::Files;
use flamingo::engine::{Engine, MediaSource};
use flamingo::eval::{Label, Labeller, LabelsAbout, labels_card, labels_foot, labels_head};
use flamingo::image::{Image, Media, Wanted};

use super::args::LabelArgs;

/// The page in the making.
pub(super) struct Page<'a> {
    pub(super) args: &'a LabelArgs,
    /// Photos that could not be read, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

/// Shots of a class that are shown.
const SHOWN: usize = 6;

impl Page<'_> {
    pub(super) fn head(
        &self,
        engine: &Engine,
        labeller: &Labeller,
        shots: &[Vec<String>],
        files: &Files,
    ) -> String {
        let model = &self.args.model;
        let about = LabelsAbout {
            model: self.args.model_name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: model.device.device.name().to_string(),
            shots: self.args.shots.display().to_string(),
        };
        let pictures = shots.iter().map(|places| {
            let shown = places.iter().take(SHOWN);
            shown
                .filter_map(|place| seen(engine, place, files))
                .collect()
        });
        let classes = labeller.classes().iter().cloned();
        let shots: Vec<(String, Vec<Image>)> = classes.zip(pictures).collect();
        labels_head(&about, labeller.calibration(), &shots)
    }

    pub(super) fn card(
        &mut self,
        engine: &Engine,
        classes: &[String],
        photo: &str,
        label: &Result<Label, String>,
        files: &Files,
    ) -> String {
        match (label, seen(engine, photo, files)) {
            (Ok(label), Some(image)) => labels_card(label, classes, &image),
            (Err(reason), _) => {
                self.unreadable.push((photo.to_owned(), reason.clone()));
                String::new()
            }
            // It was there when it was labelled.
            (Ok(_), None) => {
                let reason = "it was labelled, then changed or removed".to_owned();
                self.unreadable.push((photo.to_owned(), reason));
                String::new()
            }
        }
    }

    pub(super) fn foot(&self) -> String {
        labels_foot(&self.unreadable)
    }
}

/// What the encoder sees of a picture; none of one that cannot be read.
fn seen(engine: &Engine, place: &str, files: &Files) -> Option<Image> {
    match files.media(place, &Wanted::default()).ok()? {
        Media::Image(image) => Some(engine.preprocess().picture(&image)),
        Media::Film(_) => None,
    }
}
