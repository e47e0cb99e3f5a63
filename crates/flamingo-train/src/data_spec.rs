//! A source of data as a recipe names it.

use std::path::PathBuf;

use flamingo_data::{Augment, Format};
use flamingo_film::{Ffmpeg, Reader};
use flamingo_image::{Limits, Rate, Sampling};
use flamingo_sequence::{Form, Predict};
use serde::{Deserialize, Serialize};

use crate::EpisodeSpec;

/// One source of data, and how batches are made of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSpec {
    /// Its name in figures and curves.
    pub name: String,
    /// How its files are written.
    pub format: Format,
    /// The file or folder; or, where files are wanted, a pattern (`{00000..00127}.tar`, `*.tar`) or a `.txt` with a
    /// path a line.
    pub path: PathBuf,
    /// The source is read while the training goes, so that memory does not grow with it: shards, JSONL or Parquet.
    /// Flamingo and contrastive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamSpec>,
    /// Rows of a batch (pairs, for contrastive training).
    pub batch: usize,
    /// Rows that are worked on at once, the whole batch if not said: less memory, the same loss, which is the mean
    /// over all of the batch's targets. In a contrastive training the towers see so many pictures, or texts, at once, and
    /// the loss still compares all pairs of the batch; the towers see each of them twice (Gao et al., 2021). Flamingo and
    /// contrastive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// The paper's lambda: the weight of the source's mean loss.
    #[serde(default = "one")]
    pub weight: f64,
    /// The first step (from 0) that uses the source.
    #[serde(default)]
    pub from: u64,
    /// The first step that does not any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// A regular expression that must be found in a document's text; others are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<String>,
    /// The most samples to use, from the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<usize>,
    /// Tokens of a row at most.
    #[serde(default = "length")]
    pub length: usize,
    /// Pages or pairs; from the format if it is not given (shards are pairs). Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// Pictures and films of a row at most (the paper trains with 5). Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_media: Option<usize>,
    /// How often a page's text is bound to the next picture, 0.5 in the paper. Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_next: Option<f64>,
    /// How often a space is put before a pair's caption, 0.5 in the paper. Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_space: Option<f64>,
    /// What stands between a pair's picture and its text, which then begins with a space: it is read and not learnt.
    /// Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Which tokens the loss counts. Flamingo only.
    #[serde(default)]
    pub predict: Predict,
    /// The source's pairs become episodes, `batch` of them: things with arbitrary names, shots and queries.
    /// Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<EpisodeSpec>,
    /// A regular expression whose first group, found in a caption, says what the picture is about;
    /// the whole caption without it. No two pairs of a batch are about the same, but for those of a stream, which are not
    /// told apart if they say the same. Contrastive only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Against which texts pictures are told apart. Contrastive only.
    #[serde(default)]
    pub texts: Texts,
    /// Random changes of the pictures. Contrastive, or Flamingo from a stream.
    #[serde(default)]
    pub augment: Augment,
    /// Most pixels of one picture; 64 million if not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    /// Frames for a second of film, 1 in the paper. Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<Rate>,
    /// Frames of a film at most; as many as the resampler tells apart if not said, 8 in the paper.
    /// Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<usize>,
    /// How many frames a second there are in its folders of frames; without it they are taken at
    /// `fps`. Flamingo only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_rate: Option<Rate>,
}

impl DataSpec {
    /// What its pictures and films are opened with.
    pub(crate) fn reader(&self, ffmpeg: Option<&Ffmpeg>) -> Reader {
        Reader {
            limits: self
                .max_pixels
                .map_or_else(Limits::default, Limits::of_pixels),
            frame_rate: self.frame_rate,
            ffmpeg: ffmpeg.cloned(),
        }
    }

    /// Which frames of its films are seen, `most` if it does not say how many.
    pub(crate) fn sampling(&self, most: usize) -> Sampling {
        Sampling {
            rate: self.fps.unwrap_or(Rate::ONE),
            most: self.frames.unwrap_or(most),
        }
    }
}

/// How a source is read while the training goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamSpec {
    /// So many pieces (shards, row groups, or some thousand lines each) lie in memory at a time, and are shuffled
    /// together.
    pub window: usize,
}

impl Default for StreamSpec {
    fn default() -> Self {
        Self { window: 4 }
    }
}

/// Against which texts the pictures of a contrastive batch are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Texts {
    /// The captions of the batch.
    #[default]
    Batch,
    /// Those, and a caption of everything else that the source is about: cheap where the text tower
    /// is, and a batch of few pictures then learns as one of many.
    All,
}

fn one() -> f64 {
    1.0
}

fn length() -> usize {
    256
}
