//! Which model these weights are: a hash that is quick to make of weights of any size.

use sha2::{Digest, Sha256};

use crate::{Result, Tensors};

/// Stretches of a large tensor that are read, and their elements.
const STRETCHES: usize = 16;
const STRETCH: usize = 256;

impl Tensors {
    /// SHA-256 over each tensor's name, shape and numbers, in hexadecimal. Of a tensor of more than 4,096 numbers it reads
    /// 16 stretches of 256, evenly spread: no training leaves all of those as they were. Where the numbers lie, and in
    /// which type, makes no difference as long as they are equal.
    ///
    /// # Errors
    /// If a tensor cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hash = Sha256::new();
        for (name, entry) in &self.entries {
            let all: usize = entry.shape.iter().product();
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            for axis in &entry.shape {
                hash.update((*axis as u64).to_le_bytes());
            }
            let (stretches, length) = match all <= STRETCHES * STRETCH {
                true => (1, all),
                false => (STRETCHES, STRETCH),
            };
            for stretch in 0..stretches {
                let start = stretch * (all - length) / (STRETCHES - 1);
                for value in self.part::<f32>(name, start..start + length)? {
                    hash.update(value.to_le_bytes());
                }
            }
        }
        Ok(format!("{:x}", hash.finalize()))
    }
}
