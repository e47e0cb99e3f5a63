//! Elements (EBML): an id, a size, a body, the first two in as many bytes as they need.

use std::io::{self, Read};

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Read(#[from] io::Error),
    #[error("a number of it is written in more than 8 bytes")]
    Number,
    #[error("an element of it does not say where it ends")]
    Endless,
    #[error("an element of it reaches beyond the one that it lies in")]
    Torn,
    #[error("a frame's head is damaged")]
    Block,
    #[error("its list of tracks has {0} bytes, more than can be read")]
    Large(u64),
    #[error("it has more than 4000000 frames")]
    Long,
}

/// The head of an element.
pub(super) struct Element {
    pub(super) id: u32,
    /// Bytes of its body; none if that is not told.
    pub(super) size: Option<u64>,
    /// Bytes of its id and size.
    pub(super) head: u64,
}

impl Element {
    /// Reads it; none if the file ends before.
    pub(super) fn read(file: &mut impl Read) -> Result<Option<Self>, Fault> {
        let Some((id, id_bytes)) = number(file)? else {
            return Ok(None);
        };
        let Some((size, size_bytes)) = number(file)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            // Ids are told with the bit that says how long they are.
            id: u32::try_from(id).map_err(|_| Fault::Number)?,
            size: value(size, size_bytes),
            head: u64::from(id_bytes + size_bytes),
        }))
    }
}

/// A number as it is written, and its bytes.
fn number(file: &mut impl Read) -> Result<Option<(u64, u32)>, Fault> {
    let mut first = [0];
    if file.read(&mut first)? == 0 {
        return Ok(None);
    }
    let bytes = first[0].leading_zeros() + 1;
    if bytes > 8 {
        return Err(Fault::Number);
    }
    let mut number = u64::from(first[0]);
    for _ in 1..bytes {
        let mut next = [0];
        if file.read(&mut next)? == 0 {
            return Ok(None);
        }
        number = number << 8 | u64::from(next[0]);
    }
    Ok(Some((number, bytes)))
}

/// Without the bit that says how long it is; none if all others are set, which means unknown.
fn value(number: u64, bytes: u32) -> Option<u64> {
    let most = (1 << (7 * bytes)) - 1;
    let value = number & most;
    (value < most).then_some(value)
}

/// A number at the start of some bytes, and what follows.
pub(super) fn size(mut bytes: &[u8]) -> Option<(Option<u64>, &[u8])> {
    let (number, length) = number(&mut bytes).ok()??;
    Some((value(number, length), bytes))
}

/// The elements in a body, one after the other.
pub(super) fn elements(mut body: &[u8]) -> impl Iterator<Item = Result<(u32, &[u8]), Fault>> {
    std::iter::from_fn(move || {
        if body.is_empty() {
            return None;
        }
        let mut rest = body;
        let taken = Element::read(&mut rest).and_then(|element| {
            let element = element.ok_or(Fault::Torn)?;
            let size = element.size.and_then(|size| usize::try_from(size).ok());
            let (inside, after) = size
                .and_then(|size| rest.split_at_checked(size))
                .ok_or(Fault::Torn)?;
            body = after;
            Ok((element.id, inside))
        });
        if taken.is_err() {
            body = &[];
        }
        Some(taken)
    })
}

/// A number in a body, its highest byte first; of more than 8 bytes the last ones.
pub(super) fn unsigned(body: &[u8]) -> u64 {
    body.iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// A text in a body, which may end with zeros.
pub(super) fn text(body: &[u8]) -> String {
    let text: Vec<u8> = body
        .iter()
        .copied()
        .take_while(|byte| *byte > 0)
        .take(64)
        .collect();
    text.escape_ascii().to_string()
}
