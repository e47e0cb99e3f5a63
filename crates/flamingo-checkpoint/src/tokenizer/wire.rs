//! The protobuf wire format, as far as a reader of sentencepiece models needs it.
//!
//! A message is a run of fields. Nothing is copied and nothing is allocated here, so a length that
//! lies costs an error, not memory.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// A double or a fixed 64-bit integer.
    Fixed64(u64),
    /// A string, bytes or a message.
    Bytes(&'a [u8]),
    /// A float or a fixed 32-bit integer.
    Fixed32(u32),
}

/// A number of a message's field with its value.
pub(crate) type Field<'a> = (u32, Value<'a>);

/// The fields of a message, in the order of the file. Ends after the first error.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self {
            rest: message,
            failed: false,
        }
    }

    fn field(&mut self) -> Result<Field<'a>, String> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| format!("field number {}", key >> 3))?;
        if number == 0 {
            return Err("field number 0".to_string());
        }
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            other => return Err(format!("field {number} has the wire type {other}")),
        };
        Ok((number, value))
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("an integer of more than 10 bytes".to_string())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(format!(
                "{} bytes left where {N} are needed",
                self.rest.len()
            ));
        };
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let split = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length));
        let Some((head, rest)) = split else {
            return Err(format!(
                "{} bytes left where {length} are needed",
                self.rest.len()
            ));
        };
        self.rest = rest;
        Ok(head)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        self.failed = field.is_err();
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<Field<'_>>, String> {
        Fields::new(bytes).collect()
    }

    #[test]
    fn every_wire_type_is_read() {
        let bytes = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x12, 0x02, b'h', b'i', // 2: bytes
            0x1d, 0, 0, 0x80, 0x3f, // 3: the float 1
            0x21, 1, 0, 0, 0, 0, 0, 0, 0, // 4: fixed 64
        ];
        let expected = [
            (1, Value::Varint(150)),
            (2, Value::Bytes(b"hi")),
            (3, Value::Fixed32(1.0f32.to_bits())),
            (4, Value::Fixed64(1)),
        ];
        assert_eq!(all(&bytes).unwrap(), expected);
        assert_eq!(all(&[]).unwrap(), []);
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error_with_both_numbers() {
        let message = all(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, b'h']).unwrap_err();
        assert_eq!(message, "1 bytes left where 4294967295 are needed");
    }

    #[test]
    fn endless_integers_groups_and_field_zero_are_errors() {
        assert!(all(&[0xff; 11]).is_err());
        assert!(all(&[0x0b]).unwrap_err().contains("wire type 3"));
        assert!(all(&[0x00, 0x00]).unwrap_err().contains("field number 0"));
    }

    #[test]
    fn a_negative_integer_takes_ten_bytes() {
        let bytes = [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(all(&bytes).unwrap(), [(1, Value::Varint(u64::MAX))]);
    }
}
