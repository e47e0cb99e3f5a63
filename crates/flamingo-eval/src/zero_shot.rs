//! What an image tower and a text tower find without any shot (Radford et al., 2021; paper, appendix B.1.3): a picture is of
//! the class whose name, put into some templates, is nearest to it; pictures find their captions, and captions their picture.

use std::collections::HashMap;
use std::fmt;

use flamingo_corpus::towers::Tower;
use flamingo_engine::MediaSource;
use flamingo_kernels::Device;
use flamingo_tasks::{Example, Examples, References, counted};
use rayon::prelude::*;
use serde::Serialize;

use crate::rices::{Looks, Vectors, nearest, vectors};
use crate::{Error, Result, Share, TaskExample, cosine};

/// Texts that a tower is given at once: enough that many of them are of one length.
const AT_ONCE: usize = 1024;

/// What stands for a class's name in a template.
const NAME: &str = "{}";

/// What two towers find of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZeroShotReport {
    /// The task.
    pub task: String,
    /// The split that was asked.
    pub split: String,
    /// How many of its queries cannot be read, and the first of them with the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Where the task asks for a class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<ZeroShotClasses>,
    /// Where its pictures have captions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieval: Option<Retrieval>,
}

/// How often the class is found by its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZeroShotClasses {
    /// Pictures or films that were asked about.
    pub queries: usize,
    /// Different names.
    pub names: usize,
    /// What names were put into.
    pub templates: Vec<String>,
    /// The right name is the nearest.
    pub top_1: Share,
    /// It is among the nearest five.
    pub top_5: Share,
}

/// How often a picture's captions are among those nearest to it, and a caption's picture among those nearest to that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Retrieval {
    /// Pictures or films.
    pub pictures: usize,
    /// Captions of all of them.
    pub captions: usize,
    /// Pictures of which one of their captions is found among all captions.
    pub image_to_text: Recall,
    /// Captions whose picture is found among all pictures.
    pub text_to_image: Recall,
}

/// What is found among the nearest few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Recall {
    /// R@1: the nearest.
    pub at_1: Share,
    /// R@5: one of the nearest five.
    pub at_5: Share,
    /// R@10: one of the nearest ten.
    pub at_10: Share,
}

/// The most neighbours that are looked at.
const MOST: usize = 10;

impl Recall {
    /// Counts a search, of which the first right find stands at `place`.
    fn count(&mut self, place: Option<usize>) {
        let within = |most: usize| place.is_some_and(|place| place < most);
        self.at_1.count(within(1));
        self.at_5.count(within(5));
        self.at_10.count(within(MOST));
    }
}

/// What two towers are asked.
#[derive(Clone, Copy, Debug)]
pub struct ZeroShot<'a> {
    /// The task's name.
    pub task: &'a str,
    /// What its files hold.
    pub examples: &'a Examples,
    /// Its queries as they are shown.
    pub shown: &'a [TaskExample],
    /// What a class's name is put into, `{}` standing for it. The vector of a class is the mean of those of its texts, each
    /// of length 1.
    pub templates: &'a [String],
}

