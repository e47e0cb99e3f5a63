//! What writes documents, whatever the kind of file.

use super::{Finished, Outcome, Record};
use crate::Result;

/// Documents in, finished files out.
pub trait Writer {
    /// Writes one document, into a new file if this one would grow too large.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the operating system's answer.
    fn write(&mut self, record: &Record) -> Result<Outcome>;

    /// Gives the last file its name, and tells of all in order.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) with the operating system's answer.
    fn finish(self: Box<Self>) -> Result<Vec<Finished>>;
}
