//! The members of a compressed file: decoded one after another into a window that knows where each began.
//!
//! A gzip member or zstd frame should hold one record, but one may hold all records, and a record may span
//! several. A plain file is one member whose decoded bytes are its bytes.

use std::collections::VecDeque;
use std::io;

use memchr::memmem;

use super::codec::{Codec, HEAD, dictionary_length};
use super::raw::Raw;
use crate::Reason;

/// So much of a file is searched for what it is.
const SNIFFED: usize = 64 << 10;
/// The least room to decode into.
const ROOM: usize = 64 << 10;
/// The most room made at once: a length that is only told costs no memory.
const MAX_ROOM: usize = 8 << 20;
/// What is found among damaged bytes must decode so far to pass for a member.
const TRIAL: usize = 4 << 10;

/// Why the window holds no more than it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// It holds what was asked for.
    Enough,
    /// The member has ended.
    MemberEnd,
    /// The member's bytes do not decode; what came before them is in the window.
    Damaged(Reason),
}

/// What comes behind a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another member.
    Member,
    /// Another member, behind bytes that are none.
    AfterGarbage,
    /// Nothing, or nothing but garbage.
    End,
}

/// Decoded bytes, and the members that they come from.
pub(super) struct Members {
    raw: Raw,
    codec: Codec,
    window: Vec<u8>,
    /// From here on the window's bytes are not yet taken.
    taken: usize,
    /// How many decoded bytes came before the window.
    decoded: u64,
    /// Where members began: after how many decoded bytes, and where in the file.
    starts: VecDeque<(u64, u64)>,
    /// Whether the last of them has more to decode.
    inside: bool,
    /// Why it has not, if it did not end.
    damage: Option<Reason>,
}

impl Members {
    /// `dictionary` is the frame with which the file begins, if `raw` begins later.
    pub(super) fn new(mut raw: Raw, dictionary: Option<&[u8]>) -> io::Result<Self> {
        let head = raw.want(SNIFFED)?;
        let mut codec = Codec::sniff(head)?;
        let length = dictionary_length(head);
        if dictionary.is_none() && length.is_none() {
            codec.check_no_dictionary(head)?;
        }
        if let Some(frame) = dictionary {
            codec.use_dictionary(frame)?;
        } else if let Some(length) = length {
            let frame = raw.want(length)?;
            codec.use_dictionary(&frame[..length.min(frame.len())])?;
        }
        Ok(Self {
            raw,
            codec,
            window: Vec::new(),
            taken: 0,
            decoded: 0,
            starts: VecDeque::new(),
            inside: false,
            damage: None,
        })
    }

