//! How a case is verified.

use flamingo_kernels::Device;

/// What is asked of [`verify`](crate::verify).
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Largest relative difference of a tensor.
    pub tolerance: f64,
    /// Whether gradients and steps of the optimiser are computed, too.
    pub gradients: bool,
    /// Where it is computed.
    pub device: Device,
}
