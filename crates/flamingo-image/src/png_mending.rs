//! PNG files that Pillow reads although they are not right.
//!
//! It never looks at the checksums of the pixels' chunks, and needs nothing after the last of them.

const SIGNATURE: usize = 8;

/// The file with right checksums of its pixels' chunks and with an end, if it lacked these.
pub(crate) fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = bytes.to_vec();
    let mut at = SIGNATURE;
    while let Some(&[a, b, c, d]) = file.get(at..at + 4) {
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = at.checked_add(8)?.checked_add(length)?;
        let chunk = file.get(at + 4..end)?;
        let is_last = chunk.starts_with(b"IEND");
        if chunk.starts_with(b"IDAT") || chunk.starts_with(b"fdAT") {
            let checksum = crc32fast::hash(chunk).to_be_bytes();
            let place = file.get_mut(end..end + 4)?;
            place.copy_from_slice(&checksum);
        }
        at = end + 4;
        if is_last {
            return (file != bytes).then_some(file);
        }
    }
    // Of a chunk that is cut short nothing can be told.
    if at != file.len() {
        return None;
    }
    let end = b"IEND";
    file.extend(0_u32.to_be_bytes());
    file.extend(end);
    file.extend(crc32fast::hash(end).to_be_bytes());
    Some(file)
}
