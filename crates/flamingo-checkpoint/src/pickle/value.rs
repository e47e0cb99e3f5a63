//! What a pickle builds: plain values in one heap, which refer to each other by number.

use super::tensor::{Storage, Tensor};
use crate::error::quoted;

/// A class or function, by name; it is never more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Global<'a> {
    pub(crate) module: &'a str,
    pub(crate) name: &'a str,
}

/// The number of an object in its [`Heap`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// An integer past 64 bits, little-endian.
    Long(&'a [u8]),
    /// A number or bytes that no weights depend on.
    Inert,
    Text(&'a str),
    Object(Id),
}

#[derive(Debug)]
pub(crate) enum Object<'a> {
    Tuple(Vec<Value<'a>>),
    /// A list or a set.
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Global(Global<'a>),
    Storage(Box<Storage<'a>>),
    Tensor(Box<Tensor<'a>>),
    Instance(Box<Instance<'a>>),
}

/// An object of a harmless class, and the state it was given.
#[derive(Debug)]
pub(crate) struct Instance<'a> {
    pub(crate) class: Global<'a>,
    pub(crate) state: Value<'a>,
}

/// All objects of a pickle.
#[derive(Debug, Default)]
pub(crate) struct Heap<'a> {
    objects: Vec<Object<'a>>,
}

impl<'a> Heap<'a> {
    /// Places an object; the machine's limit keeps their number below 2^32.
    pub(super) fn add(&mut self, object: Object<'a>) -> Value<'a> {
        let id = Id(self.objects.len() as u32);
        self.objects.push(object);
        Value::Object(id)
    }

    pub(crate) fn object(&self, value: Value<'a>) -> Option<&Object<'a>> {
        match value {
            Value::Object(Id(id)) => self.objects.get(id as usize),
            _ => None,
        }
    }

    pub(super) fn object_mut(&mut self, value: Value<'a>) -> Option<&mut Object<'a>> {
        match value {
            Value::Object(Id(id)) => self.objects.get_mut(id as usize),
            _ => None,
        }
    }

    pub(crate) fn dict(&self, value: Value<'a>) -> Option<&[(Value<'a>, Value<'a>)]> {
        match self.object(value) {
            Some(Object::Dict(items)) => Some(items),
            _ => None,
        }
    }

    /// The items of a tuple or list.
    pub(crate) fn items(&self, value: Value<'a>) -> Option<&[Value<'a>]> {
        match self.object(value) {
            Some(Object::Tuple(items) | Object::List(items)) => Some(items),
            _ => None,
        }
    }

    pub(super) fn global(&self, value: Value<'a>) -> Option<Global<'a>> {
        match self.object(value) {
            Some(Object::Global(global)) => Some(*global),
            _ => None,
        }
    }

    pub(crate) fn storages(&self) -> impl Iterator<Item = &Storage<'a>> {
        self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some(storage.as_ref()),
            _ => None,
        })
    }

    /// What a value is, for messages.
    pub(crate) fn describe(&self, value: Value<'a>) -> String {
        match (value, self.object(value)) {
            (Value::None, _) => "None".to_string(),
            (Value::Bool(_), _) => "a bool".to_string(),
            (Value::Int(_) | Value::Long(_), _) => "an integer".to_string(),
            (Value::Text(_), _) => "a string".to_string(),
            (_, Some(Object::Tuple(_))) => "a tuple".to_string(),
            (_, Some(Object::List(_))) => "a list".to_string(),
            (_, Some(Object::Dict(_))) => "a dict".to_string(),
            (_, Some(Object::Storage(_))) => "a storage".to_string(),
            (_, Some(Object::Tensor(_))) => "a single tensor".to_string(),
            (_, Some(Object::Global(global))) => format!("`{}`", global.shown()),
            (_, Some(Object::Instance(instance))) => format!("`{}`", instance.class.shown()),
            (Value::Inert | Value::Object(_), _) => "a plain value".to_string(),
        }
    }
}

impl Global<'_> {
    pub(crate) fn shown(&self) -> String {
        quoted(&format!("{}.{}", self.module, self.name))
    }
}
