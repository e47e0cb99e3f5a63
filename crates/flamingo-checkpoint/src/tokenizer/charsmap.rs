//! The check of a sentencepiece model's compiled table of replacements.
//!
//! The table is a double array trie (as 32-bit units) with a text of replacements behind it. The
//! library that applies it trusts its offsets and panics on wrong ones, so every offset that a
//! lookup can reach is followed here first.

/// Whether a table can be applied to any text; if not, why.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let Some((size, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(format!(
            "it has {} bytes, at least 4 are needed",
            bytes.len()
        ));
    };
    let size = u32::from_le_bytes(*size) as usize;
    let Some((trie, replacements)) = rest.split_at_checked(size) else {
        let left = rest.len();
        return Err(format!("its trie needs {size} bytes but {left} are left"));
    };
    if size == 0 || !size.is_multiple_of(4) {
        return Err(format!("its trie has {size} bytes, not a multiple of 4"));
    }
    let Ok(replacements) = std::str::from_utf8(replacements) else {
        return Err("its replacements are not UTF-8".to_string());
    };
    let units = trie.chunks_exact(4);
    let units: Vec<u32> = units
        .map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]]))
        .collect();
    walk(&units, replacements)
}

/// Follows every edge from the root.
fn walk(units: &[u32], replacements: &str) -> Result<(), String> {
    let lost = |at: usize| format!("its trie points to unit {at} of {}", units.len());
    let mut seen = vec![false; units.len()];
    let mut bases = vec![offset(units[0])];
    while let Some(base) = bases.pop() {
        for byte in 1..=255u32 {
            let at = base ^ byte as usize;
            let unit = *units.get(at).ok_or_else(|| lost(at))?;
            if label(unit) != byte || std::mem::replace(&mut seen[at], true) {
                continue;
            }
            let base = at ^ offset(unit);
            if has_value(unit) {
                let value = *units.get(base).ok_or_else(|| lost(base))?;
                let start = (value & 0x7fff_ffff) as usize;
                if !replacements.is_char_boundary(start) {
                    let length = replacements.len();
                    return Err(format!(
                        "its trie points to byte {start} of {length} replacement bytes"
                    ));
                }
            }
            bases.push(base);
        }
    }
    Ok(())
}

fn label(unit: u32) -> u32 {
    unit & 0x8000_00ff
}

fn has_value(unit: u32) -> bool {
    unit >> 8 & 1 == 1
}

/// Where the children of a unit start, relative to its own place.
fn offset(unit: u32) -> usize {
    ((unit >> 10) as usize) << ((unit & 0x200) >> 6)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A trie of 512 units that replaces `a` by what stands at `value`.
    fn table(value: u32, replacements: &str) -> Vec<u8> {
        let mut units = vec![0u32; 512];
        units[0] = 256 << 10; // the children of the root start at 256
        let child = 256 ^ usize::from(b'a');
        units[child] = u32::from(b'a') | 0x100 | 1 << 10;
        units[child ^ 1] = value | 0x8000_0000;
        let mut bytes = (units.len() as u32 * 4).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend(replacements.as_bytes());
        bytes
    }

    #[test]
    fn a_table_that_a_lookup_cannot_leave_is_accepted() {
        assert_eq!(check(&table(0, "bc\0")), Ok(()));
        assert_eq!(check(&table(1, "bc\0")), Ok(()));
    }

    #[test]
    fn a_replacement_outside_the_text_or_inside_a_character_is_refused() {
        assert!(
            check(&table(9, "bc\0"))
                .unwrap_err()
                .contains("byte 9 of 3")
        );
        assert!(check(&table(1, "é\0")).unwrap_err().contains("byte 1 of 3"));
    }

    #[test]
    fn tries_that_are_cut_or_point_outside_are_refused() {
        let whole = table(0, "bc\0");
        for end in 0..whole.len() - 3 {
            assert!(check(&whole[..end]).is_err());
        }
        let mut outside = whole;
        outside[4..8].copy_from_slice(&(512u32 << 10).to_le_bytes());
        assert!(check(&outside).unwrap_err().contains("of 512"));
        assert!(
            check(&u32::MAX.to_le_bytes())
                .unwrap_err()
                .contains("4294967295")
        );
    }
}
