//! How far a file is that is on its way here.

use flamingo::weights::Progress;
use indicatif::ProgressBar;

use crate::output;

/// Draws how far a file is.
#[derive(Default)]
pub(crate) struct DownloadBar(Option<ProgressBar>);

impl Progress for DownloadBar {
    fn start(&mut self, file: &str, bytes: u64) {
        let template = "{msg} {bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
        let bar = output::bar(bytes, template);
        bar.set_message(file.to_owned());
        self.0 = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
        }
    }

    fn finish(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

/// A file that could not be had leaves no bar behind.
impl Drop for DownloadBar {
    fn drop(&mut self) {
        self.finish();
    }
}
