//! The bits of a scan: stuffed bytes taken out, markers kept apart.

/// Reads a scan's bits, most significant first.
///
/// Where the data stops at a marker, zeros follow, as in libjpeg: a damaged scan goes on to the
/// next restart marker.
pub(super) struct Bits<'a> {
    data: &'a [u8],
    /// The next byte to take.
    at: usize,
    /// The bits that wait, from the top; zeros below them.
    pub(super) window: u64,
    /// How many bits wait, the made up ones among them.
    pub(super) count: u32,
    /// The bits made up after the last one of the data.
    made_up: u32,
    /// The marker that the data stopped at.
    marker: Option<u8>,
    /// Whether the file ended where data or a marker had to be.
    ended: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;

impl<'a> Bits<'a> {
    /// From the first byte after a scan's header.
    pub(super) fn new(data: &'a [u8], at: usize) -> Self {
        Self {
            data,
            at,
            window: 0,
            count: 0,
            made_up: 0,
            marker: None,
            ended: false,
        }
    }

    /// Makes at least 32 bits wait.
    #[inline]
    pub(super) fn refill(&mut self) {
        if let Some(bytes) = self.data.get(self.at..).and_then(<[u8]>::first_chunk) {
            let word = u64::from_be_bytes(*bytes);
            let has_ff = (!word).wrapping_sub(ONES) & word & (ONES << 7) != 0;
            if !has_ff && self.marker.is_none() {
                self.window |= word >> self.count;
                let taken = (63 - self.count) / 8;
                self.at += taken as usize;
                self.count += taken * 8;
                return;
            }
        }
        self.refill_by_bytes();
    }

    #[cold]
    #[inline(never)]
    fn refill_by_bytes(&mut self) {
        while self.count <= 56 {
            match self.next_byte() {
                Some(byte) => {
                    self.window |= u64::from(byte) << (56 - self.count);
                    self.count += 8;
                }
                None => {
                    self.count += 64;
                    self.made_up += 64;
                }
            }
        }
    }

    /// A byte of data, or none from the marker on.
    fn next_byte(&mut self) -> Option<u8> {
        if self.marker.is_some() || self.ended {
            return None;
        }
        let Some(&byte) = self.data.get(self.at) else {
            self.ended = true;
            return None;
        };
        self.at += 1;
        if byte != 0xFF {
            return Some(byte);
        }
        loop {
            match self.data.get(self.at) {
                None => {
                    self.ended = true;
                    return None;
                }
                Some(0xFF) => self.at += 1,
                Some(0) => {
                    self.at += 1;
                    return Some(0xFF);
                }
                Some(&marker) => {
                    self.at += 1;
                    self.marker = Some(marker);
                    return None;
                }
            }
        }
    }

    /// The next `count` bits as a number; at most 16.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        if self.count < 32 {
            self.refill();
        }
        // Two shifts, so that none of them is by 64.
        let value = (self.window >> 1 >> (63 - count)) as u32;
        self.window <<= count;
        self.count -= count;
        value
    }

    /// Whether bits were taken that the data does not have.
    #[inline]
    pub(super) fn starved(&self) -> bool {
        self.made_up > self.count
    }

    /// Whether bits were taken that the file ends before.
    pub(super) fn cut_short(&self) -> bool {
        self.ended && self.starved()
    }

    /// Goes over the restart marker number `wanted` (0 to 7). What libjpeg does where another
    /// marker stands there: a marker of the restarts to come is left for its time, one gone by is
    /// skipped, any other ends the data. Returns whether there is data again.
    pub(super) fn restart(&mut self, wanted: u8) -> bool {
        (self.window, self.count, self.made_up) = (0, 0, 0);
        let Some(mut marker) = self.marker.or_else(|| self.next_marker()) else {
            return false;
        };
        loop {
            let ahead = marker.wrapping_sub(0xD0).wrapping_sub(wanted) & 7;
            match marker {
                0xD0..=0xD7 if matches!(ahead, 0 | 3..=5) => {
                    self.marker = None;
                    return true;
                }
                0xD0..=0xD7 if ahead > 5 => {}
                0xC0..=0xFF => {
                    self.marker = Some(marker);
                    return false;
                }
                _ => {}
            }
            match self.next_marker() {
                Some(next) => marker = next,
                None => return false,
            }
        }
    }

    fn next_marker(&mut self) -> Option<u8> {
        let next = next_marker(self.data, self.at);
        let Some((marker, at)) = next else {
            self.ended = true;
            return None;
        };
        self.at = at;
        Some(marker)
    }

    /// Where the file goes on after the scan: at the marker that ended it, if one was met.
    pub(super) fn rest(&self) -> usize {
        match self.marker {
            Some(_) => self.at - 2,
            None => self
                .at
                .saturating_sub(((self.count - self.made_up.min(self.count)) / 8) as usize),
        }
    }
}

/// The next marker from `at` on and where its segment begins, whatever stands before it.
pub(super) fn next_marker(data: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += memchr(data.get(at..)?)?;
        while *data.get(at)? == 0xFF {
            at += 1;
        }
        let marker = data[at];
        at += 1;
        if marker != 0 {
            return Some((marker, at));
        }
    }
}

fn memchr(data: &[u8]) -> Option<usize> {
    data.iter().position(|&byte| byte == 0xFF)
}
