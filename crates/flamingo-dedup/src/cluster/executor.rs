//! A node that works.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_executor::executor_server::TERMINATING;
use ballista_executor::terminate::sig_term;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use flamingo_files::FolderLock;
use tokio::time::sleep;

use crate::cluster::address::{Address, before_port};
use crate::cluster::client::Client;
use crate::cluster::identity::Identity;
use crate::cluster::words::plain;
use crate::error::{Error, Result};
use crate::memory::Budget;

/// How often an executor says that it is there. After five times without an answer it starts anew.
const HEARTBEAT_SECONDS: u64 = 2;
/// Its part of the work folder: emptied at each start, as what dead processes left is of no use.
const JOBS: &str = "jobs";
/// How often a word to end is listened for.
const LISTEN: Duration = Duration::from_millis(100);
/// Seconds in which a scheduler that was there a moment ago must answer.
const CONNECT_SECONDS: u16 = 5;

/// A node that works.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The scheduler's name or address and its port: `HOST:PORT`.
    pub scheduler: String,
    /// How long it waits for the scheduler.
    pub patience: Duration,
    /// Where it listens.
    pub bind: IpAddr,
    /// The name or address at which the others find it, if that is not the address at which it listens.
    pub host: Option<String>,
    /// The port at which results are fetched; 0 takes a free one.
    pub port: u16,
    /// The port at which it gets its work; 0 takes a free one.
    pub work_port: u16,
    /// Where it keeps what it passes on, and what does not fit into memory.
    pub work_dir: PathBuf,
    /// Bytes of memory for all its tasks together.
    pub memory: u64,
    /// Tasks at a time.
    pub cores: usize,
}

impl Executor {
    /// Runs the executor until it is told to end by the system. A scheduler that is not there is waited for, at the
    /// start and whenever it goes.
    ///
    /// # Errors
    ///
    /// When it cannot write to its folder or listen at its address, or the scheduler does not answer for
    /// [`patience`](Self::patience).
    ///
    /// # Panics
    ///
    /// When called on a thread of an asynchronous runtime: it brings its own.
    pub fn run(mut self) -> Result<()> {
        let address = SocketAddr::new(self.bind, self.port);
        let failed = |reason: &dyn Display| Error::node("executor", address, reason);
        let scheduler: Address = self.scheduler.parse().map_err(Error::Address)?;
        let (_lock, jobs) = self.open_folder()?;
        [self.port, self.work_port] =
            ports(self.bind, [self.port, self.work_port]).map_err(|reason| failed(&reason))?;
        self.cores = self.cores.max(1);
        let engine = Budget::new(self.memory, self.cores)
            .runtime(&jobs)
            .map_err(|reason| failed(&reason))?;
        let client = Client::new(scheduler.clone(), self.patience);
        let runtime = tokio::runtime::Runtime::new().map_err(|reason| failed(&reason))?;
        runtime.block_on(async {
            let told_to_end = listen_for_signals();
            loop {
                tokio::select! {
                    waited = client.wait_for_scheduler() => waited?,
                    () = until(&told_to_end) => return Ok(()),
                }
                let config = Arc::new(self.config(&scheduler, &engine, &jobs));
                let ended = start_executor_process(config).await;
                if told_to_end.load(Ordering::Acquire) {
                    return Ok(());
                }
                ended.map_err(|reason| failed(&plain(&reason.to_string())))?;
                tracing::warn!(
                    "the scheduler at {scheduler} does not answer any more: starting anew"
                );
                // It was set when the process was to end, and is never taken back.
                TERMINATING.store(false, Ordering::Release);
            }
        })
    }

    /// Its folder, as all processes of this machine can name it, and no other executor has it; and in it an empty one for
    /// what it passes on.
    fn open_folder(&mut self) -> Result<(FolderLock, PathBuf)> {
        let command = format!("executor of the scheduler at {}", self.scheduler);
        let lock = FolderLock::alone(&self.work_dir, &command)?;
        let opened = self.work_dir.canonicalize().and_then(|folder| {
            let jobs = folder.join(JOBS);
            if jobs.exists() {
                std::fs::remove_dir_all(&jobs)?;
            }
            std::fs::create_dir(&jobs)?;
            Ok((folder, jobs))
        });
        let (folder, jobs) = opened.map_err(Error::file(&self.work_dir))?;
        self.work_dir = folder;
        Ok((lock, jobs))
    }

    fn config(
        &self,
        scheduler: &Address,
        engine: &Arc<RuntimeEnv>,
        jobs: &Path,
    ) -> ExecutorProcessConfig {
        let engine = engine.clone();
        let host = self.host.clone();
        let host = host.unwrap_or_else(|| self.bind.to_string());
        let standard = ExecutorProcessConfig::default();
        ExecutorProcessConfig {
            executor_id: Identity {
                name: standard.executor_id,
                task_bytes: self.memory / self.cores as u64,
                folder: self.work_dir.display().to_string(),
            }
            .to_string(),
            bind_host: before_port(&self.bind.to_string()),
            external_host: Some(before_port(&host)),
            port: self.port,
            grpc_port: self.work_port,
            scheduler_host: scheduler.host().to_owned(),
            scheduler_port: scheduler.port(),
            scheduler_connect_timeout_seconds: CONNECT_SECONDS,
            executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
            vcores: self.cores,
            work_dir: Some(jobs.to_string_lossy().into_owned()),
            // One for all its tasks instead of a pool of its own for each.
            memory_pool_size: Some(0),
            override_runtime_producer: Some(Arc::new(move |_| Ok(engine.clone()))),
            override_function_registry: Some(Arc::new(functions())),
            ..standard
        }
    }
}

/// Returns once the system has told the process to end.
async fn until(told_to_end: &AtomicBool) {
    while !told_to_end.load(Ordering::Acquire) {
        sleep(LISTEN).await;
    }
}

/// Becomes true when the system tells the process to end.
fn listen_for_signals() -> Arc<AtomicBool> {
    let told = Arc::new(AtomicBool::new(false));
    let interrupted = told.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupted.store(true, Ordering::Release);
        }
    });
    let terminated = told.clone();
    tokio::spawn(async move {
        if sig_term().await.is_ok() {
            terminated.store(true, Ordering::Release);
        }
    });
    told
}

/// All functions of SQL: an executor's own set has none for lists.
fn functions() -> BallistaFunctionRegistry {
    let state = SessionStateBuilder::new().with_default_features().build();
    BallistaFunctionRegistry::from(&state)
}

/// The ports, with a free one of its own for each 0: both are held until both are known.
fn ports(bind: IpAddr, ports: [u16; 2]) -> std::io::Result<[u16; 2]> {
    let held: Vec<TcpListener> = ports
        .iter()
        .map(|port| TcpListener::bind((bind, *port)))
        .collect::<std::io::Result<_>>()?;
    let free = |index: usize| held[index].local_addr().map(|address| address.port());
    Ok([free(0)?, free(1)?])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn ports_that_are_not_said_are_free_and_different() {
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let [one, two] = ports(bind, [0, 0]).unwrap();
        assert!(one != 0 && two != 0 && one != two);
        assert_eq!(ports(bind, [one, 0]).unwrap()[0], one);
    }
}
