//! The classes and functions a pickle may name. None is ever called: most make an inert object,
//! those of [`Role`] say which plain value or tensor stands for the result.

use super::value::Global;
use crate::Dtype;

/// What calling a global that is allowed amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An inert object.
    Inert,
    /// A dictionary, of its last argument if it has one.
    Dict,
    /// Its first argument, unchanged.
    First,
    /// A tensor over a typed storage.
    Tensor,
    /// A tensor whose format is its seventh argument.
    TensorOfDtype,
    /// What its first argument makes of its third.
    FromType,
}

/// Names that pickles of weights and of training runs are known to hold.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("argparse", &["Namespace"]),
    ("_codecs", &["encode"]),
    ("numpy", &["dtype", "ndarray"]),
    ("numpy.core.multiarray", ARRAYS),
    ("numpy._core.multiarray", ARRAYS),
    ("torch", &["Size", "device", "Tensor"]),
    ("torch.nn.parameter", &["Parameter", "Buffer"]),
    (
        "torch._tensor",
        &["_rebuild_from_type", "_rebuild_from_type_v2"],
    ),
    ("torch.serialization", &["_get_layout"]),
    ("collections", &["OrderedDict", "defaultdict", "Counter"]),
    ("torch._utils", REBUILD),
];

const BUILTINS: &[&str] = &[
    "set",
    "frozenset",
    "list",
    "dict",
    "tuple",
    "int",
    "float",
    "bool",
    "slice",
    "complex",
    "bytearray",
];

const ARRAYS: &[&str] = &["scalar", "_reconstruct"];

const REBUILD: &[&str] = &[
    "_rebuild_tensor",
    "_rebuild_tensor_v2",
    "_rebuild_tensor_v3",
    "_rebuild_parameter",
    "_rebuild_parameter_with_state",
    // Of a tensor on a device that torch cannot write: its first argument is the same one in memory.
    "_rebuild_device_tensor_from_cpu_tensor",
    // Named before the class that says of which kind the tensor is; see `Global::unread`.
    WRAPPER,
];

const WRAPPER: &str = "_rebuild_wrapper_subclass";

/// Formats of numbers whose names do not say how many bits they have.
const DTYPES: &[&str] = &[
    "double", "float", "half", "long", "int", "short", "bool", "cfloat", "cdouble", "chalf",
];

/// What the names of all other formats begin with, before the bits.
const DTYPE_STARTS: &[&str] = &[
    "float", "bfloat", "complex", "int", "uint", "qint", "quint", "bits",
];

/// Modules whose objects hold what one process has of a model that is spread over several.
const SHARDED: &[&str] = &[
    "torch.distributed.tensor",
    "torch.distributed._tensor",
    "torch.distributed._shard",
    "torch.distributed.device_mesh",
    "torch.distributed._mesh_layout",
];

/// Functions of `torch._utils` that make tensors of kinds that are not read, and the kind.
const UNREAD: &[(&str, &str)] = &[
    ("_rebuild_qtensor", "quantised"),
    ("_rebuild_sparse_tensor", "sparse"),
    ("_rebuild_sparse_csr_tensor", "sparse"),
    ("_rebuild_nested_tensor", "nested"),
    ("_rebuild_meta_tensor_no_storage", "empty (meta)"),
];

const TORCHSCRIPT: &[&str] = &[
    "build_intlist",
    "build_tensorlist",
    "build_doublelist",
    "build_boollist",
    "restore_type_tag",
    "build_tensor_from_id",
];

