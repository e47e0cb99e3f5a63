//! Values of Rust as columns of Arrow, and rows as structs of such values.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Int32Array, Int64Array, ListArray,
    StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Float32Type, Int32Type, Int64Type};

use super::Row;

/// A type of which a table can have a column.
pub(crate) trait Column: Sized {
    /// Whether a value may be missing.
    const NULLABLE: bool = false;

    /// The column's type.
    fn data_type() -> DataType;

    /// A column of these values.
    fn collect<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;

    /// The value at `index` of a column of this type.
    fn value(column: &ArrayRef, index: usize) -> Self;
}

macro_rules! plain_column {
    ($type:ty, $data_type:ident, $array:ident, $get:expr, $put:expr) => {
        impl Column for $type {
            fn data_type() -> DataType {
                DataType::$data_type
            }

            fn collect<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(values.map(|value| Some($put(value))).collect::<$array>())
            }

            fn value(column: &ArrayRef, index: usize) -> Self {
                $get(column, index)
            }
        }

        impl Column for Option<$type> {
            const NULLABLE: bool = true;

            fn data_type() -> DataType {
                DataType::$data_type
            }

            fn collect<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(
                    values
                        .map(|value| value.as_ref().map($put))
                        .collect::<$array>(),
                )
            }

            fn value(column: &ArrayRef, index: usize) -> Self {
                (!column.is_null(index)).then(|| $get(column, index))
            }
        }
    };
}

fn get_i64(column: &ArrayRef, index: usize) -> i64 {
    column.as_primitive::<Int64Type>().value(index)
}

fn get_i32(column: &ArrayRef, index: usize) -> i32 {
    column.as_primitive::<Int32Type>().value(index)
}

fn get_f32(column: &ArrayRef, index: usize) -> f32 {
    column.as_primitive::<Float32Type>().value(index)
}

fn get_bool(column: &ArrayRef, index: usize) -> bool {
    column.as_boolean().value(index)
}

fn get_string(column: &ArrayRef, index: usize) -> String {
    column.as_string::<i32>().value(index).to_owned()
}

fn copied<T: Copy>(value: &T) -> T {
    *value
}

plain_column!(i64, Int64, Int64Array, get_i64, copied);
plain_column!(i32, Int32, Int32Array, get_i32, copied);
plain_column!(f32, Float32, Float32Array, get_f32, copied);
plain_column!(bool, Boolean, BooleanArray, get_bool, copied);
plain_column!(String, Utf8, StringArray, get_string, String::as_str);

/// A type of which a table can have a column of lists.
pub(crate) trait Element: Column {}

impl Element for i64 {}
impl Element for String {}

fn list_field<T: Column>() -> Arc<Field> {
    Arc::new(Field::new("element", T::data_type(), T::NULLABLE))
}

impl<T: Element> Column for Vec<T> {
    fn data_type() -> DataType {
        DataType::List(list_field::<T>())
    }

    fn collect<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a,
    {
        let lists: Vec<&Self> = values.collect();
        let offsets = OffsetBuffer::from_lengths(lists.iter().map(|list| list.len()));
        let elements = T::collect(lists.into_iter().flatten());
        Arc::new(ListArray::new(list_field::<T>(), offsets, elements, None))
    }

    fn value(column: &ArrayRef, index: usize) -> Self {
        let elements = column.as_list::<i32>().value(index);
        (0..elements.len())
            .map(|element| T::value(&elements, element))
            .collect()
    }
}

/// A row as a value of a column of another table.
pub(crate) trait Nested: Row + Clone {}

impl<T: Nested> Element for T {}

impl<T: Nested> Column for T {
    fn data_type() -> DataType {
        DataType::Struct(T::schema().fields().clone())
    }

    fn collect<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a,
    {
        let rows: Vec<Self> = values.cloned().collect();
        let fields = T::schema().fields().clone();
        Arc::new(StructArray::new(fields, T::columns(&rows), None))
    }

    fn value(column: &ArrayRef, index: usize) -> Self {
        T::from_columns(column.as_struct().columns(), index)
    }
}

/// Declares a struct whose fields are the columns of a table.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[allow(unreachable_pub, reason = "some tables are read by one module alone")]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
        }

        impl $crate::tables::Row for $name {
            fn schema() -> arrow::datatypes::SchemaRef {
                std::sync::Arc::new(arrow::datatypes::Schema::new(vec![
                    $(arrow::datatypes::Field::new(
                        stringify!($field),
                        <$type as $crate::tables::Column>::data_type(),
                        <$type as $crate::tables::Column>::NULLABLE,
                    ),)+
                ]))
            }

            fn columns(rows: &[Self]) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::tables::Column>::collect(rows.iter().map(|row| &row.$field)),)+]
            }

            fn from_columns(columns: &[arrow::array::ArrayRef], index: usize) -> Self {
                let mut columns = columns.iter();
                $(let $field = {
                    let column = columns.next().expect("the schema has a column for each field");
                    <$type as $crate::tables::Column>::value(column, index)
                };)+
                Self { $($field,)+ }
            }
        }
    };
}

pub(crate) use row;
