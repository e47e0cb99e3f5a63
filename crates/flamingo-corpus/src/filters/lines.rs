//! How the lines of a text start and end.

use super::Reason;
use super::rule::{Rule, at_least, at_most};

pub(super) const RULES: &[Rule] = &[
    at_least(
        Reason::UnfinishedLines,
        |m, _| m.finished_lines,
        |t| t.min_finished_lines,
    ),
    at_most(
        Reason::BulletLines,
        |m, _| m.bullet_lines,
        |t| t.max_bullet_lines,
    ),
    at_most(
        Reason::EllipsisLines,
        |m, _| m.ellipsis_lines,
        |t| t.max_ellipsis_lines,
    ),
];
