//! Who asks a cluster: waits for what is not there, says so, and gives up after a while; asks again what failed.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use datafusion::error::DataFusionError;
use tokio::time::sleep;

use crate::cluster::address::Address;
use crate::cluster::state::{PATH, Room, State, VERSION};
use crate::cluster::words::plain;
use crate::error::{Error, Result};

/// How often a statement is asked for.
const ATTEMPTS: u32 = 3;
/// How long the cluster has to notice what went wrong, after the second failure twice as long.
const SETTLE: Duration = Duration::from_millis(1_500);
/// How often the scheduler is asked what it is doing.
const LOOK: Duration = Duration::from_millis(300);
/// How long it may take to answer that.
const ANSWER: Duration = Duration::from_secs(5);
/// How often waiting is said again.
const SAY: Duration = Duration::from_secs(10);
/// A task may take so many times as long as nothing at all may go on.
const TASK_PATIENCE: u32 = 10;

/// One that asks the scheduler at an address.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    scheduler: Address,
    patience: Duration,
    /// The name of its jobs.
    name: String,
    agent: ureq::Agent,
    /// Batches of results that came.
    received: Arc<AtomicU64>,
}

/// What came of asking the scheduler what it is doing.
enum Asked {
    Told(State),
    /// Nobody answers, at least not now.
    Silent(String),
    /// Whoever answers is no scheduler of this program.
    Stranger(String),
}

/// What a client waits for.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Scheduler,
    Executor,
}

/// Waiting with an end.
struct Wait<'a> {
    client: &'a Client,
    start: Instant,
    said: Option<(Missing, Instant)>,
}

