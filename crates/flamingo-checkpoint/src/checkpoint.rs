//! Opening files and reading their tensors.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::element::Strided;
use crate::files::{Files, Repeats};
use crate::layout;
use crate::mapped::{Bytes, PIECE, Window};
use crate::tensor::TensorInfo;
use crate::{Element, Error, Result, parts, torch};

/// The tensors of one or more files, by name; values are read when asked for.
///
/// Files are safetensors, GGUF, archives of `torch.save` and `torch.jit.save`, and the stream of
/// `torch.save` before 1.6, told apart by what is in them. Names are as they stand in the file;
/// those of nested dictionaries and modules are joined by dots. Of a training checkpoint only the
/// weights are taken, which lie under `model_state_dict`, `state_dict`, `model` or `module`.
pub struct Checkpoint {
    files: Files,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors of {}", self.len(), self.files.describe())
    }
}

impl Checkpoint {
    /// Maps files.
    ///
    /// # Errors
    /// If one cannot be opened, is damaged, asks to run code, or repeats a name of another.
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        Self::open_files(paths, Repeats::Refused)
    }

    /// Maps files that may repeat names: a tensor of a later file replaces that of an earlier one.
    ///
    /// # Errors
    /// If one cannot be opened, is damaged, or asks to run code.
    pub fn open_layered(paths: &[PathBuf]) -> Result<Self> {
        Self::open_files(paths, Repeats::Replace)
    }

    fn open_files(paths: &[PathBuf], repeats: Repeats) -> Result<Self> {
        parts::check(paths)?;
        let mut files = Files::default();
        for path in paths {
            files.add(path.clone(), Bytes::open(path)?, repeats)?;
        }
        Ok(Self { files })
    }

    /// Reads a file that is part of the program; `name` is for messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self> {
        Self::from_bytes(name, bytes)
    }

    /// Reads a file that is in memory; `name` is for messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(name: &str, bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self> {
        let mut files = Files::default();
        files.add(name.into(), Bytes::Memory(bytes.into()), Repeats::Refused)?;
        Ok(Self { files })
    }

    /// The names, in order of the alphabet.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.files.tensors.keys().map(String::as_str)
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.files.tensors.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.tensors.is_empty()
    }

    /// Whether a file is an archive of `torch.jit.save`, as OpenAI gave out its models.
    pub fn is_torchscript(&self) -> bool {
        self.files
            .files
            .iter()
            .any(|(_, bytes)| torch::is_torchscript(bytes))
    }

    /// What a tensor is.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.files.tensors.get(name)
    }

    /// The file a tensor is read from.
    pub fn file(&self, name: &str) -> Option<&Path> {
        let info = self.info(name)?;
        Some(&self.files.files[info.storage.file].0)
    }

    /// Reads the elements of a tensor from `elements.start` to `elements.end`, counted row by row,
    /// and converts them to `T`. Of a mapped file, at most 1 MiB is kept in memory at a time, so
    /// that a view across the rows of its storage, as a transposed one, is read many times slower.
    ///
    /// # Errors
    /// If there is no such tensor, it has fewer elements, `out` is not as long as the range, or a
    /// float is wanted from an integer tensor or an integer from a floating-point one.
    pub fn read<T: Element>(
        &self,
        name: &str,
        elements: Range<usize>,
        out: &mut [T],
    ) -> Result<()> {
        let info = self.wanted(name)?;
        check_range(name, info, &elements)?;
        check_type::<T>(name, info)?;
        if out.len() != elements.len() {
            return Err(Error::mismatch(
                name,
                format!(
                    "is asked for elements {elements:?} into room for {}: make both as long",
                    out.len()
                ),
            ));
        }
        let mut rest = out;
        self.pieces(info, elements, |source, length| {
            let (now, later) = std::mem::take(&mut rest).split_at_mut(length);
            T::decode(info.dtype, source, now);
            if info.negated {
                T::negate(now);
            }
            rest = later;
            Ok(())
        })
    }

    /// Writes a whole tensor into `to`, row by row, as little-endian elements of its own format:
    /// what the closure of [`write_safetensors`](crate::write_safetensors) needs to copy one.
    ///
    /// # Errors
    /// If there is no such tensor, or `to` cannot be written.
    pub fn copy(&self, name: &str, to: &mut dyn Write) -> Result<()> {
        let info = self.wanted(name)?;
        let width = info.dtype.bytes();
        let mut gathered = Vec::new();
        self.pieces(info, 0..info.elements(), |source, length| {
            if source.stride == 1 && !info.negated {
                return Ok(to.write_all(source.bytes)?);
            }
            // A piece of a repeated element is as long as the axis: gather part of it at a time.
            for first in (0..length).step_by(PIECE / width) {
                gathered.clear();
                for i in first..length.min(first + PIECE / width) {
                    let at = i * source.stride * width;
                    gathered.extend_from_slice(&source.bytes[at..at + width]);
                    if let (true, Some(last)) = (info.negated, gathered.last_mut()) {
                        // The sign of every float is its highest bit.
                        *last ^= 0x80;
                    }
                }
                to.write_all(&gathered)?;
            }
            Ok(())
        })
    }

    fn wanted(&self, name: &str) -> Result<&TensorInfo> {
        self.info(name).ok_or_else(|| Error::Missing {
            name: name.to_string(),
            files: self.files.describe(),
        })
    }

    /// Visits elements as evenly spaced ones of at most a piece of the file, with their number.
    fn pieces(
        &self,
        info: &TensorInfo,
        elements: Range<usize>,
        mut visit: impl FnMut(Strided<'_>, usize) -> Result<()>,
    ) -> Result<()> {
        let width = info.dtype.bytes();
        let mut window = Window::new(&self.files.files[info.storage.file].1);
        for run in layout::runs(&info.axes, elements, PIECE / width) {
            let start = info.start + run.offset * width;
            let span = ((run.length - 1) * run.stride + 1) * width;
            let source = Strided {
                bytes: window.get(start..start + span),
                stride: run.stride,
            };
            visit(source, run.length)?;
        }
        Ok(())
    }
}

fn check_range(name: &str, info: &TensorInfo, elements: &Range<usize>) -> Result<()> {
    if elements.start <= elements.end && elements.end <= info.elements() {
        return Ok(());
    }
    Err(Error::mismatch(
        name,
        format!(
            "has {} elements, {elements:?} were asked for: stay within them",
            info.elements()
        ),
    ))
}

fn check_type<T: Element>(name: &str, info: &TensorInfo) -> Result<()> {
    if T::accepts(info.dtype) {
        return Ok(());
    }
    let next = if info.dtype.is_float() {
        "read it as f32, f16 or bf16"
    } else {
        "read it as i64, or convert the file if these are weights"
    };
    let what = format!("holds {}, which is no {}: {next}", info.dtype, T::NAME);
    Err(Error::mismatch(name, what))
}