impl Global<'_> {
    /// Whether a pickle may name it; `script` for the archives of torch.jit.save.
    pub(super) fn is_allowed(&self, script: bool) -> bool {
        let listed = ALLOWED
            .iter()
            .any(|(module, names)| *module == self.module && names.contains(&self.name));
        let of_script = self.is_script_class()
            || self.module == "torch.jit._pickle" && TORCHSCRIPT.contains(&self.name);
        listed || self.is_dtype() || self.is_storage() || script && of_script
    }

    /// Whether it is a format of numbers, of this torch or of a later one.
    fn is_dtype(&self) -> bool {
        let Some(bits) = self.name.find(|c: char| c.is_ascii_digit()) else {
            return self.module == "torch" && DTYPES.contains(&self.name);
        };
        let (start, rest) = self.name.split_at(bits);
        self.module == "torch"
            && DTYPE_STARTS.contains(&start)
            && rest
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    }

    /// Whether it is a class of tensors that are no more than that, whatever attributes they have.
    pub(super) fn is_plain_tensor(&self) -> bool {
        matches!(
            (self.module, self.name),
            ("torch", "Tensor") | ("torch.nn.parameter", "Parameter" | "Buffer")
        )
    }

    /// What a file that names it holds, and what to do, where it is known but not read.
    pub(super) fn unread(&self) -> Option<String> {
        let within = |module: &str| {
            let rest = self.module.strip_prefix(module);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if SHARDED.iter().any(|module| within(module)) {
            return Some(format!(
                "it holds `{}`, what one rank has of a sharded model: save the whole model, its state from \
                 torch.distributed.checkpoint.state_dict.get_model_state_dict with \
                 StateDictOptions(full_state_dict=True)",
                self.shown()
            ));
        }
        let (_, kind) = UNREAD
            .iter()
            .find(|(name, _)| self.module == "torch._utils" && *name == self.name)?;
        Some(format!(
            "it holds a {kind} tensor, which is not read: save the weights as dense tensors"
        ))
    }

    /// Whether it is a class that a TorchScript archive defines.
    pub(crate) fn is_script_class(&self) -> bool {
        self.module == "__torch__" || self.module.starts_with("__torch__.")
    }

    /// Whether it is a class of storages, of this torch or of another: a plain name, so nothing within a class.
    pub(super) fn is_storage(&self) -> bool {
        matches!(self.module, "torch" | "torch.cuda" | "torch.storage")
            && self.name.ends_with("Storage")
            && self
                .name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_')
    }

    pub(super) fn dtype(&self) -> Option<Dtype> {
        (self.module == "torch").then(|| Dtype::from_torch_dtype(self.name))?
    }

    pub(super) fn role(&self) -> Role {
        match (self.module, self.name) {
            ("collections", _) | ("builtins" | "__builtin__", "dict") => Role::Dict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Role::Tensor,
            ("torch._utils", "_rebuild_tensor_v3") => Role::TensorOfDtype,
            ("torch._utils", WRAPPER) => Role::Inert,
            ("torch._utils", _) => Role::First,
            ("torch._tensor", _) => Role::FromType,
            ("torch.jit._pickle", "build_tensor_from_id") => Role::Inert,
            ("torch.jit._pickle", _) | ("torch", "Size") => Role::First,
            _ => Role::Inert,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_run_something_is_not_allowed_anywhere() {
        let hostile = [
            ("os", "system"),
            ("posix", "system"),
            ("nt", "system"),
            ("subprocess", "Popen"),
            ("builtins", "eval"),
            ("builtins", "exec"),
            ("builtins", "getattr"),
            ("__builtin__", "getattr"),
            ("builtins", "__import__"),
            ("torch", "load"),
            ("torch.hub", "load"),
            ("torch.storage", "_load_from_bytes"),
            ("torch", "FloatStorage.__init__"),
            ("torch", "storage._load_from_bytes.Storage"),
            ("os", "Storage"),
            ("collections", "OrderedDict.fromkeys"),
            ("numpy.core.multiarray", "fromfile"),
            ("__torchx__", "A"),
            ("", ""),
        ];
        for (module, name) in hostile {
            for script in [false, true] {
                assert!(
                    !Global { module, name }.is_allowed(script),
                    "{module}.{name}"
                );
            }
        }
    }

    #[test]
    fn formats_of_numbers_are_names_also_those_of_later_versions() {
        let allowed = |name| {
            let module = "torch";
            Global { module, name }.is_allowed(false)
        };
        for name in [
            "float32",
            "half",
            "float8_e8m0fnu",
            "float4_e2m1fn_x2",
            "uint7",
            "bits1x8",
            "complex64",
        ] {
            assert!(allowed(name), "{name}");
        }
        for name in ["load", "float32.x", "int8 ", "fload8", "float8X", "8"] {
            assert!(!allowed(name), "{name}");
        }
        let other = Global {
            module: "torch.nn",
            name: "float32",
        };
        assert!(!other.is_allowed(false));
    }

    #[test]
    fn storages_are_names_also_of_formats_that_are_not_read() {
        for (module, name) in [
            ("torch", "FloatStorage"),
            ("torch.cuda", "BFloat16Storage"),
            ("torch", "ComplexHalfStorage"),
            ("torch", "Float8_e4m3fnStorage"),
            ("torch.storage", "_TypedStorage"),
            ("torch.storage", "UntypedStorage"),
        ] {
            let global = Global { module, name };
            assert!(
                global.is_allowed(false) && global.is_storage(),
                "{module}.{name}"
            );
        }
    }

    #[test]
    fn classes_of_torchscript_are_allowed_in_its_archives_only() {
        let global = Global {
            module: "__torch__.open_clip.model",
            name: "CLIP",
        };
        assert!(global.is_allowed(true));
        assert!(!global.is_allowed(false));
    }
}
