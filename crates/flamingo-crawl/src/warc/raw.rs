//! A file's bytes as they lie there, read in blocks, of which the last stretch can be gone back to.

use std::io::{self, Read};

const BLOCK: usize = 256 << 10;

/// What is read but not yet taken, and behind it what is held for going back.
pub(super) struct Raw {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// From here on bytes are held.
    held: usize,
    /// From here on bytes are not yet taken.
    taken: usize,
    /// Where the buffer's first byte lies in the file.
    offset: u64,
    ended: bool,
    /// How much more than a block is held at most.
    max_held: usize,
    /// Bytes that were gone back over.
    again: u64,
}

impl Raw {
    pub(super) fn new(reader: Box<dyn Read + Send>, max_held: usize) -> Self {
        Self {
            reader,
            buffer: Vec::new(),
            held: 0,
            taken: 0,
            offset: 0,
            ended: false,
            max_held,
            again: 0,
        }
    }

    /// What is read and not yet taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// Where the next byte lies in the file.
    pub(super) fn position(&self) -> u64 {
        self.offset + self.taken as u64
    }

    pub(super) fn take(&mut self, count: usize) {
        self.taken += count;
        debug_assert!(self.taken <= self.buffer.len());
    }

    /// Reads until `count` bytes are there, or fewer if the file ends.
    pub(super) fn want(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.bytes().len() < count && self.more()? {}
        Ok(self.bytes())
    }

    /// Reads another block; `false` at the file's end.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.taken - self.held > self.max_held {
            self.held = self.taken;
        }
        if self.held > 0 {
            self.buffer.drain(..self.held);
            self.offset += self.held as u64;
            self.taken -= self.held;
            self.held = 0;
        }
        let length = self.buffer.len();
        self.buffer.resize(length + BLOCK, 0);
        let read = read_some(&mut self.reader, &mut self.buffer[length..]);
        self.buffer.truncate(length + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        Ok(!self.ended)
    }

    /// Holds what comes from here on, and lets go of what came before.
    pub(super) fn hold(&mut self) {
        self.held = self.taken;
    }

    /// Goes back to an earlier position, unless it is no longer held or so much was read again already
    /// that a file made for it could keep us busy for ever.
    pub(super) fn go_back(&mut self, position: u64) -> bool {
        let back = self.position().saturating_sub(position);
        let is_held = position >= self.offset + self.held as u64;
        if !is_held || self.again + back > 4 * self.position() + BLOCK as u64 {
            return false;
        }
        self.again += back;
        self.taken -= back as usize;
        true
    }
}

fn read_some(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match reader.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
