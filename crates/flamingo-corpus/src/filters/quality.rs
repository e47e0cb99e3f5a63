//! The quality score: a logistic regression over the measures of a document, trained on examples
//! of good and bad ones. No language model is asked, so a score costs nothing beside the measures.

use serde::{Deserialize, Serialize};

use crate::measures::Measures;

use super::FilterError;

/// A trained model; its file is JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityModel {
    /// The log-odds of a document whose features are all at their mean.
    pub bias: f64,
    /// What each feature adds.
    pub features: Vec<Weight>,
}

/// The part of one feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The feature.
    pub feature: Feature,
    /// Its mean over the examples.
    pub mean: f64,
    /// Its standard deviation over the examples, 1 where all are equal.
    pub scale: f64,
    /// The log-odds that a standard deviation adds.
    pub weight: f64,
}

/// Defines [`Feature`] with the value of each.
macro_rules! features {
    ($($(#[$doc:meta])* $feature:ident = |$m:ident| $value:expr,)+) => {
        /// A number that the model looks at; named in `snake_case` in its file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Feature {
            $($(#[$doc])* $feature,)+
        }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$feature),+];

            /// Its value for a document.
            pub fn of(self, measures: &Measures) -> f64 {
                match self {
                    $(Self::$feature => { let $m = measures; f64::from($value) })+
                }
            }
        }
    };
}

features! {
    /// Logarithm of the words.
    Words = |m| (m.text.words as f32).ln_1p(),
    /// Logarithm of the words in a paragraph.
    ParagraphWords = |m| ratio(m.text.words, m.text.paragraphs).ln_1p(),
    /// Logarithm of the words in a sentence.
    SentenceWords = |m| ratio(m.text.words, m.text.sentences).ln_1p(),
    /// Logarithm of the images.
    Images = |m| (m.images as f32).ln_1p(),
    /// Mean length of words.
    WordLength = |m| m.text.word_length,
    /// Confidence in the language.
    LanguageConfidence = |m| m.language.as_ref().map_or(0.0, |detected| detected.confidence),
    /// As the measure of this name; so are those below.
    SpecialCharacters = |m| m.text.special_characters,
    /// Hashes and ellipses.
    Symbols = |m| m.text.symbols,
    /// Words with a letter.
    AlphabeticWords = |m| m.text.alphabetic_words,
    /// Punctuation marks.
    Punctuation = |m| m.text.punctuation,
    /// Lines that end as sentences do.
    FinishedLines = |m| m.text.finished_lines,
    /// Lines with bullets.
    BulletLines = |m| m.text.bullet_lines,
    /// Lines that end in an ellipsis.
    EllipsisLines = |m| m.text.ellipsis_lines,
    /// Stop words.
    StopWords = |m| m.text.stop_words,
    /// Marker words.
    MarkerWords = |m| m.text.marker_words as f32,
    /// Flagged words.
    FlaggedWords = |m| m.text.flagged_words,
    /// Words of spam.
    SpamWords = |m| m.text.spam_words,
    /// Repeated characters.
    CharacterRepetition = |m| m.text.character_repetition,
    /// Repeated words.
    WordRepetition = |m| m.text.word_repetition,
    /// Repeated lines.
    DuplicateLines = |m| m.text.duplicate_lines,
    /// Repeated paragraphs.
    DuplicateParagraphs = |m| m.text.duplicate_paragraphs,
    /// The most frequent run of two words.
    TopNgram = |m| m.text.top_ngram[0],
    /// Repeated runs of five words.
    DuplicateNgrams = |m| m.text.duplicate_ngrams[0],
}

