//! Ballista's scheduler, watched: a job ends with its client, and with the first trouble that it meets.
//!
//! Ballista lets a job run on whose client is gone, and repairs one that loses an executor, which at times never ends, or
//! ends with other rows: a stage that begins anew numbers its tasks from 0 again, and whoever has a file of that number reads
//! it, though an earlier task wrote it, of other rows. Here such a job is cancelled at once, or its result is not taken, and its
//! client, if there is one, told why. Asking again is the client's part.

use std::collections::{BTreeMap, HashMap};
use std::net::ToSocketAddrs;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ballista_core::config::BALLISTA_JOB_NAME;
use ballista_core::serde::protobuf::executor_resource::Resource;
use ballista_core::serde::protobuf::failed_task::FailedReason;
use ballista_core::serde::protobuf::job_status::Status as JobState;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpc;
use ballista_core::serde::protobuf::{self as wire, execute_query_result, task_status};
use futures::Stream;
use futures::future::join_all;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, broadcast, mpsc};
use tokio::time::{sleep, timeout};
use tonic::{Request, Response, Status};

use crate::cluster::identity::Identity;
use crate::cluster::state::{Job, Room, State, VERSION};
use crate::cluster::words::plain;

/// An executor that is silent for so long is gone: as long as clients wait for anything, for its jobs begin anew. One whose
/// process ended is noticed at once, by its port.
pub(super) const EXECUTOR_SILENT_SECONDS: u64 = 60;
/// How often executors are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How often a job is.
const FOLLOW: Duration = Duration::from_millis(20);
/// How long executors have to say that they are there.
const KNOWN_AGAIN: Duration = Duration::from_secs(5);
/// How long anything that answers takes at most.
const ANSWER: Duration = Duration::from_secs(2);

type Answer<M> = Result<Response<M>, Status>;
/// How a job goes, told until it ends.
type Told = Pin<Box<dyn Stream<Item = Result<wire::GetJobStatusResult, Status>> + Send>>;
/// Where a client is told.
type Client = mpsc::Sender<Result<wire::GetJobStatusResult, Status>>;
/// A scheduler of Ballista's, by what it answers. Its own type is so large that the compiler would take minutes to prove
/// that it can be sent to other threads.
pub(super) type Server = dyn SchedulerGrpc<ExecuteQueryPushStream = Told>;

/// A scheduler and what is seen of its cluster.
#[derive(Clone)]
pub(super) struct Watched {
    server: Arc<Server>,
    seen: Arc<Mutex<Seen>>,
    troubles: broadcast::Sender<Trouble>,
    /// Open to jobs, until all must have ended.
    gate: Arc<RwLock<()>>,
}

/// What goes through a scheduler.
#[derive(Default)]
struct Seen {
    /// Executors by identity.
    executors: BTreeMap<String, Heard>,
    /// Executors that are gone, of which nobody was told yet.
    gone: Vec<String>,
    /// Names of all executors that were lost, in their order.
    lost: Vec<String>,
    /// Names of executors in messages, also of those that are gone.
    names: HashMap<String, String>,
    /// Jobs that run.
    jobs: BTreeMap<String, Job>,
}

/// What an executor said last.
#[derive(Clone)]
struct Heard {
    when: Instant,
    /// Where it gets its work.
    address: (String, u16),
    room: Room,
}

/// Why a job cannot end well.
#[derive(Clone, Debug)]
struct Trouble {
    /// The job; `None` for all that run.
    job: Option<String>,
    reason: String,
}

/// What had gone wrong when a job began, and hears of what goes wrong since.
struct Past {
    /// Executors that were lost.
    losses: usize,
    troubles: broadcast::Receiver<Trouble>,
}

impl Past {
    /// What it has heard by now.
    fn told(&mut self) -> impl Iterator<Item = Result<Trouble, RecvError>> {
        std::iter::from_fn(|| match self.troubles.try_recv() {
            Ok(trouble) => Some(Ok(trouble)),
            Err(TryRecvError::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        })
    }
}

impl Seen {
    /// An executor, as it is named in messages.
    fn name(&self, executor: &str) -> String {
        let name = self.names.get(executor).cloned();
        name.unwrap_or_else(|| format!("executor {executor}"))
    }

