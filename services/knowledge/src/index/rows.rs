//! The form of the vector table's rows.

use std::sync::Arc;

use lancedb::arrow::arrow_array::types::Float32Type;
use lancedb::arrow::arrow_array::{
    Array, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray, UInt32Array,
};
use lancedb::arrow::arrow_schema::{DataType, Field, Schema};

use super::entry::Entry;
use crate::error::{Error, Result};

/// One row to write.
pub(super) struct Row<'a> {
    pub(super) entry: &'a Entry,
    pub(super) text_hash: String,
    pub(super) vector: Vec<f32>,
}

/// Returns the table's schema. `key` names the row, `owner` its record; `seq` keeps an older
/// change from overwriting a newer one.
pub(super) fn schema(dim: usize) -> Arc<Schema> {
    let item = Arc::new(Field::new("item", DataType::Float32, true));
    let length = i32::try_from(dim).unwrap_or(i32::MAX);
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("owner", DataType::Utf8, false),
        Field::new("scope", DataType::Utf8, false),
        Field::new("record", DataType::Utf8, false),
        Field::new("part", DataType::UInt32, false),
        Field::new("text_hash", DataType::Utf8, false),
        Field::new("seq", DataType::Int64, false),
        Field::new("vector", DataType::FixedSizeList(item, length), false),
    ]))
}

/// Builds a batch of rows in the schema's order.
pub(super) fn batch(rows: &[Row<'_>], seq: i64, dim: usize) -> Result<RecordBatch> {
    let text = |value: fn(&Entry) -> String| {
        StringArray::from_iter_values(rows.iter().map(|row| value(row.entry)))
    };
    let vectors = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
        rows.iter()
            .map(|row| Some(row.vector.iter().copied().map(Some))),
        i32::try_from(dim).unwrap_or(i32::MAX),
    );
    let columns: Vec<Arc<dyn Array>> = vec![
        Arc::new(text(Entry::key)),
        Arc::new(text(|entry| entry.owner.key())),
        Arc::new(text(|entry| {
            super::entry::scope(&entry.owner.shop, entry.owner.kind)
        })),
        Arc::new(text(|entry| entry.owner.record.clone())),
        Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.entry.part),
        )),
        Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| row.text_hash.as_str()),
        )),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|_| seq))),
        Arc::new(vectors),
    ];
    RecordBatch::try_new(schema(dim), columns).map_err(|error| {
        Error::Vectors(lancedb::Error::Schema {
            message: error.to_string(),
        })
    })
}

/// Returns a text column of a result.
pub(super) fn texts<'a>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a StringArray> {
    column(batch, name)
}

/// Returns a column of numbers of a result.
pub(super) fn parts(batch: &RecordBatch) -> Result<&UInt32Array> {
    column(batch, "part")
}

/// Returns the distances of a result.
pub(super) fn distances(batch: &RecordBatch) -> Result<&Float32Array> {
    column(batch, "_distance")
}

fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &'static str) -> Result<&'a T> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref::<T>())
        .ok_or(Error::Column(name))
}
