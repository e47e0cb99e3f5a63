//! Few-shot evaluations, a file each, and their report.
//!
//! Each evaluation asks a model ([`Engine`](flamingo_engine::Engine)) about episodes of the demo
//! world and counts how often the likeliest candidate is the right one: [`binding`] (made-up names
//! learnt from the shots), [`captions`], [`questions`], [`films`]. [`demo`] runs them all;
//! [`DemoReport`] is its figures, as JSON and as a table for the terminal, [`html`] the page.
//! [`naming`] asks about a user's own folders of photos. [`quality`] compares a model with itself in other weights.

mod binding;
mod captions;
mod demo;
mod error;
mod examples;
mod films;
mod judge;
mod naming;
mod quality;
mod questions;
mod report;
mod share;
mod table;

pub use binding::{BindingFigure, binding, binding_cells};
pub use captions::{CaptionFigure, captions};
pub use demo::{Demo, DemoOptions, DemoReport, demo};
pub use error::{Error, Result};
pub use examples::Example;
pub use films::{FilmFigure, films};
pub use judge::Progress;
pub use naming::{NamingFigure, NamingOptions, NamingReport, Photos, naming, naming_queries};
pub use quality::{Quality, QualityOptions, quality};
pub use questions::{QuestionFigure, questions};
pub use report::{About, html};
pub use share::Share;
