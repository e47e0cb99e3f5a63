//! Random numbers that depend on nothing but the seed, the subject and the item's own number.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of item `index` of `subject` in the world of `seed`.
///
/// Item `index` is the same however many others are made, and in whatever order.
pub(crate) fn stream(seed: u64, subject: &str, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let subject = subject.as_bytes();
    assert!(subject.len() <= 24, "a subject has at most 24 bytes");
    key[8..8 + subject.len()].copy_from_slice(subject);
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(index);
    rng
}

/// A well mixed 64-bit number of `value` (SplitMix64's finaliser): the same for ever, which is what
/// the fixed partitions of the world (held-out things, reserved names) need.
pub(crate) fn hash(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn seed_subject_and_index_each_give_other_numbers() {
        let first = |seed, subject, index| stream(seed, subject, index).random::<u64>();
        assert_eq!(first(7, "page", 3), first(7, "page", 3));
        assert_ne!(first(7, "page", 3), first(7, "page", 4));
        assert_ne!(first(7, "page", 3), first(7, "film", 3));
        assert_ne!(first(7, "page", 3), first(8, "page", 3));
    }

    #[test]
    fn the_fixed_hash_never_changes() {
        assert_eq!(hash(0), 0xe220_a839_7b1d_cdaf);
    }
}
