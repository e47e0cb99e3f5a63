//! MinHash signatures of texts: two texts agree in about as many positions as they share shingles of five words.
//!
//! One permutation with densification (Li, Owen and Zhang 2012; Shrivastava 2017) instead of 128 permutations: each
//! shingle is hashed once and falls into one of 128 bins, each bin keeps its smallest hash, and an empty bin borrows
//! from another one, which it finds by a walk of its own. The estimate is as unbiased and no wider than that of 128
//! permutations, at a hundredth of their arithmetic.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Positions in a signature.
pub const LENGTH: usize = 128;

/// Words in a shingle; a text of fewer words is one shingle.
const SHINGLE: usize = 5;

/// A bin that no shingle fell into; hashes have 32 bits.
const EMPTY: u64 = u64::MAX;

/// The MinHash signature of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature([u64; LENGTH]);

impl Signature {
    /// The signature of a normalised text (words with one space between them); `None` where there is no word.
    pub fn of(normalised: &str) -> Option<Signature> {
        if normalised.is_empty() {
            return None;
        }
        let mut bins = [EMPTY; LENGTH];
        for shingle in Shingles::new(normalised.as_bytes()) {
            let hash = xxh3_64(shingle);
            let bin = &mut bins[(hash >> 57) as usize];
            *bin = (*bin).min((hash >> 25) & u64::from(u32::MAX));
        }
        Some(Signature(densify(&bins)))
    }

    /// The share of positions in which two signatures agree: an estimate of the share of shingles that the texts have
    /// in common.
    pub fn similarity(&self, other: &Signature) -> f64 {
        let agreeing = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        agreeing as f64 / LENGTH as f64
    }

    /// The values with their position above them, so that the size of the intersection of two such sets counts the
    /// positions that agree.
    pub fn column(&self) -> Vec<i64> {
        let column = self.0.iter().enumerate();
        column
            .map(|(position, value)| ((position as u64) << 32 | value).cast_signed())
            .collect()
    }

    /// A hash for each run of `rows` values (a divisor of [`LENGTH`]; other numbers leave a shorter last run).
    ///
    /// Texts of similarity `s` share at least one of `b` bands of `r` rows with a chance of `1 - (1 - s^r)^b`:
    /// with 16 bands of 8 rows 95% at 0.8, 64% at 0.71, 6% at 0.5.
    pub fn bands(&self, rows: usize) -> Vec<i64> {
        let bands = self.0.chunks(rows.max(1)).enumerate();
        bands
            .map(|(band, values)| {
                let bytes: Vec<u8> = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                xxh3_64_with_seed(&bytes, band as u64).cast_signed()
            })
            .collect()
    }
}

/// Fills the empty bins. Each walks all bins in its own order until it finds one that had something from the start:
/// walks in a common order would make neighbours borrow from the same bin, and the estimate wide for short texts.
fn densify(bins: &[u64; LENGTH]) -> [u64; LENGTH] {
    let mut dense = *bins;
    for (bin, value) in dense
        .iter_mut()
        .enumerate()
        .filter(|(_, value)| **value == EMPTY)
    {
        let seed = xxh3_64(&bin.to_le_bytes()) as usize;
        // An odd step visits each of the 128 bins once.
        let (start, step) = (seed >> 32, seed | 1);
        let walk = (0..LENGTH).map(|count| start.wrapping_add(step.wrapping_mul(count)) % LENGTH);
        if let Some(found) = walk.map(|from| bins[from]).find(|from| *from != EMPTY) {
            *value = found;
        }
    }
    dense
}

/// Runs of [`SHINGLE`] words as slices of the text.
struct Shingles<'a> {
    text: &'a [u8],
    spaces: memchr::Memchr<'a>,
    starts: [usize; SHINGLE],
    next: usize,
    done: bool,
}

impl<'a> Shingles<'a> {
    fn new(text: &'a [u8]) -> Self {
        let mut spaces = memchr::memchr_iter(b' ', text);
        let mut starts = [0; SHINGLE];
        let mut words = 1;
        // A text of fewer words than a shingle has starts at 0 only, and its end as the first shingle's.
        while words < SHINGLE
            && let Some(space) = spaces.next()
        {
            starts[words] = space + 1;
            words += 1;
        }
        Shingles {
            text,
            spaces,
            starts,
            next: 0,
            done: false,
        }
    }
}

