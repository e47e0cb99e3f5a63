//! What a caller may show while files arrive.

/// Told about the files that are downloaded, one after the other. `()` shows nothing.
pub trait Progress {
    /// A file of that many bytes begins. Called again for the same file where the hub cannot go on
    /// from the middle and the file begins anew.
    fn start(&mut self, file: &str, bytes: u64);

    /// So many more bytes are on the disk, those of an earlier interrupted run included.
    fn advance(&mut self, bytes: u64);

    /// The file is complete and checked.
    fn finish(&mut self);
}

impl Progress for () {
    fn start(&mut self, _file: &str, _bytes: u64) {}
    fn advance(&mut self, _bytes: u64) {}
    fn finish(&mut self) {}
}
