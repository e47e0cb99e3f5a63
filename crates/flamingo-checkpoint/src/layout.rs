//! Which elements of a storage a tensor's shape and strides reach: integers only.

use std::ops::Range;

/// The most axes a tensor may have.
pub(crate) const MAX_AXES: usize = 16;

/// Elements of a tensor, or nothing if the axes that are not empty overflow.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    let full = shape
        .iter()
        .filter(|&&axis| axis != 0)
        .try_fold(1_usize, |product, &axis| product.checked_mul(axis))?;
    Some(if shape.contains(&0) { 0 } else { full })
}

/// Strides of a tensor that lies in one piece, row by row; its elements must not overflow.
pub(crate) fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis].max(1));
    }
    strides
}

/// How many elements of a storage a tensor reaches from its first one, that one included.
pub(crate) fn extent(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .zip(strides)
        .try_fold(1_usize, |reach, (&length, &stride)| {
            reach.checked_add((length - 1).checked_mul(stride)?)
        })
}

/// One axis: how long, and how far apart in the storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) length: usize,
    pub(crate) stride: usize,
}

/// The fewest axes with the same elements in the same order; a contiguous tensor has at most one.
pub(crate) fn collapse(shape: &[usize], strides: &[usize]) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for (&length, &stride) in shape.iter().zip(strides) {
        match axes.last_mut() {
            _ if length == 1 => {}
            Some(outer) if length.checked_mul(stride) == Some(outer.stride) => {
                outer.length = outer.length.saturating_mul(length);
                outer.stride = stride;
            }
            _ => axes.push(Axis { length, stride }),
        }
    }
    axes
}

/// Elements that are evenly spaced in a storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) offset: usize,
    pub(crate) stride: usize,
    pub(crate) length: usize,
}

/// The row-major elements `range` as runs, none of which spans more than `span` elements of the
/// storage unless it is a single one.
pub(crate) fn runs(axes: &[Axis], range: Range<usize>, span: usize) -> impl Iterator<Item = Run> {
    let (inner, outer) = match axes.split_last() {
        Some((inner, outer)) => (*inner, outer),
        None => (
            Axis {
                length: 1,
                stride: 1,
            },
            axes,
        ),
    };
    let longest = (span.saturating_sub(1) / inner.stride.max(1)).saturating_add(1);
    let mut next = range.start;
    std::iter::from_fn(move || {
        if next >= range.end {
            return None;
        }
        let column = next % inner.length;
        let run = Run {
            offset: row_offset(outer, next / inner.length) + column * inner.stride,
            stride: inner.stride,
            length: (inner.length - column).min(range.end - next).min(longest),
        };
        next += run.length;
        Some(run)
    })
}

fn row_offset(outer: &[Axis], mut row: usize) -> usize {
    let mut offset = 0;
    for axis in outer.iter().rev() {
        offset += row % axis.length * axis.stride;
        row /= axis.length;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_by_one(shape: &[usize], strides: &[usize]) -> Vec<usize> {
        let mut offsets = vec![0];
        for (&length, &stride) in shape.iter().zip(strides) {
            offsets = offsets
                .iter()
                .flat_map(|&offset| (0..length).map(move |i| offset + i * stride))
                .collect();
        }
        offsets
    }

    fn by_runs(axes: &[Axis], range: Range<usize>, span: usize) -> Vec<usize> {
        runs(axes, range, span)
            .flat_map(|run| {
                assert!(run.length == 1 || (run.length - 1) * run.stride < span);
                (0..run.length).map(move |i| run.offset + i * run.stride)
            })
            .collect()
    }

    #[test]
    fn runs_visit_every_range_of_every_small_layout_in_row_major_order() {
        let strides = [0, 1, 2, 3, 6, 15];
        for shape in [[2, 3, 5], [3, 1, 2], [1, 1, 1], [5, 2, 1]] {
            for a in strides {
                for b in strides {
                    for c in strides {
                        let axes = collapse(&shape, &[a, b, c]);
                        let want = one_by_one(&shape, &[a, b, c]);
                        for start in 0..want.len() {
                            let end = want.len().min(start + 7);
                            assert_eq!(by_runs(&axes, start..end, 4), want[start..end]);
                        }
                        assert_eq!(by_runs(&axes, 0..want.len(), 1 << 20), want);
                    }
                }
            }
        }
    }

    #[test]
    fn a_contiguous_tensor_is_a_single_run() {
        let axes = collapse(&[2, 3, 5, 7], &row_major(&[2, 3, 5, 7]));
        assert_eq!(
            axes,
            [Axis {
                length: 210,
                stride: 1
            }]
        );
        assert_eq!(runs(&axes, 11..200, 1 << 20).count(), 1);
    }

    #[test]
    fn the_extent_is_the_furthest_element_and_one() {
        assert_eq!(extent(&[2, 3], &[3, 1]), Some(6));
        assert_eq!(extent(&[3, 2], &[1, 3]), Some(6));
        assert_eq!(extent(&[7, 2], &[0, 5]), Some(6));
        assert_eq!(extent(&[], &[]), Some(1));
        assert_eq!(extent(&[0, 5], &[usize::MAX, usize::MAX]), Some(0));
        assert_eq!(extent(&[3, 2], &[usize::MAX, 1]), None);
    }

    #[test]
    fn sizes_that_overflow_are_no_sizes_even_beside_an_empty_axis() {
        assert_eq!(elements(&[usize::MAX, 2]), None);
        assert_eq!(elements(&[0, usize::MAX, 2]), None);
        assert_eq!(elements(&[0, 5]), Some(0));
        assert_eq!(elements(&[]), Some(1));
    }
}
