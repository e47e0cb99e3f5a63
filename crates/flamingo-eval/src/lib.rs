//! Few-shot evaluations, a file each, and their report.
//!
//! Each evaluation asks a model ([`Engine`](flamingo_engine::Engine)) about episodes of the demo
//! world and counts how often the likeliest candidate is the right one: [`binding`] (made-up names
//! learnt from the shots), [`captions`], [`questions`], [`dialogues`], [`films`], [`film_questions`]. [`demo`] runs them all;
//! [`DemoReport`] is its figures, as JSON and as a table for the terminal, [`html`] the page.
//! [`naming`] asks about a user's own folders of photos; [`Labeller`] labels photos by shots of them. [`ZeroShot`]
//! asks the two towers of a contrastive model. [`quality`] compares a model with itself in other weights.

mod binding;
mod captions;
mod class_mean;
pub mod contamination;
mod demo;
mod dialogues;
pub mod diff;
mod error;
mod examples;
mod film_questions;
mod films;
mod judge;
mod label;
mod naming;
mod photos;
mod quality;
mod questions;
mod report;
pub mod rices;
mod run;
mod run_report;
mod share;
mod shots;
pub mod statistics;
mod table;
pub mod versus;
mod zero_shot;

pub use binding::{BindingFigure, binding, binding_cells};
pub use captions::{CaptionFigure, captions};
pub use class_mean::{ClassMeans, cosine, unit};
pub use demo::{Demo, DemoOptions, DemoReport, demo};
pub use dialogues::{DialogueFigure, dialogues};
pub use error::{Error, Result};
pub use examples::Example;
pub use film_questions::{FilmQuestionFigure, film_questions};
pub use films::{FilmFigure, films};
pub use judge::Progress;
pub use label::{Calibration, Doubt, Evidence, Label, LabelOptions, Labeller, Threshold, Weighing};
pub use naming::{NamingOptions, NamingReport, naming, naming_examples, naming_queries};
pub use photos::Photos;
pub use quality::{Quality, QualityOptions, quality};
pub use questions::{QuestionFigure, questions};
pub use report::{
    About, LabelsAbout, Previewed, PreviewedToken, html, labels_card, labels_foot, labels_head,
    photos_html, preview_html,
};
pub use run::{
    Ablation, Cell, CellResult, Curve, Ended, Example as TaskExample, Form, Icl, Judge, Judgement,
    Point, Reply, Results, Run, RunFile, RunFolder, RunOptions, Sample, Selection, Suite,
    TaskMedia, TaskRun, Value, data_fingerprint, model_fingerprint, orders, random_shots,
    read_cells, read_results, read_run, read_samples, shown,
};
pub use run_report::{RunPage, RunRead, run_page};
pub use share::Share;
pub use shots::Shots;
pub use zero_shot::{Recall, Retrieval, ZeroShot, ZeroShotClasses, ZeroShotReport};
