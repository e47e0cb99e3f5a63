//! What is done to the sums of a product while they are in the first cache.

use half::bf16;

use crate::cpu::activation::{self, Function};
use crate::cpu::product::Shared;
use crate::cpu::simd::{InstructionSet, LANES, Lanes, for_processor};

/// What is done to sums before they are written, in this order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finish<'a, N> {
    /// Added to each row, `[n]`.
    pub(crate) bias: Option<&'a [f32]>,
    /// Applied to each number.
    pub(crate) function: Option<Function>,
    /// Added, `[m, n]`.
    pub(crate) stream: Option<&'a [N]>,
}

impl<N> Default for Finish<'_, N> {
    fn default() -> Self {
        Self {
            bias: None,
            function: None,
            stream: None,
        }
    }
}

impl<N> Finish<'_, N> {
    /// # Panics
    /// If a slice is not as long as a product of these sizes needs it.
    pub(crate) fn check(&self, [m, n]: [usize; 2]) {
        let (bias, stream) = (self.bias, self.stream);
        assert!(bias.is_none_or(|bias| bias.len() == n), "length of a bias");
        let whole = stream.is_none_or(|stream| stream.len() == m * n);
        assert!(whole, "length of what a product is added to");
    }

    /// Whether sums stay as they are.
    pub(crate) fn is_nothing(&self) -> bool {
        self.bias.is_none() && self.function.is_none() && self.stream.is_none()
    }

    /// All but the stream, of the columns from `first` on.
    fn before_stream(&self, set: InstructionSet, sums: &mut [f32], first: usize) {
        let len = sums.len();
        if let Some(bias) = self.bias {
            let bias = bias[first..first + len].as_ptr();
            // SAFETY: there are as many.
            unsafe { add(set, sums, bias) }
        }
        if let Some(function) = self.function {
            let from = sums.as_ptr();
            // SAFETY: each number is read before it is written.
            unsafe { activation::values(set, function, from, Shared::new(sums), len) }
        }
    }
}

impl Finish<'_, f32> {
    /// Finishes sums of row `row` of `n` columns, from column `first` on.
    pub(crate) fn apply(&self, set: InstructionSet, sums: &mut [f32], [row, first, n]: [usize; 3]) {
        self.before_stream(set, sums, first);
        if let Some(stream) = self.stream {
            let stream = stream[row * n + first..][..sums.len()].as_ptr();
            // SAFETY: there are as many.
            unsafe { add(set, sums, stream) }
        }
    }
}

impl Finish<'_, bf16> {
    /// As for f32, and writes the sums rounded.
    ///
    /// # Safety
    /// There must be as many places behind `to`.
    pub(crate) unsafe fn apply(
        &self,
        set: InstructionSet,
        sums: &mut [f32],
        [row, first, n]: [usize; 3],
        to: *mut bf16,
    ) {
        self.before_stream(set, sums, first);
        let stream = self.stream.map_or(std::ptr::null(), |stream| {
            stream[row * n + first..][..sums.len()].as_ptr()
        });
        // SAFETY: there are as many.
        unsafe { round(set, sums, stream, to) }
    }
}

for_processor!(fn add(sums: &mut [f32], more: *const f32) = add_of);
for_processor!(fn round(sums: &[f32], stream: *const bf16, to: *mut bf16) = round_of);

#[inline(always)]
unsafe fn add_of<V: Lanes>(sums: &mut [f32], more: *const f32) {
    let whole = sums.len() / LANES * LANES;
    unsafe {
        for at in (0..whole).step_by(LANES) {
            let sum = V::load(sums.as_ptr().add(at)).add(V::load(more.add(at)));
            sum.store(sums.as_mut_ptr().add(at));
        }
        for (at, sum) in sums.iter_mut().enumerate().skip(whole) {
            *sum += *more.add(at);
        }
    }
}

#[inline(always)]
unsafe fn round_of<V: Lanes>(sums: &[f32], stream: *const bf16, to: *mut bf16) {
    let whole = sums.len() / LANES * LANES;
    unsafe {
        for at in (0..whole).step_by(LANES) {
            let mut sum = V::load(sums.as_ptr().add(at));
            if !stream.is_null() {
                sum = V::load_bf16(stream.add(at)).add(sum);
            }
            sum.store_bf16(to.add(at));
        }
        for (at, sum) in sums.iter().enumerate().skip(whole) {
            let before = match stream.is_null() {
                true => -0.0,
                false => (*stream.add(at)).to_f32(),
            };
            to.add(at).write(bf16::from_f32(before + sum));
        }
    }
}
