//! The rows of a Flamingo's batches: of samples that lie in memory, of a stream, or episodes.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use flamingo_data::Example;
use flamingo_model::TextInput;
use flamingo_model::language::PADDED;
use flamingo_sequence::{Batch, IGNORE, Predict, SpecialTokens, Visibility};

use crate::episodes::Episode;
use crate::features::{Features, Prepared};

/// A sequence with its media.
pub(crate) struct Row {
    pub(crate) example: Example,
    /// Its places that predict its prompt, which are not learnt.
    pub(crate) asking: Range<usize>,
    /// Those of its document's media that it shows.
    pub(crate) media: BTreeMap<usize, Medium>,
}

/// What holds for all sequences of a source.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) specials: &'a SpecialTokens,
    pub(crate) predict: Predict,
    /// Which media a text sees that is not bound to the next one.
    pub(crate) sees: Visibility,
}

/// What stands for one `<image>` token.
pub(crate) enum Medium {
    /// A picture or film whose features are known.
    Known(Arc<Features>),
    /// A composite: at some positions it is another one.
    Composite(Arc<Features>, Arc<Features>, Arc<[bool]>),
    /// One of a mirrored episode, with the components that are turned around.
    Mirrored(Box<Medium>, Arc<[bool]>),
    /// One that is still to be shown to the encoder, or lay among its features on disk.
    Prepared(Prepared),
}

impl Medium {
    /// Its features, of a composite the first one's.
    pub(crate) fn own(&self) -> &Features {
        match self {
            Medium::Known(own) | Medium::Composite(own, ..) => own,
            Medium::Mirrored(medium, _) => medium.own(),
            Medium::Prepared(_) => unreachable!("what is prepared is encoded first"),
        }
    }

    /// The components that are turned around in it, if it is mirrored.
    pub(crate) fn mirror(&self) -> Option<&[bool]> {
        match self {
            Medium::Mirrored(_, mirror) => Some(mirror),
            _ => None,
        }
    }

    /// Its features before any mirror, rows of `width` values.
    pub(crate) fn values(&self, width: usize) -> impl Iterator<Item = f32> {
        let own = &self.own().values;
        let unmirrored = match self {
            Medium::Mirrored(medium, _) => medium,
            _ => self,
        };
        let position = move |place: usize| {
            let values = match unmirrored {
                Medium::Composite(_, over, places) if places[place] => &over.values,
                _ => own,
            };
            values[place * width..][..width].iter().map(|v| v.to_f32())
        };
        (0..own.len() / width).flat_map(position)
    }
}

/// Some rows of a batch as the model reads them.
pub(crate) struct Rows {
    pub(crate) input: TextInput,
    pub(crate) labels: Vec<i64>,
    pub(crate) sees: Vec<Range<usize>>,
    pub(crate) media: Vec<Medium>,
}

impl Rows {
    /// Sequences, padded on the right.
    pub(crate) fn of_sequences(rows: Vec<Row>, reading: Reading<'_>) -> Self {
        let mode = |row: &Row| match row.example.visibility {
            Visibility::Next => Visibility::Next,
            _ => reading.sees,
        };
        let modes: Vec<_> = rows.iter().map(mode).collect();
        let asking: Vec<_> = rows.iter().map(|row| row.asking.clone()).collect();
        let (sequences, mut media): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .map(|row| (row.example.sequence, row.media))
            .unzip();
        let batch = Batch::new(&sequences, &modes, reading.specials, reading.predict);
        let mut labels = batch.labels;
        for (row, asking) in asking.into_iter().enumerate() {
            let first = row * batch.width;
            labels[first + asking.start..first + asking.end].fill(IGNORE);
        }
        let mut shown = |(row, medium): &(usize, usize)| {
            let found = media[*row].remove(medium);
            found.expect("a sequence shows a medium once, and has it")
        };
        Self {
            input: TextInput::ragged(&batch.ids, batch.width, &batch.lengths),
            media: batch.media.iter().map(&mut shown).collect(),
            labels,
            sees: batch.sees,
        }
    }

    /// Episodes, padded on the right; `medium` is what shows one of their things.
    pub(crate) fn of_episodes(
        episodes: Vec<Episode>,
        pad: u32,
        medium: impl Fn(crate::episodes::Shown) -> Medium,
    ) -> Self {
        let lengths = episodes.iter().map(|episode| episode.ids.len());
        let width = lengths.max().unwrap_or(0);
        let mut rows = Self {
            input: TextInput {
                ids: Vec::new(),
                positions: Vec::new(),
                branches: Vec::new(),
            },
            labels: Vec::new(),
            sees: Vec::new(),
            media: Vec::new(),
        };
        for (row, mut episode) in episodes.into_iter().enumerate() {
            let (first, end) = (rows.media.len(), (row + 1) * width);
            rows.input.ids.extend(episode.ids);
            rows.input.ids.resize(end, pad);
            episode.positions.resize(width, PADDED);
            rows.input.positions.push(episode.positions);
            episode.branches.resize(width, 0);
            rows.input.branches.push(episode.branches);
            rows.labels.extend(episode.labels);
            rows.labels.resize(end, IGNORE);
            let moved = |sees: Range<usize>| match sees.is_empty() {
                true => 0..0,
                false => first + sees.start..first + sees.end,
            };
            rows.sees.extend(episode.sees.into_iter().map(moved));
            rows.sees.resize(end, 0..0);
            let mirrored = |shown| match &episode.mirror {
                Some(mirror) => Medium::Mirrored(Box::new(medium(shown)), mirror.clone()),
                None => medium(shown),
            };
            rows.media.extend(episode.media.into_iter().map(mirrored));
        }
        rows
    }

    /// Tokens that are predicted.
    pub(crate) fn targets(&self) -> usize {
        self.labels.iter().filter(|label| **label != IGNORE).count()
    }
}
