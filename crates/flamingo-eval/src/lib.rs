//! Few-shot evaluations, a file each, and their report.
//!
//! Each evaluation asks a model ([`Engine`](flamingo_engine::Engine)) about episodes of the demo
//! world and counts how often the likeliest candidate is the right one: [`binding`] (made-up names
//! learnt from the shots), [`captions`], [`questions`], [`films`]. [`demo`] runs them all;
//! [`DemoReport`] is its figures, as JSON and as a table for the terminal, [`html`] the page.
//! [`naming`] asks about a user's own folders of photos; [`Labeller`] labels photos by shots of them. [`quality`] compares a model with itself in other weights.

mod binding;
mod captions;
mod class_mean;
mod demo;
mod error;
mod examples;
mod films;
mod judge;
mod label;
mod naming;
mod photos;
mod quality;
mod questions;
mod report;
mod share;
mod shots;
mod table;

pub use binding::{BindingFigure, binding, binding_cells};
pub use captions::{CaptionFigure, captions};
pub use class_mean::{ClassMeans, cosine, unit};
pub use demo::{Demo, DemoOptions, DemoReport, demo};
pub use error::{Error, Result};
pub use examples::Example;
pub use films::{FilmFigure, films};
pub use judge::Progress;
pub use label::{Calibration, Doubt, Evidence, Label, LabelOptions, Labeller, Threshold, Weighing};
pub use naming::{NamingOptions, NamingReport, naming, naming_examples, naming_queries};
pub use photos::Photos;
pub use quality::{Quality, QualityOptions, quality};
pub use questions::{QuestionFigure, questions};
pub use report::{About, LabelsAbout, html, labels_card, labels_foot, labels_head, photos_html};
pub use share::Share;
pub use shots::Shots;
