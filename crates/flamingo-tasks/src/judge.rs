//! Answers judged by the references of their examples.

use flamingo_metrics::{MissingTypes, NextQaItem, VqaItem, VqaRules, ndcg, ranks};

use crate::answer::{Answered, Output};
use crate::benchmark::Benchmark;
use crate::error::{Result, TaskError};
use crate::example::{Example, References};
use crate::score::vqa::annotators;
use crate::score::{
    Judged, SampleScore, ScoreOptions, answers, captions, memes, nextqa, rareact, samples, star,
    visdial, vqa,
};

/// An answer that is not of its kind.
fn odd(task: &str, example: &Example, reason: &str) -> TaskError {
    TaskError::Task {
        task: task.to_owned(),
        reason: format!("{}: {reason}", example.id),
    }
}

/// The text of a free answer, or of the candidate that was chosen.
pub(crate) fn text<'a>(task: &str, answered: &Answered<'a>) -> Result<&'a str> {
    match answered.output {
        Output::Text(text) => Ok(text),
        Output::Likelihoods(_) => {
            let chosen = chosen(task, answered)?;
            let candidates = answered.example.candidates.as_deref().unwrap_or_default();
            Ok(&candidates[chosen])
        }
    }
}

/// The likelihoods, one a candidate.
pub(crate) fn likelihoods<'a>(task: &str, answered: &Answered<'a>) -> Result<&'a [f64]> {
    let example = answered.example;
    let wanted = example.candidates.as_ref().map_or(0, |all| all.len());
    match answered.output {
        Output::Likelihoods(found) if found.iter().any(|value| value.is_nan()) => Err(odd(
            task,
            example,
            "the likelihood of a candidate is no number",
        )),
        Output::Likelihoods(found) if found.len() == wanted && wanted > 0 => Ok(found),
        Output::Likelihoods(found) => {
            let found = found.len();
            let reason = format!("{found} likelihoods of {wanted} candidates");
            Err(odd(task, example, &reason))
        }
        Output::Text(_) => Err(odd(
            task,
            example,
            "a free answer, where candidates have likelihoods",
        )),
    }
}

/// The place of the likeliest candidate, the first of equal ones.
pub(crate) fn chosen(task: &str, answered: &Answered) -> Result<usize> {
    let likelihoods = likelihoods(task, answered)?;
    let mut best = 0;
    for (index, likelihood) in likelihoods.iter().enumerate() {
        if *likelihood > likelihoods[best] {
            best = index;
        }
    }
    Ok(best)
}

/// The probability of a candidate after a softmax over all of them.
pub(crate) fn probability(task: &str, answered: &Answered, place: usize) -> Result<f64> {
    let likelihoods = likelihoods(task, answered)?;
    let most = likelihoods
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return Ok(1.0 / likelihoods.len() as f64);
    }
    let powers: Vec<f64> = likelihoods
        .iter()
        .map(|value| (value - most).exp())
        .collect();
    let own = powers.get(place).copied().unwrap_or_default();
    Ok(own / powers.iter().sum::<f64>())
}

/// The metrics of answers: which they are, their references say.
pub(crate) fn judge(
    task: &str,
    benchmark: Option<Benchmark>,
    answered: &[Answered],
    options: &ScoreOptions,
) -> Result<Judged> {
    let nothing = || TaskError::Task {
        task: task.to_owned(),
        reason: "there is no answer to judge".to_owned(),
    };
    let first = answered.first().ok_or_else(nothing)?;
    let asked = Asked {
        task,
        answered,
        options,
    };
    match &first.example.references {
        References::None => Err(odd(
            task,
            first.example,
            "the right answer is not published: hand in the submission instead",
        )),
        References::Vqa(_) => asked.vqa(benchmark),
        References::Captions(_) => asked.captions(),
        References::Exact(_) => asked.exact(),
        References::Normalised(_) => asked.normalised(),
        References::Five(_) => asked.five(),
        References::Choice { .. } => asked.choices(),
        References::Hateful(_) => asked.memes(),
        References::Round { .. } => asked.rounds(),
        References::Words { .. } => asked.words(),
        References::Clip(_) => asked.clips(),
    }
}