    /// Notes that an executor is gone.
    fn miss(&mut self, executor: &str) {
        if self.executors.remove(executor).is_some() {
            self.lost.push(self.name(executor));
            self.gone.push(executor.to_owned());
        }
    }

    /// What all executors have together.
    fn room(&self) -> Room {
        let rooms = || self.executors.values().map(|heard| heard.room);
        Room {
            tasks: rooms().map(|room| room.tasks).sum(),
            task_bytes: rooms().map(|room| room.task_bytes).min().unwrap_or(0),
        }
    }
}

impl Watched {
    /// Watches the executors of this scheduler from now on.
    pub(super) fn start(server: Arc<Server>) -> Self {
        let watched = Watched {
            server,
            seen: Arc::default(),
            troubles: broadcast::Sender::new(64),
            gate: Arc::default(),
        };
        tokio::spawn(watched.clone().watch_executors());
        watched
    }

    /// The cluster as it is now.
    pub(super) fn state(&self) -> State {
        let seen = self.seen();
        State {
            version: VERSION.to_owned(),
            executors: seen.executors.keys().map(|id| seen.name(id)).collect(),
            room: seen.room(),
            jobs: seen.jobs.values().cloned().collect(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self, executor: &str) -> String {
        self.seen().name(executor)
    }

    fn hear(&self, executor: &wire::ExecutorRegistration) {
        let host = executor.host.clone().unwrap_or_default();
        let mut name = format!("executor {host}:{}", executor.port);
        let identity = Identity::read(&executor.id);
        if let Some(Identity { folder, .. }) = &identity {
            name += &format!(" (work folder {folder})");
        }
        let heard = Heard {
            when: Instant::now(),
            address: (host, executor.grpc_port as u16),
            room: Room {
                tasks: cores(executor),
                task_bytes: identity.map_or(0, |identity| identity.task_bytes),
            },
        };
        let mut seen = self.seen();
        // Another process that has its place.
        let before: Vec<String> = seen
            .executors
            .iter()
            .filter(|(id, there)| **id != executor.id && there.address == heard.address)
            .map(|(id, _)| id.clone())
            .collect();
        before.iter().for_each(|id| seen.miss(id));
        seen.names.insert(executor.id.clone(), name);
        seen.executors.insert(executor.id.clone(), heard);
    }

    fn tell(&self, job: Option<&str>, reason: String) {
        tracing::warn!(job, "{reason}");
        // Nobody listens where no job runs.
        let _ = self.troubles.send(Trouble {
            job: job.map(str::to_owned),
            reason,
        });
    }

    /// Looks for executors that go: whose port is closed, or that have been silent for too long.
    async fn watch_executors(self) {
        loop {
            self.look_for_lost().await;
            let gone = std::mem::take(&mut self.seen().gone);
            if !gone.is_empty() {
                self.begin_anew(&gone).await;
            }
            sleep(LOOK).await;
        }
    }

    async fn look_for_lost(&self) {
        let executors = self.seen().executors.clone();
        let looks = executors.into_iter().map(async |(id, heard)| {
            let silent = heard.when.elapsed().as_secs() >= EXECUTOR_SILENT_SECONDS;
            (silent || is_closed(heard.address).await).then_some(id)
        });
        for id in join_all(looks).await.into_iter().flatten() {
            self.seen().miss(&id);
        }
    }

    /// What speaks against the result of a job that began after so many losses: that it may have been repaired.
    async fn lost_after(&self, losses: usize) -> Option<String> {
        self.look_for_lost().await;
        let seen = self.seen();
        let lost = &seen.lost[losses..];
        (!lost.is_empty()).then(|| format!("lost {} while it ran", lost.join(" and ")))
    }

    /// Ends all jobs, and has Ballista forget all executors: of one that is lost it takes the tasks back, but those that
    /// others had begun for the same job hold their places for ever. Who is there is known again by its next word.
    async fn begin_anew(&self, gone: &[String]) {
        let names: Vec<String> = gone.iter().map(|executor| self.name(executor)).collect();
        let reason = format!("lost {}", names.join(" and "));
        let alone = self.gate.write();
        tokio::pin!(alone);
        let _alone = loop {
            self.tell(None, reason.clone());
            tokio::select! {
                alone = &mut alone => break alone,
                () = sleep(LOOK) => {}
            }
        };
        let there: Vec<String> = self.seen().executors.keys().cloned().collect();
        for executor in gone.iter().chain(&there) {
            let stopped = wire::ExecutorStoppedParams {
                executor_id: executor.clone(),
                reason: reason.clone(),
            };
            if let Err(error) = self.server.executor_stopped(Request::new(stopped)).await {
                tracing::warn!(executor, %error, "cannot take out an executor");
            }
        }
        // Which it does a moment later.
        sleep(10 * FOLLOW).await;
        let start = Instant::now();
        let is_missing = |heard: &Heard| heard.when < start;
        while start.elapsed() < KNOWN_AGAIN && self.seen().executors.values().any(is_missing) {
            sleep(FOLLOW).await;
        }
    }

    /// What is wrong where no executor is there.
    fn nobody(&self) -> Option<String> {
        let none = self.seen().executors.is_empty();
        none.then(|| "no executor is there".to_owned())
    }

    /// Tells of tasks that failed, and of those that do once more what was done.
    fn look_at(&self, executor: &str, tasks: &[wire::TaskStatus]) {
        for task in tasks {
            if task.stage_attempt_num > 0 {
                self.tell(Some(&task.job_id), "a stage began anew".to_owned());
                continue;
            }
            let failed = match &task.status {
                Some(task_status::Status::Failed(failed)) => failed,
                Some(task_status::Status::Successful(_)) => {
                    if let Some(job) = self.seen().jobs.get_mut(&task.job_id) {
                        job.done += 1;
                    }
                    continue;
                }
                _ => continue,
            };
            let reason = match &failed.failed_reason {
                // Only what was cancelled is killed.
                Some(FailedReason::TaskKilled(_)) => continue,
                Some(FailedReason::FetchPartitionError(from)) => format!(
                    "{} got nothing from {}",
                    self.name(executor),
                    self.name(&from.executor_id)
                ),
                _ => format!("{}: {}", self.name(executor), plain(&failed.error)),
            };
            self.tell(Some(&task.job_id), reason);
        }
    }

    /// Knows a job until it has ended.
    async fn keep(self, job: Job, past: Past, client: Client, _open: OwnedRwLockReadGuard<()>) {
        let id = job.id.clone();
        self.seen().jobs.insert(id.clone(), job);
        self.follow(&id, past, client).await;
        self.seen().jobs.remove(&id);
    }

    /// Tells a client how its job ends, once it does.
    async fn follow(&self, job: &str, mut past: Past, client: Client) {
        let mut last = None;
        loop {
            let trouble = tokio::select! {
                biased;
                () = client.closed() => {
                    tracing::info!(job, "its client is gone");
                    return self.cancel(job).await;
                }
                trouble = past.troubles.recv() => Some(trouble),
                () = sleep(FOLLOW) => None,
            };
            let status = match self.status(job).await {
                Ok(status) => status,
                Err(error) => {
                    let _ = client.send(Err(error)).await;
                    return self.cancel(job).await;
                }
            };
            // After it has been asked: what ended well until then was told of before.
            let troubles = trouble.into_iter().chain(past.told());
            if let Some(reason) = troubles
                .filter_map(|trouble| against(job, trouble))
                .next()
                .or(self.nobody())
            {
                let _ = client.send(Ok(failed(job, reason))).await;
                return self.cancel(job).await;
            }
            let state = status
                .status
                .as_ref()
                .and_then(|status| status.status.clone());
            match state {
                Some(JobState::Failed(end)) => {
                    let _ = client.send(Ok(failed(job, plain(&end.error)))).await;
                    return;
                }
                Some(JobState::Successful(_)) => {
                    let lost = self.lost_after(past.losses).await;
                    let told = lost.map_or(status, |reason| failed(job, reason));
                    let _ = client.send(Ok(told)).await;
                    return;
                }
                state if state == last => {}
                state => {
                    last = state;
                    let _ = client.send(Ok(status)).await;
                }
            }
        }
    }

    async fn status(&self, job: &str) -> Result<wire::GetJobStatusResult, Status> {
        let asked = wire::GetJobStatusParams {
            job_id: job.to_owned(),
        };
        let answer = self.server.get_job_status(Request::new(asked)).await?;
        Ok(answer.into_inner())
    }

    /// Cancels the job, again and again until it has ended: one that is still being planned cannot be cancelled.
    async fn cancel(&self, job: &str) {
        let asked = wire::CancelJobParams {
            job_id: job.to_owned(),
        };
        loop {
            if let Err(error) = self.server.cancel_job(Request::new(asked.clone())).await {
                tracing::warn!(job, %error, "cannot cancel a job");
                return;
            }
            sleep(10 * FOLLOW).await;
            let state = self
                .status(job)
                .await
                .ok()
                .and_then(|status| status.status?.status);
            if !matches!(state, Some(JobState::Queued(_) | JobState::Running(_))) {
                return;
            }
        }
    }
}

/// Why a job cannot end well, if that is what was told.
fn against(job: &str, told: Result<Trouble, RecvError>) -> Option<String> {
    match told {
        Ok(trouble) => {
            let concerns = trouble.job.is_none_or(|of| of == job);
            concerns.then_some(trouble.reason)
        }
        Err(RecvError::Lagged(missed)) => Some(format!("{missed} troubles came at once")),
        Err(RecvError::Closed) => None,
    }
}

fn failed(job: &str, reason: String) -> wire::GetJobStatusResult {
    let status = wire::JobStatus {
        job_id: job.to_owned(),
        status: Some(JobState::Failed(wire::FailedJob {
            error: reason,
            ..wire::FailedJob::default()
        })),
        ..wire::JobStatus::default()
    };
    wire::GetJobStatusResult {
        status: Some(status),
        flight_proxy: None,
    }
}

/// Whether its system says that nothing listens there. One that says nothing may be slow.
async fn is_closed((host, port): (String, u16)) -> bool {
    // In brackets if it is an address of IPv6.
    let address = format!("{host}:{port}");
    let resolved = tokio::task::spawn_blocking(move || address.to_socket_addrs()).await;
    let Some(address) = resolved.ok().and_then(|found| found.ok()?.next()) else {
        return false;
    };
    let connected = timeout(ANSWER, tokio::net::TcpStream::connect(address)).await;
    matches!(connected, Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused)
}

/// Methods that are Ballista's own.
macro_rules! own {
    ($($method:ident($asked:ident) -> $answer:ident;)+) => {
        #[tonic::async_trait]
        impl SchedulerGrpc for Watched {
            type ExecuteQueryPushStream = Told;

            $(async fn $method(&self, request: Request<wire::$asked>) -> Answer<wire::$answer> {
                self.server.$method(request).await
            })+

            async fn register_executor(
                &self,
                request: Request<wire::RegisterExecutorParams>,
            ) -> Answer<wire::RegisterExecutorResult> {
                let executor = request.get_ref().metadata.clone();
                let registered = self.server.register_executor(request).await?;
                executor.iter().for_each(|executor| self.hear(executor));
                Ok(registered)
            }

            async fn heart_beat_from_executor(
                &self,
                request: Request<wire::HeartBeatParams>,
            ) -> Answer<wire::HeartBeatResult> {
                let executor = request.get_ref().metadata.clone();
                let heard = self.server.heart_beat_from_executor(request).await?;
                executor.iter().for_each(|executor| self.hear(executor));
                Ok(heard)
            }

            async fn executor_stopped(
                &self,
                request: Request<wire::ExecutorStoppedParams>,
            ) -> Answer<wire::ExecutorStoppedResult> {
                self.seen().miss(&request.get_ref().executor_id);
                Ok(Response::new(wire::ExecutorStoppedResult {}))
            }

            async fn update_task_status(
                &self,
                request: Request<wire::UpdateTaskStatusParams>,
            ) -> Answer<wire::UpdateTaskStatusResult> {
                let told = request.get_ref();
                self.look_at(&told.executor_id, &told.task_status);
                self.server.update_task_status(request).await
            }

            /// Takes a job, and tells its end, or cancels it when nobody listens any more.
            async fn execute_query_push(
                &self,
                request: Request<wire::ExecuteQueryParams>,
            ) -> Answer<Told> {
                let name = name_of(request.get_ref());
                let open = self.gate.clone().read_owned().await;
                // Not before: what went wrong until now is over.
                let past = Past {
                    losses: self.seen().lost.len(),
                    troubles: self.troubles.subscribe(),
                };
                let taken = self.server.execute_query(request).await?;
                let version = taken.metadata().clone();
                let id = match taken.into_inner().result {
                    Some(execute_query_result::Result::Success(taken)) => taken.job_id,
                    refused => {
                        let reason = plain(&format!("{refused:?}"));
                        return Err(Status::invalid_argument(reason));
                    }
                };
                let (client, mut told) = mpsc::channel(16);
                let job = Job { id, name, done: 0 };
                tokio::spawn(self.clone().keep(job, past, client, open));
                let stream = futures::stream::poll_fn(move |context| told.poll_recv(context));
                let mut answer: Response<Told> = Response::new(Box::pin(stream));
                *answer.metadata_mut() = version;
                Ok(answer)
            }
        }
    };
}

own! {
    poll_work(PollWorkParams) -> PollWorkResult;
    create_update_session(CreateUpdateSessionParams) -> CreateUpdateSessionResult;
    remove_session(RemoveSessionParams) -> RemoveSessionResult;
    execute_query(ExecuteQueryParams) -> ExecuteQueryResult;
    get_job_status(GetJobStatusParams) -> GetJobStatusResult;
    get_job_metrics(GetJobMetricsParams) -> GetJobMetricsResult;
    cancel_job(CancelJobParams) -> CancelJobResult;
    clean_job_data(CleanJobDataParams) -> CleanJobDataResult;
}

/// How many tasks an executor has at a time.
fn cores(executor: &wire::ExecutorRegistration) -> usize {
    let resources = executor.specification.iter().flat_map(|all| &all.resources);
    resources
        .filter_map(|resource| resource.resource)
        .map(|Resource::Vcores(cores)| cores as usize)
        .sum()
}

/// The name that a client gave to a job.
fn name_of(query: &wire::ExecuteQueryParams) -> String {
    let mut settings = query.settings.iter();
    let named = settings.find(|setting| setting.key == BALLISTA_JOB_NAME);
    named
        .and_then(|name| name.value.clone())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpListener;

    use futures::StreamExt;

    use super::*;

    /// A scheduler that knows one job, which ends well when it is asked for the second time.
    #[derive(Default)]
    struct Fake {
        asked: Mutex<usize>,
    }

    macro_rules! unused {
        ($($method:ident($asked:ident) -> $answer:ident;)+) => {
            #[tonic::async_trait]
            impl SchedulerGrpc for Fake {
                type ExecuteQueryPushStream = Told;

                $(async fn $method(&self, _: Request<wire::$asked>) -> Answer<wire::$answer> {
                    Ok(Response::new(wire::$answer::default()))
                })+

                async fn execute_query(
                    &self,
                    _: Request<wire::ExecuteQueryParams>,
                ) -> Answer<wire::ExecuteQueryResult> {
                    let taken = wire::ExecuteQuerySuccessResult {
                        job_id: "job".to_owned(),
                        ..Default::default()
                    };
                    Ok(Response::new(wire::ExecuteQueryResult {
                        result: Some(execute_query_result::Result::Success(taken)),
                        ..Default::default()
                    }))
                }

                async fn execute_query_push(
                    &self,
                    _: Request<wire::ExecuteQueryParams>,
                ) -> Answer<Told> {
                    Err(Status::unimplemented("not asked"))
                }

                async fn get_job_status(
                    &self,
                    _: Request<wire::GetJobStatusParams>,
                ) -> Answer<wire::GetJobStatusResult> {
                    let asked = {
                        let mut asked = self.asked.lock().unwrap();
                        *asked += 1;
                        *asked
                    };
                    let state = match asked {
                        1 => JobState::Running(wire::RunningJob::default()),
                        _ => JobState::Successful(wire::SuccessfulJob::default()),
                    };
                    let status = wire::JobStatus {
                        status: Some(state),
                        ..Default::default()
                    };
                    Ok(Response::new(wire::GetJobStatusResult {
                        status: Some(status),
                        flight_proxy: None,
                    }))
                }
            }
        };
    }

    unused! {
        poll_work(PollWorkParams) -> PollWorkResult;
        register_executor(RegisterExecutorParams) -> RegisterExecutorResult;
        heart_beat_from_executor(HeartBeatParams) -> HeartBeatResult;
        executor_stopped(ExecutorStoppedParams) -> ExecutorStoppedResult;
        update_task_status(UpdateTaskStatusParams) -> UpdateTaskStatusResult;
        create_update_session(CreateUpdateSessionParams) -> CreateUpdateSessionResult;
        remove_session(RemoveSessionParams) -> RemoveSessionResult;
        get_job_metrics(GetJobMetricsParams) -> GetJobMetricsResult;
        cancel_job(CancelJobParams) -> CancelJobResult;
        clean_job_data(CleanJobDataParams) -> CleanJobDataResult;
    }

    async fn register(watched: &Watched, name: &str, port: u16) {
        let executor = wire::ExecutorRegistration {
            id: name.to_owned(),
            host: Some("127.0.0.1".to_owned()),
            port: 1,
            grpc_port: port.into(),
            ..Default::default()
        };
        let asked = wire::RegisterExecutorParams {
            metadata: Some(executor),
        };
        watched
            .register_executor(Request::new(asked))
            .await
            .unwrap();
    }

    /// A cluster with one executor, where `meanwhile` happens to a job that ends well; what the client is told at last.
    async fn told(meanwhile: impl AsyncFnOnce(&Watched, TcpListener)) -> Result<(), String> {
        let watched = Watched::start(Arc::new(Fake::default()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        register(&watched, "one", listener.local_addr().unwrap().port()).await;
        let asked = Request::new(wire::ExecuteQueryParams::default());
        let answer = watched.execute_query_push(asked).await.unwrap();
        meanwhile(&watched, listener).await;
        let told: Vec<_> = answer.into_inner().collect().await;
        let last = told.into_iter().next_back().unwrap().unwrap();
        match last.status.unwrap().status.unwrap() {
            JobState::Successful(_) => Ok(()),
            JobState::Failed(failed) => Err(failed.error),
            state => panic!("{state:?}"),
        }
    }

    #[tokio::test]
    async fn the_result_of_a_job_is_taken_if_nothing_went_wrong() {
        // The executor is there until all is told.
        let (keep, mut kept) = mpsc::channel(1);
        let told = told(async |_, listener| keep.send(listener).await.unwrap()).await;
        assert_eq!(told, Ok(()));
        assert!(kept.recv().await.is_some());
    }

    #[tokio::test]
    async fn the_result_of_a_job_that_lost_an_executor_is_not_taken() {
        let told = told(async |_, listener| drop(listener)).await;
        let reason = told.unwrap_err();
        assert!(reason.starts_with("lost executor 127.0.0.1:1"), "{reason}");
    }

    #[tokio::test]
    async fn an_executor_in_whose_place_another_one_is_was_lost() {
        let (keep, _kept) = mpsc::channel(1);
        let told = told(async |watched, listener| {
            register(watched, "two", listener.local_addr().unwrap().port()).await;
            keep.send(listener).await.unwrap();
        })
        .await;
        let reason = told.unwrap_err();
        assert!(reason.starts_with("lost executor 127.0.0.1:1"), "{reason}");
    }

    #[tokio::test]
    async fn the_result_of_a_job_whose_stage_began_anew_is_not_taken() {
        let (keep, _kept) = mpsc::channel(1);
        let told = told(async |watched, listener| {
            keep.send(listener).await.unwrap();
            let task = wire::TaskStatus {
                job_id: "job".to_owned(),
                stage_attempt_num: 1,
                ..Default::default()
            };
            let asked = wire::UpdateTaskStatusParams {
                task_status: vec![task],
                ..Default::default()
            };
            watched
                .update_task_status(Request::new(asked))
                .await
                .unwrap();
        })
        .await;
        assert_eq!(told, Err("a stage began anew".to_owned()));
    }
}
