//! The step over all units: pages that repeat, paragraphs that repeat, the picture for each image.

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use flamingo_corpus::build::{Counts, Global};
use flamingo_corpus::deduplication::Deduplication;
use flamingo_corpus::folder::{self, Folder, UnitTable};
use flamingo_corpus::tables::{
    DuplicateRow, ImageRow, PageRow, ParagraphRow, PlacedImageRow, Row, TextRow,
};

#[cfg(feature = "cluster")]
use crate::cluster::client::Client;
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::session::{Place, Results, Session};
use crate::statements::{self as sql, values};

/// Finds what repeats: [`Global`] by SQL.
///
/// ```
/// # use flamingo_dedup::Deduplicator;
/// let here = Deduplicator::local().threads(4).spill("/tmp");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Deduplicator {
    #[cfg(feature = "cluster")]
    cluster: Option<Client>,
    threads: Option<usize>,
    spill: Option<PathBuf>,
}

impl Deduplicator {
    /// In this process, in the memory that the configuration allows.
    pub fn local() -> Self {
        Deduplicator::default()
    }

    /// On the cluster of the scheduler at an address (`HOST:PORT`, also behind `df://`). The corpus must lie where its
    /// scheduler and all of its executors can read and write it at the same path; their memory is set where they are
    /// started. `patience` is how long a part of the cluster may be missing, and nothing may go on.
    ///
    /// # Errors
    ///
    /// When that is no address, or this program has no clusters.
    #[cfg_attr(not(feature = "cluster"), allow(unused_variables))]
    pub fn cluster(scheduler: &str, patience: Duration) -> Result<Self> {
        #[cfg(feature = "cluster")]
        {
            let scheduler = scheduler.parse().map_err(Error::Address)?;
            Ok(Deduplicator {
                cluster: Some(Client::new(scheduler, patience)),
                ..Deduplicator::default()
            })
        }
        #[cfg(not(feature = "cluster"))]
        Err(Error::NoCluster(scheduler.to_owned()))
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

    /// Joins, and tells of each statement, in their order, how many rows it returned.
    fn join_tables(&self, folder: &Folder, config: &Deduplication) -> Result<(Counts, Results)> {
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
            let counts = write(&mut session, folder).await?;
            Ok((counts, session.into_results()))
        })
    }

    fn parallelism(&self) -> usize {
        self.threads
            .unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
    }

    fn place(&self, memory: Option<u64>, scratch: &Path) -> Place {
        #[cfg(feature = "cluster")]
        if let Some(client) = &self.cluster {
            return Place::Cluster {
                client: client.clone(),
                tasks: self.threads,
            };
        }
        Place::Local {
            memory: memory.unwrap_or_else(|| Budget::of_threads(self.parallelism())),
            spill: self.spill.clone().unwrap_or_else(|| scratch.join("spill")),
            threads: self.parallelism(),
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
        let (counts, rows) = self.join_tables(folder, config)?;
        tracing::debug!(?rows, "joined");
        Ok(counts)
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

async fn write(session: &mut Session, folder: &Folder) -> Result<Counts> {
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
    let add = |name: &str, counts: &mut Counts| *counts.entry(name.to_owned()).or_default() += 1;
    let pages = session
        .write(
            sql::DOCUMENTS,
            folder,
            folder::DOCUMENTS,
            |row: &DuplicateRow, counts| add(&row.reason, counts),
        )
        .await?;
    let paragraphs = session
        .write(
            sql::PARAGRAPHS,
            folder,
            folder::PARAGRAPHS,
            |_: &ParagraphRow, counts| add("repeated_paragraphs", counts),
        )
        .await?;
    let images = session
        .write(
            sql::IMAGES,
            folder,
            folder::IMAGES,
            |row: &PlacedImageRow, counts| {
                add("images", counts);
                if row.status == "ok" {
                    add("images_found", counts);
                }
            },
        )
        .await?;
    let texts = session
        .write(sql::TEXTS, folder, folder::TEXTS, |_: &TextRow, counts| {
            add("repeated_texts", counts)
        })
        .await?;
    counts.extend([pages, paragraphs, images, texts].into_iter().flatten());
    Ok(counts)
}

/// Every statement with an empty, a small and a large result, on a cluster and in the process.
#[cfg(all(test, feature = "cluster"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;
    use std::net::{IpAddr, Ipv4Addr, TcpListener};
    use std::thread;

    use flamingo_corpus::tables::{ImageUse, TableWriter};

    use super::*;
    use crate::cluster::{Executor, Scheduler};

    /// Statements that return a row for each group of pages below; the others return more.
    const ONE_EACH: [&str; 11] = [
        "hops",
        "redirects",
        "same_url",
        "same_page",
        "pairs",
        "near_duplicates",
        "placed",
        "pictures",
        "paragraphs",
        "images",
        "texts",
    ];

    /// A scheduler and an executor on threads of this process, until it ends.
    fn cluster(work_dir: PathBuf) -> String {
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let free = TcpListener::bind((bind, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let scheduler = Scheduler {
            bind,
            host: bind.to_string(),
            port,
            ready_executors: 1,
        };
        let address = format!("{bind}:{port}");
        let executor = Executor {
            scheduler: address.clone(),
            patience: Duration::from_secs(60),
            bind,
            host: None,
            port: 0,
            work_port: 0,
            work_dir,
            memory: 256 << 20,
            cores: 2,
        };
        thread::spawn(|| scheduler.run().unwrap());
        thread::spawn(|| executor.run().unwrap());
        address
    }

    /// Pages and pictures of which each statement has something to say.
    fn group(number: i64) -> (Vec<PageRow>, Vec<ImageRow>) {
        let page = |index: i64, url: &str, text: i64| PageRow {
            document: number * 8 + index,
            url_key: format!("{url}{number}"),
            domain: format!("d{number}.example"),
            text_hash: number * 8 + text,
            paragraphs: vec![number * 8 + index],
            ..PageRow::default()
        };
        let alike = |page| PageRow {
            bands: vec![number],
            signature: (0..128).map(|place| number << 8 | place).collect(),
            ..page
        };
        let repeated = |page| PageRow {
            paragraphs: vec![number * 8 + 7],
            texts: vec![number],
            ..page
        };
        let images = vec![ImageUse {
            position: 0,
            choice: 0,
            url_key: format!("moved{number}"),
        }];
        let pages = vec![
            alike(page(0, "a", 0)),
            // Shows what the page before it does; the next has its URL.
            page(1, "b", 0),
            page(2, "b", 2),
            alike(page(3, "c", 3)),
            PageRow {
                images,
                ..repeated(page(4, "d", 4))
            },
            repeated(page(5, "e", 5)),
        ];
        let moved = ImageRow {
            url_key: format!("moved{number}"),
            redirect: Some(format!("there{number}")),
            status: "redirect".to_owned(),
            ..ImageRow::default()
        };
        (pages, vec![moved, picture(&format!("there{number}"))])
    }

    /// Two pages with one URL, of which one has a band and a picture.
    fn pair() -> (Vec<PageRow>, Vec<ImageRow>) {
        let first = PageRow {
            url_key: "a".to_owned(),
            bands: vec![7],
            signature: vec![1; 128],
            ..PageRow::default()
        };
        let second = PageRow {
            document: 1,
            url_key: "a".to_owned(),
            text_hash: 5,
            ..PageRow::default()
        };
        (vec![first, second], vec![picture("there")])
    }

    fn picture(url_key: &str) -> ImageRow {
        ImageRow {
            url_key: url_key.to_owned(),
            status: "ok".to_owned(),
            sha256: Some(url_key.to_owned()),
            perceptual: Some(3),
            ..ImageRow::default()
        }
    }

    fn write<R: Row>(folder: &Folder, table: UnitTable, rows: Vec<R>) {
        let mut writer = TableWriter::create(folder, &table.of(0)).unwrap();
        rows.into_iter().for_each(|row| writer.push(row).unwrap());
        writer.finish().unwrap();
    }

    /// The rows of each statement, which must be the same in the process and on the cluster, as must be the bytes.
    fn rows(
        scheduler: &str,
        pages: Vec<PageRow>,
        images: Vec<ImageRow>,
    ) -> BTreeMap<&'static str, u64> {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path(), 0).unwrap();
        std::fs::create_dir_all(folder.path("read")).unwrap();
        write(&folder, UnitTable::Pages, pages);
        write(&folder, UnitTable::Images, images);
        let config = Deduplication {
            paragraph_documents: 2,
            ..Deduplication::default()
        };
        let join = |deduplicator: Deduplicator| {
            let joined = deduplicator
                .threads(2)
                .join_tables(&folder, &config)
                .unwrap();
            let files = [
                folder::DOCUMENTS,
                folder::PARAGRAPHS,
                folder::IMAGES,
                folder::TEXTS,
            ];
            (joined, files.map(|name| folder.read(name).unwrap()))
        };
        let here = join(Deduplicator::local());
        let there = join(Deduplicator::cluster(scheduler, Duration::from_secs(60)).unwrap());
        assert_eq!(here.0, there.0);
        assert!(here.1 == there.1, "other bytes");
        here.0.1.into_iter().collect()
    }

    #[test]
    fn a_cluster_ends_every_statement_whether_its_result_is_empty_or_one_row_or_large() {
        let work = tempfile::tempdir().unwrap();
        let scheduler = cluster(work.path().to_owned());

        let empty = rows(&scheduler, vec![], vec![]);
        // A number is a row, also where it is 0; links are resolved only where there are some.
        assert!(
            empty
                .iter()
                .all(|(name, rows)| (*name == "unresolved") == (*rows == 1)),
            "{empty:?}"
        );
        assert_eq!(empty.len(), 17);

        let (pages, images) = pair();
        let few = rows(&scheduler, pages, images);
        for name in ["bands", "links", "answers", "documents", "same_url"] {
            assert_eq!(few[name], 1, "{name}: {few:?}");
        }

        let (pages, images) = group(0);
        let one = rows(&scheduler, pages, images);
        assert_eq!(one.len(), 18, "{one:?}");
        for name in ONE_EACH {
            assert_eq!(one[name], 1, "{name}: {one:?}");
        }

        let groups = 2_000;
        let (pages, images): (Vec<_>, Vec<_>) = (0..groups).map(group).unzip();
        let many = rows(&scheduler, pages.concat(), images.concat());
        for (name, rows) in many {
            let large = rows >= groups as u64 || name == "unresolved";
            assert!(large, "{name}: {rows}");
        }
    }
}
