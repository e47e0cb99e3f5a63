//! The processor's instructions that our kernels use, chosen by the environment.

use flamingo::kernels::{InstructionSet, limit_instructions};

use crate::failure::{Failure, Hint, Result};

/// The variable that names the instructions to use at most, where the processor has better ones.
pub(crate) const CPU_SWITCH: &str = "FLAMINGO_CPU";

/// Does what the variable says; libraries do not read the environment.
pub(crate) fn limit() -> Result<()> {
    let name = std::env::var_os(CPU_SWITCH).unwrap_or_default();
    if name.is_empty() {
        return Ok(());
    }
    let name = name.to_string_lossy();
    name.parse::<InstructionSet>()
        .and_then(limit_instructions)
        .map_err(|error| Failure::new(format!("{CPU_SWITCH}={name}: {error}")))
        .hint(format!(
            "without {CPU_SWITCH}, the best that the processor has is used"
        ))
}
