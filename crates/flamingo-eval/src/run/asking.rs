//! The samples of a run asked: one queue for all of them, so that no answer waits for the end of others.

use std::collections::{HashMap, VecDeque};

use flamingo_engine::{Engine, Event, MediaSource, Request, RequestId};
use flamingo_sequence::{Candidates, Document, Part};

use super::ablation::{Ablation, Lenders, ablated, media};
use super::example::{Example, Reply, Suite};
use super::folder::RunFolder;
use super::plan::{Cell, Plan, RunOptions, Unit};
use super::prompt::{Prompt, text_only};
use super::sample::Sample;
use super::selection::{orders, random_shots};
use crate::{Error, Progress, Result};

/// How shots are chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// At random for each query.
    Random,
    /// For each query its supports by number, the most similar first (RICES): the most similar shot stands last.
    Nearest(Vec<Vec<usize>>),
    /// For each query the shots that another run had, in the order of the prompt: the last ones are taken.
    Given(Vec<Vec<usize>>),
}

/// What a run asks and of whom.
pub(super) struct Asking<'a> {
    pub(super) suite: &'a Suite<'a>,
    pub(super) options: &'a RunOptions,
    pub(super) selection: &'a Selection,
    /// For each query the support that it is itself.
    pub(super) own_support: Vec<Option<usize>>,
    pub(super) plan: &'a Plan,
}

/// A sample that is being answered.
struct Open {
    sample: Sample,
    /// Of each order of the shots what came of it.
    answers: Vec<Option<Got>>,
}

enum Got {
    Text(String),
    Scores(Vec<f32>),
    Failed(String),
}

/// A unit of which samples are open.
struct OpenUnit {
    samples: Vec<Open>,
    /// Answers that are to come.
    left: usize,
}

/// Which answer a request brings: unit, sample in the unit, order.
type Place = (usize, usize, usize);

