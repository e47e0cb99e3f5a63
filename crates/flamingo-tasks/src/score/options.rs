//! What a score is computed by.

use flamingo_metrics::{AnswerReading, LineEnds, Nltk, PerceptronTagger, WordNet};

use crate::stems::Stems;

/// Whose rules of VQA accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VqaVersion {
    /// GT-Vision-Lab/VQA. An annotator without `answer_id` counts for himself. The default.
    #[default]
    Official,
    /// OpenFlamingo's, by which its figures were published: VizWiz' equal answers drop out together.
    OpenFlamingo,
    /// EvalAI's, by which lmms-eval scores TextVQA, OK-VQA and VizWiz.
    EvalAi,
}

/// What a score is computed by.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScoreOptions<'a> {
    /// Score the items that match where some do not.
    pub partial: bool,
    /// Whose rules of VQA accuracy.
    pub vqa: VqaVersion,
    /// What happens to a caption that holds the end of a line.
    pub line_ends: LineEnds,
    /// How annotated answers about films are read.
    pub reading: AnswerReading,
    /// Which NLTK's word similarity.
    pub nltk: Nltk,
    /// How many items the whole set has: figures of a part say so where that changes their scale.
    pub whole: Option<usize>,
    /// By which OKVQA's predictions are stemmed; without, they are compared as they stand. The default.
    pub stems: Option<&'a Stems>,
    /// WordNet 3.0, for NextQA, and for OKVQA's words that have no stem in the annotations.
    pub wordnet: Option<&'a WordNet>,
    /// NLTK's tagger, for exactly NextQA's official lemmas.
    pub tagger: Option<&'a PerceptronTagger>,
}
