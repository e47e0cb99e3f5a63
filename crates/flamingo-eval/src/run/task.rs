//! A task's files as the runner takes them: its examples in the words of a prompt, and its judge.

use std::collections::HashMap;
use std::sync::Arc;

use flamingo_engine::{Decoding, RankBy};
use flamingo_tasks::{
    Answered, Examples, Likelihood, Output, Prompt, References, ScoreOptions, Set, Task,
};

use super::example::{Example, Form, Judge, Judgement, Reply, Suite, Value};

/// Candidates as they follow a question, by those of the task.
#[derive(Default)]
struct Candidates(HashMap<*const [String], Arc<[String]>>);

/// A task that has been read, and how its prompts are made.
pub struct TaskRun<'a> {
    /// The task.
    pub task: &'a dyn Task,
    /// What its files hold.
    pub examples: &'a Examples,
    /// How prompts are made of it.
    pub prompt: &'a Prompt,
    /// What a score is computed by.
    pub rules: ScoreOptions<'a>,
}

impl TaskRun<'_> {
    /// The task as it is run.
    pub fn suite(&self) -> Suite<'_> {
        let mut known = Candidates::default();
        let mut all = |set: &Set| {
            let examples = set.examples.iter();
            examples
                .map(|example| self.example(example, &mut known))
                .collect()
        };
        Suite {
            task: self.task.name().to_owned(),
            supports: all(&self.examples.supports),
            queries: all(&self.examples.queries),
            form: form(self.prompt),
            judge: self,
        }
    }

    fn example(&self, example: &flamingo_tasks::Example, known: &mut Candidates) -> Example {
        let follows = |answer: &String| self.prompt.continuation(answer);
        let supports = example.supports.as_ref();
        let candidates = example.candidates.as_ref().map(|all| {
            let of = || all.iter().map(follows).collect();
            // Examples share them; the same ones stay shared.
            known.0.entry(Arc::as_ptr(all)).or_insert_with(of).clone()
        });
        Example {
            id: example.id.to_string(),
            question: self.prompt.query(example),
            answer: example.answer.as_ref().map_or_else(String::new, follows),
            candidates: candidates.unwrap_or_default(),
            references: references(example),
            supports: supports.map(|all| all.iter().map(|one| self.example(one, known)).collect()),
        }
    }

    /// Replies as the task takes them.
    fn outputs(&self, replies: &[(usize, &Reply)]) -> Vec<Output> {
        let output = |(query, reply): &(usize, &Reply)| match self.examples.queries.examples[*query]
            .candidates
        {
            None => Output::Text(self.prompt.cut(&reply.raw)),
            Some(_) => {
                Output::Likelihoods(reply.scores.iter().map(|score| f64::from(*score)).collect())
            }
        };
        replies.iter().map(output).collect()
    }

    fn answered<'b>(
        &'b self,
        replies: &[(usize, &Reply)],
        outputs: &'b [Output],
    ) -> Vec<Answered<'b>> {
        let queries = &self.examples.queries.examples;
        let answered = replies.iter().zip(outputs);
        answered
            .map(|((query, _), output)| Answered {
                example: &queries[*query],
                output,
            })
            .collect()
    }
}

impl Judge for TaskRun<'_> {
    fn answer(&self, reply: &Reply) -> String {
        self.prompt.cut(&reply.raw)
    }

    fn judge(&self, replies: &[(usize, &Reply)]) -> Result<Judgement, String> {
        let outputs = self.outputs(replies);
        let answered = self.answered(replies, &outputs);
        let rules = ScoreOptions {
            whole: Some(self.examples.required.len()),
            ..self.rules
        };
        let judged = self.task.judge(&answered, &rules);
        let judged = judged.map_err(|error| error.to_string())?;
        let samples = judged
            .samples
            .into_iter()
            .map(|sample| (sample.answer, sample.score));
        Ok(Judgement {
            metrics: judged
                .metrics
                .into_iter()
                .map(|metric| Value {
                    name: metric.name,
                    value: metric.value,
                })
                .collect(),
            samples: samples.collect(),
            notes: judged.notes,
        })
    }

    fn submission(&self, replies: &[(usize, &Reply)]) -> Result<Option<(String, Vec<u8>)>, String> {
        let outputs = self.outputs(replies);
        let answered = self.answered(replies, &outputs);
        let made = self.task.submission(self.examples, &answered);
        let made = made.map_err(|error| error.to_string())?;
        Ok(Some((made.ending.to_owned(), made.bytes)))
    }
}

fn form(prompt: &Prompt) -> Form {
    Form {
        between: prompt.between.clone(),
        text_only_shots: prompt.text_only_shots,
        text_only_shots_of_candidates: prompt.text_only_shots_of_candidates,
        decoding: Decoding {
            max_new_tokens: prompt.max_new_tokens,
            num_beams: prompt.beams,
            length_penalty: prompt.length_penalty,
            ..Decoding::default()
        },
        rank_by: match prompt.likelihood {
            Likelihood::Sum => RankBy::Sum,
            Likelihood::Mean => RankBy::Mean,
        },
    }
}

/// What a report shows as right, the most frequent first.
fn references(example: &flamingo_tasks::Example) -> Vec<String> {
    let candidate = |place: usize| {
        let candidates = example.candidates.as_deref().unwrap_or_default();
        candidates.get(place).cloned()
    };
    match &example.references {
        References::Captions(texts) | References::Exact(texts) | References::Normalised(texts) => {
            texts.clone()
        }
        References::Vqa(vqa) => {
            let mut counts: Vec<(String, usize)> = Vec::new();
            for answer in &vqa.answers {
                match counts.iter_mut().find(|(text, _)| *text == answer.answer) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((answer.answer.clone(), 1)),
                }
            }
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            counts.into_iter().map(|(text, _)| text).collect()
        }
        References::Five(texts) => texts.to_vec(),
        References::Choice { right, .. } => candidate(*right).into_iter().collect(),
        References::Round { right, .. } => right.and_then(candidate).into_iter().collect(),
        References::Hateful(hateful) => vec![if *hateful { "yes" } else { "no" }.to_owned()],
        References::Words { answer, second, .. } => {
            std::iter::once(answer).chain(second).cloned().collect()
        }
        References::None | References::Clip(_) => Vec::new(),
    }
}
