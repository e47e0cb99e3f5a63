//! Why a text is no pair of its image or film.

use crate::reason::named_reasons;

named_reasons! {
    /// Why a candidate is no pair; the order is that of the funnel.
    PairReason {
        /// The image has no text of the kind asked for.
        NoText = "no_text",
        /// The image is smaller than asked for.
        SmallImage = "small_image",
        /// The image is too long or too wide.
        AspectRatio = "aspect_ratio",
        /// The text is the image's file name, or any file name.
        FileName = "file_name",
        /// The text is a URL or holds one.
        Url = "url",
        /// The text is a camera's number, a size or another code.
        Code = "code",
        /// The text says only that there is a picture.
        Boilerplate = "boilerplate",
        /// Fewer words than asked for.
        FewWords = "few_words",
        /// More words than allowed.
        ManyWords = "many_words",
        /// Too few different words.
        RepeatedWords = "repeated_words",
        /// Too large a share of capital letters.
        Capitals = "capitals",
        /// Too small a share of letters.
        FewLetters = "few_letters",
        /// Too many flagged words.
        FlaggedWords = "flagged_words",
        /// Its language is not among those allowed.
        Language = "language",
        /// More images than allowed share the text.
        FrequentText = "frequent_text",
        /// The file cannot be read as a film, or its text cannot be read.
        Unreadable = "unreadable",
        /// The file holds one picture.
        NotAFilm = "not_a_film",
        /// The film is shorter than asked for.
        ShortFilm = "short_film",
        /// The film is longer than allowed.
        LongFilm = "long_film",
    }
}
