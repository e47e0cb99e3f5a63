//! COCO, Flickr30K, VATEX, YouCook2: a list of `image_id` and `caption`, or an object of captions by id.

use std::collections::HashMap;
use std::path::Path;

use flamingo_metrics::{CaptionItem, PtbTokenizer, bleu, cider_d, rouge_l};
use serde_json::Value;

use super::judged::{Judged, samples};
use super::options::ScoreOptions;
use super::scored::Scored;
use crate::benchmark::Benchmark;
use crate::error::Result;
use crate::ids::Id;
use crate::pair::pair;
use crate::read::{Record, form, json, list, record};

pub(super) fn score(
    task: Benchmark,
    predictions: &Path,
    annotations: &Path,
    options: &ScoreOptions,
) -> Result<Scored> {
    let references = references(task, annotations)?;
    let predicted = captions(predictions)?;
    let (pairs, matching) = pair(references, predicted, options.partial)?;
    let (references, captions): (Vec<_>, Vec<_>) = pairs
        .into_iter()
        .map(|pair| (pair.item, pair.prediction))
        .unzip();
    let options = ScoreOptions {
        whole: Some(matching.annotated),
        ..*options
    };
    let judged = judged(&references, &captions, &options)?;
    Ok(Scored::new(task, matching, judged))
}

/// What to know of CIDEr where not all items are scored.
fn of_a_part(some: usize, all: usize) -> String {
    format!(
        "CIDEr's weights of words come from the references of the {some} scored of {all} items: its scale is another \
         than that of the whole set"
    )
}

/// CIDEr-D, BLEU and ROUGE-L over all captions together.
pub(crate) fn judged<R: AsRef<[String]>>(
    references: &[R],
    captions: &[String],
    options: &ScoreOptions,
) -> Result<Judged> {
    let tokenizer = PtbTokenizer {
        line_ends: options.line_ends,
    };
    // As the official code does: all references are one text, all captions another.
    let flat: Vec<&String> = references.iter().flat_map(AsRef::as_ref).collect();
    let tokenised = tokenizer.tokenize(&flat);
    let tokenised_captions = tokenizer.tokenize(captions);
    let with_line_ends = tokenised.with_line_ends.len() + tokenised_captions.with_line_ends.len();
    let mut tokenised = tokenised.captions.into_iter();
    let items: Vec<CaptionItem> = references
        .iter()
        .zip(tokenised_captions.captions)
        .map(|(references, caption)| CaptionItem {
            references: tokenised.by_ref().take(references.as_ref().len()).collect(),
            caption,
        })
        .collect();
    let cider = cider_d(&items)?;
    let answers = items.iter().map(|item| item.caption.as_str());
    let mut judged = Judged::of(samples(answers, cider.scores));
    judged.add("CIDEr", 100.0 * cider.score);
    for (order, score) in bleu(&items)?.into_iter().enumerate() {
        judged.add(format!("BLEU-{}", order + 1), 100.0 * score.score);
    }
    judged.add("ROUGE-L", 100.0 * rouge_l(&items)?.score);
    if let Some(all) = options.whole.filter(|&all| all > captions.len()) {
        judged.note(of_a_part(captions.len(), all));
    }
    if with_line_ends > 0 {
        judged.note(format!(
            "{with_line_ends} captions hold the end of a line, which the official code would take for the end of the \
             caption"
        ));
    }
    Ok(judged)
}

fn captions(path: &Path) -> Result<Vec<(Id, String)>> {
    if let Value::Object(fields) = json(path)? {
        let texts = fields.into_iter().map(|(id, caption)| match caption {
            Value::String(caption) => Ok((Id::Text(id), caption)),
            _ => Err(form(path, format!("the caption of {id} is no text"))),
        });
        return texts.collect();
    }
    let records = list(path, json(path)?)?;
    let captions = records.iter().map(|record| {
        let id = record.id(&["image_id", "videoID", "video_id", "id"])?;
        Ok((id, record.text("caption")?))
    });
    captions.collect()
}

type References = Vec<(Id, Vec<String>)>;

fn references(task: Benchmark, path: &Path) -> Result<References> {
    let value = json(path)?;
    match task {
        Benchmark::Vatex => {
            let records = list(path, value)?;
            let videos = records.iter();
            videos
                .map(|record| Ok((record.id(&["videoID"])?, record.texts("enCap")?)))
                .collect()
        }
        Benchmark::Youcook2 => segments(path, value),
        _ => {
            let file = record(path, "the file".to_owned(), value)?;
            match file.has("annotations") {
                true => coco_style(&file),
                false => karpathy(&file),
            }
        }
    }
}

/// A list of captions, each with its picture's id.
fn coco_style(file: &Record) -> Result<References> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut references = References::new();
    for annotation in file.records("annotations")? {
        let id = annotation.id(&["image_id"])?;
        let caption = annotation.text("caption")?;
        let place = *places.entry(id.to_string()).or_insert(references.len());
        match references.get_mut(place) {
            Some((_, captions)) => captions.push(caption),
            None => references.push((id, vec![caption])),
        }
    }
    Ok(references)
}

/// Karpathy's splits: the sentences of the test pictures.
fn karpathy(file: &Record) -> Result<References> {
    let mut references = References::new();
    for image in file.records("images")? {
        if image.text("split").is_ok_and(|split| split != "test") {
            continue;
        }
        let id = match image.has("cocoid") {
            true => image.id(&["cocoid"])?,
            false => {
                let name = image.text("filename")?;
                Id::Text(
                    name.rsplit_once('.')
                        .map_or(&*name, |(stem, _)| stem)
                        .to_owned(),
                )
            }
        };
        let sentences = image.records("sentences")?;
        let raw = sentences.iter().map(|sentence| sentence.text("raw"));
        references.push((id, raw.collect::<Result<_>>()?));
    }
    Ok(references)
}

/// A segment of a film is an item: its id is the film's and the segment's, joined by an underscore.
fn segments(path: &Path, value: Value) -> Result<References> {
    let file = record(path, "the file".to_owned(), value)?;
    let Some(Value::Object(films)) = file.get("database") else {
        return Err(form(path, "has no `database` of films"));
    };
    let mut references = References::new();
    for (name, film) in films {
        let film = record(path, name.clone(), film.clone())?;
        if film.text("subset")? != "validation" {
            continue;
        }
        for segment in film.records("annotations")? {
            let id = Id::Text(format!("{name}_{}", segment.id(&["id"])?));
            references.push((id, vec![segment.text("sentence")?]));
        }
    }
    Ok(references)
}
