//! The attributes of one tag, read from its source each time they are asked for.
//!
//! Most tags' attributes are never asked for, so a parsed page holds only where its tags lie.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::entities;

/// One attribute as it stands in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'s> {
    /// Its name, in the source's case.
    pub name: &'s str,
    /// Its value without quotes, character references not yet decoded; empty where it has none.
    pub raw: &'s str,
}

impl<'s> Attribute<'s> {
    /// Its value, character references decoded; borrowed where there are none.
    pub fn value(self) -> Cow<'s, str> {
        entities::decode_attribute(self.raw)
    }
}

/// The attributes of a tag in source order; of two with the same name, the first counts.
#[derive(Clone, Debug)]
pub struct Attributes<'s> {
    tag: &'s str,
    at: usize,
}

impl<'s> Attributes<'s> {
    /// Those in `tag`, which is what follows the name, `>` included.
    pub(crate) const fn new(tag: &'s str) -> Self {
        Self { tag, at: 0 }
    }
}

impl<'s> Iterator for Attributes<'s> {
    type Item = Attribute<'s>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'s>> {
        let Step::Attribute(found) = next_attribute(self.tag.as_bytes(), self.at) else {
            return None;
        };
        self.at = found.next;
        Some(Attribute {
            name: &self.tag[found.name],
            raw: &self.tag[found.value],
        })
    }
}

/// Where an attribute lies.
pub(crate) struct Found {
    name: Range<usize>,
    value: Range<usize>,
    /// Where the next begins.
    pub(crate) next: usize,
}

/// What stands at a place between attributes.
pub(crate) enum Step {
    Attribute(Found),
    /// `>`, at this place.
    End(usize),
    /// The source ends in the tag.
    Eof,
}

const SPACE: u8 = 1;
const NAME_END: u8 = 2;

const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let mut at = 0;
    let spaces = b" \t\n\r\x0c";
    while at < spaces.len() {
        class[spaces[at] as usize] = SPACE | NAME_END;
        at += 1;
    }
    class[b'/' as usize] = NAME_END;
    class[b'>' as usize] = NAME_END;
    class[b'=' as usize] = NAME_END;
    class
};

#[inline]
pub(crate) const fn is_space(byte: u8) -> bool {
    CLASS[byte as usize] & SPACE != 0
}

#[inline]
fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && is_space(bytes[at]) {
        at += 1;
    }
    at
}

/// The attribute that begins at or after `at`, or the tag's end.
#[inline]
pub(crate) fn next_attribute(bytes: &[u8], mut at: usize) -> Step {
    while at < bytes.len() && (is_space(bytes[at]) || bytes[at] == b'/') {
        at += 1;
    }
    let name = at;
    match bytes.get(at) {
        None => return Step::Eof,
        Some(b'>') => return Step::End(at),
        // A leading `=` is part of the name.
        Some(_) => at += 1,
    }
    while at < bytes.len() && CLASS[bytes[at] as usize] & NAME_END == 0 {
        at += 1;
    }
    let name = name..at;
    let after = skip_spaces(bytes, at);
    if bytes.get(after) != Some(&b'=') {
        return Step::Attribute(Found {
            name,
            value: at..at,
            next: after,
        });
    }
    match value(bytes, skip_spaces(bytes, after + 1)) {
        Some((value, next)) => Step::Attribute(Found { name, value, next }),
        None => Step::Eof,
    }
}

/// Where a byte stands that is likely to be near: the first bytes are looked at without a call.
#[inline]
pub(crate) fn find_near(byte: u8, bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let wanted = ONES * u64::from(byte);
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().take(3).enumerate() {
        // The lowest high bit that is set is that of the first byte which becomes zero.
        let differs = u64::from_le_bytes(*word) ^ wanted;
        let zero = differs.wrapping_sub(ONES) & !differs & HIGH;
        if zero != 0 {
            return Some(at * 8 + zero.trailing_zeros() as usize / 8);
        }
    }
    let from = words.len().min(3) * 8;
    memchr(byte, &bytes[from..]).map(|found| from + found)
}

/// The value at `at`, and where what follows it begins; none where it does not end.
#[inline]
fn value(bytes: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    let first = *bytes.get(at)?;
    if first == b'"' || first == b'\'' {
        let end = at + 1 + find_near(first, &bytes[at + 1..])?;
        return Some((at + 1..end, end + 1));
    }
    let mut end = at;
    while end < bytes.len() && !is_space(bytes[end]) && bytes[end] != b'>' {
        end += 1;
    }
    Some((at..end, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_byte_is_found_where_memchr_finds_it() {
        // Beside it stand the bytes that differ from it by one bit, which borrows could take for it.
        for wanted in [b'<', b'"', b'\''] {
            for length in 0..40 {
                for place in 0..=length {
                    let mut bytes = vec![wanted ^ 1; length];
                    bytes.iter_mut().step_by(3).for_each(|byte| *byte = 0x80);
                    bytes.iter_mut().skip(place).for_each(|byte| *byte = wanted);
                    assert_eq!(find_near(wanted, &bytes), memchr(wanted, &bytes));
                }
            }
        }
    }
}
