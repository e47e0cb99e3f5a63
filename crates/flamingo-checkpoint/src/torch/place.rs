//! Where tensors lie, checked against the storages of the file.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::weights;
use crate::Dtype;
use crate::error::{Fault, quoted};
use crate::layout;
use crate::pickle::{Kind, Pickle, Tensor};
use crate::tensor::{Found, Placed};

/// How many elements a tensor may have beyond those of its storage, which it then repeats.
const MAX_EXPANDED: usize = 1 << 24;

/// Where the bytes of storages lie in the file, by key.
pub(super) type Storages<'a> = HashMap<&'a str, Range<usize>>;

/// The weights of a pickle, placed; `locate` finds the storages that they need.
pub(super) fn place_weights<'a>(
    pickle: &Pickle<'a>,
    mut locate: impl FnMut(&'a str) -> Result<Range<usize>, Fault>,
) -> Result<Found, Fault> {
    let mut storages: BTreeMap<&str, (usize, Range<usize>)> = BTreeMap::new();
    let mut found = Found::new();
    for (name, tensor) in weights::find(pickle)? {
        let key = tensor.storage.key;
        if !storages.contains_key(key) {
            storages.insert(key, (storages.len(), locate(key)?));
        }
        let (storage, range) = &storages[key];
        let placed = place(tensor, *storage, range)
            .map_err(|what| Fault::new(format!("tensor `{}` {what}", quoted(&name))))?;
        found.insert(name, placed);
    }
    Ok(found)
}

fn place(tensor: &Tensor<'_>, storage: usize, range: &Range<usize>) -> Result<Placed, String> {
    let Kind::Known(dtype) = tensor.kind else {
        return Err(format!(
            "holds {}, which is not read: convert it to float32, float16 or bfloat16",
            tensor.kind.shown()
        ));
    };
    if tensor.negated && !dtype.is_float() {
        return Err(format!(
            "is a negation of {dtype}, which is not read: save it again after .resolve_neg()"
        ));
    }
    let (view, available) = view_in_bytes(tensor, range)?;
    let available = available / dtype.bytes();
    check_fits(tensor, available)?;
    let offset = tensor.offset.saturating_mul(dtype.bytes());
    Ok(Placed {
        dtype,
        shape: tensor.shape.clone(),
        strides: tensor.strides.clone(),
        start: range
            .start
            .saturating_add(view)
            .saturating_add(offset)
            .min(range.end),
        storage,
        negated: tensor.negated,
    })
}

/// Where the tensor's part of the storage begins in it and how long it is.
fn view_in_bytes(tensor: &Tensor<'_>, range: &Range<usize>) -> Result<(usize, usize), String> {
    let storage = &tensor.storage;
    let width = storage_width(storage.kind, tensor.kind);
    let size = storage
        .elements
        .checked_mul(width)
        .filter(|&size| size <= range.len())
        .ok_or_else(|| {
            format!(
                "has a storage of {} elements of {width} bytes, the file holds {} bytes of it: it is damaged, copy it again",
                storage.elements,
                range.len()
            )
        })?;
    let Some((offset, length)) = storage.view else {
        return Ok((0, size));
    };
    offset
        .checked_mul(width)
        .zip(length.checked_mul(width))
        .filter(|(offset, length)| offset.checked_add(*length).is_some_and(|end| end <= size))
        .ok_or_else(|| {
            format!(
                "is {length} elements at {offset} of a storage of {}: it is damaged, copy it again",
                storage.elements
            )
        })
}

/// Bytes of an element of a storage; one that has no type of its own counts bytes.
fn storage_width(storage: Kind<'_>, tensor: Kind<'_>) -> usize {
    match (storage, tensor) {
        (Kind::Known(dtype), _) => dtype.bytes(),
        (Kind::Untyped, _) => 1,
        (Kind::Unknown(_), Kind::Known(dtype)) => dtype.bytes(),
        (Kind::Unknown(_), _) => Dtype::U8.bytes(),
    }
}

fn check_fits(tensor: &Tensor<'_>, available: usize) -> Result<(), String> {
    let (shape, strides) = (&tensor.shape, &tensor.strides);
    let elements = layout::elements(shape)
        .ok_or_else(|| format!("of shape {shape:?} is larger than any memory: save it again"))?;
    let reach = layout::extent(shape, strides).and_then(|reach| reach.checked_add(tensor.offset));
    if elements != 0 && reach.is_none_or(|reach| reach > available) {
        return Err(format!(
            "of shape {shape:?} and strides {strides:?} at element {} reaches past its storage of {available} elements: it is damaged, copy it again",
            tensor.offset
        ));
    }
    if elements > available.saturating_add(MAX_EXPANDED) {
        return Err(format!(
            "expands {available} elements to {elements}: save it again after .contiguous()"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pickle::Storage;

    fn tensor(offset: usize, shape: &[usize], strides: &[usize]) -> Tensor<'static> {
        let kind = Kind::Known(Dtype::F32);
        Tensor {
            storage: Storage {
                key: "0",
                kind,
                elements: 15,
                view: None,
            },
            kind,
            offset,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            negated: false,
        }
    }

    #[test]
    fn a_tensor_may_reach_the_last_element_of_its_storage_and_no_further() {
        let file = 100..160;
        assert_eq!(
            place(&tensor(0, &[3, 5], &[5, 1]), 0, &file)
                .expect("fits")
                .start,
            100
        );
        assert_eq!(
            place(&tensor(5, &[2, 5], &[5, 1]), 0, &file)
                .expect("fits")
                .start,
            120
        );
        for (offset, shape, strides) in [
            (1, [3, 5], [5, 1]),
            (0, [3, 5], [6, 1]),
            (0, [16, 1], [1, 1]),
            (usize::MAX, [1, 1], [1, 1]),
            (0, [2, 2], [usize::MAX, 1]),
            (0, [usize::MAX, 2], [0, 0]),
            (0, [1 << 40, 1], [0, 0]),
        ] {
            assert!(
                place(&tensor(offset, &shape, &strides), 0, &file).is_err(),
                "{shape:?}"
            );
        }
    }

    #[test]
    fn a_storage_longer_than_its_bytes_is_refused() {
        assert!(place(&tensor(0, &[1], &[1]), 0, &(100..159)).is_err());
    }

    #[test]
    fn a_view_of_a_storage_limits_its_tensors() {
        let mut tensor = tensor(1, &[3], &[1]);
        tensor.storage.view = Some((7, 4));
        assert_eq!(
            place(&tensor, 0, &(100..160)).expect("fits").start,
            100 + 4 * 8
        );
        tensor.offset = 2;
        assert!(place(&tensor, 0, &(100..160)).is_err());
        tensor.storage.view = Some((12, 4));
        assert!(place(&tensor, 0, &(100..160)).is_err());
    }
}