fn ratio(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

impl QualityModel {
    /// The score of a document: the probability, from 0 to 1, that it is a good one.
    pub fn score(&self, measures: &Measures) -> f32 {
        let add = |weight: &Weight| {
            let standard = (weight.feature.of(measures) - weight.mean) / weight.scale;
            weight.weight * standard.clamp(-FAR, FAR)
        };
        let log_odds = self.bias + self.features.iter().map(add).sum::<f64>();
        sigmoid(log_odds) as f32
    }
}

/// Standard deviations beyond which a feature counts no more: one strange number must not decide.
const FAR: f64 = 5.0;

/// Steps of gradient descent; the problem is small and convex.
const STEPS: usize = 2000;
const RATE: f64 = 0.5;
/// Pulls weights to zero, so that examples that a line separates give finite ones.
const DECAY: f64 = 1e-3;

/// A model that tells good documents from bad ones, both sides weighing the same however many
/// examples each has. The same examples in the same order give the same bits.
///
/// # Errors
///
/// [`FilterError::NoExamples`] if there are no good or no bad ones.
pub fn train_quality(good: &[Measures], bad: &[Measures]) -> Result<QualityModel, FilterError> {
    if good.is_empty() || bad.is_empty() {
        return Err(FilterError::NoExamples {
            good: good.len(),
            bad: bad.len(),
        });
    }
    let values = |measures: &Measures| -> Vec<f64> {
        Feature::ALL
            .iter()
            .map(|feature| feature.of(measures))
            .collect()
    };
    let rows: Vec<Vec<f64>> = good.iter().chain(bad).map(values).collect();
    let mut features: Vec<Weight> = Feature::ALL
        .iter()
        .enumerate()
        .map(|(at, &feature)| {
            let (mean, scale) = spread(rows.iter().map(|row| row[at]), rows.len());
            Weight {
                feature,
                mean,
                scale,
                weight: 0.0,
            }
        })
        .collect();
    let mut bias = 0.0;
    let examples = standard(rows, &features, good.len(), bad.len());
    for _ in 0..STEPS {
        descend(&examples, &mut features, &mut bias);
    }
    Ok(QualityModel { bias, features })
}

/// Mean and standard deviation.
fn spread(values: impl Iterator<Item = f64> + Clone, count: usize) -> (f64, f64) {
    let mean = values.clone().sum::<f64>() / count as f64;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / count as f64;
    let deviation = variance.sqrt();
    (mean, if deviation > 1e-9 { deviation } else { 1.0 })
}

struct Example {
    features: Vec<f64>,
    /// 1 for a good one, 0 for a bad one.
    label: f64,
    /// All good ones together weigh a half, and so do all bad ones.
    weight: f64,
}

fn standard(rows: Vec<Vec<f64>>, weights: &[Weight], good: usize, bad: usize) -> Vec<Example> {
    let scaled = |row: Vec<f64>| -> Vec<f64> {
        let pairs = row.into_iter().zip(weights);
        pairs
            .map(|(value, w)| ((value - w.mean) / w.scale).clamp(-FAR, FAR))
            .collect()
    };
    let example = |(at, row): (usize, Vec<f64>)| {
        let is_good = at < good;
        let side = if is_good { good } else { bad };
        Example {
            features: scaled(row),
            label: f64::from(u8::from(is_good)),
            weight: 0.5 / side as f64,
        }
    };
    rows.into_iter().enumerate().map(example).collect()
}

/// One step of gradient descent over all examples.
fn descend(examples: &[Example], weights: &mut [Weight], bias: &mut f64) {
    let mut gradient = vec![0.0; weights.len()];
    let mut bias_gradient = 0.0;
    for example in examples {
        let terms = example.features.iter().zip(weights.iter());
        let log_odds = *bias + terms.map(|(value, w)| value * w.weight).sum::<f64>();
        let error = example.weight * (sigmoid(log_odds) - example.label);
        bias_gradient += error;
        for (sum, value) in gradient.iter_mut().zip(&example.features) {
            *sum += error * value;
        }
    }
    *bias -= RATE * bias_gradient;
    for (weight, gradient) in weights.iter_mut().zip(gradient) {
        weight.weight -= RATE * (gradient + DECAY * weight.weight);
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn document(stop_words: f32, special_characters: f32) -> Measures {
        let mut measures = Measures::default();
        measures.text.stop_words = stop_words;
        measures.text.special_characters = special_characters;
        measures
    }

    fn examples(from: f32) -> Vec<Measures> {
        (0..7)
            .map(|k| document(from + k as f32 / 50.0, 0.5 - from))
            .collect()
    }

    #[test]
    fn a_trained_model_scores_new_good_documents_high_and_bad_ones_low() {
        let model = train_quality(&examples(0.3), &examples(0.05)).unwrap();
        assert!(model.score(&document(0.42, 0.18)) > 0.9);
        assert!(model.score(&document(0.04, 0.46)) < 0.1);
    }

    #[test]
    fn training_gives_the_same_bits_again_and_survives_its_file() {
        let model = train_quality(&examples(0.3), &examples(0.05)).unwrap();
        assert_eq!(
            model,
            train_quality(&examples(0.3), &examples(0.05)).unwrap()
        );
        let file = serde_json::to_string(&model).unwrap();
        let read: QualityModel = serde_json::from_str(&file).unwrap();
        let new = document(0.2, 0.3);
        assert_eq!(model.score(&new), read.score(&new));
    }

    #[test]
    fn one_side_without_examples_is_an_error_that_counts_both() {
        let error = train_quality(&examples(0.3), &[]).unwrap_err().to_string();
        assert!(error.contains("7 good and 0 bad"), "{error}");
    }

    #[test]
    fn one_absurd_number_does_not_decide() {
        let model = train_quality(&examples(0.3), &examples(0.05)).unwrap();
        let absurd = model.score(&document(1e30, 0.2));
        assert!(absurd.is_finite() && absurd > 0.5);
    }
}