    /// Decoded bytes that are not yet taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.window[self.taken..]
    }

    /// How many decoded bytes have been taken.
    pub(super) fn position(&self) -> u64 {
        self.decoded + self.taken as u64
    }

    /// Where the next byte to be decoded lies in the file.
    pub(super) fn raw_position(&self) -> u64 {
        self.raw.position()
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.codec, Codec::Plain)
    }

    pub(super) fn take(&mut self, count: usize) {
        self.taken += count;
        debug_assert!(self.taken <= self.window.len());
        // What is taken is moved out when there is more of it than of the rest.
        if self.taken >= ROOM && self.taken * 2 >= self.window.len() {
            self.window.drain(..self.taken);
            self.decoded += self.taken as u64;
            self.taken = 0;
        }
        let position = self.position();
        while self.starts.len() > 1 && self.starts[1].0 <= position {
            self.starts.pop_front();
        }
    }

    pub(super) fn take_all(&mut self) {
        self.take(self.bytes().len());
    }

    /// The file's bytes, offset and length, that hold the window's first `length` bytes and no others;
    /// `from` is the decoded position of the first.
    pub(super) fn extent(&self, from: u64, length: usize) -> Option<(u64, u64)> {
        if self.is_plain() {
            return Some((from, length as u64));
        }
        let to = from + length as u64;
        let start_at = |decoded| self.starts.iter().find(|start| start.0 == decoded);
        let start = start_at(from)?.1;
        let is_last = !self.inside && to == self.decoded + self.window.len() as u64;
        let end = match start_at(to) {
            Some(next) => next.1,
            None => is_last.then(|| self.raw.position())?,
        };
        Some((start, end - start))
    }

    /// Where in the file the member begins that holds a decoded position.
    pub(super) fn offset_of(&self, position: u64) -> u64 {
        if self.is_plain() {
            return position;
        }
        let before = self.starts.iter().rev().find(|start| start.0 <= position);
        before.map_or(0, |start| start.1)
    }

    /// Decodes until `count` bytes are in the window, but never past the end of a member.
    pub(super) fn fill(&mut self, count: usize) -> io::Result<Fill> {
        while self.bytes().len() < count {
            if !self.inside {
                return Ok(self.damage.map_or(Fill::MemberEnd, Fill::Damaged));
            }
            self.damage = self.step(count)?;
            self.inside &= self.damage.is_none();
        }
        Ok(Fill::Enough)
    }

    /// Goes on to the next member, whose bytes come behind those in the window.
    pub(super) fn next_member(&mut self) -> io::Result<Next> {
        let mut next = Next::Member;
        loop {
            let head = self.raw.want(HEAD)?;
            if head.is_empty() {
                return Ok(Next::End);
            }
            if self.codec.is_member(head) {
                self.begin()?;
                return Ok(next);
            }
            if let Some(length) = self.codec.skippable(head) {
                self.skip(length)?;
                continue;
            }
            // Some tools pad with zeros.
            if head.iter().any(|&byte| byte != 0) {
                next = Next::AfterGarbage;
            }
            self.raw.take(1);
            if !self.seek_member()? {
                return Ok(Next::End);
            }
        }
    }

    /// Leaves a damaged member, and what is in the window, for the next bytes that pass for a member;
    /// `false` if there are none.
    pub(super) fn recover(&mut self) -> io::Result<bool> {
        loop {
            self.inside = false;
            self.take_all();
            // A clipped member's decoder has run into the members behind it.
            let behind = self.starts.back().map_or(0, |start| start.1) + 1;
            if self.raw.position() < behind {
                self.raw.take(1);
            } else {
                self.raw.go_back(behind);
            }
            if !self.seek_member()? {
                self.damage = None;
                return Ok(false);
            }
            self.begin()?;
            if !matches!(self.fill(TRIAL)?, Fill::Damaged(_)) {
                return Ok(true);
            }
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.codec.begin()?;
        self.raw.hold();
        let decoded = self.decoded + self.window.len() as u64;
        // One that came to nothing leaves no trace.
        if self.starts.back().is_some_and(|start| start.0 == decoded) {
            self.starts.pop_back();
        }
        self.starts.push_back((decoded, self.raw.position()));
        self.inside = true;
        self.damage = None;
        Ok(())
    }

    /// Searches the file for what a member begins with.
    fn seek_member(&mut self) -> io::Result<bool> {
        let magic = self.codec.magic();
        loop {
            let bytes = self.raw.want(HEAD)?;
            if let Some(at) = memmem::find(bytes, magic) {
                self.raw.take(at);
                let head = self.raw.want(HEAD)?;
                if !head.is_empty() && self.codec.is_member(head) {
                    return Ok(true);
                }
                let passed = head.len().min(1);
                self.raw.take(passed);
            } else {
                // The magic may lie across the border.
                let passed = (bytes.len() + 1).saturating_sub(magic.len());
                self.raw.take(passed);
            }
            if self.raw.bytes().len() < magic.len().max(1) && !self.raw.more()? {
                return Ok(false);
            }
        }
    }

    fn skip(&mut self, mut length: u64) -> io::Result<()> {
        while length > 0 && !self.raw.want(1)?.is_empty() {
            let count = self.raw.bytes().len();
            let count = usize::try_from(length).map_or(count, |left| left.min(count));
            self.raw.take(count);
            self.raw.hold();
            length -= count as u64;
        }
        Ok(())
    }

    /// Decodes some bytes, or tells why none come.
    fn step(&mut self, count: usize) -> io::Result<Option<Reason>> {
        let at_end = self.raw.bytes().is_empty() && !self.raw.more()?;
        let missing = count - self.bytes().len();
        self.window.reserve(missing.clamp(ROOM, MAX_ROOM));
        let length = self.window.len();
        // A decoder may still hold bytes when it has been given all.
        let Some(decoded) = self.codec.decode(self.raw.bytes(), &mut self.window) else {
            return Ok(Some(Reason::DamagedCompression));
        };
        self.raw.take(decoded.read);
        let is_stuck = decoded.read == 0 && self.window.len() == length;
        if decoded.ended || (is_stuck && self.is_plain()) {
            self.inside = false;
        } else if is_stuck {
            return Ok(Some(if at_end {
                Reason::Clipped
            } else {
                Reason::DamagedCompression
            }));
        }
        Ok(None)
    }
}
