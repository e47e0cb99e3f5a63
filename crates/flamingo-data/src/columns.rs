//! Columns of tables as texts, bytes and lists of them, whichever of Arrow's types a writer chose:
//! with 32 or 64 bits of offset, as views, behind a dictionary, or of nothing but nulls.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryArray, LargeListArray, LargeStringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;

/// Whether a column of that type is read as texts.
pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// Whether a column of that type is read as bytes.
pub(crate) fn is_bytes(kind: &DataType) -> bool {
    match kind {
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_)
        | DataType::Null => true,
        DataType::Dictionary(_, values) => is_bytes(values),
        _ => false,
    }
}

/// What a list is a list of; none if the type is no list.
pub(crate) fn element(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::FixedSizeList(field, _) => Some(field.data_type()),
        DataType::Null => Some(kind),
        _ => None,
    }
}

/// The type of a field of a struct; none if there is no such field, or the type is no struct.
pub(crate) fn field<'a>(kind: &'a DataType, name: &str) -> Option<&'a DataType> {
    let DataType::Struct(fields) = kind else {
        return None;
    };
    fields.find(name).map(|(_, field)| field.data_type())
}

/// A column of lists as lists of `element`; none in a row that is null.
pub(crate) fn lists(column: &ArrayRef, element: DataType) -> Result<LargeListArray, ArrowError> {
    let to = DataType::LargeList(Arc::new(Field::new_list_field(element, true)));
    Ok(cast(column, &to)?.as_list().clone())
}

/// A column of texts.
pub(crate) fn texts(column: &ArrayRef) -> Result<LargeStringArray, ArrowError> {
    Ok(cast(column, &DataType::LargeUtf8)?.as_string().clone())
}

/// A column of bytes.
pub(crate) fn bytes(column: &ArrayRef) -> Result<LargeBinaryArray, ArrowError> {
    Ok(cast(column, &DataType::LargeBinary)?.as_binary().clone())
}

/// The values of a row of lists; none if it is null.
pub(crate) fn row(lists: &LargeListArray, index: usize) -> Option<ArrayRef> {
    lists.is_valid(index).then(|| lists.value(index))
}

/// The text or whole number in a row, as text.
pub(crate) fn word(column: &ArrayRef, index: usize) -> Option<String> {
    let kind = column.data_type();
    if !is_text(kind) && !kind.is_integer() {
        return None;
    }
    let value = texts(&column.slice(index, 1)).ok()?;
    value.is_valid(0).then(|| value.value(0).to_owned())
}
