//! What a checkpoint's tensors became.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use flamingo_checkpoint::{Checkpoint, Dtype};
use flamingo_kernels::QuantKind;
use serde::Serialize;

use crate::tensors::quantised_name;
use crate::{Error, Link, Result, Stored, Tensors};

/// One of our tensors, and where it came from.
#[derive(Debug, Clone, Serialize)]
pub struct LoadedTensor {
    /// Our name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The names in the files; several where ours is put together.
    pub theirs: Vec<String>,
    /// The file of the first.
    pub file: PathBuf,
    /// The type of the first.
    #[serde(serialize_with = "shown")]
    pub dtype: Dtype,
    /// How it is quantised, if it is; [`Self::dtype`] is then that of its bytes.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name")]
    pub quantised: Option<QuantKind>,
    /// Rows that no file has: 0, of tokens that were added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_rows: Option<Range<usize>>,
}

fn shown<S: serde::Serializer>(dtype: &Dtype, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(dtype)
}

fn name<S: serde::Serializer>(kind: &Option<QuantKind>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind.map_or("", QuantKind::name))
}

impl LoadedTensor {
    /// The tensors of a file under their own names, without the formats behind the names of quantised ones.
    pub fn of_file(file: &Checkpoint, path: &Path) -> Vec<Self> {
        let tensor = |name: &str| {
            let info = file.info(name)?;
            let (ours, shape, quantised) = match quantised_name(name, info) {
                Some((ours, shape, kind)) => (ours, shape, Some(kind)),
                None => (name, info.shape.clone(), None),
            };
            Some(Self {
                name: ours.to_owned(),
                shape,
                theirs: vec![ours.to_owned()],
                file: path.to_owned(),
                dtype: info.dtype,
                quantised,
                new_rows: None,
            })
        };
        file.names().filter_map(tensor).collect()
    }

    /// The name of its type: `q4_k` where it is quantised, that of [`Self::dtype`] elsewhere.
    pub fn type_name(&self) -> &'static str {
        self.quantised.map_or(self.dtype.name(), QuantKind::name)
    }
}

/// What became of all tensors of a checkpoint, and of all of the model's.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LoadReport {
    /// The model's tensors that were found.
    pub tensors: Vec<LoadedTensor>,
    /// Names that the model wants and no file has.
    pub missing: Vec<String>,
    /// Names in the files that the model has no place for.
    pub unused: Vec<String>,
    /// Names of computed tables, second names of a tensor, and parts that no Flamingo has (CLIP's
    /// text tower).
    pub ignored: Vec<String>,
    /// Our name and what is wrong, of tensors of another shape than the model wants.
    #[serde(skip)]
    pub misfits: Vec<(String, String)>,
}

impl LoadReport {
    pub(crate) fn loaded(
        &mut self,
        link: &Link,
        theirs: &[Stored],
        ours: &[Vec<usize>],
        tensors: &Tensors,
    ) {
        for (name, shape) in link.ours.iter().zip(ours) {
            let file = theirs[0].checkpoint.file(&theirs[0].name);
            self.tensors.push(LoadedTensor {
                name: name.clone(),
                shape: shape.clone(),
                theirs: theirs.iter().map(|stored| stored.name.clone()).collect(),
                file: file.map(PathBuf::from).unwrap_or_default(),
                dtype: tensors.dtype(name).unwrap_or(Dtype::F32),
                quantised: tensors.first_quantised(name),
                new_rows: tensors.missing_rows(name),
            });
        }
    }

    /// Of a model under our names.
    pub(crate) fn of_ours(tensors: &Tensors) -> Self {
        let loaded = |name: &str| LoadedTensor {
            name: name.to_owned(),
            shape: tensors.shape(name).unwrap_or_default().to_vec(),
            theirs: vec![name.to_owned()],
            file: tensors.file(name).map(PathBuf::from).unwrap_or_default(),
            dtype: tensors.dtype(name).unwrap_or(Dtype::F32),
            quantised: tensors.first_quantised(name),
            new_rows: None,
        };
        Self {
            tensors: tensors.names().map(loaded).collect(),
            ..Self::default()
        }
    }

    /// The model's tensors with rows that no file has.
    pub fn new_rows(&self) -> impl Iterator<Item = (&str, &Range<usize>)> {
        self.tensors
            .iter()
            .filter_map(|tensor| Some((tensor.name.as_str(), tensor.new_rows.as_ref()?)))
    }

    /// # Errors
    /// If a tensor is missing or of another shape. The message names the first ones and the part
    /// that is likely of another model.
    pub fn check(&self) -> Result<()> {
        let mut wrong: Vec<String> = self.misfits.iter().map(|(_, what)| what.clone()).collect();
        wrong.extend(
            self.missing
                .iter()
                .map(|name| format!("`{name}` is missing")),
        );
        if wrong.is_empty() {
            return Ok(());
        }
        let shown = wrong.len().min(4);
        let more = match wrong.len() - shown {
            0 => String::new(),
            rest => format!(", and {rest} more"),
        };
        let guess = self.guess();
        Err(Error::Mismatch(format!(
            "{}{more}; {guess}",
            wrong[..shown].join("; ")
        )))
    }

    /// Which part does not belong to the others.
    fn guess(&self) -> &'static str {
        let part = |prefix: &str| {
            self.misfits
                .iter()
                .any(|(ours, _)| ours.starts_with(prefix))
        };
        let latents = part("resampler.")
            || self.misfits.iter().any(|(ours, _)| {
                ours.starts_with("gated.")
                    && (ours.ends_with(".k.weight") || ours.ends_with(".v.weight"))
            });
        match (
            part("gated.") && !latents || part("language."),
            latents || part("vision."),
        ) {
            (true, _) => {
                "the checkpoint and the language model seem to be of different models: give the language model \
                 that the checkpoint was trained with"
            }
            (_, true) => {
                "the checkpoint and the image tower seem to be of different models: give the image tower that \
                 the checkpoint was trained with (ViT-L/14 of OpenAI for the published ones)"
            }
            _ => "is a file or a shard missing, or is the checkpoint of another model?",
        }
    }

    /// Parameters by the part of the model (the first word of our names).
    pub fn parameters(&self) -> BTreeMap<&str, u64> {
        let mut parts = BTreeMap::new();
        for tensor in &self.tensors {
            let part = tensor.name.split('.').next().unwrap_or_default();
            *parts.entry(part).or_default() += tensor.shape.iter().product::<usize>() as u64;
        }
        parts
    }
}
