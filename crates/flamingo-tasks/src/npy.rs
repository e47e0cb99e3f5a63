//! Matrices of numpy's `.npy` files: two axes, f32 or f64, rows first.

use std::path::Path;

use crate::error::Result;
use crate::read::{bytes, form};

/// A matrix by rows.
pub(crate) fn matrix(path: &Path) -> Result<Vec<Vec<f64>>> {
    let bytes = bytes(path)?;
    let told = |reason: &str| {
        form(
            path,
            format!("{reason}; it should be a matrix of f32 or f64, rows first"),
        )
    };
    let parts = parts(&bytes).ok_or_else(|| told("is no .npy file"))?;
    let (header, data) = parts;
    let width = match () {
        () if header.contains("'<f4'") => 4,
        () if header.contains("'<f8'") => 8,
        () => return Err(told(&format!("has the header {header}"))),
    };
    let (rows, columns) = shape(header)
        .filter(|_| !header.contains("'fortran_order': True"))
        .ok_or_else(|| told(&format!("has the header {header}")))?;
    let needed = rows
        .checked_mul(columns)
        .and_then(|count| count.checked_mul(width));
    if needed != Some(data.len()) {
        let found = data.len();
        return Err(told(&format!(
            "holds {found} bytes for {rows} x {columns} numbers of {width}"
        )));
    }
    let number = |bytes: &[u8]| match *bytes {
        [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => f64::NAN,
    };
    if columns == 0 {
        return Ok(vec![Vec::new(); rows]);
    }
    let rows = data.chunks_exact(columns * width);
    Ok(rows
        .map(|row| row.chunks_exact(width).map(number).collect())
        .collect())
}

/// The header, a Python dictionary, and what follows it.
fn parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match rest.first()? {
        1 => (
            usize::from(u16::from_le_bytes([*rest.get(2)?, *rest.get(3)?])),
            rest.get(4..)?,
        ),
        _ => {
            let four = <[u8; 4]>::try_from(rest.get(2..6)?).ok()?;
            (
                usize::try_from(u32::from_le_bytes(four)).ok()?,
                rest.get(6..)?,
            )
        }
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

fn shape(header: &str) -> Option<(usize, usize)> {
    let shape = header.split_once("'shape': (")?.1.split_once(')')?.0;
    let mut axes = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    let shape = (axes.next()?.parse().ok()?, axes.next()?.parse().ok()?);
    axes.next().is_none().then_some(shape)
}

/// A matrix of f32 as a file's bytes.
pub(crate) fn written(rows: &[Vec<f64>]) -> Vec<u8> {
    let columns = rows.first().map_or(0, Vec::len);
    let shape = format!("({}, {columns})", rows.len());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // What precedes the numbers is a multiple of 64 bytes long and ends in a newline.
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    for number in rows.iter().flatten() {
        bytes.extend((*number as f32).to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_that_was_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scores.npy");
        let rows = vec![vec![0.5, -1.5, 2.0], vec![3.0, 5.25, -7.0]];
        let bytes = written(&rows);
        assert_eq!((bytes.len() - 6 * 4) % 64, 0);
        std::fs::write(&path, bytes).expect("a file");
        assert_eq!(matrix(&path).expect("a matrix"), rows);
    }

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(
            u16::try_from(header.len())
                .expect("a short header")
                .to_le_bytes(),
        );
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn a_matrix_is_read_by_rows_and_any_other_array_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("scores.npy");
        let data: Vec<u8> = [0.5_f32, -1.0, 2.0, 3.0, 5.0, 7.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        std::fs::write(&path, file(header, &data)).expect("a file");
        assert_eq!(
            matrix(&path).expect("a matrix"),
            [[0.5, -1.0, 2.0], [3.0, 5.0, 7.0]]
        );
        for broken in [
            file(&header.replace("False", "True"), &data),
            file(&header.replace("(2, 3)", "(6,)"), &data),
            file(header, &data[..20]),
            b"\x93NUMPY\x01\x00\xff".to_vec(),
        ] {
            std::fs::write(&path, broken).expect("a file");
            assert!(matrix(&path).is_err());
        }
    }
}
