//! How often hashes occur, in one word of memory each: counting the runs of characters is most of
//! the time of all measures, and this is what it takes.

/// Counts of 64-bit hashes. Of each hash 44 bits beside its place are compared, so that two runs of
/// a document are taken for one about never.
pub(super) struct Tally {
    /// The upper bits of a hash above its count; 0 is an empty slot.
    slots: Vec<u64>,
    different: usize,
    /// The places of what was counted more than once.
    repeated: Vec<u32>,
}

/// Bits of a count: as many as the most that is counted needs.
const COUNT_BITS: u32 = 21;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

impl Tally {
    /// For at most as many hashes as this, different or not.
    pub(super) fn with_capacity(hashes: usize) -> Self {
        assert!(
            (hashes as u64) < COUNT,
            "{hashes} are more than a count holds"
        );
        // At most three in four slots are taken.
        let slots = (hashes.max(8) * 4 / 3 + 1).next_power_of_two();
        Self {
            slots: vec![0; slots],
            different: 0,
            repeated: Vec::new(),
        }
    }

    #[inline]
    pub(super) fn add(&mut self, hash: u64) {
        let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let tag = mixed & !COUNT;
        let mask = self.slots.len() - 1;
        let mut at = (mixed ^ mixed >> 40) as usize & mask;
        loop {
            let slot = self.slots[at];
            if slot == 0 {
                self.slots[at] = tag | 1;
                self.different += 1;
                return;
            }
            if slot & !COUNT == tag {
                self.slots[at] = slot + 1;
                if slot & COUNT == 1 {
                    self.repeated.push(at as u32);
                }
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// How many different hashes there are.
    pub(super) fn different(&self) -> usize {
        self.different
    }

    /// The counts of those that occur more than once.
    pub(super) fn repeated(&self) -> Vec<u64> {
        let count = |&at: &u32| self.slots[at as usize] & COUNT;
        self.repeated.iter().map(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_counted_up_to_the_capacity() {
        let mut tally = Tally::with_capacity(1000);
        for hash in 0..500 {
            tally.add(hash);
            tally.add(hash / 100);
        }
        assert_eq!(tally.different(), 500);
        let mut repeated = tally.repeated();
        repeated.sort_unstable();
        assert_eq!(repeated, [101, 101, 101, 101, 101]);
    }
}
