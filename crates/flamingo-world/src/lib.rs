//! The demo world: things, pictures, pages, pairs, films and questions, all made from a seed.
//!
//! The things are drawings of the Twemoji set; a fixed fifth of them is [held out](held_out) of every
//! training. [`generate`] writes a training world to a folder: a small web of real HTML pages, pairs,
//! films and texts. [`Episodes`] makes the prompts by which a model trained on it is judged: names
//! that it has never read for things that it has never seen, told apart by the shots alone.
//!
//! Everything follows from one seed, and each item from its own number: item 7 is the same in a
//! world of ten and of a million.

mod captions;
mod cast;
mod corpus;
mod dialogues;
mod drawing;
mod episodes;
mod error;
mod example_files;
mod film_questions;
mod films;
mod generate;
mod html;
mod names;
mod pages;
mod pool;
mod questions;
mod rng;
mod scene;
mod things;
mod tokenizer;
mod vocabulary;
mod writing;

pub use crate::captions::{
    GROUP, OUTPUT, caption, description, film_caption, film_group_caption, film_prompt,
    full_caption, group_caption, written_caption,
};
pub use crate::corpus::{TextLevel, text};
pub use crate::dialogues::{Dialogue, ROUNDS, Round};
pub use crate::episodes::{
    BindingTask, CaptionTask, Episode, Episodes, Pictures, QuestionTask, Split,
};
pub use crate::error::{Error, Result};
pub use crate::example_files::example_files;
pub use crate::film_questions::FilmQuestion;
pub use crate::films::{FRAMES, FilmScene, Motion};
pub use crate::generate::{Manifest, Progress, WORLD_VERSION, WorldConfig, generate};
pub use crate::names::{NameUse, draw_names, syllables};
pub use crate::questions::{AnswerForm, QuestionKind};
pub use crate::scene::{Background, COLOURS, Colour, MAX_COUNT, Place, Scene, Sprite, Subject};
pub use crate::things::{Thing, groups, held_in, held_out, things};
pub use crate::tokenizer::{
    BOS, END_OF_CHUNK, EOS, IMAGE, PAD, SPECIALS, special_token_names, tokenizer_json,
};
pub use crate::writing::{WRITTEN, Writing};
