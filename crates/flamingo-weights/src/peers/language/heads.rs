//! The width of heads.

use crate::Result;
use crate::peers::json::Json;

/// A width that must be divided evenly among heads.
pub(super) fn head_dim(json: &Json, width: usize, heads: usize) -> Result<usize> {
    if width.is_multiple_of(heads) {
        return Ok(width / heads);
    }
    Err(json.wrong(format!(
        "the width {width} cannot be divided among {heads} heads"
    )))
}
