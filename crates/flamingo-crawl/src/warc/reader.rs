//! Where records begin and end, in files that say so rightly, wrongly or not at all.

use std::io;
use std::ops::Range;

use super::members::{Fill, Members, Next};
use super::record::Head;
use crate::headers::{find_end, find_version};
use crate::{Counts, Fault, Reason, Skipped};

/// The most bytes that a record's head may have.
const MAX_HEAD: usize = 64 << 10;
/// No record is as long: a length above is not believed, and what follows is searched instead.
const IMPLAUSIBLE: u64 = 1 << 40;
/// So far behind a record something must show what comes next.
const LOOK: usize = 16;

/// One record, whose content lies in the reader's window until the next is asked for.
pub(super) struct Record {
    pub(super) head: Head,
    /// Where it begins in the file, as far as the compression tells.
    pub(super) offset: u64,
    /// The file's bytes that hold it alone: offset and length.
    pub(super) place: Option<(u64, u64)>,
    content: Range<usize>,
}

pub(super) enum Found {
    Record(Record),
    Skipped(Skipped),
}

/// Reads one record after another.
pub(super) struct Reader {
    members: Members,
    max_record: u64,
    /// The file's length, if it is known.
    size: Option<u64>,
    /// How many bytes of the window the last record had.
    done: usize,
}

/// What is behind the end of a member in which a record is not complete.
enum Span {
    /// More of the record.
    More,
    /// Another record, or the file's end.
    Stop,
}

/// What stands where a record should begin.
enum Start {
    Record,
    Garbage,
    Damaged(Reason),
    End,
}

/// How a record ends.
enum End {
    /// Where its content ends in the window, and where the record does.
    At(usize, usize),
    Damaged(Reason),
}

impl Reader {
    pub(super) fn new(members: Members, max_record: u64, size: Option<u64>) -> Self {
        Self {
            members,
            max_record,
            size,
            done: 0,
        }
    }

    /// The bytes of a record that was found last.
    pub(super) fn content(&self, record: &Record) -> &[u8] {
        &self.members.bytes()[record.content.clone()]
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.members.raw_position()
    }

    /// The next record, or what could not be read as one.
    pub(super) fn next(&mut self, counts: &mut Counts) -> io::Result<Option<Found>> {
        self.members.take(std::mem::take(&mut self.done));
        let offset = self.members.raw_position();
        match self.seek()? {
            Start::Record => {}
            Start::End => return Ok(None),
            Start::Garbage => return Ok(Some(skipped(Reason::Garbage, None, offset))),
            Start::Damaged(reason) => return Ok(Some(skipped(reason, None, offset))),
        }
        let offset = self.offset();
        let head_end = match self.find_head()? {
            Ok(end) => end,
            Err(reason) => return Ok(Some(skipped(reason, None, offset))),
        };
        let Some(head) = Head::parse(&self.members.bytes()[..head_end], counts) else {
            self.done = head_end;
            return Ok(Some(skipped(Reason::MalformedRecord, None, offset)));
        };
        self.read_content(head, head_end, offset, counts).map(Some)
    }

    fn read_content(
        &mut self,
        head: Head,
        head_end: usize,
        offset: u64,
        counts: &mut Counts,
    ) -> io::Result<Found> {
        if head.length > self.max_record {
            self.members.take(head_end);
            if self.is_plausible(head.length) {
                self.pass_over(head.length)?;
            }
            return Ok(skipped(Reason::TooLarge, head.url, offset));
        }
        let position = self.members.position();
        match self.find_record_end(head_end, head.length as usize, counts)? {
            End::Damaged(reason) => {
                self.members.recover()?;
                Ok(skipped(reason, head.url, offset))
            }
            End::At(content_end, end) => {
                self.done = end;
                Ok(Found::Record(Record {
                    head,
                    offset,
                    place: self.members.extent(position, end),
                    content: head_end..content_end,
                }))
            }
        }
    }

