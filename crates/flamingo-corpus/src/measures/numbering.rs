//! Keys to numbers in the order of their first sight, with the times each was seen: what all counts
//! of runs of characters, words and lines are made with, without a string for each.

/// Numbers and counts of 64-bit keys, by open addressing; the same on every machine.
pub(crate) struct Numbering {
    /// A key's number plus one; 0 is an empty slot. The length is a power of two.
    slots: Vec<u32>,
    keys: Vec<u64>,
    counts: Vec<u32>,
}

impl Numbering {
    pub(crate) fn with_capacity(keys: usize) -> Self {
        Self {
            slots: vec![0; (keys.max(8) * 2).next_power_of_two()],
            keys: Vec::with_capacity(keys),
            counts: Vec::with_capacity(keys),
        }
    }

    /// Counts a key; its number, and whether it was seen before.
    #[inline]
    pub(crate) fn count(&mut self, key: u64) -> (u32, bool) {
        if self.keys.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let mut at = spread(key) & mask;
        loop {
            let Some(number) = self.slots[at].checked_sub(1) else {
                self.keys.push(key);
                self.counts.push(1);
                self.slots[at] = self.keys.len() as u32;
                return (self.keys.len() as u32 - 1, false);
            };
            if self.keys[number as usize] == key {
                self.counts[number as usize] += 1;
                return (number, true);
            }
            at = (at + 1) & mask;
        }
    }

    /// How often each number was counted, the numbering given up.
    pub(crate) fn into_counts(self) -> Vec<u32> {
        self.counts
    }

    fn grow(&mut self) {
        let length = self.slots.len() * 2;
        self.slots = vec![0; length];
        for (number, &key) in self.keys.iter().enumerate() {
            let mut at = spread(key) & (length - 1);
            while self.slots[at] != 0 {
                at = (at + 1) & (length - 1);
            }
            self.slots[at] = number as u32 + 1;
        }
    }
}

fn spread(key: u64) -> usize {
    let wide = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93;
    ((wide >> 64) as u64 ^ wide as u64) as usize
}

/// The counts of those hashes that occur more than once, in the order of their first sight.
///
/// Most occur once. Two bits for each, in little enough memory to stay near, tell which were seen
/// at least once and twice; only where the second is set, by chance for one in sixteen, is counted.
pub(super) fn repeated(hashes: &[u64]) -> Vec<u32> {
    let bits = (hashes.len() * 16).max(64).next_power_of_two();
    // What was seen once beside what was seen twice: one look into memory for both.
    let mut seen = vec![[0_u64; 2]; bits / 64];
    let shift = 64 - bits.trailing_zeros();
    let place = |hash: u64| {
        let at = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift;
        ((at / 64) as usize, 1_u64 << (at % 64))
    };
    for &hash in hashes {
        let (word, bit) = place(hash);
        let [once, twice] = &mut seen[word];
        *twice |= *once & bit;
        *once |= bit;
    }
    let mut numbering = Numbering::with_capacity(hashes.len() / 8);
    for &hash in hashes {
        let (word, bit) = place(hash);
        if seen[word][1] & bit != 0 {
            numbering.count(hash);
        }
    }
    let mut counts = numbering.into_counts();
    counts.retain(|&count| count > 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_occurs_more_than_once_is_counted_among_much_that_does_not() {
        let hash = |number: u64| number.wrapping_mul(0x1234_5678_9abc_def1);
        let mut hashes: Vec<u64> = (0..10_000).map(hash).collect();
        hashes.extend([7, 3, 7].map(hash));
        assert_eq!(repeated(&hashes), [2, 3]);
        assert!(repeated(&[]).is_empty());
        assert_eq!(repeated(&[0, 0, 0]), [3]);
    }

    #[test]
    fn keys_are_numbered_in_the_order_of_first_sight_and_counted() {
        let mut numbering = Numbering::with_capacity(2);
        assert_eq!(numbering.count(7), (0, false));
        assert_eq!(numbering.count(0), (1, false));
        assert_eq!(numbering.count(7), (0, true));
        for key in 0..1000 {
            numbering.count(key << 32);
        }
        assert_eq!(numbering.count(7), (0, true));
        assert_eq!(&numbering.into_counts()[..3], [3, 2, 1]);
    }
}