impl ZeroShot<'_> {
    /// Asks two towers; `progress` counts queries. One that cannot be read is left out and told.
    ///
    /// # Errors
    /// If the task asks for neither classes nor captions, a template has no place for a name, the tower takes no texts or
    /// fails, or no query can be read.
    pub fn ask(
        &self,
        media: &dyn MediaSource,
        tower: &mut dyn Tower,
        device: &Device,
        progress: crate::Progress<'_>,
    ) -> Result<ZeroShotReport> {
        // What cannot be asked is known before the work.
        let of_classes = self.is_of_classes()?;
        embedded(tower, &["a".to_owned()])?;
        let looks = vectors(self.shown, media, tower, progress)?;
        if looks.vectors.is_empty() {
            let told = looks.told(self.shown);
            return Err(Error::Options(format!("no query can be asked: {told}")));
        }
        let mut report = ZeroShotReport {
            task: self.task.to_owned(),
            split: self.examples.split.clone(),
            left_out: (!looks.damaged.is_empty()).then(|| looks.told(self.shown)),
            classes: None,
            retrieval: None,
        };
        match of_classes {
            true => report.classes = Some(self.classes(&looks, tower)?),
            false => report.retrieval = Some(self.retrieval(&looks, tower, device)?),
        }
        Ok(report)
    }

    /// Whether the task asks for classes; else it has captions.
    fn is_of_classes(&self) -> Result<bool> {
        if self.templates.is_empty() {
            let none = "no template is given: give one, {} is a class's name alone";
            return Err(Error::Options(none.to_owned()));
        }
        let mut templates = self.templates.iter();
        if let Some(template) = templates.find(|template| !template.contains(NAME)) {
            return Err(Error::Options(format!(
                "the template {template:?} has no {NAME} where a class's name would stand"
            )));
        }
        let mut kinds = self.queries().map(|query| match query.references {
            References::Choice { .. } => Some(true),
            References::Captions(_) => Some(false),
            _ => None,
        });
        let first = kinds.next().flatten();
        first
            .filter(|first| kinds.all(|kind| kind == Some(*first)))
            .ok_or_else(|| {
                Error::Options(format!(
                    "{} asks for neither a class nor a caption: towers can be asked imagenet, kinetics700, coco, flickr30k, \
                     vatex, youcook2, folder, and own with candidates or captions",
                    self.task
                ))
            })
    }

    fn queries(&self) -> impl Iterator<Item = &Example> {
        self.examples.queries.examples.iter()
    }

    fn classes(&self, looks: &Looks, tower: &mut dyn Tower) -> Result<ZeroShotClasses> {
        let templates = self.templates;
        let all: Vec<&Example> = self.queries().collect();
        let queries: Vec<&Example> = looks.examples.iter().map(|&at| all[at]).collect();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut names = Vec::new();
        let candidates = queries.iter().filter_map(|query| query.candidates.as_ref());
        for name in candidates.flat_map(|candidates| candidates.iter()) {
            places.entry(name).or_insert_with(|| {
                names.push(name);
                names.len() - 1
            });
        }
        let words = names.iter().flat_map(|name| {
            let named = |template: &String| template.replace(NAME, name);
            templates.iter().map(named)
        });
        let of_texts = embedded(tower, &words.collect::<Vec<_>>())?;
        let mut of_names = Vectors::default();
        for texts in of_texts.values.chunks(of_texts.width * templates.len()) {
            let mut sum = vec![0.0; of_texts.width];
            for text in texts.chunks(of_texts.width) {
                sum.iter_mut().zip(text).for_each(|(sum, v)| *sum += v);
            }
            of_names.push(&sum).map_err(Error::Options)?;
        }
        let place_of_right = |row: usize| {
            let References::Choice { right, .. } = queries[row].references else {
                return None;
            };
            let picture = looks.vectors.row(row);
            let near = |name: &String| cosine(picture, of_names.row(places[name.as_str()]));
            let candidates = queries[row].candidates.as_deref().unwrap_or_default();
            place(&candidates.iter().map(near).collect::<Vec<f32>>(), right)
        };
        let found: Vec<Option<usize>> = (0..queries.len())
            .into_par_iter()
            .map(place_of_right)
            .collect();
        let mut told = ZeroShotClasses {
            queries: queries.len(),
            names: names.len(),
            templates: templates.to_vec(),
            top_1: Share::default(),
            top_5: Share::default(),
        };
        for place in found {
            told.top_1.count(place == Some(0));
            told.top_5.count(place.is_some_and(|place| place < 5));
        }
        Ok(told)
    }

    fn retrieval(
        &self,
        looks: &Looks,
        tower: &mut dyn Tower,
        device: &Device,
    ) -> Result<Retrieval> {
        let mut captions: Vec<String> = Vec::new();
        // The picture of each caption.
        let mut pictures = Vec::new();
        for (picture, &at) in looks.examples.iter().enumerate() {
            if let References::Captions(own) = &self.examples.queries.examples[at].references {
                captions.extend(own.iter().cloned());
                pictures.resize(captions.len(), picture);
            }
        }
        let texts = embedded(tower, &captions)?;
        let mut told = Retrieval {
            pictures: looks.examples.len(),
            captions: captions.len(),
            image_to_text: Recall::default(),
            text_to_image: Recall::default(),
        };
        let found = nearest(&looks.vectors, &texts, MOST, device);
        for (picture, texts) in found.iter().enumerate() {
            let place = texts.iter().position(|&text| pictures[text] == picture);
            told.image_to_text.count(place);
        }
        let found = nearest(&texts, &looks.vectors, MOST, device);
        for (picture, images) in pictures.iter().zip(&found) {
            let place = images.iter().position(|image| image == picture);
            told.text_to_image.count(place);
        }
        Ok(told)
    }
}

/// The vectors of texts, without the spaces around them: so the towers have learnt theirs.
fn embedded(tower: &mut dyn Tower, texts: &[String]) -> Result<Vectors> {
    let mut all = Vectors::default();
    for some in texts.chunks(AT_ONCE) {
        let some: Vec<String> = some.iter().map(|text| text.trim().to_owned()).collect();
        let made = tower.embed_texts(&some);
        let made = made.map_err(|error| Error::Options(format!("the tower: {error}")))?;
        let made = made.ok_or_else(|| {
            let none = "the tower takes no texts: give a contrastive model, which has two towers";
            Error::Options(none.to_owned())
        })?;
        for vector in made {
            all.push(&vector).map_err(Error::Options)?;
        }
    }
    Ok(all)
}

/// How many of some values are above that at `right`, or equal to it and before it; none if there is no such value.
fn place(values: &[f32], right: usize) -> Option<usize> {
    let own = *values.get(right)?;
    let before = |(at, value): (usize, &f32)| *value > own || (*value == own && at < right);
    Some(
        values
            .iter()
            .enumerate()
            .filter(|value| before(*value))
            .count(),
    )
}

impl fmt::Display for ZeroShotReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, split {}", self.task, self.split)?;
        if let Some(told) = &self.classes {
            write!(
                f,
                ": {}, {}, {}\n  {:<18}{:>14}\n  {:<18}{:>14}",
                counted(told.queries, "picture"),
                counted(told.names, "name"),
                counted(told.templates.len(), "template"),
                "top-1",
                told.top_1,
                "top-5",
                told.top_5
            )?;
        }
        if let Some(told) = &self.retrieval {
            write!(
                f,
                ": {}, {}\n  {:<18}{:>14}{:>14}{:>14}",
                counted(told.pictures, "picture"),
                counted(told.captions, "caption"),
                "",
                "R@1",
                "R@5",
                "R@10"
            )?;
            for (what, recall) in [
                ("picture to text", &told.image_to_text),
                ("text to picture", &told.text_to_image),
            ] {
                write!(
                    f,
                    "\n  {what:<18}{:>14}{:>14}{:>14}",
                    recall.at_1, recall.at_5, recall.at_10
                )?;
            }
        }
        match &self.left_out {
            Some(left_out) => write!(f, "\nleft out: {left_out}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
