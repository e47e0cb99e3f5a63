//! Tables and statements in one session: of the engine in the process, or of a cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::dataframe::{DataFrame, DataFrameWriteOptions};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::DataFusionError;
use datafusion::execution::session_state::SessionStateBuilder;
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
        let urls = match files {
            [] => vec![folder_url(&self.scratch.folder("none")?)?],
            files => files
                .iter()
                .map(|file| file_url(file))
                .collect::<Result<_>>()?,
        };
        self.register_urls(name, urls, schema)
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
        rows.write_parquet(
            url.as_str(),
            DataFrameWriteOptions::new().with_single_file_output(false),
            None,
        )
        .await
        .map_err(|source| self.failed(statement, source))?;
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
    pub(crate) async fn count(&self, statement: Statement) -> Result<i64> {
        let rows = self.query(statement).await?;
        let batches = rows
            .collect()
            .await
            .map_err(|source| self.failed(statement, source))?;
        let counts = batches
            .iter()
            .filter(|batch| batch.num_rows() > 0)
            .map(|batch| {
                let column = cast(batch.column(0), &arrow::datatypes::DataType::Int64)?;
                Ok(
                    arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&column)
                        .value(0),
                )
            });
        let counts: Result<Vec<i64>, DataFusionError> = counts.collect();
        Ok(counts
            .map_err(|source| self.failed(statement, source))?
            .iter()
            .sum())
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
            .settings(SessionConfig::new_with_ballista())?;
        let state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config)
            .build();
        SessionContext::remote_with_state(url, state).await
    };
    Some(context.await)
}

#[cfg(not(feature = "cluster"))]
async fn cluster(_url: &str, _tasks: usize) -> Option<Result<SessionContext, DataFusionError>> {
    None
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