impl Asking<'_> {
    /// Asks the samples of these units and keeps each unit as soon as it is whole. `ahead` requests are in the
    /// engine's queue at once.
    pub(super) fn ask(
        &self,
        engine: &mut Engine,
        source: &dyn MediaSource,
        folder: &RunFolder,
        units: &[usize],
        ahead: usize,
        progress: Progress<'_>,
    ) -> Result<()> {
        let mut to_come = units.iter();
        let mut open: HashMap<usize, OpenUnit> = HashMap::new();
        let mut waiting: VecDeque<(Place, Result<Request, String>)> = VecDeque::new();
        let mut asked: HashMap<RequestId, Place> = HashMap::new();
        loop {
            while engine.pending() < ahead {
                if waiting.is_empty() {
                    let Some(&number) = to_come.next() else { break };
                    let mut media = MediaCheck { engine, source };
                    open.insert(number, self.begin(number, &mut media, &mut waiting));
                }
                let Some((place, request)) = waiting.pop_front() else {
                    continue;
                };
                let submitted = request
                    .and_then(|request| engine.submit(request).map_err(|error| error.to_string()));
                match submitted {
                    Ok(id) => {
                        asked.insert(id, place);
                    }
                    Err(error) => {
                        self.take(&mut open, place, Got::Failed(error), folder, progress)?;
                    }
                }
            }
            if asked.is_empty() {
                return Ok(());
            }
            for event in engine.step(source) {
                let id = event.request();
                let got = match event {
                    Event::Text { .. } => continue,
                    Event::Answered { answers, .. } => {
                        let text = answers.into_iter().next().map(|answer| answer.text);
                        Got::Text(text.unwrap_or_default())
                    }
                    Event::Scored { scores, .. } => {
                        let by = self.suite.form.rank_by;
                        let rank = |one: &flamingo_engine::CandidateScore| match by {
                            flamingo_engine::RankBy::Sum => one.sum,
                            flamingo_engine::RankBy::Mean => one.mean,
                        };
                        Got::Scores(scores.candidates.iter().map(rank).collect())
                    }
                    Event::Failed { error, .. } => Got::Failed(error.to_string()),
                };
                if let Some(place) = asked.remove(&id) {
                    self.take(&mut open, place, got, folder, progress)?;
                }
            }
        }
    }

    /// The samples of a unit, to be asked; what cannot be asked comes with the reason.
    fn begin(
        &self,
        number: usize,
        check: &mut MediaCheck<'_>,
        waiting: &mut VecDeque<(Place, Result<Request, String>)>,
    ) -> OpenUnit {
        let unit: &Unit = &self.plan.units[number];
        let (mut samples, mut left) = (Vec::new(), 0);
        for (nth, (query, cell)) in unit.samples().enumerate() {
            let (sample, documents) = self.sample(query, cell, check);
            let failed = sample.error.clone();
            left += documents.len();
            samples.push(Open {
                answers: documents.iter().map(|_| None).collect(),
                sample,
            });
            for (order, document) in documents.into_iter().enumerate() {
                let request = match &failed {
                    None => Ok(self.request(query, document)),
                    Some(error) => Err(error.clone()),
                };
                waiting.push_back(((number, nth, order), request));
            }
        }
        OpenUnit { samples, left }
    }

    fn request(&self, query: usize, document: Document) -> Request {
        let example = &self.suite.queries[query];
        match example.candidates.is_empty() {
            true => Request::Generate {
                prompt: document,
                decoding: self.suite.form.decoding.clone(),
                stream: query as u64,
            },
            false => Request::Score {
                candidates: Candidates {
                    document,
                    candidates: example.candidates.to_vec(),
                },
                by: self.suite.form.rank_by,
            },
        }
    }

    /// A sample without its answer, and its prompt in each order of the shots.
    ///
    /// What is damaged costs the samples of all ablations that it costs without one, whether these show it or not: they
    /// are compared sample by sample.
    fn sample(
        &self,
        query: usize,
        cell: Cell,
        check: &mut MediaCheck<'_>,
    ) -> (Sample, Vec<Document>) {
        let suite = self.suite;
        let example = &suite.queries[query];
        let shots = self.shots(query, cell);
        let count = shots.len();
        let plain = self.prompt(query, cell, &shots);
        let (prompt, error) = match cell.ablation {
            None => (plain, None),
            Some(ablation) => {
                let shown = plain.shots.iter().flat_map(|shot| &shot.question);
                let error = check.first_damaged(shown.chain(&plain.query));
                let lenders = self.lenders(query, cell, &shots, check);
                let prompt = ablated(ablation, plain, lenders, cell.seed, query);
                (prompt, error)
            }
        };
        let is_closed = !example.candidates.is_empty();
        let orders = match self.options.ensemble && is_closed && cell.shots > 0 {
            true => orders(cell.seed, query, count),
            false => vec![(0..count).collect()],
        };
        let documents: Vec<Document> = orders
            .iter()
            .map(|order| prompt.document(&example.id, order, &suite.form))
            .collect();
        let sample = Sample {
            id: example.id.clone(),
            cell,
            shot_ids: prompt.shots.iter().map(|shot| shot.id.clone()).collect(),
            parts: documents[0].parts.clone(),
            other_orders: orders[1..].to_vec(),
            candidates: example.candidates.to_vec(),
            log_likelihoods: Vec::new(),
            raw: String::new(),
            answer: String::new(),
            references: example.references.clone(),
            score: None,
            error,
        };
        (sample, documents)
    }

    /// The supports in the order of the prompt.
    fn shots(&self, query: usize, cell: Cell) -> Vec<usize> {
        let own = self.own_support[query];
        let supports = self.suite.supports(query).len();
        let random = |shots| random_shots(cell.seed, query, supports, shots, own);
        if cell.shots == 0 {
            return random(self.suite.form.text_only(&self.suite.queries[query]));
        }
        // Supports of a query's own, and no more of them: they are its shots as they stand.
        if self.suite.queries[query].supports.is_some() && supports == cell.shots {
            return (0..supports).collect();
        }
        match self.selection {
            Selection::Random => random(cell.shots),
            Selection::Nearest(nearest) => {
                let others = nearest[query]
                    .iter()
                    .copied()
                    .filter(|&shot| Some(shot) != own);
                let mut shots: Vec<usize> = others.take(cell.shots).collect();
                shots.reverse();
                shots
            }
            Selection::Given(given) => {
                let given = &given[query];
                given[given.len().saturating_sub(cell.shots)..].to_vec()
            }
        }
    }

    /// The prompt of which nothing is taken.
    fn prompt(&self, query: usize, cell: Cell, shots: &[usize]) -> Prompt {
        let suite = self.suite;
        let supports = suite.supports(query);
        let examples = shots.iter().map(|&shot| &supports[shot]);
        let mut prompt = Prompt::new(examples, &suite.queries[query]);
        if cell.shots == 0 {
            for shot in &mut prompt.shots {
                shot.question = text_only(&shot.question);
            }
        }
        prompt
    }

    /// The next query that shows something else; and the support that would be one shot more. What they show is not
    /// damaged.
    fn lenders(
        &self,
        query: usize,
        cell: Cell,
        shots: &[usize],
        check: &mut MediaCheck<'_>,
    ) -> Lenders<'_> {
        let (queries, supports) = (&self.suite.queries, self.suite.supports(query));
        let shown = |at: usize| media(&queries[at].question);
        let others = (1..queries.len()).map(|further| (query + further) % queries.len());
        let lends_query = cell.ablation == Some(Ablation::ShuffleImages);
        let other = others
            .into_iter()
            .filter(|_| lends_query)
            .filter(|&other| shown(other) != shown(query))
            .find(|&other| check.first_damaged(&queries[other].question).is_none());
        let own = self.own_support[query];
        // Only a shot that is alone has nobody among the others to exchange with.
        let is_alone = shots.len() == 1;
        let more = random_shots(cell.seed, query, supports.len(), supports.len(), own);
        let spare = more
            .into_iter()
            .filter(|shot| is_alone && !shots.contains(shot))
            .find(|&shot| check.first_damaged(&supports[shot].question).is_none());
        Lenders {
            query: other.map(|other| &queries[other]),
            support: spare.map(|spare| &supports[spare]),
        }
    }

    /// Takes an answer; a unit is kept when all of its are there.
    fn take(
        &self,
        open: &mut HashMap<usize, OpenUnit>,
        (number, nth, order): Place,
        got: Got,
        folder: &RunFolder,
        progress: Progress<'_>,
    ) -> Result<()> {
        let Some(unit) = open.get_mut(&number) else {
            return Err(Error::Folder(format!(
                "an answer of unit {number} came twice"
            )));
        };
        unit.samples[nth].answers[order] = Some(got);
        unit.left -= 1;
        if unit.samples[nth].answers.iter().all(Option::is_some) {
            progress(1);
        }
        if unit.left == 0
            && let Some(unit) = open.remove(&number)
        {
            let samples = unit.samples.into_iter().map(answered);
            folder.keep(number, &samples.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

/// Looks at what prompts show before they are asked.
struct MediaCheck<'a> {
    engine: &'a mut Engine,
    source: &'a dyn MediaSource,
}

impl MediaCheck<'_> {
    /// Why the first picture or film that cannot be had cannot be.
    fn first_damaged<'b>(&mut self, parts: impl IntoIterator<Item = &'b Part>) -> Option<String> {
        parts.into_iter().find_map(|part| match part {
            Part::Image(place) | Part::Video(place) => {
                let checked = self.engine.check_medium(place, self.source);
                checked.err().map(|error| error.to_string())
            }
            Part::Text(_) | Part::End | Part::Token(_) => None,
        })
    }
}