impl<'a> Iterator for Shingles<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.done {
            return None;
        }
        let start = self.starts[self.next];
        let Some(space) = self.spaces.next() else {
            self.done = true;
            return Some(&self.text[start..]);
        };
        self.starts[self.next] = space + 1;
        self.next = (self.next + 1) % SHINGLE;
        Some(&self.text[start..space])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn words(ids: impl IntoIterator<Item = usize>) -> String {
        let words: Vec<String> = ids.into_iter().map(|id| format!("w{id}")).collect();
        words.join(" ")
    }

    fn shingles(text: &str) -> std::collections::BTreeSet<Vec<&str>> {
        let words: Vec<&str> = text.split(' ').collect();
        words
            .windows(SHINGLE.min(words.len()))
            .map(<[&str]>::to_vec)
            .collect()
    }

    fn jaccard(a: &str, b: &str) -> f64 {
        let (a, b) = (shingles(a), shingles(b));
        a.intersection(&b).count() as f64 / a.union(&b).count() as f64
    }

    #[test]
    fn shingles_are_five_words_or_the_whole_of_a_shorter_text() {
        let of = |text: &'static str| -> Vec<&str> {
            Shingles::new(text.as_bytes())
                .map(|shingle| std::str::from_utf8(shingle).unwrap())
                .collect()
        };
        assert_eq!(of("a"), ["a"]);
        assert_eq!(of("a bb ccc"), ["a bb ccc"]);
        assert_eq!(of("a b c d e"), ["a b c d e"]);
        assert_eq!(
            of("a b c d e f g h i j k l"),
            [
                "a b c d e",
                "b c d e f",
                "c d e f g",
                "d e f g h",
                "e f g h i",
                "f g h i j",
                "g h i j k",
                "h i j k l"
            ]
        );
    }

    /// The estimate's mean error and its root mean square for pairs of texts of `length` words of which a run is
    /// replaced.
    fn errors(length: usize, replaced: usize) -> (f64, f64) {
        let pairs = 400;
        let (mut sum, mut squares) = (0.0, 0.0);
        for pair in 0..pairs {
            let base = pair * 1_000_000;
            let a = words(base..base + length);
            let b = words((base..base + length).map(|id| {
                if id - base < replaced {
                    id + 500_000
                } else {
                    id
                }
            }));
            let (a_signature, b_signature) =
                (Signature::of(&a).unwrap(), Signature::of(&b).unwrap());
            let error = a_signature.similarity(&b_signature) - jaccard(&a, &b);
            sum += error;
            squares += error * error;
        }
        (sum / pairs as f64, (squares / pairs as f64).sqrt())
    }

    #[test]
    fn the_estimate_is_unbiased_and_no_wider_than_that_of_128_permutations() {
        for (length, replaced) in [
            (30, 4),
            (60, 8),
            (200, 20),
            (200, 60),
            (1000, 100),
            (1000, 400),
            (5000, 1000),
        ] {
            let (mean, spread) = errors(length, replaced);
            let j = (length - 4 - replaced) as f64 / (length - 4 + replaced) as f64;
            let permutations = (j * (1.0 - j) / LENGTH as f64).sqrt();
            assert!(
                mean.abs() < 0.01,
                "{length} words, {replaced} replaced: mean error {mean}"
            );
            assert!(
                spread < 1.15 * permutations,
                "{length} words: {spread}, by permutations {permutations}"
            );
        }
    }

    #[test]
    fn a_text_of_one_word_fills_every_position() {
        let signature = Signature::of("cat").unwrap();
        assert!(signature.0.iter().all(|value| *value != EMPTY));
        assert_eq!(signature.similarity(&Signature::of("dog").unwrap()), 0.0);
        assert!(Signature::of("").is_none());
    }

    #[test]
    fn the_column_is_a_set_whose_intersection_counts_agreeing_positions() {
        let (a, b) = (
            Signature::of(&words(0..200)).unwrap(),
            Signature::of(&words(30..230)).unwrap(),
        );
        let (a_set, b_set): (
            std::collections::BTreeSet<i64>,
            std::collections::BTreeSet<i64>,
        ) = (
            a.column().into_iter().collect(),
            b.column().into_iter().collect(),
        );
        assert_eq!(a_set.len(), LENGTH);
        let common = a_set.intersection(&b_set).count();
        assert_eq!(common as f64 / LENGTH as f64, a.similarity(&b));
    }

    #[test]
    fn similar_texts_share_a_band_and_different_ones_do_not() {
        let share =
            |a: &Signature, b: &Signature| a.bands(8).iter().any(|band| b.bands(8).contains(band));
        let (mut found, mut wrong) = (0, 0);
        for pair in 0..200 {
            let base = pair * 10_000;
            let a = Signature::of(&words(base..base + 500)).unwrap();
            let similar = Signature::of(&words(base + 40..base + 500)).unwrap();
            let other = Signature::of(&words(base + 400..base + 900)).unwrap();
            found += usize::from(share(&a, &similar));
            wrong += usize::from(share(&a, &other));
        }
        assert!(found >= 198, "{found} of 200 at 0.92");
        assert_eq!(wrong, 0, "at 0.11");
    }

    #[test]
    fn equal_values_in_different_bands_have_different_hashes() {
        let signature = Signature([7; LENGTH]);
        let bands: std::collections::BTreeSet<i64> = signature.bands(8).into_iter().collect();
        assert_eq!(bands.len(), 16);
    }

    /// A signature is stored: this one may change only with the format of the tables.
    #[test]
    fn the_signature_of_a_known_text_stays() {
        let signature = Signature::of("the quick brown fox jumps over the lazy dog").unwrap();
        let bytes: Vec<u8> = signature
            .0
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(xxh3_64(&bytes), 0x7cf5_814c_95f9_453d);
    }

    proptest! {
        #[test]
        fn any_text_has_a_full_signature(ids in prop::collection::vec(0usize..50, 1..80)) {
            let signature = Signature::of(&words(ids)).unwrap();
            prop_assert!(signature.0.iter().all(|value| *value <= u64::from(u32::MAX)));
            prop_assert_eq!(signature.similarity(&signature.clone()), 1.0);
        }
    }
}
