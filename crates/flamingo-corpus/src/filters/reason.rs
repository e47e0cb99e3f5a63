//! Why a document or a paragraph is dropped.

use crate::reason::named_reasons;

named_reasons! {
    /// Why a document or a paragraph is dropped; the order is that of the funnel.
    Reason {
        /// Its language cannot be told with enough confidence.
        LanguageUnsure = "language_unsure",
        /// Its language is not among those allowed.
        Language = "language",
        /// Fewer images than asked for.
        FewImages = "few_images",
        /// More images than allowed.
        ManyImages = "many_images",
        /// Fewer words than asked for.
        FewWords = "few_words",
        /// More words than allowed.
        ManyWords = "many_words",
        /// Fewer sentences than asked for.
        FewSentences = "few_sentences",
        /// Words too short on average.
        ShortWords = "short_words",
        /// Words too long on average.
        LongWords = "long_words",
        /// Too large a share of characters that are no letters.
        SpecialCharacters = "special_characters",
        /// Too many `#` or ellipses for its words.
        Symbols = "symbols",
        /// Too many curly brackets: code that is shown as text.
        CurlyBrackets = "curly_brackets",
        /// Filler text (`lorem ipsum`).
        FillerText = "filler_text",
        /// Too few words with a letter.
        FewAlphabeticWords = "few_alphabetic_words",
        /// Too few punctuation marks.
        LittlePunctuation = "little_punctuation",
        /// Too few lines that end as a sentence does.
        UnfinishedLines = "unfinished_lines",
        /// Too many lines that start with a bullet.
        BulletLines = "bullet_lines",
        /// Too many lines that end in an ellipsis.
        EllipsisLines = "ellipsis_lines",
        /// Too few stop words, or too few different ones.
        FewStopWords = "few_stop_words",
        /// Too many flagged words.
        FlaggedWords = "flagged_words",
        /// Too many words of spam.
        SpamWords = "spam_words",
        /// Too few of the words that are common in its language.
        FewCommonWords = "few_common_words",
        /// The same runs of characters again and again.
        RepeatedCharacters = "repeated_characters",
        /// The same runs of words again and again.
        RepeatedWords = "repeated_words",
        /// Too many lines that are repeated.
        DuplicateLines = "duplicate_lines",
        /// Too many paragraphs that are repeated.
        DuplicateParagraphs = "duplicate_paragraphs",
        /// One run of 2 to 4 words makes up too much of the text.
        TopNgram = "top_ngram",
        /// Repeated runs of 5 to 10 words make up too much of the text.
        DuplicateNgrams = "duplicate_ngrams",
        /// The quality model's score is too low.
        LowQuality = "low_quality",
    }
}
