//! The head of a file: metadata, then what its tensors are and where.

use std::collections::BTreeMap;

use super::types::TensorType;
use super::value::{GgufValue, Input};
use crate::Dtype;
use crate::error::{Fault, quoted};
use crate::layout;
use crate::tensor::{Found, MAX_NAME, MAX_TENSORS, Placed, check_axes};

/// Where tensors begin if the metadata do not say: at multiples of so many bytes.
const ALIGNMENT: usize = 32;

pub(super) const ALIGNMENT_KEY: &str = "general.alignment";

/// What the file says of a tensor.
struct Described {
    name: String,
    /// In the file's order: the length of a row first.
    axes: Vec<usize>,
    kind: u32,
    offset: usize,
}

/// The metadata, and an input behind them.
pub(super) fn metadata<'a>(
    bytes: &'a [u8],
) -> Result<(BTreeMap<String, GgufValue>, usize, Input<'a>), Fault> {
    let mut input = Input::new(bytes);
    input.u32()?; // the magic
    match input.u32()? {
        2 | 3 => {}
        version if matches!(version.swap_bytes(), 1..=3) => {
            return Err(Fault::new(
                "it is a big-endian GGUF file: convert it to a little-endian one by gguf-convert-endian",
            ));
        }
        version => {
            return Err(Fault::new(format!(
                "it is of GGUF version {version}, versions 2 and 3 are read: make it again with a current llama.cpp"
            )));
        }
    }
    let tensors = input.count("tensors", 24)?;
    let pairs = input.count("keys", 13)?;
    if tensors > MAX_TENSORS {
        return Err(Fault::new(format!(
            "its header says that there are {tensors} tensors, at most {MAX_TENSORS} are read: it is damaged, copy it again"
        )));
    }
    let mut values = BTreeMap::new();
    for _ in 0..pairs {
        let key = input.text("a key", MAX_NAME)?;
        let kind = input.u32()?;
        let value = input.value(&quoted(&key), kind, 0)?;
        if values.contains_key(&key) {
            return Err(Fault::new(format!(
                "the key `{}` stands twice in it: make the file again",
                quoted(&key)
            )));
        }
        values.insert(key, value);
    }
    Ok((values, tensors, input))
}

/// The tensors by name; see [the module](super) for quantised ones.
pub(crate) fn tensors(bytes: &[u8]) -> Result<Found, Fault> {
    let (metadata, count, mut input) = metadata(bytes)?;
    let alignment = match metadata
        .get(ALIGNMENT_KEY)
        .map(|value| (value, value.as_count()))
    {
        None => ALIGNMENT,
        Some((_, Some(alignment))) if alignment.is_power_of_two() => alignment,
        Some((value, _)) => {
            return Err(Fault::new(format!(
                "`{ALIGNMENT_KEY}` is {value:?}, it must be a power of two: make the file again"
            )));
        }
    };
    let described: Vec<Described> = (0..count)
        .map(|_| describe(&mut input))
        .collect::<Result<_, _>>()?;
    let data = input.at.next_multiple_of(alignment);
    let mut found = Found::new();
    for (storage, tensor) in described.into_iter().enumerate() {
        let (name, placed) = place(tensor, data, alignment, storage, bytes.len())?;
        let shown = quoted(&name);
        if found.insert(name, placed).is_some() {
            return Err(Fault::new(format!(
                "tensor `{shown}` stands twice in it: make the file again"
            )));
        }
    }
    Ok(found)
}

fn describe(input: &mut Input<'_>) -> Result<Described, Fault> {
    let name = input.text("the name of a tensor", MAX_NAME)?;
    let axes = input.u32()? as usize;
    check_axes(&quoted(&name), axes).map_err(Fault::new)?;
    let axes: Vec<u64> = (0..axes).map(|_| input.u64()).collect::<Result<_, _>>()?;
    let fits = |value: u64| {
        usize::try_from(value).map_err(|_| {
            Fault::new(format!(
                "tensor `{}` has the number {value} in its description, larger than any file: it is damaged, copy it again",
                quoted(&name)
            ))
        })
    };
    let axes = axes.into_iter().map(fits).collect::<Result<_, _>>()?;
    let kind = input.u32()?;
    let offset = fits(input.u64()?)?;
    Ok(Described {
        name,
        axes,
        kind,
        offset,
    })
}

fn place(
    tensor: Described,
    data: usize,
    alignment: usize,
    storage: usize,
    file: usize,
) -> Result<(String, Placed), Fault> {
    let shown = quoted(&tensor.name);
    let kind = TensorType::of(tensor.kind).map_err(|name| {
        Fault::new(format!(
            "tensor `{shown}` is of type {name}, which is not read: take a file with Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, F16, BF16 or F32"
        ))
    })?;
    let mut shape: Vec<usize> = tensor.axes.iter().rev().copied().collect();
    let row = tensor.axes.first().copied().unwrap_or(1);
    let misfit = || {
        Fault::new(format!(
            "tensor `{shown}` has shape {shape:?}, which {kind:?} cannot hold: it is damaged, copy it again"
        ))
    };
    let row_bytes = kind.row_bytes(row).ok_or_else(misfit)?;
    let rows = layout::elements(&shape[..shape.len().saturating_sub(1)]).ok_or_else(misfit)?;
    let size = rows.checked_mul(row_bytes).ok_or_else(misfit)?;
    let start = data.checked_add(tensor.offset).ok_or_else(misfit)?;
    if !tensor.offset.is_multiple_of(alignment) {
        return Err(Fault::new(format!(
            "tensor `{shown}` begins at byte {} of the data, no multiple of {alignment}: make the file again",
            tensor.offset
        )));
    }
    if start.checked_add(size).is_none_or(|end| end > file) {
        return Err(Fault::new(format!(
            "tensor `{shown}` has {size} bytes from byte {start} on, the file ends at byte {file}: it was cut off, copy it again"
        )));
    }
    let (name, dtype) = match kind {
        TensorType::Plain(dtype) => (tensor.name, dtype),
        TensorType::Blocks(blocks) => {
            if let Some(last) = shape.last_mut() {
                *last = row_bytes;
            }
            (format!("{}.{}", tensor.name, blocks.name), Dtype::U8)
        }
    };
    let placed = Placed {
        dtype,
        strides: layout::row_major(&shape),
        shape,
        start,
        storage,
        negated: false,
    };
    Ok((name, placed))
}
