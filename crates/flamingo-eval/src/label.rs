//! Labels for pictures, from a few shots of each class: the model's likelihood of the names, and the nearest
//! class mean, weighed by what either makes of shots that are left out.
//!
//! [`Labeller`] is made of shots once and then labels any number of pictures; it holds no engine, so that a
//! server can have one for each set of shots.

mod evidence;
mod exact;
mod labeller;
mod prompts;
mod rounds;
mod sure;
mod weigh;

pub use evidence::Evidence;
pub use labeller::{Calibration, Doubt, Label, LabelOptions, Labeller};
pub use sure::Threshold;
pub use weigh::Weighing;
