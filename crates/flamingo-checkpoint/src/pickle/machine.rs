//! The stack machine.

use std::collections::HashMap;

use super::input::Input;
use super::opcode as op;
use super::value::{Global, Heap, Object, Value};
use crate::error::{Fault, quoted};
use crate::tensor::MAX_TENSORS;

/// What a pickle may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of the pickle.
    pub(crate) bytes: usize,
    /// Values put on the stack, items copied into a second dict among them.
    pub(crate) values: usize,
    /// Values remembered.
    pub(crate) memo: usize,
    /// Tensors, in any part of the file.
    pub(crate) tensors: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 1 << 26,
            values: 1 << 21,
            memo: 1 << 20,
            tensors: MAX_TENSORS,
        }
    }
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    pub(crate) heap: Heap<'a>,
    pub(crate) top: Value<'a>,
    /// How many bytes it took.
    pub(crate) length: usize,
}

impl<'a> Pickle<'a> {
    /// Reads the pickle that `bytes` begin with; `script` for the archives of torch.jit.save.
    pub(crate) fn read(bytes: &'a [u8], script: bool, limits: Limits) -> Result<Self, Fault> {
        let mut machine = Machine {
            input: Input::new(bytes, limits.bytes),
            heap: Heap::default(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            script,
            limits,
            values: 0,
            tensors: 0,
        };
        loop {
            let code = machine.input.byte()?;
            if code == op::STOP {
                break;
            }
            machine.step(code)?;
        }
        Ok(Self {
            top: machine.pop()?,
            heap: machine.heap,
            length: machine.input.at(),
        })
    }
}

struct Machine<'a> {
    input: Input<'a>,
    heap: Heap<'a>,
    stack: Vec<Value<'a>>,
    /// The heights of the stack that were marked.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    script: bool,
    limits: Limits,
    values: usize,
    tensors: usize,
}

impl<'a> Machine<'a> {
    fn wrong(&self, what: &str) -> Fault {
        self.input.wrong(what)
    }

    fn too_many(what: &str, limit: usize) -> Fault {
        Fault::new(format!(
            "its pickle has more than {limit} {what}: save the weights alone with torch.save(model.state_dict(), path)"
        ))
    }

