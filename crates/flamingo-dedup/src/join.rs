//! The step over all units: pages that repeat, paragraphs that repeat, the picture for each image.

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use flamingo_corpus::build::{Counts, Global};
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::folder::{self, Folder, UnitTable};
use flamingo_corpus::tables::{
    DuplicateRow, ImageRow, PageRow, ParagraphRow, PlacedImageRow, Row, TextRow,
};

use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::session::{Place, Session};
use crate::statements::{self as sql, values};

/// Finds what repeats: [`Global`] by SQL.
///
/// ```
/// # use flamingo_dedup::Deduplicator;
/// let here = Deduplicator::local().threads(4).spill("/tmp");
/// let there = Deduplicator::cluster("df://scheduler.example:50050");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Deduplicator {
    cluster: Option<String>,
    threads: Option<usize>,
    spill: Option<PathBuf>,
}

impl Deduplicator {
    /// In this process, in the memory that the configuration allows.
    pub fn local() -> Self {
        Deduplicator::default()
    }

    /// On the cluster of the scheduler at `url` (`df://HOST:PORT`). The corpus must lie where its scheduler and all
    /// of its executors can read and write it at the same path; their memory is set where they are started.
    pub fn cluster(url: impl Into<String>) -> Self {
        Deduplicator {
            cluster: Some(url.into()),
            ..Deduplicator::default()
        }
    }

    /// With so many threads instead of one for each core of this machine; on a cluster, so many tasks at a time.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads.max(1));
        self
    }

    /// What does not fit into memory goes into this folder instead of the corpus's.
    pub fn spill(mut self, folder: impl Into<PathBuf>) -> Self {
        self.spill = Some(folder.into());
        self
    }

    fn join_tables(&self, folder: &Folder, config: &Deduplication) -> Result<Counts> {
        let scratch = folder.path("global/.join");
        let threads = self.parallelism();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build()
            .map_err(Error::file(folder.root()))?;
        runtime.block_on(async {
            let place = self.place(config.memory_limit, &scratch);
            let mut session = Session::open(place, &scratch, values(config)).await?;
            register(&session, folder)?;
            find_repeated_pages(&mut session).await?;
            find_pictures(&mut session).await?;
            write(&session, folder).await
        })
    }

    fn parallelism(&self) -> usize {
        self.threads
            .unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
    }

    fn place(&self, memory: Option<u64>, scratch: &Path) -> Place {
        match &self.cluster {
            Some(url) => Place::Cluster {
                url: url.clone(),
                tasks: self.parallelism(),
            },
            None => Place::Local {
                memory: memory.unwrap_or_else(|| Budget::of_threads(self.parallelism())),
                spill: self.spill.clone().unwrap_or_else(|| scratch.join("spill")),
                threads: self.parallelism(),
            },
        }
    }
}

impl Global for Deduplicator {
    /// # Panics
    ///
    /// When called on a thread of an asynchronous runtime: it brings its own.
    fn join(
        &self,
        folder: &Folder,
        config: &Deduplication,
    ) -> Result<Counts, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.join_tables(folder, config)?)
    }
}

fn register(session: &Session, folder: &Folder) -> Result<()> {
    let absolute = |paths: Vec<PathBuf>| -> Result<Vec<PathBuf>> {
        paths
            .into_iter()
            .map(|path| path.canonicalize().map_err(Error::file(&path)))
            .collect()
    };
    let pages = absolute(folder.unit_tables(UnitTable::Pages)?)?;
    let images = absolute(folder.unit_tables(UnitTable::Images)?)?;
    session.register("pages", &pages, PageRow::schema())?;
    session.register("images", &images, ImageRow::schema())
}

/// Makes `links`: each page that goes, with the page that stays for it.
async fn find_repeated_pages(session: &mut Session) -> Result<()> {
    for statement in [
        sql::HOPS,
        sql::REDIRECTS,
        sql::SAME_URL,
        sql::SAME_PAGE,
        sql::BANDS,
        sql::PAIRS,
        sql::SIGNATURES,
        sql::NEAR_DUPLICATES,
        sql::LINKS,
    ] {
        session.make(statement).await?;
    }
    // Each round doubles the length of links, so that there are fewer rounds than bits in the number of pages.
    while session.count(sql::UNRESOLVED).await? > 0 {
        session.make_as(sql::LINKS.name, sql::RESOLVE).await?;
    }
    Ok(())
}

/// Makes `placed` and `pictures`: of each image of the pages that stay the URL to take, and what is there.
async fn find_pictures(session: &mut Session) -> Result<()> {
    for statement in [sql::ANSWERS, sql::PLACED, sql::PICTURES] {
        session.make(statement).await?;
    }
    Ok(())
}

async fn write(session: &Session, folder: &Folder) -> Result<Counts> {
    let mut counts: Counts = [
        "same_url",
        "same_page",
        "near_duplicate",
        "repeated_paragraphs",
        "images",
        "images_found",
        "repeated_texts",
    ]
    .map(|name| (name.to_owned(), 0))
    .into();
    let mut count = |name: &str| *counts.entry(name.to_owned()).or_default() += 1;
    session
        .write(
            sql::DOCUMENTS,
            folder,
            folder::DOCUMENTS,
            |row: &DuplicateRow| count(&row.reason),
        )
        .await?;
    session
        .write(
            sql::PARAGRAPHS,
            folder,
            folder::PARAGRAPHS,
            |_: &ParagraphRow| count("repeated_paragraphs"),
        )
        .await?;
    session
        .write(
            sql::IMAGES,
            folder,
            folder::IMAGES,
            |row: &PlacedImageRow| {
                count("images");
                if row.status == "ok" {
                    count("images_found");
                }
            },
        )
        .await?;
    session
        .write(sql::TEXTS, folder, folder::TEXTS, |_: &TextRow| {
            count("repeated_texts")
        })
        .await?;
    Ok(counts)
}
