//! Which part of what was saved is the weights, and what its tensors are called.

use std::collections::BTreeMap;

use crate::error::{Fault, quoted};
use crate::pickle::{Object, Pickle, Tensor, Value};
use crate::tensor::{MAX_NAME, MAX_TENSORS};

/// Keys of training checkpoints under which the weights are, the surest first.
const WRAPPERS: [&str; 4] = ["model_state_dict", "state_dict", "model", "module"];

/// How deep dictionaries may lie in each other.
const MAX_DEPTH: usize = 64;

/// How many entries of dictionaries are looked at, those met twice counted twice.
const MAX_VISITS: usize = 1 << 22;

/// Bytes of all names together.
const MAX_NAMES: usize = 1 << 26;

/// The tensors of the weights by name, as they stand in the file.
pub(super) fn find<'p, 'a>(
    pickle: &'p Pickle<'a>,
) -> Result<BTreeMap<String, &'p Tensor<'a>>, Fault> {
    let Some(all) = children(pickle, pickle.top) else {
        return Err(Fault::new(format!(
            "it holds {}, not named tensors: save them with torch.save(model.state_dict(), path)",
            pickle.heap.describe(pickle.top)
        )));
    };
    for items in wrapped(pickle, all).chain([all]) {
        let mut names = Names::new(pickle);
        names.collect("", items, 0)?;
        if !names.tensors.is_empty() {
            return Ok(names.tensors);
        }
    }
    Err(Fault::new(
        "it holds no tensors: save them with torch.save(model.state_dict(), path)",
    ))
}

/// What may be the weights of a training checkpoint, the surest first.
fn wrapped<'p, 'a>(
    pickle: &'p Pickle<'a>,
    items: &'p Items<'a>,
) -> impl Iterator<Item = &'p Items<'a>> {
    let is_dict = pickle.heap.dict(pickle.top).is_some();
    let wrappers = WRAPPERS.into_iter().filter(move |_| is_dict);
    wrappers.filter_map(move |wrapper| {
        items.iter().find_map(|&(key, value)| match key {
            Value::Text(key) if key == wrapper => children(pickle, value),
            _ => None,
        })
    })
}

type Items<'a> = [(Value<'a>, Value<'a>)];

/// The named parts of a dictionary, or of a module of a TorchScript archive.
fn children<'p, 'a>(pickle: &'p Pickle<'a>, value: Value<'a>) -> Option<&'p Items<'a>> {
    match pickle.heap.object(value)? {
        Object::Dict(items) => Some(items),
        Object::Instance(instance) if instance.class.is_script_class() => {
            pickle.heap.dict(instance.state)
        }
        _ => None,
    }
}

struct Names<'p, 'a> {
    pickle: &'p Pickle<'a>,
    tensors: BTreeMap<String, &'p Tensor<'a>>,
    visits: usize,
    bytes: usize,
}

impl<'p, 'a> Names<'p, 'a> {
    fn new(pickle: &'p Pickle<'a>) -> Self {
        Self {
            pickle,
            tensors: BTreeMap::new(),
            visits: 0,
            bytes: 0,
        }
    }

    fn collect(&mut self, prefix: &str, items: &'p Items<'a>, depth: usize) -> Result<(), Fault> {
        if depth == MAX_DEPTH {
            return Err(Fault::new(format!(
                "its dictionaries lie more than {MAX_DEPTH} deep: save the weights alone with torch.save(model.state_dict(), path)"
            )));
        }
        for &(key, value) in items {
            self.visits += 1;
            if self.visits > MAX_VISITS {
                return Err(Fault::new(format!(
                    "its dictionaries have more than {MAX_VISITS} entries: save the weights alone with torch.save(model.state_dict(), path)"
                )));
            }
            if let Some(Object::Tensor(tensor)) = self.pickle.heap.object(value) {
                self.add(self.name(prefix, key)?, tensor)?;
            } else if let Some(items) = children(self.pickle, value) {
                let prefix = self.name(prefix, key)? + ".";
                self.collect(&prefix, items, depth + 1)?;
            }
        }
        Ok(())
    }

    fn name(&self, prefix: &str, key: Value<'a>) -> Result<String, Fault> {
        let name = match key {
            Value::Text(key) if prefix.len() + key.len() <= MAX_NAME => format!("{prefix}{key}"),
            Value::Text(key) => {
                return Err(Fault::new(format!(
                    "a tensor's name is {} bytes long, at most {MAX_NAME} are read: rename it",
                    prefix.len() + key.len()
                )));
            }
            Value::Int(key) => format!("{prefix}{key}"),
            other => {
                return Err(Fault::new(format!(
                    "a tensor in `{}` has {} for a name: give it a string",
                    quoted(prefix),
                    self.pickle.heap.describe(other)
                )));
            }
        };
        Ok(name)
    }

    fn add(&mut self, name: String, tensor: &'p Tensor<'a>) -> Result<(), Fault> {
        self.bytes += name.len();
        if self.bytes > MAX_NAMES || self.tensors.len() == MAX_TENSORS {
            return Err(Fault::new(format!(
                "it has more than {MAX_TENSORS} tensors or {MAX_NAMES} bytes of names: split it"
            )));
        }
        if self.tensors.contains_key(&name) {
            return Err(Fault::new(format!(
                "tensor `{}` stands in it twice: save it again",
                quoted(&name)
            )));
        }
        self.tensors.insert(name, tensor);
        Ok(())
    }
}
