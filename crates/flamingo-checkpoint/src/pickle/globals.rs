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
}

/// Names that pickles of weights and of training runs are known to hold.
const ALLOWED: [(&str, &[&str]); 16] = [
    ("builtins", BUILTINS),
    ("__builtin__", BUILTINS),
    ("argparse", &["Namespace"]),
    ("_codecs", &["encode"]),
    ("numpy", &["dtype", "ndarray"]),
    ("numpy.core.multiarray", ARRAYS),
    ("numpy._core.multiarray", ARRAYS),
    ("torch", &["Size", "device"]),
    ("torch.serialization", &["_get_layout"]),
    (
        "torch.storage",
        &[
            "UntypedStorage",
            "TypedStorage",
            "_UntypedStorage",
            "_TypedStorage",
        ],
    ),
    ("torch", DTYPES),
    ("collections", &["OrderedDict", "defaultdict", "Counter"]),
    ("torch._utils", REBUILD),
    ("torch", STORAGES),
    ("torch.cuda", STORAGES),
    ("torch.storage", STORAGES),
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
];

const DTYPES: &[&str] = &[
    "float64",
    "double",
    "float32",
    "float",
    "float16",
    "half",
    "bfloat16",
    "int64",
    "long",
    "int32",
    "int",
    "int16",
    "short",
    "int8",
    "uint8",
    "bool",
    "uint16",
    "uint32",
    "uint64",
    "complex32",
    "complex64",
    "complex128",
    "float8_e4m3fn",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "quint8",
    "qint8",
    "qint32",
];

const STORAGES: &[&str] = &[
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "BFloat16Storage",
    "LongStorage",
    "IntStorage",
    "ShortStorage",
    "CharStorage",
    "ByteStorage",
    "BoolStorage",
    "ComplexFloatStorage",
    "ComplexDoubleStorage",
    "QInt8Storage",
    "QInt32Storage",
    "QUInt8Storage",
    "QUInt4x2Storage",
    "QUInt2x4Storage",
    "UntypedStorage",
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
        listed || script && of_script
    }

    /// Whether it is a class that a TorchScript archive defines.
    pub(crate) fn is_script_class(&self) -> bool {
        self.module == "__torch__" || self.module.starts_with("__torch__.")
    }

    pub(super) fn is_storage(&self) -> bool {
        matches!(self.module, "torch" | "torch.cuda" | "torch.storage")
            && self.name.ends_with("Storage")
    }

    pub(super) fn dtype(&self) -> Option<Dtype> {
        (self.module == "torch").then(|| Dtype::from_torch_dtype(self.name))?
    }

    pub(super) fn role(&self) -> Role {
        match (self.module, self.name) {
            ("collections", _) | ("builtins" | "__builtin__", "dict") => Role::Dict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Role::Tensor,
            ("torch._utils", "_rebuild_tensor_v3") => Role::TensorOfDtype,
            ("torch._utils", _) => Role::First,
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
    fn classes_of_torchscript_are_allowed_in_its_archives_only() {
        let global = Global {
            module: "__torch__.open_clip.model",
            name: "CLIP",
        };
        assert!(global.is_allowed(true));
        assert!(!global.is_allowed(false));
    }
}
