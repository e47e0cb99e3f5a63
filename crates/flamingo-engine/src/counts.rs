//! What an engine did since it was opened.

/// Counted since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Pictures and films that were encoded.
    pub media_encoded: u64,
    /// Those that were wanted and known.
    pub media_known: u64,
    /// Tokens of prompts that were read, candidates included.
    pub tokens_read: u64,
    /// Tokens of prompts that were known from earlier ones.
    pub tokens_known: u64,
    /// Passes of the model over prompts.
    pub reading_passes: u64,
    /// Tokens of answers that were drawn and read again for the next.
    pub tokens_written: u64,
    /// Passes of the model over tokens of answers.
    pub writing_passes: u64,
}
