//! Prompts to look at: what was shown, how likely each candidate was, and where the model looked.

use flamingo_engine::{Engine, Look, Scores};
use flamingo_world::{
    BindingTask, CaptionTask, Episode, Episodes, FilmQuestion, Pictures, QuestionKind, ROUNDS,
    Split,
};

use crate::Result;
use crate::judge::{judge, look};

/// One prompt with its answer.
#[derive(Clone, Debug)]
pub struct Example {
    /// The section of the page that it belongs to.
    pub section: Section,
    /// The prompt, its pictures and its candidates.
    pub episode: Episode,
    /// How likely each candidate was.
    pub scores: Scores,
    /// The candidate of the nearest class mean, where that was asked.
    pub class_mean: Option<usize>,
    /// Where the token before the answer looked.
    pub look: Option<Look>,
}

impl Example {
    /// Whether the likeliest candidate is the right one.
    pub fn right(&self) -> bool {
        self.scores.best == self.episode.answer
    }
}

/// Sections of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Made-up names.
    Binding,
    /// Names and groups.
    Captions,
    /// Questions.
    Questions,
    /// Dialogues.
    Dialogues,
    /// Films.
    Films,
    /// Photos of a folder.
    Photos,
}

/// The first episodes of some cells.
pub(crate) fn examples(engine: &mut Engine, world: &Episodes) -> Result<Vec<Example>> {
    let mut drawn = Vec::new();
    for (names, shots_each, count) in [(2, 1, 2), (5, 1, 3), (2, 4, 1)] {
        let (pictures, things) = (Pictures::Real, Split::HeldOut);
        let task = BindingTask {
            names,
            shots_each,
            pictures,
            things,
        };
        drawn.extend((0..count).map(|i| (Section::Binding, world.binding(&task, i))));
    }
    for (task, things) in [
        (CaptionTask::Name, Split::HeldIn),
        (CaptionTask::Group, Split::HeldOut),
    ] {
        drawn.extend((0..4).map(|i| (Section::Captions, world.caption(task, things, i))));
    }
    for kind in QuestionKind::ALL {
        let task = crate::questions::task(kind, 4, Pictures::Real);
        drawn.push((Section::Questions, world.question(&task, 0)));
    }
    for i in 0..3 {
        let last = ROUNDS - 1;
        let episode = world.dialogue(last, false, Split::HeldIn, i);
        drawn.push((Section::Dialogues, episode));
    }
    drawn.extend((0..3).map(|i| (Section::Films, world.film(Split::HeldOut, i))));
    for kind in FilmQuestion::ALL {
        let task = crate::film_questions::task(kind, 4, Pictures::Real);
        drawn.push((Section::Films, world.film_question(&task, 0)));
    }
    drawn
        .into_iter()
        .map(|(section, episode)| example(engine, section, episode))
        .collect()
}

fn example(engine: &mut Engine, section: Section, episode: Episode) -> Result<Example> {
    let scores = judge(engine, std::slice::from_ref(&episode))?.remove(0);
    let look = look(engine, &episode)?;
    Ok(Example {
        section,
        episode,
        scores,
        class_mean: None,
        look,
    })
}
