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

    /// On the cluster of the scheduler at `url` (`HOST:PORT`, also behind `df://`). The corpus must lie where its
    /// scheduler and all of its executors can read and write it at the same path; their memory is set where they are
    /// started.
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

/// Every statement with an empty, a small and a large result, on a cluster and in the process.
#[cfg(all(test, feature = "cluster"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
    use std::thread;
    use std::time::Duration;

    use flamingo_corpus::tables::{ImageUse, TableWriter};

    use super::*;
    use crate::cluster::{Executor, Scheduler};

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
            scheduler_host: bind.to_string(),
            scheduler_port: port,
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
        let answers = || TcpStream::connect((bind, port)).is_ok();
        while !answers() {
            thread::sleep(Duration::from_millis(100));
        }
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

    /// The counts of a join, which must be the same in the process and on the cluster, as must be the bytes.
    fn join(scheduler: &str, pages: Vec<PageRow>, images: Vec<ImageRow>) -> Counts {
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
            let counts = deduplicator
                .threads(2)
                .join_tables(&folder, &config)
                .unwrap();
            let files = [
                folder::DOCUMENTS,
                folder::PARAGRAPHS,
                folder::IMAGES,
                folder::TEXTS,
            ];
            (counts, files.map(|name| folder.read(name).unwrap()))
        };
        let here = join(Deduplicator::local());
        let there = join(Deduplicator::cluster(scheduler));
        assert_eq!(here.0, there.0);
        assert!(here.1 == there.1, "other bytes");
        here.0
    }

    #[test]
    fn a_cluster_ends_every_statement_whether_its_result_is_empty_or_one_row_or_large() {
        let work = tempfile::tempdir().unwrap();
        let scheduler = cluster(work.path().to_owned());
        let counts = |(pages, images)| join(&scheduler, pages, images);

        let empty = counts((vec![], vec![]));
        assert!(empty.values().all(|count| *count == 0), "{empty:?}");
        // An ordinary corpus: pages and pictures, of which none repeats.
        let (pages, images) = group(0);
        let ordinary = counts((pages[4..5].to_vec(), images));
        assert_eq!(ordinary["images_found"], 1);
        assert_eq!(ordinary.values().sum::<u64>(), 2, "{ordinary:?}");
        let few = counts(pair());
        assert_eq!(few["same_url"], 1);
        let one = counts(group(0));
        assert!(one.values().all(|count| *count == 1), "{one:?}");

        let groups = 2_000;
        let (pages, images): (Vec<_>, Vec<_>) = (0..groups).map(group).unzip();
        let many = counts((pages.concat(), images.concat()));
        assert!(
            many.values().all(|count| *count == groups as u64),
            "{many:?}"
        );
    }
}
