//! Tables and statements in one session: of the engine in the process, or of a cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef, UInt64Type};
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::{DataFrame, DataFrameWriteOptions};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::reader::{FileReader, SerializedFileReader};
use datafusion::prelude::{SessionConfig, SessionContext};
use flamingo_corpus::folder::Folder;
use flamingo_corpus::tables::{Row, TableWriter};
use futures::StreamExt;
use url::Url;

use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::statements::{Statement, Values};

/// Memory that a task on a cluster is taken to have.
#[cfg(feature = "cluster")]
const TASK_BYTES: u64 = 64 << 20;

/// Where statements run.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In the process.
    Local {
        /// Bytes of memory.
        memory: u64,
        /// Where it puts what does not fit.
        spill: PathBuf,
        /// Threads.
        threads: usize,
    },
    /// On a cluster.
    Cluster {
        /// Its scheduler.
        url: String,
        /// Tasks of a stage.
        tasks: usize,
    },
}

/// Tables by name, and a folder for those that statements make.
pub(crate) struct Session {
    context: SessionContext,
    place: Place,
    scratch: Scratch,
    tables: usize,
    values: Values,
}

impl Session {
    /// A session whose own tables lie in the folder `scratch`, removed at the session's end.
    pub(crate) async fn open(place: Place, scratch: &Path, values: Values) -> Result<Self> {
        let scratch = Scratch::create(scratch)?;
        let context = match &place {
            Place::Local {
                memory,
                spill,
                threads,
            } => local(*memory, spill, *threads)
                .map_err(|source| failed("opening the session", &place, scratch.path(), source)),
            Place::Cluster { url, tasks } => match cluster(url, *tasks).await {
                Some(context) => context.map_err(|source| {
                    failed("opening the session", &place, scratch.path(), source)
                }),
                None => Err(Error::NoCluster(url.clone())),
            },
        }?;
        Ok(Session {
            context,
            place,
            scratch,
            tables: 0,
            values,
        })
    }

    /// Gives a name to the rows of these files, one after the other.
    pub(crate) fn register(
        &self,
        name: &'static str,
        files: &[PathBuf],
        schema: SchemaRef,
    ) -> Result<()> {
        let urls: Result<_> = match files {
            [] => {
                let folder = self.scratch.folder(name)?;
                write_none(&folder, &schema)?;
                folder_url(&folder).map(|url| vec![url])
            }
            files => files.iter().map(|file| file_url(file)).collect(),
        };
        self.register_urls(name, urls?, schema)
    }

    /// Runs a statement and gives its name to the rows that it returns.
    pub(crate) async fn make(&mut self, statement: Statement) -> Result<()> {
        self.make_as(statement.name, statement).await
    }

    /// Runs a statement and gives a name, which may be that of a table that it reads, to the rows that it returns.
    pub(crate) async fn make_as(&mut self, name: &'static str, statement: Statement) -> Result<()> {
        let rows = self.query(statement).await?;
        let schema: SchemaRef = Arc::new(rows.schema().as_arrow().clone());
        self.tables += 1;
        let folder = self.scratch.folder(&format!("{}-{name}", self.tables))?;
        let url = folder_url(&folder)?;
        let options = DataFrameWriteOptions::new().with_single_file_output(false);
        let written = rows
            .write_parquet(url.as_str(), options, None)
            .await
            .and_then(|batches| numbers(&batches))
            .map_err(|source| self.failed(statement, source))?;
        let there = rows_in(&folder)?;
        // Otherwise a task of a cluster ran twice, or on a node that sees another folder.
        if there != written {
            let said = format!("of {written} rows that were written, {there} are there");
            return Err(self.failed(statement, DataFusionError::Execution(said)));
        }
        if there == 0 {
            write_none(&folder, &schema)?;
        }
        self.register_urls(name, vec![url], schema)
    }