    /// Goes to the next line that a record may begin with.
    fn seek(&mut self) -> io::Result<Start> {
        let mut found_garbage = false;
        // Whether the window begins within a line, so that its first byte begins none.
        let mut is_mid_line = false;
        loop {
            let fill = self.members.fill(LOOK)?;
            let bytes = self.members.bytes();
            let blank = blank_bytes(bytes);
            if blank > 0 {
                is_mid_line &= bytes[blank - 1] != b'\n';
                self.members.take(blank);
                if fill == Fill::Enough {
                    continue;
                }
            }
            let bytes = self.members.bytes();
            let found = find_version(bytes, usize::from(is_mid_line));
            match (found, fill) {
                (Some(0), _) if found_garbage => return Ok(Start::Garbage),
                (Some(0), _) => return Ok(Start::Record),
                (Some(at), _) => {
                    (found_garbage, is_mid_line) = (true, false);
                    self.members.take(at);
                }
                (None, Fill::Damaged(reason)) => {
                    self.members.recover()?;
                    return Ok(Start::Damaged(reason));
                }
                (None, Fill::Enough) => {
                    (found_garbage, is_mid_line) = (true, true);
                    let kept = bytes.len().min(b"\nWARC/".len());
                    self.members.take(bytes.len() - kept);
                }
                (None, Fill::MemberEnd) => {
                    if !b"WARC/".starts_with(bytes) {
                        found_garbage = true;
                        self.members.take_all();
                    }
                    is_mid_line = false;
                    match self.members.next_member()? {
                        Next::Member => {}
                        Next::AfterGarbage => found_garbage = true,
                        Next::End if found_garbage || !self.members.bytes().is_empty() => {
                            self.members.take_all();
                            return Ok(Start::Garbage);
                        }
                        Next::End => return Ok(Start::End),
                    }
                }
            }
        }
    }

    /// Where the head ends; on failure what follows can be searched for the next record.
    fn find_head(&mut self) -> io::Result<Result<usize, Reason>> {
        let mut wanted = 1 << 10;
        loop {
            let fill = self.members.fill(wanted)?;
            let bytes = self.members.bytes();
            if let Some(end) = find_end(&bytes[..bytes.len().min(MAX_HEAD)]) {
                return Ok(Ok(end));
            }
            let length = bytes.len();
            match fill {
                _ if length >= MAX_HEAD => {
                    // All of it: a file made of such beginnings must not be searched again for each.
                    self.done = MAX_HEAD;
                    return Ok(Err(Reason::MalformedRecord));
                }
                Fill::Enough => wanted = length * 2,
                Fill::Damaged(reason) => {
                    self.members.recover()?;
                    return Ok(Err(reason));
                }
                Fill::MemberEnd => {
                    if let Span::Stop = self.span()? {
                        self.done = length;
                        return Ok(Err(Reason::Clipped));
                    }
                }
            }
        }
    }

    /// Where a record of a told length ends, and where it really does if there is no end there.
    fn find_record_end(
        &mut self,
        head_end: usize,
        length: usize,
        counts: &mut Counts,
    ) -> io::Result<End> {
        let told = head_end + length;
        loop {
            match self.members.fill(told)? {
                Fill::Enough => break,
                Fill::Damaged(reason) => return Ok(End::Damaged(reason)),
                Fill::MemberEnd => {
                    let end = self.members.bytes().len();
                    if let Span::Stop = self.span()? {
                        counts.fault(Fault::WrongLength);
                        return Ok(self.trimmed(head_end, end));
                    }
                }
            }
        }
        match self.members.fill(told + LOOK)? {
            // The content is complete, only the checksum behind it is missing.
            Fill::Damaged(Reason::Clipped) => return Ok(End::At(told, told)),
            Fill::Damaged(reason) => return Ok(End::Damaged(reason)),
            Fill::Enough | Fill::MemberEnd => {}
        }
        let rest = &self.members.bytes()[told..];
        let blank = blank_bytes(rest);
        // Whatever is behind the empty lines that end every record was not part of it.
        if rest.starts_with(b"\r\n\r\n") || is_version_so_far(&rest[blank..]) {
            return Ok(End::At(told, told + blank));
        }
        counts.fault(Fault::WrongLength);
        self.find_real_end(head_end, told)
    }

