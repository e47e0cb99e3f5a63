#![allow(clippy::unwrap_used)]

use super::*;

fn page(document: i64) -> PageRow {
    PageRow {
        document,
        url: format!("https://a.example/{document}"),
        title: (document % 2 == 0).then(|| "even".to_owned()),
        signature: (0..document % 5).collect(),
        images: vec![
            ImageUse {
                position: 2,
                choice: 1,
                url_key: "a.example/cat.png".to_owned(),
            };
            usize::try_from(document % 3).unwrap()
        ],
        page: "x".repeat(700),
        ..PageRow::default()
    }
}

fn write(folder: &Folder, name: &str, rows: impl Iterator<Item = PageRow>) {
    let mut writer = TableWriter::create(folder, name).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn rows_come_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), 0).unwrap();
    write(&folder, "pages.parquet", (0..1000).map(page));
    let rows: Result<Vec<PageRow>> = Rows::open(&folder, "pages.parquet").unwrap().collect();
    assert_eq!(rows.unwrap(), (0..1000).map(page).collect::<Vec<_>>());
}

#[test]
fn an_empty_table_has_its_columns_and_no_rows() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), 0).unwrap();
    write(&folder, "pages.parquet", std::iter::empty());
    assert_eq!(
        Rows::<PageRow>::open(&folder, "pages.parquet")
            .unwrap()
            .count(),
        0
    );
}

#[test]
fn the_same_rows_are_the_same_bytes_and_name_no_version() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), 0).unwrap();
    write(&folder, "a.parquet", (0..300).map(page));
    write(&folder, "b.parquet", (0..300).map(page));
    let bytes = folder.read("a.parquet").unwrap();
    assert_eq!(bytes, folder.read("b.parquet").unwrap());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("flamingo-corpus") && !text.contains("parquet-rs"));
}

#[test]
fn a_range_of_documents_leaves_other_row_groups_out() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), 0).unwrap();
    let rows = 0..i64::try_from(2 * GROUP_ROWS).unwrap();
    let mut writer = TableWriter::create(&folder, "documents.parquet").unwrap();
    for document in rows {
        let row = DuplicateRow {
            document,
            ..DuplicateRow::default()
        };
        writer.push(row).unwrap();
    }
    writer.finish().unwrap();
    let rows = Rows::<DuplicateRow>::open_documents(&folder, "documents.parquet", 0..10).unwrap();
    assert_eq!(rows.count(), GROUP_ROWS);
}

#[test]
fn a_table_of_another_kind_is_refused_by_the_name_of_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path(), 0).unwrap();
    write(&folder, "pages.parquet", (0..3).map(page));
    let mut rows = Rows::<DuplicateRow>::open(&folder, "pages.parquet").unwrap();
    let error = rows.next().unwrap().unwrap_err().to_string();
    assert!(error.contains("pages.parquet: no column reason"), "{error}");
}