    /// Runs a statement and writes the rows that it returns to a file of the corpus, in their order.
    pub(crate) async fn write<R: Row>(
        &self,
        statement: Statement,
        folder: &Folder,
        name: &str,
        mut seen: impl FnMut(&R),
    ) -> Result<()> {
        let rows = self.query(statement).await?;
        let mut batches = rows
            .execute_stream()
            .await
            .map_err(|source| self.failed(statement, source))?;
        let mut table = TableWriter::<R>::create(folder, name)?;
        while let Some(batch) = batches.next().await {
            let columns = batch
                .and_then(|batch| fit::<R>(&batch))
                .map_err(|source| self.failed(statement, source))?;
            let length = columns.first().map_or(0, |column| column.len());
            for index in 0..length {
                let row = R::from_columns(&columns, index);
                seen(&row);
                table.push(row)?;
            }
        }
        Ok(table.finish()?)
    }

    /// Runs a statement that counts.
    pub(crate) async fn count(&self, statement: Statement) -> Result<u64> {
        let batches = self.query(statement).await?.collect().await;
        batches
            .and_then(|batches| numbers(&batches))
            .map_err(|source| self.failed(statement, source))
    }

    async fn query(&self, statement: Statement) -> Result<DataFrame> {
        tracing::debug!(statement = statement.name, "running");
        let asked = |(name, _): &&(&'static str, _)| statement.sql.contains(&format!("${name}"));
        let values: Values = self.values.iter().filter(asked).cloned().collect();
        let rows = self.context.sql(statement.sql).await;
        rows.and_then(|rows| match values.is_empty() {
            true => Ok(rows),
            false => rows.with_param_values(values),
        })
        .map_err(|source| self.failed(statement, source))
    }

    fn register_urls(
        &self,
        name: &'static str,
        urls: Vec<ListingTableUrl>,
        schema: SchemaRef,
    ) -> Result<()> {
        let options =
            ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
        let config = ListingTableConfig::new_with_multi_paths(urls)
            .with_listing_options(options)
            .with_schema(schema);
        let table = ListingTable::try_new(config).and_then(|table| {
            self.context.deregister_table(name)?;
            self.context.register_table(name, Arc::new(table))
        });
        table
            .map(drop)
            .map_err(|source| failed(name, &self.place, self.scratch.path(), source))
    }

    fn failed(&self, statement: Statement, source: DataFusionError) -> Error {
        failed(statement.name, &self.place, self.scratch.path(), source)
    }
}

fn failed(statement: &'static str, place: &Place, folder: &Path, source: DataFusionError) -> Error {
    let source = Box::new(source);
    match place {
        Place::Local { memory, .. }
            if matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) =>
        {
            Error::Memory {
                statement,
                limit: *memory,
                source,
            }
        }
        Place::Local { .. } => Error::Statement { statement, source },
        Place::Cluster { url, .. } => Error::Cluster {
            statement,
            url: url.clone(),
            folder: folder.to_owned(),
            source,
        },
    }
}

/// The engine in the process.
fn local(memory: u64, spill: &Path, threads: usize) -> Result<SessionContext, DataFusionError> {
    let budget = Budget::new(memory, threads);
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(budget.settings(SessionConfig::new())?)
        .with_runtime_env(budget.runtime(spill)?)
        .build();
    Ok(SessionContext::new_with_state(state))
}

/// The engine on a cluster; `None` in a program without clusters.
#[cfg(feature = "cluster")]
async fn cluster(url: &str, tasks: usize) -> Option<Result<SessionContext, DataFusionError>> {
    use ballista::extension::{SessionConfigExt, SessionContextExt};

    let context = async {
        let config = Budget::new(tasks as u64 * TASK_BYTES, tasks)
            .settings(SessionConfig::new_with_ballista())?
            // Ballista 55.0.0's adaptive planner, on by default, makes stages for ever where a result is empty. It also
            // takes hash joins, which cannot go to disk, whatever it is told.
            .with_ballista_adaptive_query_planner(false);
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .build();
        // Also without a scheme.
        let url = match url.contains("://") {
            true => url.to_owned(),
            false => format!("df://{url}"),
        };
        SessionContext::remote_with_state(&url, state).await
    };
    Some(context.await)
}