    /// The end of a record that does not end where it is told: before the next that begins, or at the
    /// end of its member; as told if neither is near.
    fn find_real_end(&mut self, head_end: usize, told: usize) -> io::Result<End> {
        let limit = head_end + self.max_record as usize;
        let mut from = head_end;
        loop {
            let bytes = self.members.bytes();
            if let Some(next) = find_version(bytes, from) {
                return Ok(self.trimmed(head_end, next));
            }
            from = bytes.len().saturating_sub(b"WARC/1".len()).max(head_end);
            if bytes.len() >= limit {
                return Ok(End::At(told, told));
            }
            match self.members.fill(bytes.len() + 1)? {
                Fill::Enough => {}
                Fill::Damaged(reason) => return Ok(End::Damaged(reason)),
                Fill::MemberEnd if self.members.is_plain() => return Ok(End::At(told, told)),
                Fill::MemberEnd => {
                    let end = self.members.bytes().len();
                    if let Span::Stop = self.span()? {
                        return Ok(self.trimmed(head_end, end));
                    }
                }
            }
        }
    }

    /// A record that ends at `end`, without the empty lines behind its content.
    fn trimmed(&self, head_end: usize, end: usize) -> End {
        let content = &self.members.bytes()[head_end..end];
        let blank = content
            .iter()
            .rev()
            .take(4)
            .take_while(|&&byte| is_blank(byte));
        End::At(end - blank.count(), end)
    }

    /// Goes on to the next member while a record is not complete.
    fn span(&mut self) -> io::Result<Span> {
        let border = self.members.bytes().len();
        if self.members.next_member()? != Next::Member {
            return Ok(Span::Stop);
        }
        let fill = self.members.fill(border + LOOK)?;
        let begins_record = find_version(&self.members.bytes()[border..], 0) == Some(0);
        let is_damaged = matches!(fill, Fill::Damaged(_));
        Ok(if begins_record || is_damaged {
            Span::Stop
        } else {
            Span::More
        })
    }

    /// Passes over content without holding it.
    fn pass_over(&mut self, mut length: u64) -> io::Result<()> {
        while length > 0 {
            match self.members.fill(1)? {
                Fill::Enough => {
                    let count = self.members.bytes().len();
                    let count = usize::try_from(length).map_or(count, |left| left.min(count));
                    self.members.take(count);
                    length -= count as u64;
                }
                Fill::MemberEnd => {
                    if let Span::Stop = self.span()? {
                        return Ok(());
                    }
                }
                Fill::Damaged(_) => {
                    self.members.recover()?;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn is_plausible(&self, length: u64) -> bool {
        let left = match self.size.filter(|_| self.members.is_plain()) {
            Some(size) => size.saturating_sub(self.members.position()),
            None => u64::MAX,
        };
        length <= left.min(IMPLAUSIBLE)
    }

    /// Where the record at the window's beginning lies in the file, or its member, or what was read last.
    fn offset(&self) -> u64 {
        self.members.offset_of(self.members.position())
    }
}

fn skipped(reason: Reason, url: Option<String>, offset: u64) -> Found {
    Found::Skipped(Skipped {
        reason,
        url,
        offset,
    })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn blank_bytes(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|&&byte| is_blank(byte)).count()
}

/// Whether nothing contradicts that a record begins.
fn is_version_so_far(bytes: &[u8]) -> bool {
    let compared = bytes.len().min(b"WARC/".len());
    bytes[..compared] == b"WARC/"[..compared]
}
