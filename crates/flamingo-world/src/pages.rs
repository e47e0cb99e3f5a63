//! Web pages of the training world: named things, told things, questions.

use flamingo_sequence::Document;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::captions::{caption, full_caption, group_caption};
use crate::cast::{Cast, MANY};
use crate::html::{Block, document, html};
use crate::pool::{Picture, Pool};
use crate::questions::{AnswerForm, QuestionKind};
use crate::rng::stream;
use crate::things::{groups, held_in};

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// Things under made-up names that recur.
    Binding,
    /// Things of one group under their own names, with sentences.
    Plain,
    /// Questions of one kind, answered in one form.
    Questions,
}

/// An article before it becomes a page or a document.
pub(crate) struct Article {
    title: String,
    blocks: Vec<Block>,
    rng: ChaCha8Rng,
}

/// The most names on a page.
const MAX_NAMES: usize = 6;
/// The most pictures of a page of plain things or questions.
const MAX_PLAIN: usize = 8;

impl Article {
    /// Article `index` of its kind; at most `longest` named things. `prefix` leads from where it
    /// will lie to the world's folder.
    pub(crate) fn draw(
        kind: PageKind,
        pool: &Pool,
        longest: usize,
        prefix: &str,
        index: u64,
    ) -> Self {
        let subject = match kind {
            PageKind::Binding => "binding page",
            PageKind::Plain => "plain page",
            PageKind::Questions => "question page",
        };
        let mut rng = stream(pool.seed, subject, index);
        let (title, blocks) = match kind {
            PageKind::Binding => binding(pool, longest, prefix, &mut rng),
            PageKind::Plain => plain(pool, prefix, &mut rng),
            PageKind::Questions => questions(pool, prefix, &mut rng),
        };
        Self { title, blocks, rng }
    }

    /// What a reader finds in it.
    pub(crate) fn document(&self) -> Document {
        document(&self.blocks)
    }

    /// The file of a page with this article.
    pub(crate) fn into_html(mut self) -> String {
        html(&self.title, &self.blocks, &mut self.rng)
    }
}

fn shown(picture: &Picture, prefix: &str, caption: String) -> Block {
    Block::Picture {
        src: format!("{prefix}{}", picture.path),
        caption,
    }
}

fn binding(
    pool: &Pool,
    longest: usize,
    prefix: &str,
    rng: &mut ChaCha8Rng,
) -> (String, Vec<Block>) {
    let cast = Cast::training(held_in(), MAX_NAMES, MANY, longest, rng);
    let title = format!("All about {}", cast.names.join(", "));
    // Consecutive pictures of the pool: no picture twice on a page unless the pool is too small.
    let mut numbers: Vec<usize> = Vec::new();
    numbers.resize_with(cast.things.len(), || rng.random_range(0..pool.per_thing));
    let show = |&who: &usize| {
        numbers[who] = (numbers[who] + 1) % pool.per_thing;
        let picture = pool.single(cast.things[who], numbers[who]);
        shown(&picture, prefix, caption(&cast.names[who]))
    };
    let blocks = cast.order.iter().map(show).collect();
    (title, blocks)
}

/// How a plain page speaks of its pictures.
#[derive(Clone, Copy)]
enum PlainForm {
    Name,
    Full,
    Group,
}

fn plain(pool: &Pool, prefix: &str, rng: &mut ChaCha8Rng) -> (String, Vec<Block>) {
    let group = *groups().choose(rng).expect("there are groups");
    let of_group: Vec<_> = held_in()
        .iter()
        .filter(|thing| thing.group == group)
        .collect();
    let form = *[PlainForm::Name, PlainForm::Full, PlainForm::Group]
        .choose(rng)
        .expect("there are forms");
    let mut blocks = vec![Block::Heading(format!("some {group} pictures"))];
    for at in 0..rng.random_range(2..=MAX_PLAIN) {
        let thing = **of_group
            .choose(rng)
            .expect("a group has things in training");
        if at > 0 && rng.random_bool(0.3) {
            blocks.push(Block::Paragraph(format!("here is the {}.", thing.name)));
        }
        let picture = pool.any_single(thing, rng);
        let text = match form {
            PlainForm::Name => caption(thing.name),
            PlainForm::Full => full_caption(&picture.scene),
            PlainForm::Group => group_caption(thing),
        };
        blocks.push(shown(&picture, prefix, text));
    }
    (format!("Pictures: {group}"), blocks)
}

fn questions(pool: &Pool, prefix: &str, rng: &mut ChaCha8Rng) -> (String, Vec<Block>) {
    let kind = QuestionKind::draw(rng);
    let form = *AnswerForm::ALL.choose(rng).expect("there are forms");
    let count = rng.random_range(3..=MAX_PLAIN);
    let ask = |_| {
        let picture = pool.any_scene(kind, rng);
        let text = kind.text(&picture.scene, form);
        shown(&picture, prefix, text)
    };
    let blocks = (0..count).map(ask).collect();
    (format!("Questions: {}", kind.word()), blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::read;
    use flamingo_sequence::Part;

    const KINDS: [PageKind; 3] = [PageKind::Binding, PageKind::Plain, PageKind::Questions];
    const POOL: Pool = Pool {
        seed: 3,
        per_thing: 5,
        scenes: 44,
    };

    fn article(kind: PageKind, index: u64) -> Article {
        Article::draw(kind, &POOL, 13, "../../", index)
    }

    #[test]
    fn a_plain_reader_finds_the_intended_document_in_every_page() {
        for kind in KINDS {
            for index in 0..100 {
                let intended = article(kind, index).document();
                let page = article(kind, index).into_html();
                assert_eq!(read(&page), intended, "{page}");
            }
        }
    }

    #[test]
    fn pages_never_show_or_name_what_is_held_out() {
        for kind in KINDS {
            for index in 0..100 {
                let page = article(kind, index).into_html();
                for thing in crate::things::held_out() {
                    assert!(!page.contains(&format!("/{}/", thing.name)));
                    assert!(!page.contains(&format!(" {}<", thing.name)));
                }
            }
        }
    }

    #[test]
    fn a_question_page_keeps_to_one_form_of_answer() {
        for index in 0..30 {
            let document = article(PageKind::Questions, index).document();
            let text = |part: &Part| match part {
                Part::Text(text) => Some(text.split("Answer:").count()),
                _ => None,
            };
            assert!(
                document
                    .parts
                    .iter()
                    .filter_map(text)
                    .all(|halves| halves == 2)
            );
        }
    }
}
