//! In what numbers products are made while a model learns.

use std::cell::Cell;

use crate::Precision;

thread_local! {
    static PRODUCTS: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// Runs `work`, in which the factors of products of linear layers are rounded to `precision`, those of their
/// gradients, too. Sums stay in f32, and so does all else: the stream, norms, attention and trained parameters.
/// Precisions other than bf16 round nothing.
///
/// This holds for what this thread asks for; layers that are run in bf16 as a whole do not need it.
pub fn autocast<R>(precision: Precision, work: impl FnOnce() -> R) -> R {
    /// Puts back what was there, also behind a panic.
    struct Before(Precision);
    impl Drop for Before {
        fn drop(&mut self) {
            PRODUCTS.set(self.0);
        }
    }
    let _before = Before(PRODUCTS.replace(precision));
    work()
}

/// Whether factors are rounded to bf16.
pub(crate) fn in_bf16() -> bool {
    PRODUCTS.get() == Precision::Bf16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_comes_back_also_behind_a_panic() {
        assert!(!in_bf16());
        autocast(Precision::Bf16, || {
            assert!(in_bf16());
            assert!(!autocast(Precision::F32, in_bf16));
            assert!(in_bf16());
        });
        assert!(!in_bf16());
        let panicked = std::panic::catch_unwind(|| {
            autocast(Precision::Bf16, || std::panic::resume_unwind(Box::new(())));
        });
        assert!(panicked.is_err() && !in_bf16());
    }
}
