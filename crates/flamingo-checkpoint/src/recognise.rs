//! Which kind of file it is, by its first bytes.

use crate::error::Fault;
use crate::tensor::Found;
use crate::{gguf, safetensors, torch};

pub(crate) fn read_file(bytes: &[u8]) -> Result<Found, Fault> {
    if safetensors::is_whole_header(bytes) {
        return safetensors::read(bytes);
    }
    match bytes {
        [] => Err(Fault::new("it is empty: copy it again")),
        [b'G', b'G', b'U', b'F', ..] => gguf::tensors(bytes),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => torch::read_archive(bytes),
        [0x80, 2..=5, ..] => torch::read_legacy(bytes),
        [_, _, _, _, _, _, _, _, b'{', ..] => safetensors::read(bytes),
        _ => Err(Fault::new(format!(
            "it is {}; weights are read from safetensors and GGUF files and from what torch.save and torch.jit.save write",
            guess(bytes)
        ))),
    }
}

/// What a file that holds no weights seems to be.
fn guess(bytes: &[u8]) -> &'static str {
    let starts: [(&[u8], &str); 11] = [
        (
            b"version https://git-lfs",
            "a Git LFS pointer: fetch the file itself with `git lfs pull`",
        ),
        (
            b"\x89HDF",
            "an HDF5 file: save it as safetensors with the program that made it",
        ),
        (b"\x93NUMPY", "a NumPy array: save it as safetensors"),
        (b"\x1f\x8b", "compressed with gzip: unpack it first"),
        (b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"),
        (b"BZh", "compressed with bzip2: unpack it first"),
        (b"\xfd7zXZ", "compressed with xz: unpack it first"),
        (
            b"<",
            "an HTML or XML page: the download went wrong, fetch it again",
        ),
        (b"{", "a JSON file: name the file of weights beside it"),
        (
            b"(",
            "a pickle of protocol 0, which is not read: save it again with a current torch",
        ),
        (
            b"\x80",
            "a pickle of an unknown protocol: save it again with torch.save",
        ),
    ];
    if bytes.get(257..262) == Some(b"ustar") {
        return "a tar archive, perhaps of torch before 0.1.10: save it again with a current torch";
    }
    starts
        .iter()
        .find(|(start, _)| bytes.starts_with(start))
        .map_or(
            "of a kind that is not known here, or damaged: copy it again",
            |(_, what)| what,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(bytes: &[u8]) -> String {
        match read_file(bytes) {
            Err(Fault::Malformed(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_holds_no_weights_is_named_for_what_it_seems_to_be() {
        assert!(reason(b"").contains("is empty"));
        assert!(reason(b"<!DOCTYPE html>").contains("HTML"));
        assert!(reason(b"version https://git-lfs.github.com/spec/v1\n").contains("git lfs pull"));
        assert!(reason(b"{}").contains("JSON"));
        assert!(reason(&[7; 300]).contains("not known"));
    }
}
