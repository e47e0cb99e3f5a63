//! Batches as a Flamingo reads them.

use std::ops::Range;

use flamingo_data::{Example, Format, Framing};
use flamingo_model::TextInput;
use flamingo_model::language::PADDED;
use flamingo_sequence::{Form, IGNORE};

use crate::DataSpec;
use crate::episodes::{Episode, Shown};

/// A row of a batch.
pub(crate) struct Row {
    pub(crate) sample: usize,
    pub(crate) example: Example,
    /// Its places that predict its prompt.
    pub(crate) asking: Range<usize>,
}

/// A batch as the model reads it.
pub(crate) struct Rows {
    pub(crate) input: TextInput,
    pub(crate) labels: Vec<i64>,
    pub(crate) sees: Vec<Range<usize>>,
    pub(crate) media: Vec<Shown>,
}

/// Episodes as the rows of a batch, padded on the right.
pub(crate) fn side_by_side(episodes: Vec<Episode>, pad: u32) -> Rows {
    let width = episodes
        .iter()
        .map(|episode| episode.ids.len())
        .max()
        .unwrap_or(0);
    let mut rows = Rows {
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
        rows.media.extend(episode.media);
    }
    rows
}

/// How a source's documents become sequences; the paper's values where the recipe says nothing.
pub(crate) fn framing(spec: &DataSpec) -> Framing {
    let form = spec.form.unwrap_or(match spec.format {
        Format::Shards | Format::Folders | Format::Captions => Form::Pair,
        Format::Pages | Format::Jsonl | Format::Parquet => Form::Page,
    });
    let mut paper = match form {
        Form::Page => Framing::pages(),
        Form::Pair => Framing::pairs(),
    };
    if spec.prompt.is_some() {
        paper.p_space = 0.0;
    }
    Framing {
        form,
        length: spec.length,
        max_media: spec.max_media.unwrap_or(paper.max_media),
        p_next: spec.p_next.unwrap_or(paper.p_next),
        p_space: spec.p_space.unwrap_or(paper.p_space),
    }
}
