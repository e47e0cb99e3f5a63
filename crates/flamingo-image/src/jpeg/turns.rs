//! When a scan begins anew.

use super::bits::Bits;

/// The restarts of a scan.
#[derive(Clone, Copy)]
pub(super) struct Turns {
    /// Units between two restarts; 0 for none.
    interval: u32,
    /// Units to the next.
    left: u32,
    /// The number of the next, 0 to 7.
    next: u8,
    /// Whether there is data up to the next: a damaged stretch ends early.
    pub(super) has_data: bool,
}

impl Turns {
    pub(super) fn new(interval: u32) -> Self {
        Self {
            interval,
            left: interval,
            next: 0,
            has_data: true,
        }
    }

    /// Whether a stretch begins with the next unit, after the first one.
    #[inline(always)]
    pub(super) fn is_new(&mut self, bits: &mut Bits) -> bool {
        if self.interval == 0 {
            return false;
        }
        let is_new = self.left == 0;
        if is_new {
            self.has_data |= bits.restart(self.next);
            self.next = (self.next + 1) & 7;
            self.left = self.interval;
        }
        self.left -= 1;
        is_new
    }
}
