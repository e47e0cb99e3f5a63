//! Shots, and pictures labelled by them.

use flamingo_engine::{Embedding, Engine, Look, MediaSource, RankBy, Scores};
use flamingo_sequence::Candidates;
use serde::Serialize;

use super::evidence::{Evidence, log_shares};
use super::exact::whole_names;
use super::prompts::{mixed, nearest, prompt};
use super::rounds::rounds;
use super::sure::Threshold;
use super::weigh::Weighing;
use crate::class_mean::{ClassMeans, largest, unit};
use crate::{Error, Result, Share};

/// Of so many shots that were left out, a picture like them is less alike than all once in twenty times.
const ALIKE: usize = 19;

/// How pictures are labelled.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelOptions {
    /// Shots in a prompt, those most like its picture; none for all shots in all prompts.
    pub nearest: Option<usize>,
    /// Of the labels that count as sure this share is to be right, 0 to 1.
    pub right: f32,
    /// Shots that are left out at most, one of each class at a time, to weigh by.
    pub left_out: usize,
}

impl Default for LabelOptions {
    fn default() -> Self {
        Self {
            nearest: None,
            right: 0.95,
            left_out: 64,
        }
    }
}

/// What shots that were left out, one of each class at a time, say of labels by the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// How likelihood and class mean are weighed.
    pub weighing: Weighing,
    /// How often the likeliest name was right.
    pub likelihood: Share,
    /// How often the nearest class mean was.
    pub class_mean: Share,
    /// How often both, weighed, were.
    pub both: Share,
    /// Shots that were left out.
    pub shots: usize,
    /// From which probability on a label is sure.
    pub sure: Threshold,
    /// A picture whose cosine with the nearest class mean is below is unlike all shots; none where too few
    /// shots were left out to say so: of pictures that are like the shots, one in as many falls below.
    pub alike: Option<f32>,
}

/// Why a label may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Its probability is below the threshold.
    Unsure,
    /// The picture is less like any class than the shots are like their own.
    Unlike,
}

/// A picture's label.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The picture.
    pub reference: String,
    /// The likeliest class.
    pub class: usize,
    /// The probability of each class.
    pub probabilities: Vec<f32>,
    /// By the model's likelihood alone.
    pub likelihood: Vec<f32>,
    /// The cosine with each class's mean.
    pub cosines: Vec<f32>,
    /// Why it may be wrong.
    pub doubt: Option<Doubt>,
    /// Where the model looked.
    pub look: Option<Look>,
}

/// Shots that pictures are labelled by.
#[derive(Clone, Debug)]
pub struct Labeller {
    classes: Vec<String>,
    shots: Vec<Shot>,
    means: ClassMeans,
    order: Vec<usize>,
    options: LabelOptions,
    calibration: Calibration,
}

#[derive(Clone, Debug)]
struct Shot {
    class: usize,
    reference: String,
    /// Of length 1.
    vector: Vec<f32>,
}

/// What a prompt shows and asks.
struct Asked {
    prompt: Candidates,
    /// The classes of its candidates.
    classes: Vec<usize>,
}

