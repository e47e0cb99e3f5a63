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
use flamingo_corpus::build::Counts;
use flamingo_corpus::folder::Folder;
use flamingo_corpus::tables::{Row, TableWriter};
use futures::StreamExt;
use url::Url;

#[cfg(feature = "cluster")]
use crate::cluster::client::Client;
#[cfg(feature = "cluster")]
use crate::cluster::state::Room;
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::statements::{Statement, Values};

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
    #[cfg(feature = "cluster")]
    Cluster {
        /// Who asks it.
        client: Client,
        /// Tasks of a stage, where they shall be others than its executors have at a time.
        tasks: Option<usize>,
    },
}

/// Statements that ran, in their order, each with the rows that it returned.
pub(crate) type Results = Vec<(&'static str, u64)>;

/// Tables by name, and a folder for those that statements make.
pub(crate) struct Session {
    context: SessionContext,
    place: Place,
    scratch: Scratch,
    values: Values,
    results: Results,
}

/// A table that a statement made.
struct Made {
    url: ListingTableUrl,
    schema: SchemaRef,
    rows: u64,
}

impl Session {
    /// A session whose own tables lie in the folder `scratch`, removed at the session's end.
    pub(crate) async fn open(place: Place, scratch: &Path, values: Values) -> Result<Self> {
        let scratch = Scratch::create(scratch)?;
        let (place, context) = match place {
            Place::Local {
                memory,
                ref spill,
                threads,
            } => {
                let context = local(memory, spill, threads);
                (place, context)
            }
            #[cfg(feature = "cluster")]
            Place::Cluster { client, tasks } => {
                // No other session has this folder.
                let client = client.named(scratch.own.display().to_string());
                let context = cluster(&client).await;
                (Place::Cluster { client, tasks }, context)
            }
        };
        Ok(Session {
            context: context.map_err(|source| failed("opening the session", &place, source))?,
            place,
            scratch,
            values,
            results: Vec::new(),
        })
    }

    /// Statements that ran, in their order, each with the rows that it returned.
    pub(crate) fn into_results(self) -> Results {
        self.results
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
                let folder = self.scratch.new_folder(name)?;
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
        let made = self
            .ask(statement, async || self.table(name, statement).await)
            .await?;
        self.results.push((statement.name, made.rows));
        self.register_urls(name, vec![made.url], made.schema)
    }

    /// Runs a statement and writes the rows that it returns to a file of the corpus, in their order. `count` sees each.
    pub(crate) async fn write<R: Row>(
        &mut self,
        statement: Statement,
        folder: &Folder,
        name: &str,
        count: impl Fn(&R, &mut Counts),
    ) -> Result<Counts> {
        let (rows, counts) = self
            .ask(statement, async || {
                self.file(statement, folder, name, &count).await
            })
            .await?;
        self.results.push((statement.name, rows));
        Ok(counts)
    }

    /// Runs a statement that counts.
    pub(crate) async fn count(&mut self, statement: Statement) -> Result<u64> {
        let number = self
            .ask(statement, async || self.number(statement).await)
            .await?;
        self.results.push((statement.name, 1));
        Ok(number)
    }

    /// Once in the process; on a cluster again where something there goes wrong.
    async fn ask<T>(&self, statement: Statement, work: impl AsyncFn() -> Result<T>) -> Result<T> {
        tracing::debug!(statement = statement.name, "running");
        match &self.place {
            Place::Local { .. } => work().await,
            #[cfg(feature = "cluster")]
            Place::Cluster { client, tasks } => {
                let plan = |room: Room| {
                    let tasks = tasks.unwrap_or(room.tasks);
                    self.plan_for(Budget::of_tasks(room.task_bytes, tasks))
                        .map_err(|source| self.failed(statement, source))
                };
                client.run(statement.name, plan, work).await
            }
        }
    }

    /// From now on statements are planned for so much memory.
    #[cfg(feature = "cluster")]
    fn plan_for(&self, budget: Budget) -> Result<(), DataFusionError> {
        let state = self.context.state_ref();
        let mut state = state.write();
        let mut config = budget.settings(state.config().clone())?;
        // What a task passes on is read by others whole batches at a time.
        for (name, value) in [
            ("ballista.shuffle.sort_based.batch_size", budget.rows()),
            (
                "ballista.shuffle.sort_based.memory_limit_per_task_bytes",
                budget.share() / 8,
            ),
        ] {
            config.options_mut().set(name, &value.to_string())?;
        }
        *state.config_mut() = config;
        Ok(())
    }

    /// The rows of a statement in a folder of its own.
    async fn table(&self, name: &str, statement: Statement) -> Result<Made> {
        let rows = self.query(statement).await?;
        let schema: SchemaRef = Arc::new(rows.schema().as_arrow().clone());
        let folder = self.scratch.new_folder(name)?;
        let url = folder_url(&folder)?;
        let options = DataFrameWriteOptions::new().with_single_file_output(false);
        let written = rows
            .write_parquet(url.as_str(), options, None)
            .await
            .and_then(|batches| numbers(&batches))
            .map_err(|source| self.failed(statement, source))?;
        let there = rows_in(&folder)?;
        // Tasks that ran twice, or on a node that sees another folder.
        if there != written {
            let said = format!("of {written} rows that were written, {there} are there");
            return Err(self.failed(statement, DataFusionError::Execution(said)));
        }
        if there == 0 {
            write_none(&folder, &schema)?;
        }
        Ok(Made {
            url,
            schema,
            rows: there,
        })
    }

    /// The rows of a statement in a file of the corpus.
    async fn file<R: Row>(
        &self,
        statement: Statement,
        folder: &Folder,
        name: &str,
        count: &impl Fn(&R, &mut Counts),
    ) -> Result<(u64, Counts)> {
        let mut batches = self
            .query(statement)
            .await?
            .execute_stream()
            .await
            .map_err(|source| self.failed(statement, source))?;
        let (mut rows, mut counts) = (0, Counts::new());
        let mut table = TableWriter::<R>::create(folder, name)?;
        while let Some(batch) = batches.next().await {
            self.received();
            let columns = batch
                .and_then(|batch| fit::<R>(&batch))
                .map_err(|source| self.failed(statement, source))?;
            let length = columns.first().map_or(0, |column| column.len());
            rows += length as u64;
            for index in 0..length {
                let row = R::from_columns(&columns, index);
                count(&row, &mut counts);
                table.push(row)?;
            }
        }
        table.finish()?;
        Ok((rows, counts))
    }

    /// The number that a statement returns.
    async fn number(&self, statement: Statement) -> Result<u64> {
        let batches = self.query(statement).await?.collect().await;
        batches
            .and_then(|batches| numbers(&batches))
            .map_err(|source| self.failed(statement, source))
    }

    /// Notes that something came from a cluster.
    fn received(&self) {
        #[cfg(feature = "cluster")]
        if let Place::Cluster { client, .. } = &self.place {
            client.receive();
        }
    }

    async fn query(&self, statement: Statement) -> Result<DataFrame> {
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
            .map_err(|source| failed(name, &self.place, source))
    }

    fn failed(&self, statement: Statement, source: DataFusionError) -> Error {
        failed(statement.name, &self.place, source)
    }
}

fn failed(statement: &'static str, place: &Place, source: DataFusionError) -> Error {
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
        #[cfg(feature = "cluster")]
        Place::Cluster { client, .. } => client.failed(statement, &source),
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

/// The engine on a cluster.
#[cfg(feature = "cluster")]
async fn cluster(client: &Client) -> Result<SessionContext, DataFusionError> {
    use ballista::extension::{SessionConfigExt, SessionContextExt};

    let mut config = SessionConfig::new_with_ballista()
        .with_ballista_job_name(client.name())
        // With an empty result Ballista 55.0.0's adaptive planner makes stages for ever; and it takes hash joins, which
        // cannot go to disk, whatever it is told.
        .with_ballista_adaptive_query_planner(false);
    // A node that is gone is not asked for long: the statement is.
    for (name, value) in [
        ("ballista.client.io_retries_times", "2"),
        ("ballista.client.io_retry_wait_time_ms", "200"),
        ("ballista.client.grpc_connect_timeout_seconds", "5"),
        (
            "ballista.client.grpc_http2_keepalive_interval_seconds",
            "10",
        ),
    ] {
        config.options_mut().set(name, value)?;
    }
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(config)
        .build();
    SessionContext::remote_with_state(&format!("df://{}", client.scheduler()), state).await
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

    /// A folder that nobody has written to: what failed may still be written somewhere.
    fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("{name}-"))
            .tempdir_in(&self.own)
            .map_err(Error::file(&self.own))?;
        Ok(folder.keep())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.whole) {
            tracing::warn!(folder = %self.whole.display(), %error, "cannot remove the tables of the join");
        }
    }
}