impl Client {
    /// A client that waits so long at most where nothing goes on.
    pub(crate) fn new(scheduler: Address, patience: Duration) -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER))
            .proxy(None)
            .build();
        Client {
            scheduler,
            patience,
            name: String::new(),
            agent: agent.into(),
            received: Arc::default(),
        }
    }

    /// The client with a name for its jobs, which no other client has.
    pub(crate) fn named(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// The name of its jobs.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where it asks.
    pub(crate) fn scheduler(&self) -> &Address {
        &self.scheduler
    }

    /// Notes that a part of a result came.
    pub(crate) fn receive(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the scheduler.
    ///
    /// # Errors
    ///
    /// When it does not answer in time, or something else does.
    pub(crate) async fn wait_for_scheduler(&self) -> Result<()> {
        self.until(|_| true).await.map(drop)
    }

    /// Asks for a statement, and again if that fails on the cluster: what failed has left nothing that is used. `plan`
    /// is told each time what the executors have together.
    ///
    /// # Errors
    ///
    /// When scheduler or executors do not come, nothing goes on for too long, or `work` has failed too often.
    pub(crate) async fn run<T>(
        &self,
        statement: &'static str,
        plan: impl Fn(Room) -> Result<()>,
        work: impl AsyncFn() -> Result<T>,
    ) -> Result<T> {
        let mut attempt = 1;
        loop {
            let state = self.until(|state| !state.executors.is_empty()).await?;
            plan(state.room)?;
            // Whoever loses is dropped; the scheduler cancels jobs that nobody listens to.
            let outcome = tokio::select! {
                outcome = work() => outcome,
                error = self.watch(statement) => Err(error),
            };
            match outcome {
                Err(Error::Cluster { reason, .. }) if attempt < ATTEMPTS => {
                    tracing::warn!(
                        "statement {statement}: {reason}; asking the cluster again, {attempt} of {} times",
                        ATTEMPTS - 1
                    );
                    // One that dies is noticed within a second: it is not to be asked a second time.
                    sleep(SETTLE * attempt).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// The error of a statement that failed on the cluster.
    pub(crate) fn failed(&self, statement: &'static str, source: &DataFusionError) -> Error {
        self.trouble(statement, plain(&source.to_string()))
    }

    fn trouble(&self, statement: &'static str, reason: String) -> Error {
        Error::Cluster {
            statement,
            scheduler: self.scheduler.to_string(),
            folder: self.name.clone(),
            reason,
        }
    }

    /// Waits for a scheduler that is in a state.
    async fn until(&self, enough: impl Fn(&State) -> bool) -> Result<State> {
        let mut wait = Wait {
            client: self,
            start: Instant::now(),
            said: None,
        };
        loop {
            match self.ask().await {
                Asked::Told(state) if state.version != VERSION => {
                    return Err(Error::OtherVersion {
                        scheduler: self.scheduler.to_string(),
                        theirs: state.version,
                        ours: VERSION,
                    });
                }
                Asked::Told(state) if enough(&state) => return Ok(state),
                Asked::Told(_) => wait.for_(Missing::Executor, "none is there")?,
                Asked::Silent(reason) => wait.for_(Missing::Scheduler, &reason)?,
                Asked::Stranger(reason) => {
                    return Err(Error::NoScheduler {
                        address: self.scheduler.to_string(),
                        reason,
                    });
                }
            }
            sleep(LOOK).await;
        }
    }

    /// Returns when nothing has gone on for too long. A result that does not come, of a job that has ended, is trouble of
    /// the executor that holds it: another may have it when it is asked for again.
    async fn watch(&self, statement: &'static str) -> Error {
        let (mut last, mut since) = (None, Instant::now());
        loop {
            sleep(LOOK).await;
            let asked = self.ask().await;
            let job = match &asked {
                Asked::Told(state) => state.jobs.iter().find(|job| job.name == self.name),
                _ => None,
            };
            let now = Some((
                job.map(|job| (job.id.clone(), job.done)),
                self.received.load(Ordering::Relaxed),
            ));
            // A scheduler that does not answer has done nothing.
            if now != last && matches!(asked, Asked::Told(_)) {
                (last, since) = (now, Instant::now());
            }
            let idle = since.elapsed();
            let limit = match job {
                // Its tasks may take as long as they need, within reason.
                Some(_) => self.patience * TASK_PATIENCE,
                None => self.patience,
            };
            if idle > limit {
                let seconds = idle.as_secs();
                let reason = match (&asked, job) {
                    (Asked::Silent(reason) | Asked::Stranger(reason), _) => reason,
                    (Asked::Told(_), Some(_)) => "no task ended",
                    (Asked::Told(_), None) => {
                        let reason =
                            format!("an executor did not hand over its result, for {seconds} s");
                        return self.trouble(statement, reason);
                    }
                };
                return self.stalled(statement, format!("{reason}, for {seconds} s"));
            }
        }
    }

    fn stalled(&self, statement: &'static str, reason: String) -> Error {
        Error::Stalled {
            statement,
            scheduler: self.scheduler.to_string(),
            reason,
        }
    }

    async fn ask(&self) -> Asked {
        let (agent, url) = (
            self.agent.clone(),
            format!("http://{}{PATH}", self.scheduler),
        );
        let asked = tokio::task::spawn_blocking(move || {
            let text = agent.get(&url).call()?.body_mut().read_to_string()?;
            Ok(serde_json::from_str(&text))
        });
        match asked.await {
            Ok(Ok(Ok(state))) => Asked::Told(state),
            Ok(Ok(Err(_)) | Err(ureq::Error::StatusCode(_) | ureq::Error::Protocol(_))) => {
                Asked::Stranger("what answers there is no scheduler of this program".to_owned())
            }
            Ok(Err(ureq::Error::Io(error))) => Asked::Silent(words(&error)),
            Ok(Err(ureq::Error::Timeout(_))) => Asked::Silent("it does not answer".to_owned()),
            Ok(Err(ureq::Error::HostNotFound)) => Asked::Silent("no such host".to_owned()),
            Ok(Err(error)) => Asked::Silent(error.to_string()),
            Err(error) => Asked::Silent(error.to_string()),
        }
    }
}

impl Wait<'_> {
    /// Says that it waits, now and then.
    ///
    /// # Errors
    ///
    /// When that has been long enough.
    fn for_(&mut self, missing: Missing, reason: &str) -> Result<()> {
        let (waited, limit) = (self.start.elapsed(), self.client.patience);
        let what = match missing {
            Missing::Scheduler => format!("the scheduler at {} ({reason})", self.client.scheduler),
            Missing::Executor => {
                format!(
                    "an executor of the scheduler at {} ({reason})",
                    self.client.scheduler
                )
            }
        };
        if waited >= limit {
            return Err(Error::Waited {
                what,
                seconds: waited.as_secs(),
                next: missing.next(&self.client.scheduler).to_string(),
            });
        }
        let due = self
            .said
            .is_none_or(|(said, when)| said != missing || when.elapsed() >= SAY);
        if due {
            tracing::warn!(
                "waiting for {what}: {} of at most {} s",
                waited.as_secs(),
                limit.as_secs()
            );
            self.said = Some((missing, Instant::now()));
        }
        Ok(())
    }
}

impl Missing {
    /// The command that brings it.
    fn next(self, scheduler: &Address) -> impl fmt::Display {
        match self {
            Missing::Scheduler => format!(
                "start it there (flamingo corpus cluster scheduler --port {}), or say where it is",
                scheduler.port()
            ),
            Missing::Executor => format!(
                "start one (flamingo corpus cluster executor --scheduler {scheduler} --work-dir DIR)"
            ),
        }
    }
}

/// What the system says, without its number.
fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::pending;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// A scheduler that has an executor and no job.
    fn idle_scheduler() -> Address {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let room = Room {
            tasks: 1,
            task_bytes: 1 << 20,
        };
        let state = State {
            version: VERSION.to_owned(),
            executors: vec!["executor 127.0.0.1:7".to_owned()],
            room,
            jobs: Vec::new(),
        };
        let body = serde_json::to_string(&state).unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1_024]);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        address.parse().unwrap()
    }

    #[tokio::test]
    async fn a_result_that_does_not_come_is_asked_for_again() {
        let client = Client::new(idle_scheduler(), Duration::from_millis(400));
        let asked = AtomicU32::new(0);
        let work = async || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => pending().await,
            _ => Ok(7),
        };
        let seven = client.run("pairs", |_| Ok(()), work).await.unwrap();
        assert_eq!((seven, asked.into_inner()), (7, 2));
        let never = client
            .run("pairs", |_| Ok(()), async || pending::<Result<()>>().await)
            .await;
        let message = never.unwrap_err().to_string();
        assert!(
            message.contains("statement pairs") && message.contains("did not hand over its result"),
            "{message}"
        );
    }
}
