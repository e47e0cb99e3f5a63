//! Rows of a Flamingo's batches from a source that is read while the training goes: sequences, with the pictures that these
//! show decoded and changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use flamingo_data::{Framing, Sample, stream};
use flamingo_image::{Media, Wanted};
use flamingo_sequence::{Document, MediaKind, Tokenizer};

use crate::features::Preparing;
use crate::prompt;
use crate::rows::{Medium, Row};
use crate::streamed::{Drawing, Make, Unusable};

/// What makes rows of documents.
pub(crate) struct StreamedRows {
    pub(crate) framing: Framing,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) wanted: Wanted,
    pub(crate) preparing: Arc<Preparing>,
}

impl Make for StreamedRows {
    type Row = Row;

    fn row(
        &self,
        drawing: &Drawing<Self>,
        sample: &Sample,
        number: u64,
        row: u64,
    ) -> Result<Row, Unusable> {
        Ok(self.made_of(drawing, sample, number, row)?)
    }
}

impl StreamedRows {
    fn made_of(
        &self,
        drawing: &Drawing<Self>,
        sample: &Sample,
        number: u64,
        row: u64,
    ) -> flamingo_data::Result<Row> {
        let Drawing { spec, seed, .. } = drawing;
        let mut rng = stream(*seed, &spec.name, &[number, row]);
        let prompt = spec.prompt.as_deref();
        let (example, asking) = prompt::example(
            &sample.document,
            prompt,
            &self.framing,
            &self.tokenizer,
            &mut rng,
        )?;
        let all = places(&sample.document);
        let mut media = BTreeMap::new();
        for medium in &example.sequence.media {
            let (kind, place) = all[*medium];
            let loaded = sample
                .base
                .load(place, kind, &drawing.reader, &self.wanted)?;
            // One change for all frames of a film.
            let numbers = [number, row, *medium as u64];
            let changed = |image| {
                let mut rng = stream(*seed, "augment", &numbers);
                spec.augment.apply(image, &mut rng)
            };
            let loaded = match loaded {
                Media::Image(image) => Media::Image(changed(&image)),
                Media::Film(mut film) => {
                    film.frames = film.frames.iter().map(changed).collect();
                    Media::Film(film)
                }
            };
            media.insert(*medium, Medium::Prepared(self.preparing.prepare(loaded)));
        }
        Ok(Row {
            example,
            asking,
            media,
        })
    }
}

/// Where a document's media are.
fn places(document: &Document) -> Vec<(MediaKind, &str)> {
    let media = document.media();
    media.map(|(_, kind, place)| (kind, place)).collect()
}
