//! Compressed bytes in memory: bodies of answers and saved files, decoded to a limit and as far as they go.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use crate::Fault;

/// The most that deflate makes of a byte.
const DEFLATE_RATIO: usize = 1032;
/// The least room to decode into.
const ROOM: usize = 16 << 10;

/// How bytes are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    /// With a zlib header or, as some servers have it, without.
    Deflate,
    Brotli,
    Zstd,
}

/// What was decoded, and what was wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fault: Option<Fault>,
}

impl Encoding {
    /// Decodes at most `max` bytes; `None` if these bytes were never compressed so.
    pub(crate) fn decode(self, bytes: &[u8], max: usize) -> Option<Decoded> {
        if !self.may_be(bytes) {
            return None;
        }
        match self {
            Self::Gzip => inflate(bytes, Decompress::new_gzip(15), gzip_size(bytes), max),
            Self::Deflate if is_zlib(bytes) => {
                let decoded = inflate(bytes, Decompress::new(true), bytes.len() * 4, max);
                decoded.or_else(|| inflate(bytes, Decompress::new(false), bytes.len() * 4, max))
            }
            Self::Deflate => inflate(bytes, Decompress::new(false), bytes.len() * 4, max),
            Self::Brotli => {
                read(brotli_decompressor::Decompressor::new(bytes, ROOM), max).filter(is_more)
            }
            Self::Zstd => read(zstd::stream::read::Decoder::with_buffer(bytes).ok()?, max),
        }
    }

    fn may_be(self, bytes: &[u8]) -> bool {
        match self {
            Self::Gzip => bytes.starts_with(b"\x1f\x8b\x08"),
            Self::Zstd => bytes.starts_with(b"\x28\xb5\x2f\xfd"),
            Self::Deflate | Self::Brotli => !bytes.is_empty(),
        }
    }

    /// What a file's first bytes say that it is.
    pub(crate) fn sniff(bytes: &[u8]) -> Option<Self> {
        [Self::Gzip, Self::Zstd]
            .into_iter()
            .find(|kind| kind.may_be(bytes))
    }
}

/// The bytes of a gzip or zstd file, up to `max` of them; other bytes are returned as they are.
/// What breaks off is decoded as far as it goes.
#[must_use]
pub fn gunzip(bytes: &[u8], max: usize) -> Vec<u8> {
    let decoded = Encoding::sniff(bytes).and_then(|kind| kind.decode(bytes, max));
    decoded.map_or_else(
        || bytes[..bytes.len().min(max)].to_vec(),
        |decoded| decoded.bytes,
    )
}

/// As [`gunzip`], for bytes that are no longer needed: those that are not compressed are not copied.
pub(crate) fn gunzipped(mut bytes: Vec<u8>, max: usize) -> Vec<u8> {
    if Encoding::sniff(&bytes).is_some() {
        return gunzip(&bytes, max);
    }
    bytes.truncate(max);
    bytes
}

/// Bytes that decode to nothing but an error were not compressed.
fn is_more(decoded: &Decoded) -> bool {
    !decoded.bytes.is_empty() || decoded.fault.is_none()
}

fn is_zlib(bytes: &[u8]) -> bool {
    let Some(&[first, second]) = bytes.first_chunk() else {
        return false;
    };
    first & 0x0f == 8 && u16::from_be_bytes([first, second]) % 31 == 0
}

/// The size that a gzip file tells at its end, as far as it can be true.
fn gzip_size(bytes: &[u8]) -> usize {
    let size = bytes
        .last_chunk()
        .map_or(0, |&size| u32::from_le_bytes(size));
    (size as usize).min(bytes.len().saturating_mul(DEFLATE_RATIO))
}

fn inflate(bytes: &[u8], mut decoder: Decompress, size: usize, max: usize) -> Option<Decoded> {
    let mut output = Vec::with_capacity(size.min(max) + 1);
    let mut input = bytes;
    let mut fault = None;
    loop {
        // What is to be decoded and what comes out of it both count as progress.
        let (before, length) = (decoder.total_in(), output.len());
        let status = decoder.decompress_vec(input, &mut output, FlushDecompress::None);
        let read = (decoder.total_in() - before) as usize;
        input = &input[read..];
        let is_stuck = read == 0 && output.len() == length && output.len() < output.capacity();
        match status {
            Ok(Status::StreamEnd) => {
                // Another member may follow; anything else is padding.
                if !Encoding::Gzip.may_be(input) || !Encoding::Gzip.may_be(bytes) {
                    break;
                }
                decoder.reset(true);
            }
            Ok(_) if !is_stuck => {}
            _ => {
                fault = Some(Fault::BadEncoding);
                break;
            }
        }
        if output.len() > max {
            fault = Some(Fault::Bomb);
            break;
        }
        if output.len() == output.capacity() {
            output.reserve(ROOM);
        }
    }
    output.truncate(max);
    let decoded = Decoded {
        bytes: output,
        fault,
    };
    Some(decoded).filter(is_more)
}

