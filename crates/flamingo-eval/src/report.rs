//! The page: figures, curve, prompts with their pictures. One file, nothing loaded from elsewhere.

mod about;
mod cards;
mod chart;
pub(crate) mod escape;
mod labels;
mod photos;
mod pictures;
mod preview;
mod tables;
pub(crate) mod template;

use crate::Demo;
use crate::examples::Section;

use template::fill;

pub use about::About;
pub use labels::{LabelsAbout, labels_card, labels_foot, labels_head};
pub use photos::photos_html;
pub use preview::{Previewed, PreviewedToken, preview_html};

/// The page, with `{{names}}` where [`html`] puts what it has made.
const PAGE: &str = include_str!("report/page.html");

/// The page as HTML.
pub fn html(demo: &Demo, about: &About) -> String {
    let report = &demo.report;
    let section = |section: Section| {
        let examples = demo
            .examples
            .iter()
            .filter(|example| example.section == section);
        examples.map(cards::card).collect::<String>()
    };
    fill(
        PAGE,
        &[
            ("about", tables::about(about, report.seconds)),
            ("binding_table", tables::binding(&report.binding)),
            ("binding_chart", chart::binding(&report.binding)),
            ("binding_prompts", section(Section::Binding)),
            ("captions_table", tables::captions(&report.captions)),
            ("captions_prompts", section(Section::Captions)),
            ("questions_table", tables::questions(&report.questions)),
            ("questions_prompts", section(Section::Questions)),
            ("dialogues_table", tables::dialogues(&report.dialogues)),
            ("dialogues_prompts", section(Section::Dialogues)),
            ("films_table", tables::films(&report.films)),
            (
                "film_questions_table",
                tables::film_questions(&report.film_questions),
            ),
            ("films_prompts", section(Section::Films)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use flamingo_engine::{CandidateScore, Look, Scores};
    use flamingo_world::{CaptionTask, Episodes, Split};

    use super::*;
    use crate::{DemoOptions, Example};

    /// A held-out thing whose group the model finds least likely of all.
    fn example() -> Example {
        let world = Episodes { seed: 3, side: 12 };
        let episode = world.caption(CaptionTask::Group, Split::HeldOut, 0);
        let answer = episode.answer;
        let sum = |i: usize| if i == answer { -90.0 } else { -1.0 - i as f32 };
        let candidate = |(i, text): (usize, &String)| CandidateScore {
            text: text.clone(),
            sum: sum(i),
            mean: sum(i),
            tokens: 1,
        };
        let candidates: Vec<_> = episode
            .candidates
            .iter()
            .enumerate()
            .map(candidate)
            .collect();
        let best = usize::from(answer == 0);
        let scores = Scores {
            id: None,
            answer: candidates[best].text.clone(),
            candidates,
            best,
        };
        let reference = episode.media.keys().next().expect("a picture").clone();
        let look = Look {
            reference,
            side: 2,
            frames: 1,
            weights: vec![0.1, 0.2, 0.3, 0.4],
        };
        Example {
            section: Section::Captions,
            episode,
            scores,
            class_mean: None,
            look: Some(look),
        }
    }

    #[test]
    fn the_page_is_whole_and_loads_nothing() {
        let report = crate::table::tests::report();
        let about = About {
            model: "a <model>".into(),
            parameters: 1_234_567,
            version: "0.1.0".into(),
            device: "cpu".into(),
            options: DemoOptions::default(),
        };
        let page = html(
            &Demo {
                report,
                examples: vec![example()],
            },
            &about,
        );
        assert!(page.contains("a &lt;model&gt;") && page.contains("1.23 million"));
        assert_eq!(
            page.matches("<article").count(),
            page.matches("</article>").count()
        );
        assert_eq!(
            page.matches("<img").count(),
            page.matches(" alt=\"").count()
        );
        for loading in ["src=\"http", "<script", "<link", "url(", "@import", "{{"] {
            assert!(!page.contains(loading), "{loading}");
        }
    }

    #[test]
    fn the_true_answer_is_listed_however_unlikely() {
        let example = example();
        let card = cards::card(&example);
        let truth = example.episode.candidates[example.episode.answer].trim();
        assert!(
            card.contains(&format!("{truth} <span class=\"truth\">")),
            "{card}"
        );
        assert!(card.contains("wrong") && card.contains("12 more candidates"));
    }
}