/// The sample with its answer, or why it has none.
fn answered(open: Open) -> Sample {
    let Open {
        mut sample,
        answers,
    } = open;
    let (mut texts, mut scores) = (Vec::new(), Vec::new());
    for got in answers.into_iter().flatten() {
        match got {
            Got::Text(text) => texts.push(text),
            Got::Scores(of_order) => scores.push(of_order),
            Got::Failed(error) => {
                sample.error.get_or_insert(error);
            }
        }
    }
    if sample.error.is_some() {
        return sample;
    }
    sample.log_likelihoods = means(&scores);
    sample.raw = match best(&sample.log_likelihoods) {
        Some(best) => sample.candidates[best].clone(),
        None => texts.into_iter().next().unwrap_or_default(),
    };
    sample
}

/// A sample's answer as it is judged.
pub(super) fn reply(sample: &Sample) -> Reply {
    Reply {
        raw: sample.raw.clone(),
        scores: sample.log_likelihoods.clone(),
    }
}

/// The mean over the orders.
fn means(scores: &[Vec<f32>]) -> Vec<f32> {
    let Some(first) = scores.first() else {
        return Vec::new();
    };
    let mean = |candidate: usize| {
        let sum: f64 = scores
            .iter()
            .map(|of_order| f64::from(of_order[candidate]))
            .sum();
        (sum / scores.len() as f64) as f32
    };
    (0..first.len()).map(mean).collect()
}

/// The first of the highest.
fn best(scores: &[f32]) -> Option<usize> {
    let mut best = None;
    for (at, &score) in scores.iter().enumerate() {
        if best.is_none_or(|best: usize| score > scores[best]) {
            best = Some(at);
        }
    }
    best
}

/// The support that each query is itself: one that shows and asks the same.
pub(super) fn own_supports(suite: &Suite<'_>) -> Vec<Option<usize>> {
    let key = |example: &Example| {
        let shown = format!("{:?} {}", example.question, example.answer);
        (example.id.clone(), shown)
    };
    let supports = suite.supports.iter().enumerate();
    let by_key: HashMap<(String, String), usize> =
        supports.map(|(at, support)| (key(support), at)).collect();
    let own = |query: &Example| match &query.supports {
        None => by_key.get(&key(query)).copied(),
        Some(supports) => supports
            .iter()
            .position(|support| key(support) == key(query)),
    };
    suite.queries.iter().map(own).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_candidate_is_that_of_the_mean_over_the_orders_and_the_first_of_equals() {
        let means = means(&[vec![-1.0, -3.0, -2.0], vec![-3.0, -1.0, -2.0]]);
        assert_eq!(means, [-2.0, -2.0, -2.0]);
        assert_eq!(best(&means), Some(0));
        assert_eq!(best(&[-2.0, -1.0]), Some(1));
        assert_eq!(best(&[]), None);
    }
}
