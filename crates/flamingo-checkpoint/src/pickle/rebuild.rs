//! Storages and tensors, from the arguments a pickle gives for them.

use super::globals::Role;
use super::tensor::{Kind, Storage, Tensor};
use super::value::{Global, Heap, Instance, Object, Value};
use crate::Dtype;
use crate::error::{Fault, quoted};
use crate::layout::MAX_AXES;

fn wrong(what: &str) -> Fault {
    Fault::new(format!(
        "its pickle has {what}: it is damaged or was not written by torch.save, save it again"
    ))
}

impl<'a> Heap<'a> {
    fn size(&self, value: Value<'a>) -> Result<usize, Fault> {
        match value {
            Value::Int(number) => usize::try_from(number)
                .map_err(|_| wrong(&format!("the size {number} in a tensor"))),
            other => Err(wrong(&format!(
                "{} where a size should be",
                self.describe(other)
            ))),
        }
    }

    fn sizes(&self, value: Value<'a>) -> Result<Vec<usize>, Fault> {
        let items = self
            .items(value)
            .ok_or_else(|| wrong(&format!("{} where a shape should be", self.describe(value))))?;
        if items.len() > MAX_AXES {
            return Err(Fault::new(format!(
                "it has a tensor of {} axes, at most {MAX_AXES} are read: reshape it",
                items.len()
            )));
        }
        items.iter().map(|&item| self.size(item)).collect()
    }

    /// The storage that a persistent id stands for:
    /// `("storage", class, key, location, elements[, None or (key, offset, length)])`.
    pub(super) fn storage(&self, id: Value<'a>) -> Result<Storage<'a>, Fault> {
        let malformed = || wrong("a persistent id that is no storage");
        let items = self.items(id).ok_or_else(malformed)?;
        let (&[tag, class, key, _, elements], view) =
            items.split_first_chunk::<5>().ok_or_else(malformed)?;
        let (Value::Text("storage"), Value::Text(key)) = (tag, key) else {
            return Err(malformed());
        };
        let class = self.global(class).filter(Global::is_storage);
        let class = class.ok_or_else(|| wrong("a storage of a class that is none"))?;
        let view = match view {
            [] | [Value::None] => None,
            [view] => match *self.items(*view).ok_or_else(malformed)? {
                [_, offset, length] => Some((self.size(offset)?, self.size(length)?)),
                _ => return Err(malformed()),
            },
            _ => return Err(malformed()),
        };
        Ok(Storage {
            key,
            kind: match Dtype::from_torch_storage(class.name) {
                Some(dtype) => Kind::Known(dtype),
                None if class.name.ends_with("UntypedStorage") => Kind::Untyped,
                None => Kind::Unknown(class.name),
            },
            elements: self.size(elements)?,
            view,
        })
    }

    /// What calling `global` amounts to.
    pub(super) fn call(&mut self, global: Global<'a>, args: Value<'a>) -> Result<Value<'a>, Fault> {
        let items = self
            .items(args)
            .ok_or_else(|| wrong(&format!("no arguments for `{}`", global.shown())))?;
        let object = match global.role() {
            Role::First => return Ok(items.first().copied().unwrap_or(Value::None)),
            Role::FromType => {
                let (function, args) = self.of_type(items)?;
                return self.call(function, args);
            }
            Role::Dict => Object::Dict(self.dict_of(items.last().copied())?),
            Role::Tensor => Object::Tensor(Box::new(self.tensor(global, items, None)?)),
            Role::TensorOfDtype => {
                let dtype = items.get(6).copied();
                Object::Tensor(Box::new(self.tensor(global, items, dtype)?))
            }
            Role::Inert => Object::Instance(Box::new(Instance {
                class: global,
                state: Value::None,
            })),
        };
        Ok(self.add(object))
    }

    /// `(function, class, its arguments, state)` for a tensor with Python attributes, which are left
    /// out: the function that makes the tensor itself and its arguments.
    fn of_type(&self, items: &[Value<'a>]) -> Result<(Global<'a>, Value<'a>), Fault> {
        let &[function, class, args, ..] = items else {
            return Err(wrong("too few arguments for a tensor of a type"));
        };
        let makes_tensor = |function: &Global<'_>| {
            matches!(
                function.role(),
                Role::Tensor | Role::TensorOfDtype | Role::First
            )
        };
        let class = self.global(class).filter(Global::is_plain_tensor);
        let function = self.global(function).filter(makes_tensor);
        match (function, class) {
            (Some(function), Some(_)) => Ok((function, args)),
            _ => Err(wrong("a tensor of a type that is none of torch's own")),
        }
    }

    /// Whether the metadata of a tensor says that its elements have the other sign.
    fn negated(&self, metadata: Option<&Value<'a>>) -> Result<bool, Fault> {
        let items = metadata.and_then(|&metadata| self.dict(metadata));
        let mut negated = false;
        for &(key, value) in items.unwrap_or_default() {
            match (key, value) {
                (Value::Text("neg"), Value::Bool(value)) => negated = value,
                // The conjugate of what is read here is itself: complex numbers are not.
                (Value::Text("conj"), _) | (_, Value::Bool(false)) => {}
                (Value::Text(key), _) => {
                    return Err(Fault::new(format!(
                        "it has a tensor with the property `{}`, which is not known: save it again after .clone()",
                        quoted(key)
                    )));
                }
                _ => return Err(wrong("a tensor with a property without a name")),
            }
        }
        Ok(negated)
    }

    /// The items of a dict or of a list of pairs; none for anything else, as a default factory is.
    fn dict_of(&self, from: Option<Value<'a>>) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
        let Some(from) = from else {
            return Ok(Vec::new());
        };
        if let Some(items) = self.dict(from) {
            return Ok(items.to_vec());
        }
        let pairs = self.items(from).unwrap_or_default().iter();
        pairs
            .map(|&pair| match self.items(pair) {
                Some(&[key, value]) => Ok((key, value)),
                _ => Err(wrong("a dict of items that are no pairs")),
            })
            .collect()
    }

    /// `(storage, offset, shape, strides, ...)`.
    fn tensor(
        &self,
        global: Global<'a>,
        args: &[Value<'a>],
        dtype: Option<Value<'a>>,
    ) -> Result<Tensor<'a>, Fault> {
        let [storage, offset, shape, strides, ..] = *args else {
            return Err(wrong(&format!(
                "{} arguments for `{}`, which takes 4 and more",
                args.len(),
                global.shown()
            )));
        };
        let Some(Object::Storage(storage)) = self.object(storage) else {
            return Err(wrong("a tensor without a storage"));
        };
        let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
        if shape.len() != strides.len() {
            return Err(wrong(&format!(
                "a tensor of {} axes with {} strides",
                shape.len(),
                strides.len()
            )));
        }
        let kind = match dtype.map(|dtype| self.global(dtype)) {
            None => storage.kind,
            Some(Some(global)) => global
                .dtype()
                .map_or(Kind::Unknown(global.name), Kind::Known),
            Some(None) => return Err(wrong("a tensor whose dtype is none")),
        };
        // Behind the flag for gradients, the hooks and, in version 3, the format.
        let metadata = args.get(6 + usize::from(dtype.is_some()));
        Ok(Tensor {
            storage: **storage,
            kind,
            offset: self.size(offset)?,
            shape,
            strides,
            negated: self.negated(metadata)?,
        })
    }
}
