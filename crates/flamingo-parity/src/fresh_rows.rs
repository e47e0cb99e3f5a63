//! Rows of an output head that a checkpoint has lost.
//!
//! OpenFlamingo adds tokens to a LLaMA, whose head is a matrix of its own, trains the embedding and
//! saves only that: the head's rows of the new tokens come back as fresh random ones. In a case they
//! are what its maker put there, so that what was computed can be computed again: 0.3 times the
//! normal numbers that PyTorch's generator draws on a processor from seed 7, row by row.

use flamingo_kernels::{Device, PackedWeight, Param, Tensor, floats};
use flamingo_model::Flamingo;
use flamingo_weights::Opened;

use crate::Result;

/// Seed of the generator.
const SEED: u32 = 7;
/// What the normal numbers are multiplied by.
const SCALE: f32 = 0.3;

/// The head with the rows that its checkpoint lacks ; none if it has all.
pub(crate) fn fresh_head(opened: &Opened, device: &Device) -> Result<Option<Tensor<2>>> {
    const HEAD: &str = "language.head.weight";
    let rows = opened.report.new_rows().find(|(name, _)| *name == HEAD);
    let Some((_, rows)) = rows else {
        return Ok(None);
    };
    let shape = opened.tensors.shape(HEAD).unwrap_or_default();
    let [count, width] = shape[..] else {
        return Ok(None);
    };
    let mut values = opened.tensors.values(HEAD)?;
    values[rows.start * width..].copy_from_slice(&fresh_rows(rows.len(), width));
    Ok(Some(floats(
        values,
        [count, width],
        &device.clone().inner(),
    )))
}

/// Puts a head into the model, frozen.
pub(crate) fn set_head(model: &mut Flamingo, head: Tensor<2>) {
    if let Some(linear) = &mut model.language.head {
        let head = match linear.weight.lazy_device().is_autodiff() {
            true => Tensor::from_inner(head),
            false => head,
        };
        linear.weight = Param::initialized(linear.weight.id, head).set_require_grad(false);
        linear.packed = PackedWeight::default();
    }
}

/// `rows` rows of `width`.
fn fresh_rows(rows: usize, width: usize) -> Vec<f32> {
    let mut values = normal(SEED, rows * width);
    for value in &mut values {
        *value *= SCALE;
    }
    values
}

/// As `torch.randn` fills a contiguous f32 tensor of at least 16 elements: uniform numbers, turned
/// into normal ones by Box and Muller in blocks of 16; the last block again, if it is not whole.
fn normal(seed: u32, count: usize) -> Vec<f32> {
    let mut twister = Twister::new(seed);
    let mut values: Vec<f32> = (0..count).map(|_| twister.uniform()).collect();
    if count < 16 {
        return values;
    }
    for block in values.as_chunks_mut::<16>().0 {
        box_muller(block);
    }
    if !count.is_multiple_of(16)
        && let Some(block) = values.last_chunk_mut::<16>()
    {
        *block = std::array::from_fn(|_| twister.uniform());
        box_muller(block);
    }
    values
}

fn box_muller(block: &mut [f32; 16]) {
    for j in 0..8 {
        let radius = (-2.0 * (1.0 - block[j]).ln()).sqrt();
        let angle = std::f32::consts::TAU * block[j + 8];
        block[j] = radius * angle.cos();
        block[j + 8] = radius * angle.sin();
    }
}

/// MT19937 (Matsumoto and Nishimura, 1998).
struct Twister {
    state: [u32; 624],
    next: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [seed; 624];
        for i in 1..624 {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(i as u32);
        }
        Self { state, next: 624 }
    }

    fn turn(&mut self) {
        for i in 0..624 {
            let (high, low) = (
                self.state[i] & 0x8000_0000,
                self.state[(i + 1) % 624] & 0x7fff_ffff,
            );
            let y = high | low;
            let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + 397) % 624] ^ (y >> 1) ^ odd;
        }
        self.next = 0;
    }

    fn number(&mut self) -> u32 {
        if self.next == 624 {
            self.turn();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// Of `[0, 1)`, by 24 bits.
    fn uniform(&mut self) -> f32 {
        (self.number() & 0x00ff_ffff) as f32 / 16_777_216.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_published_generator_and_of_torch() {
        assert_eq!(Twister::new(5489).number(), 3_499_211_612);
        let mut twister = Twister::new(7);
        let uniform: Vec<f32> = (0..4).map(|_| twister.uniform()).collect();
        for (ours, torch) in uniform.iter().zip([0.5349, 0.1988, 0.6592, 0.6569]) {
            assert!((ours - torch).abs() < 1e-4, "{uniform:?}");
        }
        let rows = fresh_rows(2, 32);
        for (ours, torch) in rows.iter().zip([-0.2460, 0.1187, 0.2697, -0.4165]) {
            assert!((ours - torch).abs() < 1e-4, "{:?}", &rows[..4]);
        }
    }
}