/// The answers of one kind.
struct Asked<'a> {
    task: &'a str,
    answered: &'a [Answered<'a>],
    options: &'a ScoreOptions<'a>,
}

impl<'a> Asked<'a> {
    /// What `get` takes of each example's references and its answer's text.
    fn texts<R>(
        &self,
        get: impl Fn(&'a References) -> Option<R>,
    ) -> Result<(Vec<R>, Vec<&'a str>)> {
        let mut references = Vec::with_capacity(self.answered.len());
        let mut texts = Vec::with_capacity(self.answered.len());
        for answered in self.answered {
            references.push(self.of(answered.example, &get)?);
            texts.push(text(self.task, answered)?);
        }
        Ok((references, texts))
    }

    fn of<R>(&self, example: &'a Example, get: impl Fn(&'a References) -> Option<R>) -> Result<R> {
        get(&example.references).ok_or_else(|| {
            odd(
                self.task,
                example,
                "it has references of another kind than those before it",
            )
        })
    }

    fn vqa(&self, benchmark: Option<Benchmark>) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Vqa(references) => Some(references),
            _ => None,
        })?;
        let items = references.into_iter().zip(texts);
        let items: Vec<VqaItem> = items
            .map(|(references, text)| VqaItem {
                answers: annotators(references.answers.clone(), self.options.vqa),
                prediction: text.to_owned(),
                question_type: references.question_type.clone(),
                answer_type: references.answer_type.clone(),
            })
            .collect();
        vqa::judged(benchmark.unwrap_or(Benchmark::Vqav2), &items, self.options)
    }

    fn captions(&self) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Captions(captions) => Some(captions),
            _ => None,
        })?;
        let texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
        captions::judged(&references, &texts, self.options)
    }

    fn exact(&self) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Exact(answers) => Some(answers),
            _ => None,
        })?;
        // Of several right answers the one that was given, if it was.
        let right = references.iter().zip(&texts).map(|(answers, text)| {
            let same = answers.iter().find(|answer| answer == text);
            same.or(answers.first()).map_or("", String::as_str)
        });
        answers::judged_exact(&right.collect::<Vec<_>>(), &texts, self.options)
    }

    fn normalised(&self) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Normalised(answers) => Some(answers),
            _ => None,
        })?;
        let processor = VqaRules::OFFICIAL.processor;
        let both = references.iter().zip(&texts).map(|(answers, text)| {
            let text = processor.normalise(text);
            let mut answers = answers.iter().map(|answer| processor.normalise(answer));
            let right = f64::from(answers.any(|answer| answer == text));
            (text, right)
        });
        let (texts, right): (Vec<String>, Vec<f64>) = both.unzip();
        let mean = right.iter().sum::<f64>() / right.len() as f64;
        let mut judged = Judged::of(samples(texts, right));
        judged.add("accuracy", 100.0 * mean);
        judged.note("answers are compared after VQA's normalisation");
        Ok(judged)
    }

    fn five(&self) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Five(answers) => Some(answers.clone()),
            _ => None,
        })?;
        answers::judged_ivqa(&references, &texts, self.options)
    }

    fn choices(&self) -> Result<Judged> {
        let mut samples = Vec::new();
        let mut kinds = Vec::new();
        let mut within_five = 0;
        let mut fewest = usize::MAX;
        for answered in self.answered {
            let (right, kind) = self.of(answered.example, |references| match references {
                References::Choice { right, kind } => Some((*right, kind.as_deref())),
                _ => None,
            })?;
            let likelihoods = likelihoods(self.task, answered)?;
            let chosen = chosen(self.task, answered)?;
            let own = likelihoods.get(right).copied().unwrap_or(f64::NAN);
            let before = likelihoods
                .iter()
                .enumerate()
                .filter(|&(index, value)| *value > own || (*value == own && index < right));
            within_five += usize::from(before.count() < 5);
            fewest = fewest.min(likelihoods.len());
            kinds.push((kind, chosen == right));
            samples.push(SampleScore {
                answer: text(self.task, answered)?.to_owned(),
                score: Some(f64::from(chosen == right)),
            });
        }
        let mut judged = Judged::of(samples);
        let percent = |count: usize| 100.0 * count as f64 / kinds.len() as f64;
        let typed: Option<Vec<(&str, bool)>> = kinds
            .iter()
            .map(|&(kind, right)| Some((kind?, right)))
            .collect();
        match typed {
            Some(typed) => star::by_type(&mut judged, &typed),
            None => {
                let right = kinds.iter().filter(|(_, right)| *right).count();
                judged.add("top-1", percent(right));
            }
        }
        // Of five candidates or fewer, one of five is no news.
        if fewest > 5 {
            judged.add("top-5", percent(within_five));
        }
        Ok(judged)
    }

    fn memes(&self) -> Result<Judged> {
        let mut labels = Vec::new();
        let mut scores = Vec::new();
        for answered in self.answered {
            labels.push(self.of(answered.example, |references| match references {
                References::Hateful(label) => Some(*label),
                _ => None,
            })?);
            scores.push(probability(self.task, answered, 0)?);
        }
        memes::judged(&labels, &scores)
    }

    fn rounds(&self) -> Result<Judged> {
        let mut samples = Vec::new();
        let (mut gains, mut places) = (Vec::new(), Vec::new());
        for answered in self.answered {
            let (right, relevance) = self.of(answered.example, |references| match references {
                References::Round { right, relevance } => Some((*right, relevance.as_deref())),
                _ => None,
            })?;
            let ranks = ranks(likelihoods(self.task, answered)?)?;
            let gain = relevance
                .map(|relevance| ndcg(&ranks, relevance))
                .transpose()?;
            gains.extend(gain);
            if let Some(place) = right.and_then(|right| ranks.get(right)) {
                places.push(*place);
            }
            samples.push(SampleScore {
                answer: text(self.task, answered)?.to_owned(),
                score: gain.flatten(),
            });
        }
        let mut judged = Judged::of(samples);
        let some = |has: bool| has.then_some(());
        let gains = some(!gains.is_empty()).map(|()| gains.as_slice());
        let places = some(!places.is_empty()).map(|()| places.as_slice());
        visdial::add(&mut judged, gains, places)?;
        Ok(judged)
    }

    fn words(&self) -> Result<Judged> {
        let (references, texts) = self.texts(|references| match references {
            References::Words {
                answer,
                second,
                kind,
            } => Some((answer, second, kind)),
            _ => None,
        })?;
        let both = references.into_iter().zip(texts).zip(self.answered);
        let items = both.map(|(((answer, second, kind), text), answered)| NextQaItem {
            video: answered
                .example
                .field("video")
                .unwrap_or_default()
                .to_owned(),
            question: answered.example.id.to_string(),
            answer: answer.clone(),
            second: second.clone(),
            kind: kind.clone(),
            prediction: text.to_owned(),
        });
        let items: Vec<NextQaItem> = items.collect();
        nextqa::judged(&items, MissingTypes::LeaveOut, self.options)
    }

    fn clips(&self) -> Result<Judged> {
        let mut clips = Vec::new();
        let mut scores = Vec::new();
        for answered in self.answered {
            clips.push(self.of(answered.example, |references| match references {
                References::Clip(clip) => Some(clip.clone()),
                _ => None,
            })?);
            scores.push(likelihoods(self.task, answered)?.to_vec());
        }
        let mut judged = rareact::judged(&clips, &scores)?;
        for answered in self.answered {
            judged.samples.push(SampleScore {
                answer: text(self.task, answered)?.to_owned(),
                score: None,
            });
        }
        Ok(judged)
    }
}