    fn step(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            op::PROTO => self.protocol(),
            op::FRAME => self.input.take(8).map(drop),
            op::NONE
            | op::NEWTRUE
            | op::NEWFALSE
            | op::BINFLOAT
            | op::BININT
            | op::BININT1
            | op::BININT2
            | op::LONG1
            | op::LONG4 => self.number(code),
            op::BINSTRING
            | op::SHORT_BINSTRING
            | op::BINUNICODE
            | op::SHORT_BINUNICODE
            | op::BINUNICODE8
            | op::BINBYTES
            | op::SHORT_BINBYTES
            | op::BINBYTES8
            | op::BYTEARRAY8 => self.text(code),
            op::EMPTY_TUPLE | op::EMPTY_LIST | op::EMPTY_DICT | op::EMPTY_SET => self.empty(code),
            op::TUPLE1
            | op::TUPLE2
            | op::TUPLE3
            | op::TUPLE
            | op::LIST
            | op::DICT
            | op::FROZENSET => self.collect(code),
            op::APPEND | op::APPENDS | op::ADDITEMS | op::SETITEM | op::SETITEMS => {
                self.extend(code)
            }
            op::MARK | op::POP | op::POP_MARK | op::DUP => self.shuffle(code),
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE | op::BINGET | op::LONG_BINGET => {
                self.remember(code)
            }
            op::GLOBAL | op::STACK_GLOBAL => self.global(code),
            op::REDUCE | op::NEWOBJ | op::NEWOBJ_EX | op::BUILD | op::BINPERSID => self.make(code),
            _ => Err(self.input.unknown(code)),
        }
    }

    fn protocol(&mut self) -> Result<(), Fault> {
        match self.input.byte()? {
            2..=5 => Ok(()),
            other => Err(Fault::new(format!(
                "its pickle has protocol {other}, 2 to 5 are read: save it again with torch.save"
            ))),
        }
    }

    fn number(&mut self, code: u8) -> Result<(), Fault> {
        let value = match code {
            op::NONE => Value::None,
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BINFLOAT => self.input.take(8).map(|_| Value::Inert)?,
            op::BININT => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            op::BININT1 => Value::Int(self.input.byte()?.into()),
            op::BININT2 => Value::Int(u16::from_le_bytes(self.input.array()?).into()),
            op::LONG1 => {
                let length = self.input.length(1)?;
                long(self.input.take(length)?)
            }
            _ => {
                let length = self.input.length(4)?;
                long(self.input.take(length)?)
            }
        };
        self.push(value)
    }

    fn text(&mut self, code: u8) -> Result<(), Fault> {
        let width = match code {
            op::SHORT_BINSTRING | op::SHORT_BINUNICODE | op::SHORT_BINBYTES => 1,
            op::BINSTRING | op::BINUNICODE | op::BINBYTES => 4,
            _ => 8,
        };
        let length = self.input.length(width)?;
        let bytes = self.input.take(length)?;
        let value = match (code, std::str::from_utf8(bytes)) {
            (op::BINBYTES | op::SHORT_BINBYTES | op::BINBYTES8 | op::BYTEARRAY8, _) => Value::Inert,
            (_, Ok(text)) => Value::Text(text),
            // What Python 2 calls a string may be bytes.
            (op::BINSTRING | op::SHORT_BINSTRING, Err(_)) => Value::Inert,
            (_, Err(_)) => return Err(self.wrong("text that is no UTF-8")),
        };
        self.push(value)
    }

    fn empty(&mut self, code: u8) -> Result<(), Fault> {
        self.place(match code {
            op::EMPTY_TUPLE => Object::Tuple(Vec::new()),
            op::EMPTY_DICT => Object::Dict(Vec::new()),
            _ => Object::List(Vec::new()),
        })
    }

    fn collect(&mut self, code: u8) -> Result<(), Fault> {
        let items = match code {
            op::TUPLE1 => self.pop_many(1)?,
            op::TUPLE2 => self.pop_many(2)?,
            op::TUPLE3 => self.pop_many(3)?,
            _ => self.pop_mark()?,
        };
        let object = match code {
            op::LIST | op::FROZENSET => Object::List(items),
            op::DICT => Object::Dict(self.pairs(&items)?),
            _ => Object::Tuple(items),
        };
        self.place(object)
    }

    fn pairs(&self, items: &[Value<'a>]) -> Result<Vec<(Value<'a>, Value<'a>)>, Fault> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.wrong("a key without a value"));
        }
        Ok(pairs.iter().map(|&[key, value]| (key, value)).collect())
    }

    fn extend(&mut self, code: u8) -> Result<(), Fault> {
        let items = match code {
            op::APPEND => self.pop_many(1)?,
            op::SETITEM => self.pop_many(2)?,
            _ => self.pop_mark()?,
        };
        let of_dict = matches!(code, op::SETITEM | op::SETITEMS);
        let pairs = if of_dict {
            self.pairs(&items)?
        } else {
            Vec::new()
        };
        let target = self.last()?;
        match self.heap.object_mut(target) {
            Some(Object::List(list)) if !of_dict => list.extend(items),
            Some(Object::Dict(dict)) if of_dict => dict.extend(pairs),
            Some(Object::Instance(..)) => {}
            _ => {
                let target = self.heap.describe(target);
                return Err(self.wrong(&format!("items for {target}")));
            }
        }
        Ok(())
    }

    fn shuffle(&mut self, code: u8) -> Result<(), Fault> {
        match code {
            op::MARK => {
                self.count_value()?;
                self.marks.push(self.stack.len());
            }
            op::POP if self.marks.last() == Some(&self.stack.len()) => {
                self.marks.pop();
            }
            op::POP => {
                self.pop()?;
            }
            op::POP_MARK => {
                self.pop_mark()?;
            }
            _ => {
                let last = self.last()?;
                self.push(last)?;
            }
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> Result<(), Fault> {
        let index = match code {
            op::MEMOIZE => self.memo.len() as u32,
            op::BINPUT | op::BINGET => self.input.byte()?.into(),
            _ => u32::from_le_bytes(self.input.array()?),
        };
        if matches!(code, op::BINGET | op::LONG_BINGET) {
            return match self.memo.get(&index) {
                Some(&value) => self.push(value),
                None => Err(self.wrong(&format!("a reference to value {index} that is not there"))),
            };
        }
        let last = self.last()?;
        self.memo.insert(index, last);
        if self.memo.len() > self.limits.memo {
            return Err(Self::too_many("remembered values", self.limits.memo));
        }
        Ok(())
    }

    fn global(&mut self, code: u8) -> Result<(), Fault> {
        let global = if code == op::GLOBAL {
            Global {
                module: self.input.line()?,
                name: self.input.line()?,
            }
        } else {
            match self.pop_many(2)?[..] {
                [Value::Text(module), Value::Text(name)] => Global { module, name },
                _ => return Err(self.wrong("a global whose name is no text")),
            }
        };
        if let Some(what) = global.unread() {
            return Err(Fault::new(what));
        }
        if !global.is_allowed(self.script) {
            return Err(Fault::Code(quoted(&format!(
                "{}.{}",
                global.module, global.name
            ))));
        }
        self.place(Object::Global(global))
    }

    fn make(&mut self, code: u8) -> Result<(), Fault> {
        if code == op::BINPERSID {
            let id = self.pop()?;
            let storage = self.heap.storage(id)?;
            return self.place(Object::Storage(Box::new(storage)));
        }
        if code == op::NEWOBJ_EX {
            self.pop()?;
        }
        let argument = self.pop()?;
        if code == op::BUILD {
            let target = self.last()?;
            if let Some(Object::Instance(instance)) = self.heap.object_mut(target) {
                instance.state = argument;
            }
            return Ok(());
        }
        let callable = self.pop()?;
        let Some(global) = self.heap.global(callable) else {
            let what = self.heap.describe(callable);
            return Err(self.wrong(&format!("a call of {what}")));
        };
        let made = self.heap.call(global, argument)?;
        self.charge(made)?;
        self.push(made)
    }

    /// Counts what a call made that is larger than its instruction.
    fn charge(&mut self, made: Value<'a>) -> Result<(), Fault> {
        match self.heap.object(made) {
            Some(Object::Tensor(_)) => self.tensors += 1,
            Some(Object::Dict(items)) => self.values += 2 * items.len(),
            _ => {}
        }
        if self.tensors > self.limits.tensors {
            return Err(Self::too_many("tensors", self.limits.tensors));
        }
        Ok(())
    }

    fn place(&mut self, object: Object<'a>) -> Result<(), Fault> {
        let value = self.heap.add(object);
        self.push(value)
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Fault> {
        self.count_value()?;
        self.stack.push(value);
        Ok(())
    }

    fn count_value(&mut self) -> Result<(), Fault> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(Self::too_many("values", self.limits.values));
        }
        Ok(())
    }

    /// The height of the stack down to which instructions may reach.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Value<'a>, Fault> {
        if self.stack.len() > self.floor()
            && let Some(value) = self.stack.pop()
        {
            return Ok(value);
        }
        Err(self.wrong("too few values"))
    }

    fn last(&self) -> Result<Value<'a>, Fault> {
        match self.stack.last() {
            Some(&value) if self.stack.len() > self.floor() => Ok(value),
            _ => Err(self.wrong("too few values")),
        }
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>, Fault> {
        if self.stack.len() < self.floor() + count {
            return Err(self.wrong("too few values"));
        }
        Ok(self.stack.drain(self.stack.len() - count..).collect())
    }

    fn pop_mark(&mut self) -> Result<Vec<Value<'a>>, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.drain(mark..).collect()),
            None => Err(self.wrong("no mark")),
        }
    }
}

/// A little-endian integer in two's complement.
fn long(bytes: &[u8]) -> Value<'_> {
    if bytes.len() > 8 {
        return Value::Long(bytes);
    }
    let negative = bytes.last().is_some_and(|&last| last >= 0x80);
    let mut number = if negative { [0xff; 8] } else { [0; 8] };
    number[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(number))
}

#[cfg(test)]
mod tests;
