//! Executors that are killed.

use clap::Args;

use crate::check::featured_tests;
use crate::command::run as execute;

/// How many executors are killed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often
    #[arg(long, default_value_t = 50)]
    kills: u32,
}

/// The test that kills them: a line for each, with the moment and how long the join took.
const TEST: &str = "cluster::an_executor_that_is_killed_in_the_join_changes_no_byte";
/// Tells the test how often.
const KILLS: &str = "FLAMINGO_TEST_KILLS";

/// Kills one of two executors in the join of a corpus, again and again.
///
/// # Errors
/// If a byte differs, or a join does not end.
pub(super) fn run(options: &Options) -> anyhow::Result<()> {
    execute(
        featured_tests()
            .args(["--test", "it", "--", "--exact", "--nocapture", TEST])
            .env(KILLS, options.kills.to_string()),
    )
}