#[cfg(not(feature = "cluster"))]
async fn cluster(_url: &str, _tasks: usize) -> Option<Result<SessionContext, DataFusionError>> {
    None
}

/// The sum of the numbers in the first column.
fn numbers(batches: &[RecordBatch]) -> Result<u64, DataFusionError> {
    let mut sum = 0;
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        let column = cast(batch.column(0), &DataType::UInt64)?;
        sum += column
            .as_primitive::<UInt64Type>()
            .iter()
            .flatten()
            .sum::<u64>();
    }
    Ok(sum)
}

/// Rows of the tables in a folder, as those who wrote them say.
fn rows_in(folder: &Path) -> Result<u64> {
    let mut rows = 0;
    for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        if path.extension().is_some_and(|end| end == "parquet") {
            let file = fs::File::open(&path).map_err(Error::file(&path))?;
            let reader = SerializedFileReader::new(file)
                .map_err(|error| Error::file(&path)(std::io::Error::other(error)))?;
            rows += reader.metadata().file_metadata().num_rows().unsigned_abs();
        }
    }
    Ok(rows)
}

/// Makes a table without rows: a file that says so. A table without files is planned as no scan at all, and where a union
/// has such inputs Ballista 55.0.0 counts the metrics of its tasks differently, drops what the tasks report, and waits.
fn write_none(folder: &Path, schema: &SchemaRef) -> Result<()> {
    let path = folder.join("none.parquet");
    let mut bytes = Vec::new();
    ArrowWriter::try_new(&mut bytes, schema.clone(), None)
        .and_then(ArrowWriter::close)
        .map_err(|error| Error::file(&path)(std::io::Error::other(error)))?;
    Ok(flamingo_files::write(&path, &bytes)?)
}

/// The batch's columns as the rows' type has them.
fn fit<R: Row>(batch: &RecordBatch) -> Result<Vec<arrow::array::ArrayRef>, DataFusionError> {
    let schema = R::schema();
    let fit = |field: &Arc<arrow::datatypes::Field>| {
        let column = batch.column_by_name(field.name()).ok_or_else(|| {
            DataFusionError::Execution(format!("the result has no column {}", field.name()))
        })?;
        Ok(cast(column, field.data_type())?)
    };
    schema.fields().iter().map(fit).collect()
}

fn file_url(path: &Path) -> Result<ListingTableUrl> {
    listing(path, Url::from_file_path(path))
}

fn folder_url(path: &Path) -> Result<ListingTableUrl> {
    listing(path, Url::from_directory_path(path))
}

/// Paths are not parsed as text, in which `*` and `[` would stand for others.
fn listing(path: &Path, url: Result<Url, ()>) -> Result<ListingTableUrl> {
    let url = url
        .ok()
        .and_then(|url| ListingTableUrl::try_new(url, None).ok());
    url.ok_or_else(|| {
        Error::file(path)(std::io::Error::other(
            "not an absolute path that a URL can name",
        ))
    })
}

/// A folder that goes with the session, with what a session that was killed left there.
struct Scratch {
    whole: PathBuf,
    /// Under a name of its own each time: nodes of a cluster remember what lay where.
    own: PathBuf,
}

impl Scratch {
    fn create(path: &Path) -> Result<Self> {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(path)(error))
            }
            _ => Ok(()),
        }?;
        fs::create_dir_all(path).map_err(Error::file(path))?;
        // Executors do not share this process's working directory.
        let whole = path.canonicalize().map_err(Error::file(path))?;
        let own = tempfile::tempdir_in(&whole).map_err(Error::file(&whole))?;
        Ok(Scratch {
            whole,
            own: own.keep(),
        })
    }

    fn path(&self) -> &Path {
        &self.own
    }

    fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.own.join(name);
        fs::create_dir_all(&path).map_err(Error::file(&path))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.whole) {
            tracing::warn!(folder = %self.whole.display(), %error, "cannot remove the tables of the join");
        }
    }
}