impl Labeller {
    /// A labeller by these shots, each a class and what the model makes of its picture; leaves out some, one of
    /// each class at a time, to see what likelihood and class mean are worth.
    ///
    /// # Errors
    /// If a class has no shot, or the model cannot read a prompt.
    pub fn new(
        engine: &mut Engine,
        source: &dyn MediaSource,
        classes: Vec<String>,
        shots: Vec<(usize, Embedding)>,
        options: LabelOptions,
    ) -> Result<Self> {
        let shots = shots.into_iter().map(|(class, embedding)| Shot {
            class,
            vector: vector(&embedding),
            reference: embedding.reference,
        });
        let shots: Vec<Shot> = shots.collect();
        if let Some(class) =
            (0..classes.len()).find(|class| shots.iter().all(|s| s.class != *class))
        {
            return Err(Error::NoShots(classes[class].clone()));
        }
        let mut labeller = Self {
            means: ClassMeans::of(classes.len(), []),
            order: mixed(shots.len()),
            calibration: Calibration::without_shots(&options),
            classes,
            shots,
            options,
        };
        let all: Vec<usize> = (0..labeller.shots.len()).collect();
        labeller.means = labeller.means(&all);
        let evidence = labeller.evidence_of_shots(engine, source)?;
        labeller.calibration = Calibration::of(&evidence, &labeller.options);
        Ok(labeller)
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// What shots that were left out say.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// Labels of pictures; with `looks` also where the model looked.
    ///
    /// # Errors
    /// If the model cannot read a prompt, or a picture cannot be had any more.
    pub fn label(
        &self,
        engine: &mut Engine,
        source: &dyn MediaSource,
        pictures: &[Embedding],
        looks: bool,
    ) -> Result<Vec<Label>> {
        let vectors: Vec<Vec<f32>> = pictures.iter().map(vector).collect();
        let asked = pictures.iter().zip(&vectors).map(|(picture, vector)| {
            let order = self.chosen(vector, self.order.clone());
            self.ask(&order, &picture.reference)
        });
        let asked: Vec<Asked> = asked.collect();
        let likelihoods = self.likelihoods(engine, source, &asked)?;
        let mut on_latents = match looks {
            true => {
                let prompts = asked.into_iter().map(|asked| asked.prompt.document);
                engine.attention(&prompts.collect::<Vec<_>>(), source)?
            }
            false => vec![None; pictures.len()],
        };
        let mut labels = Vec::with_capacity(pictures.len());
        let all = pictures.iter().zip(vectors).zip(likelihoods);
        for ((picture, vector), model) in all {
            let class_mean = plain(self.means.cosines(&vector));
            let look = on_latents[labels.len()]
                .take()
                .map(|on_latents| picture.look(&on_latents));
            let evidence = Evidence { model, class_mean };
            labels.push(self.labelled(&picture.reference, evidence, look));
        }
        Ok(labels)
    }

    fn labelled(&self, reference: &str, evidence: Evidence, look: Option<Look>) -> Label {
        let calibration = &self.calibration;
        let probabilities = calibration.weighing.probabilities(&evidence);
        let class = largest(probabilities.iter().copied());
        let near = evidence.class_mean.iter().copied().fold(f32::MIN, f32::max);
        let doubt = match calibration.alike {
            Some(alike) if near < alike => Some(Doubt::Unlike),
            _ if probabilities[class] < calibration.sure.probability => Some(Doubt::Unsure),
            _ => None,
        };
        Label {
            reference: reference.to_owned(),
            class,
            likelihood: evidence.model.iter().map(|log| log.exp()).collect(),
            cosines: evidence.class_mean,
            probabilities,
            doubt,
            look,
        }
    }

    /// What the other shots say of those that are left out, of the first rounds first.
    fn evidence_of_shots(
        &self,
        engine: &mut Engine,
        source: &dyn MediaSource,
    ) -> Result<Vec<(Evidence, usize)>> {
        let shots = self.order.iter();
        let rounds = rounds(
            self.classes.len(),
            shots.map(|&shot| (shot, self.shots[shot].class)),
        );
        let mut asked = Vec::new();
        let mut near = Vec::new();
        for left_out in &rounds {
            let most = self.options.left_out - near.len();
            if most == 0 {
                break;
            }
            let others = self.order.iter().copied();
            let others: Vec<usize> = others.filter(|shot| !left_out.contains(shot)).collect();
            let means = self.means(&others);
            for shot in left_out.iter().take(most).map(|&shot| &self.shots[shot]) {
                let order = self.chosen(&shot.vector, others.clone());
                asked.push(self.ask(&order, &shot.reference));
                near.push((plain(means.cosines(&shot.vector)), shot.class));
            }
        }
        let likelihoods = self.likelihoods(engine, source, &asked)?;
        let evidence = |(model, (class_mean, class))| (Evidence { model, class_mean }, class);
        Ok(likelihoods.into_iter().zip(near).map(evidence).collect())
    }

    /// The means of some shots.
    fn means(&self, shots: &[usize]) -> ClassMeans {
        let shots = shots.iter().map(|&shot| &self.shots[shot]);
        let vectors = shots.map(|shot| (shot.class, shot.vector.as_slice()));
        ClassMeans::of(self.classes.len(), vectors)
    }

    /// The shots of a prompt in their order, of those that there are.
    fn chosen(&self, query: &[f32], shots: Vec<usize>) -> Vec<usize> {
        match self.options.nearest {
            None => shots,
            Some(most) => {
                let vectors: Vec<&[f32]> = self.shots.iter().map(|s| s.vector.as_slice()).collect();
                nearest(query, &vectors, shots.into_iter(), most)
            }
        }
    }

    fn ask(&self, order: &[usize], query: &str) -> Asked {
        let mut classes: Vec<usize> = order.iter().map(|&shot| self.shots[shot].class).collect();
        classes.sort_unstable();
        classes.dedup();
        let names: Vec<&str> = classes
            .iter()
            .map(|&class| self.classes[class].as_str())
            .collect();
        let shots = order.iter().map(|&shot| {
            let shot = &self.shots[shot];
            (shot.reference.clone(), self.classes[shot.class].clone())
        });
        Asked {
            prompt: prompt(shots, query, &names),
            classes,
        }
    }

    /// The model's log-probability of each class among the classes, minus infinity for those not in the prompt.
    fn likelihoods(
        &self,
        engine: &mut Engine,
        source: &dyn MediaSource,
        asked: &[Asked],
    ) -> Result<Vec<Vec<f32>>> {
        let prompts: Vec<Candidates> = asked.iter().map(|asked| asked.prompt.clone()).collect();
        let scores = engine.score(&prompts, source, RankBy::Sum)?;
        let likelihood = |(asked, scores): (&Asked, Scores)| {
            let names: Vec<&str> = asked
                .classes
                .iter()
                .map(|&c| self.classes[c].as_str())
                .collect();
            let sums = scores.candidates.iter().map(|candidate| candidate.sum);
            let mut all = vec![f32::NEG_INFINITY; self.classes.len()];
            for (&class, log) in asked
                .classes
                .iter()
                .zip(log_shares(whole_names(&names, sums.collect())))
            {
                all[class] = log;
            }
            all
        };
        Ok(asked.iter().zip(scores).map(likelihood).collect())
    }
}

impl Calibration {
    /// What it says, in sentences.
    pub fn sentences(&self) -> Vec<String> {
        let Weighing {
            likelihood,
            class_mean,
        } = self.weighing;
        let mut sentences = vec![format!(
            "A class counts by its likelihood to the power of {likelihood} times the exponential of {class_mean} times \
             its cosine with the class mean."
        )];
        let sure = self.sure.probability * 100.0;
        match self.sure.shots {
            None => {
                sentences.push(
                    "No class has two shots, so none could be left out: the weights are those that served other photos."
                        .to_owned(),
                );
                sentences.push(format!("Labels are sure from {sure:.0}% on."));
            }
            Some((count, right)) => {
                sentences.push(format!(
                    "Of {} shots, left out one of each class at a time, the likelihood alone labelled {} rightly, the class mean alone \
                     {}, both {}.",
                    self.shots, self.likelihood.right, self.class_mean.right, self.both.right
                ));
                sentences.push(match count {
                    0 => format!("No threshold made the labels of shots right often enough: labels are sure from {sure:.0}% on."),
                    _ => format!("Labels are sure from {sure:.0}% on: {right} of the {count} shots that were as sure were labelled rightly."),
                });
            }
        }
        sentences
    }

