//! The node that is asked, plans, and hands out the work.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::routing::get;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::{SchedulerConfig, TaskDistributionPolicy};
use ballista_scheduler::scheduler_process::create_scheduler;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::net::TcpListener;
use tonic::service::Routes;

use crate::cluster::address::before_port;
use crate::cluster::state;
use crate::cluster::watched::{EXECUTOR_SILENT_SECONDS, Watched};
use crate::error::{Error, Result};

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
    /// Runs the scheduler until the process ends. `http://HOST:PORT/cluster` tells its executors and jobs.
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
        let failed = |reason: &dyn Display| Error::node("scheduler", address, reason);
        let runtime = tokio::runtime::Runtime::new().map_err(|reason| failed(&reason))?;
        runtime.block_on(async {
            // First, so that a taken port is told before anything else is started.
            let listener = TcpListener::bind(address)
                .await
                .map_err(|reason| failed(&reason))?;
            let server = self.server().await.map_err(|reason| failed(&reason))?;
            axum::serve(listener, server)
                .await
                .map_err(|reason| failed(&reason))
        })
    }

    /// What it answers.
    async fn server(&self) -> ballista_core::error::Result<axum::Router> {
        let config = self.config();
        let [encoded, decoded] = [
            config.grpc_server_max_encoding_message_size as usize,
            config.grpc_server_max_decoding_message_size as usize,
        ];
        let cluster = BallistaCluster::new_from_config(&config).await?;
        let server: SchedulerServer<LogicalPlanNode, PhysicalPlanNode> =
            create_scheduler(cluster, Arc::new(config)).await?;
        let ready = server.clone();
        let readiness = move || {
            std::future::ready(match ready.is_ready() {
                true => (StatusCode::OK, "ready"),
                false => (StatusCode::SERVICE_UNAVAILABLE, "too few executors"),
            })
        };
        let watched = Watched::start(Arc::new(server));
        let told = watched.clone();
        let service = SchedulerGrpcServer::new(watched)
            .max_encoding_message_size(encoded)
            .max_decoding_message_size(decoded);
        Ok(Routes::new(service)
            .into_axum_router()
            .route("/healthz", get(async || "ok"))
            .route("/readyz", get(readiness))
            .route(state::PATH, get(async move || Json(told.state()))))
    }

    fn config(&self) -> SchedulerConfig {
        SchedulerConfig {
            bind_host: before_port(&self.bind.to_string()),
            bind_port: self.port,
            external_host: before_port(&self.host),
            min_ready_executors: self.ready_executors,
            // Each of them works, also where one could do it all.
            task_distribution: TaskDistributionPolicy::RoundRobin,
            executor_timeout_seconds: EXECUTOR_SILENT_SECONDS,
            expire_dead_executor_interval_seconds: 1,
            executor_termination_grace_period: 0,
            no_executors_grace_period_seconds: 0,
            // What a client asked for is asked for again by the client, or not at all.
            task_max_failures: 1,
            stage_max_failures: 1,
            finished_job_data_clean_up_interval_seconds: 60,
            finished_job_state_clean_up_interval_seconds: 60,
            ..SchedulerConfig::default()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_port_that_is_taken_is_an_error_that_names_it() {
        let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
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
