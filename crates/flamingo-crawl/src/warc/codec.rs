//! How a file is compressed, told by its bytes, and one member's decoder.

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};
use memchr::memmem;
use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

const GZIP: &[u8] = b"\x1f\x8b\x08";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
/// The magic of the skippable frame with which a `.warc.zst` tells its dictionary.
const DICTIONARY: &[u8] = b"\x5d\x2a\x4d\x18";
const MAX_DICTIONARY: usize = 16 << 20;
/// So many bytes tell whether a member begins with them.
pub(crate) const HEAD: usize = 8;

pub(super) enum Codec {
    Plain,
    Gzip(Decompress),
    Zstd(Decoder<'static>),
}

/// What one call of a decoder did.
pub(super) struct Decoded {
    /// How many bytes it took.
    pub(super) read: usize,
    /// Whether the member ended.
    pub(super) ended: bool,
}

impl Codec {
    /// What a file is by its first bytes, even if something else lies before them.
    pub(super) fn sniff(bytes: &[u8]) -> io::Result<Self> {
        let first = |magic: &[u8]| memmem::find(bytes, magic).unwrap_or(usize::MAX);
        let (plain, gzip) = (first(b"WARC/"), first(GZIP));
        if skippable(bytes).is_some() || first(ZSTD) < plain.min(gzip) {
            return Ok(Self::Zstd(Decoder::new()?));
        }
        Ok(if gzip < plain {
            Self::Gzip(Decompress::new_gzip(15))
        } else {
            Self::Plain
        })
    }

    /// What every member begins with; nothing for a plain file.
    pub(super) fn magic(&self) -> &'static [u8] {
        match self {
            Self::Plain => b"",
            Self::Gzip(_) => GZIP,
            Self::Zstd(_) => ZSTD,
        }
    }

    /// Whether a member may begin with these bytes.
    pub(super) fn is_member(&self, head: &[u8]) -> bool {
        // The three highest flags of gzip are reserved: random bytes rarely pass.
        let is_reserved =
            matches!(self, Self::Gzip(_)) && head.get(3).is_some_and(|flags| flags & 0xe0 != 0);
        head.starts_with(self.magic()) && !is_reserved
    }

    /// The length of a frame that is to be passed over, with its head.
    pub(super) fn skippable(&self, head: &[u8]) -> Option<u64> {
        match self {
            Self::Zstd(_) => Some(skippable(head)? + HEAD as u64),
            _ => None,
        }
    }

    pub(super) fn begin(&mut self) -> io::Result<()> {
        match self {
            Self::Plain => {}
            Self::Gzip(decoder) => decoder.reset(true),
            Self::Zstd(decoder) => decoder.reinit()?,
        }
        Ok(())
    }

    /// Decodes into the window's spare capacity; `None` if the bytes cannot be decoded.
    pub(super) fn decode(&mut self, input: &[u8], window: &mut Vec<u8>) -> Option<Decoded> {
        match self {
            Self::Plain => {
                let read = input.len().min(window.capacity() - window.len());
                window.extend_from_slice(&input[..read]);
                Some(Decoded { read, ended: false })
            }
            Self::Gzip(decoder) => {
                let before = decoder.total_in();
                let status = decoder.decompress_vec(input, window, FlushDecompress::None);
                Some(Decoded {
                    read: (decoder.total_in() - before) as usize,
                    ended: status.ok()? == Status::StreamEnd,
                })
            }
            Self::Zstd(decoder) => {
                let length = window.len();
                let mut input = InBuffer::around(input);
                let mut output = OutBuffer::around_pos(window, length);
                let left = decoder.run(&mut input, &mut output).ok()?;
                Some(Decoded {
                    read: input.pos(),
                    ended: left == 0,
                })
            }
        }
    }

    /// Says if a file that has no dictionary cannot be decoded without one: all frames at its start name the same. One
    /// that differs is damaged.
    pub(super) fn check_no_dictionary(&self, head: &[u8]) -> io::Result<()> {
        if !matches!(self, Self::Zstd(_)) {
            return Ok(());
        }
        let mut named = memmem::find_iter(head, ZSTD)
            .map(|at| zstd::zstd_safe::get_dict_id_from_frame(&head[at..]));
        let Some(id) = named.next().flatten() else {
            return Ok(());
        };
        if named.any(|other| other != Some(id)) {
            return Ok(());
        }
        let message = format!(
            "it is compressed with the zstd dictionary {id}, which is not in the file; put the frame that holds the \
             dictionary before the records, or compress it anew without one"
        );
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }

    /// Decodes with a dictionary, if there is need of one. `frame` is the skippable frame that holds it.
    pub(super) fn use_dictionary(&mut self, frame: &[u8]) -> io::Result<()> {
        if let (Self::Zstd(decoder), Some(dictionary)) = (self, unpack(frame)) {
            *decoder = Decoder::with_dictionary(&dictionary)?;
        }
        Ok(())
    }
}

/// How long the frame with the dictionary is, if a file begins with one.
pub(crate) fn dictionary_length(head: &[u8]) -> Option<usize> {
    let length = skippable(head).filter(|_| head.starts_with(DICTIONARY))?;
    let length = usize::try_from(length).ok()?;
    (length <= MAX_DICTIONARY).then_some(HEAD + length)
}

/// The dictionary in its frame, where it may be compressed itself.
fn unpack(frame: &[u8]) -> Option<Vec<u8>> {
    let bytes = frame.get(HEAD..)?;
    if !bytes.starts_with(ZSTD) {
        return Some(bytes.to_vec());
    }
    let mut dictionary = Vec::new();
    let reader = zstd::stream::read::Decoder::new(bytes).ok()?;
    reader
        .take(MAX_DICTIONARY as u64)
        .read_to_end(&mut dictionary)
        .ok()?;
    Some(dictionary)
}

/// The length that a skippable frame tells behind its head.
fn skippable(head: &[u8]) -> Option<u64> {
    let head: [u8; HEAD] = head.get(..HEAD)?.try_into().ok()?;
    let is_skippable = (head[0] & 0xf0) == 0x50 && head[1..4] == DICTIONARY[1..];
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    is_skippable.then_some(u64::from(length))
}