fn read(reader: impl Read, max: usize) -> Option<Decoded> {
    let mut bytes = Vec::new();
    let done = reader.take(max as u64 + 1).read_to_end(&mut bytes);
    let fault = if bytes.len() > max {
        bytes.truncate(max);
        Some(Fault::Bomb)
    } else {
        done.err().map(|_| Fault::BadEncoding)
    };
    Some(Decoded { bytes, fault })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    fn text() -> Vec<u8> {
        (0..5000_u32)
            .flat_map(|n| format!("line {n}\n").into_bytes())
            .collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// "hello" as brotli's encoder leaves it.
    const BROTLI: &[u8] = b"\x0b\x02\x80hello\x03";

    fn whole(bytes: Vec<u8>) -> Option<Decoded> {
        Some(Decoded { bytes, fault: None })
    }

    #[test]
    fn every_encoding_gives_its_bytes_back() {
        let text = text();
        let max = text.len();
        assert_eq!(
            Encoding::Gzip.decode(&gzip(&text), max),
            whole(text.clone())
        );
        assert_eq!(
            Encoding::Deflate.decode(&zlib(&text), max),
            whole(text.clone())
        );
        assert_eq!(
            Encoding::Deflate.decode(&deflate(&text), max),
            whole(text.clone())
        );
        let zstd = zstd::bulk::compress(&text, 3).unwrap();
        assert_eq!(Encoding::Zstd.decode(&zstd, max), whole(text));
        assert_eq!(
            Encoding::Brotli.decode(BROTLI, max),
            whole(b"hello".to_vec())
        );
    }

    #[test]
    fn members_are_joined_and_padding_behind_them_is_not_read() {
        let bytes = [gzip(b"one "), gzip(b""), gzip(b"two"), vec![0; 7]].concat();
        assert_eq!(
            Encoding::Gzip.decode(&bytes, 100),
            whole(b"one two".to_vec())
        );
    }

    #[test]
    fn what_breaks_off_is_kept_as_far_as_it_goes() {
        let text = text();
        for (encoding, bytes) in [
            (Encoding::Gzip, gzip(&text)),
            (Encoding::Deflate, zlib(&text)),
            (Encoding::Zstd, zstd::bulk::compress(&text, 3).unwrap()),
        ] {
            let half = encoding.decode(&bytes[..bytes.len() - 9], text.len());
            if let Some(half) = half {
                assert_eq!(half.fault, Some(Fault::BadEncoding), "{encoding:?}");
                assert!(text.starts_with(&half.bytes), "{encoding:?}");
            } else {
                assert_eq!(encoding, Encoding::Zstd, "one block, all or nothing");
            }
        }
    }

    #[test]
    fn bytes_that_were_never_compressed_are_told_apart() {
        for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd] {
            assert_eq!(
                encoding.decode(b"<!doctype html><p>x", 100),
                None,
                "{encoding:?}"
            );
        }
        for encoding in [
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Brotli,
            Encoding::Zstd,
        ] {
            assert_eq!(encoding.decode(b"", 100), None);
        }
        assert_eq!(gunzip(b"<p>plain", 100), b"<p>plain");
    }

    #[test]
    fn bomb_is_cut_at_the_limit_and_takes_no_more_memory() {
        let zeros = gzip(&vec![0; 20 << 20]);
        let decoded = Encoding::Gzip.decode(&zeros, 1000).unwrap();
        assert_eq!(
            (decoded.bytes.len(), decoded.fault),
            (1000, Some(Fault::Bomb))
        );
        assert!(decoded.bytes.capacity() < 100 << 10);
        let zeros = zstd::bulk::compress(&vec![0; 20 << 20], 3).unwrap();
        let decoded = Encoding::Zstd.decode(&zeros, 1000).unwrap();
        assert_eq!(
            (decoded.bytes.len(), decoded.fault),
            (1000, Some(Fault::Bomb))
        );
    }

    #[test]
    fn size_that_is_only_told_costs_no_memory() {
        let mut bytes = gzip(b"small");
        let end = bytes.len() - 4;
        bytes[end..].fill(0xff);
        let decoded = Encoding::Gzip.decode(&bytes, usize::MAX - 1).unwrap();
        assert_eq!(decoded.fault, Some(Fault::BadEncoding));
        assert!(decoded.bytes.capacity() < 100 << 10);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_decode_to_the_limit_or_not_at_all(bytes: Vec<u8>, max in 0_usize..2000) {
            for encoding in [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd] {
                let decoded = encoding.decode(&bytes, max);
                assert!(decoded.is_none_or(|decoded| decoded.bytes.len() <= max));
            }
        }
    }
}
