//! The statements, and what stands for their `$names`.

use datafusion::common::ScalarValue;
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::signature::LENGTH;

/// One statement: a file of `src/sql`. It reads the tables of the corpus and those that statements before it made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    /// The name of the file, and of the table that the statement makes.
    pub(crate) name: &'static str,
    /// What it says.
    pub(crate) sql: &'static str,
}

macro_rules! statements {
    ($($constant:ident = $name:literal,)+) => {
        $(pub(crate) const $constant: Statement = Statement {
            name: $name,
            sql: include_str!(concat!("sql/", $name, ".sql")),
        };)+
    };
}

statements! {
    HOPS = "hops",
    REDIRECTS = "redirects",
    SAME_URL = "same_url",
    SAME_PAGE = "same_page",
    BANDS = "bands",
    PAIRS = "pairs",
    SIGNATURES = "signatures",
    NEAR_DUPLICATES = "near_duplicates",
    LINKS = "links",
    UNRESOLVED = "unresolved",
    RESOLVE = "resolve",
    ANSWERS = "answers",
    PLACED = "placed",
    PICTURES = "pictures",
    DOCUMENTS = "documents",
    PARAGRAPHS = "paragraphs",
    IMAGES = "images",
    TEXTS = "texts",
}

/// Values for the names in statements.
pub(crate) type Values = Vec<(&'static str, ScalarValue)>;

/// The values that a configuration gives.
pub(crate) fn values(config: &Deduplication) -> Values {
    let agreeing = config.near.agreeing(LENGTH);
    vec![
        ("url", config.url.into()),
        ("page", config.page.into()),
        ("near", agreeing.is_some().into()),
        ("agreeing", (agreeing.unwrap_or(LENGTH) as u64).into()),
        (
            "paragraph_documents",
            i64::from(config.paragraph_documents).into(),
        ),
    ]
}
