//! Flamingo: few-shot image, video and text understanding.
//!
//! The crates of the project under one roof, and the model that comes with them:
//!
//! ```no_run
//! use flamingo::engine::{Engine, EngineOptions, Decoding};
//! use flamingo::kernels::{Backend, open_device};
//! use flamingo::sequence::Document;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = open_device(Backend::Cpu)?;
//! let mut engine = Engine::open(&flamingo::demo_model(), &device, EngineOptions::default())?;
//! let prompt = Document::from_json(
//!     r#"{"parts": [{"image": "pig.png"}, {"text": "Output:"}]}"#,
//! )?;
//! let pictures = flamingo::Files::of([&prompt]);
//! let answers = engine.generate(&[prompt], &pictures, &Decoding::default(), &mut |_, _| {})?;
//! assert_eq!(answers.len(), 1);
//! # Ok(())
//! # }
//! ```

mod demo_model;
mod files;
mod tower;

pub use demo_model::{demo_model, demo_model_hash};
pub use files::{Files, beside};
pub use flamingo_chat as chat;
pub use flamingo_corpus as corpus;
pub use flamingo_crawl as crawl;
pub use flamingo_data as data;
#[cfg(feature = "corpus")]
pub use flamingo_dedup as dedup;
pub use flamingo_engine as engine;
pub use flamingo_eval as eval;
pub use flamingo_film as film;
pub use flamingo_image as image;
pub use flamingo_kernels as kernels;
pub use flamingo_metrics as metrics;
pub use flamingo_model as model;
pub use flamingo_page as page;
pub use flamingo_parity as parity;
pub use flamingo_sequence as sequence;
#[cfg(feature = "serve")]
pub use flamingo_serve as serve;
pub use flamingo_shots as shots;
pub use flamingo_tasks as tasks;
pub use flamingo_train as train;
pub use flamingo_weights as weights;
pub use tower::ImageTower;
