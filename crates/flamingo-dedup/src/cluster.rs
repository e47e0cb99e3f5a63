//! The nodes of a Ballista cluster: one scheduler, and executors that do the work. They understand the plans of this
//! version only, so that they come with the program that asks them.
//!
//! Each runs until its process ends. Anyone who reaches their ports can make them read and write files: keep them in
//! a trusted network.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::start_server;
use datafusion::execution::session_state::SessionStateBuilder;

use crate::error::{Error, Result};
use crate::memory::Budget;

/// Seconds that an executor waits for its scheduler to come up.
const CONNECT_SECONDS: u16 = 60;
/// Seconds after which an executor says again that it is there.
const HEARTBEAT_SECONDS: u64 = 10;
/// Seconds without a word after which an executor is gone.
const SILENT_SECONDS: u64 = 30;

/// The node that is asked, plans, and hands out the work.
#[derive(Clone, Debug)]
pub struct Scheduler {
    /// Where it listens.
    pub bind: IpAddr,
    /// The name or address at which executors find it.
    pub host: String,
    /// Its port: of `--cluster HOST:PORT`.
    pub port: u16,
    /// Executors that must be there for `http://HOST:PORT/readyz` to answer 200.
    pub ready_executors: usize,
}

impl Scheduler {
    /// Runs the scheduler until the process ends.
    ///
    /// # Errors
    ///
    /// When it cannot listen at its address.
    ///
    /// # Panics
    ///
    /// When called on a thread of an asynchronous runtime: it brings its own.
    pub fn run(self) -> Result<()> {
        let address = SocketAddr::new(self.bind, self.port);
        let failed = |reason: &dyn Display| node_failed("scheduler", address, reason);
        let config = SchedulerConfig {
            bind_host: self.bind.to_string(),
            bind_port: self.port,
            external_host: self.host.clone(),
            min_ready_executors: self.ready_executors,
            // Each of them works, also where one could do it all.
            task_distribution: TaskDistributionPolicy::RoundRobin,
            executor_timeout_seconds: SILENT_SECONDS,
            no_executors_grace_period_seconds: SILENT_SECONDS,
            expire_dead_executor_interval_seconds: 2,
            ..SchedulerConfig::default()
        };
        let runtime = tokio::runtime::Runtime::new().map_err(|reason| failed(&reason))?;
        runtime.block_on(async {
            let cluster = BallistaCluster::new_from_config(&config)
                .await
                .map_err(|reason| failed(&reason))?;
            start_server(cluster, address, Arc::new(config))
                .await
                .map_err(|reason| failed(&reason))
        })
    }
}

/// A node that works.
#[derive(Clone, Debug)]
pub struct Executor {
    /// The scheduler's name or address.
    pub scheduler_host: String,
    /// The scheduler's port.
    pub scheduler_port: u16,
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
    /// Runs the executor until it is told to end by the system or the scheduler.
    ///
    /// # Errors
    ///
    /// When it cannot listen at its address, or the scheduler does not answer.
    ///
    /// # Panics
    ///
    /// When called on a thread of an asynchronous runtime: it brings its own.
    pub fn run(self) -> Result<()> {
        let address = SocketAddr::new(self.bind, self.port);
        let failed = |reason: &dyn Display| node_failed("executor", address, reason);
        std::fs::create_dir_all(&self.work_dir).map_err(Error::file(&self.work_dir))?;
        let [port, grpc_port] =
            ports(self.bind, [self.port, self.work_port]).map_err(|reason| failed(&reason))?;
        let cores = self.cores.max(1);
        let engine = Budget::new(self.memory, cores)
            .runtime(&self.work_dir)
            .map_err(|reason| failed(&reason))?;
        let config = ExecutorProcessConfig {
            bind_host: self.bind.to_string(),
            external_host: Some(self.host.unwrap_or_else(|| self.bind.to_string())),
            port,
            grpc_port,
            scheduler_host: self.scheduler_host,
            scheduler_port: self.scheduler_port,
            scheduler_connect_timeout_seconds: CONNECT_SECONDS,
            executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
            vcores: cores,
            work_dir: Some(self.work_dir.to_string_lossy().into_owned()),
            // One for all its tasks, below, instead of a pool of its own for each.
            memory_pool_size: Some(0),
            override_runtime_producer: Some(Arc::new(move |_| Ok(engine.clone()))),
            override_function_registry: Some(Arc::new(functions())),
            ..ExecutorProcessConfig::default()
        };
        let runtime = tokio::runtime::Runtime::new().map_err(|reason| failed(&reason))?;
        let ended = runtime.block_on(start_executor_process(Arc::new(config)));
        ended.map_err(|reason| failed(&reason))
    }
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

fn node_failed(node: &'static str, address: SocketAddr, reason: &dyn Display) -> Error {
    Error::Node {
        node,
        address: address.to_string(),
        reason: reason.to_string(),
    }
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

    #[test]
    fn a_port_that_is_taken_is_an_error_that_names_it() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let scheduler = Scheduler {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            host: "127.0.0.1".to_owned(),
            port,
            ready_executors: 0,
        };
        let message = scheduler.run().unwrap_err().to_string();
        assert!(
            message.starts_with(&format!("scheduler at 127.0.0.1:{port}: ")),
            "{message}"
        );
    }
}
