//! Runs of words that occur again, counted exactly: a run of `n` words is the number of its first
//! `n - 1` and that of its last word, so none is ever written out.
//!
//! A run can be repeated only where its first `n - 1` words are, so after the shortest runs only
//! few places of ordinary text are still looked at.

use super::characters::MOST_CHARACTERS;
use super::numbering::Numbering;
use super::text::{TextMeasures, share};
use super::words::Words;

/// Writes the measures of repeated runs of words.
pub(super) fn measure(words: &Words, into: &mut TextMeasures) {
    let all = &words.numbers[..words.numbers.len().min(MOST_CHARACTERS)];
    let ends = ends(all, &words.lengths);
    let characters = ends[all.len()];
    let singles = all.iter().enumerate();
    let mut places: Vec<Place> = singles
        .map(|(at, &run)| Place {
            at,
            run,
            again: false,
        })
        .collect();
    for n in 2..=10 {
        let counts = lengthen(&mut places, n, all);
        match n {
            2..=4 => into.top_ngram[n - 2] = share(top(&places, n, &counts, &ends), characters),
            _ => into.duplicate_ngrams[n - 5] = share(copied(&places, n, &ends), characters),
        }
        places.retain(|place| counts[place.run as usize] > 1);
        if n == 5 {
            into.word_repetition = share(places.len(), (all.len() + 1).saturating_sub(n));
        }
    }
}

/// A place in the text and the run of words that starts there.
struct Place {
    at: usize,
    run: u32,
    /// The run was there before.
    again: bool,
}

/// Characters before each word, and at last all.
fn ends(words: &[u32], lengths: &[u32]) -> Vec<usize> {
    let mut ends = Vec::with_capacity(words.len() + 1);
    let mut sum = 0;
    ends.push(sum);
    for &word in words {
        sum += lengths[word as usize] as usize;
        ends.push(sum);
    }
    ends
}

/// Makes the runs one word longer, to `n`; how often each occurs.
fn lengthen(places: &mut Vec<Place>, n: usize, words: &[u32]) -> Vec<u32> {
    let mut numbering = Numbering::with_capacity(places.len());
    places.retain_mut(|place| {
        let Some(&next) = words.get(place.at + n - 1) else {
            return false;
        };
        let key = u64::from(place.run) << 32 | u64::from(next);
        (place.run, place.again) = numbering.count(key);
        true
    });
    numbering.into_counts()
}

/// Characters in the most frequent run, all its occurrences together; 0 if none is repeated. Of
/// runs that occur as often the longest counts.
fn top(places: &[Place], n: usize, counts: &[u32], ends: &[usize]) -> usize {
    let size = |place: &Place| {
        let characters = ends[place.at + n] - ends[place.at];
        (counts[place.run as usize] as usize, characters)
    };
    let repeated = places.iter().filter(|place| place.again);
    let (count, characters) = repeated.map(size).max().unwrap_or_default();
    count * characters
}

/// Characters in runs that were there before, each once.
fn copied(places: &[Place], n: usize, ends: &[usize]) -> usize {
    let mut characters = 0;
    let mut until = 0;
    for place in places.iter().filter(|place| place.again) {
        let end = place.at + n;
        characters += ends[end] - ends[place.at.max(until)];
        until = end;
    }
    characters
}