    fn without_shots(options: &LabelOptions) -> Self {
        Self::of(&[], options)
    }

    fn of(shots: &[(Evidence, usize)], options: &LabelOptions) -> Self {
        let weighing = Weighing::of(shots);
        let [mut likelihood, mut class_mean, mut both] = [Share::default(); 3];
        let mut labels = Vec::with_capacity(shots.len());
        let mut alike = f32::INFINITY;
        for (evidence, class) in shots {
            likelihood.count(largest(evidence.model.iter().copied()) == *class);
            class_mean.count(largest(evidence.class_mean.iter().copied()) == *class);
            let probabilities = weighing.probabilities(evidence);
            let best = largest(probabilities.iter().copied());
            both.count(best == *class);
            labels.push((probabilities[best], best == *class));
            alike = alike.min(evidence.class_mean.iter().copied().fold(f32::MIN, f32::max));
        }
        Self {
            weighing,
            likelihood,
            class_mean,
            both,
            shots: shots.len(),
            sure: Threshold::of(&labels, options.right),
            alike: (shots.len() >= ALIKE).then_some(alike),
        }
    }
}

/// What pictures are compared by.
fn vector(embedding: &Embedding) -> Vec<f32> {
    unit(embedding.pooled.clone())
}

fn plain(cosines: Vec<Option<f32>>) -> Vec<f32> {
    let plain = |cosine: Option<f32>| cosine.unwrap_or(f32::NEG_INFINITY);
    cosines.into_iter().map(plain).collect()
}
