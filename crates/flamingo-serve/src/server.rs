//! Connections: taken, bounded in number and time, and closed in order when the server is told to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use flamingo_engine::{Engine, MediaSource};
use flamingo_film::{Ffmpeg, Reader};
use flamingo_image::{Media, Wanted};
use flamingo_kernels::Device;
use flamingo_shots::ShotSet;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::app;
use crate::body::Budget;
use crate::fetch::{FetchLimits, WebFetcher};
use crate::key::ApiKey;
use crate::limits::Limits;
use crate::media::{MediaStore, in_size};
use crate::metrics::Metrics;
use crate::shots::ShotSets;
use crate::state::{Ids, ServedModel, State, now};
use crate::template::Template;
use crate::wanted::Getter;
use crate::wire::Wire;
use crate::worker::Worker;

/// Bytes of a head beside its headers, which are read so that what is a little too large is told with its size.
const HEAD_ROOM: usize = 16 << 10;
/// How long nothing is taken after taking a connection failed, as for want of files.
const REST: Duration = Duration::from_millis(100);

/// What a server is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What clients call the model.
    pub model: String,
    /// How much they may ask for.
    pub limits: Limits,
    /// How a chat becomes a prompt.
    pub template: Template,
    /// What they must know; none if anyone may ask.
    pub key: Option<ApiKey>,
    /// Whether pictures are fetched from public addresses.
    pub allow_fetch: bool,
    /// Sets of shots, by name.
    pub shots: Vec<(String, ShotSet)>,
    /// Where the vectors of their pictures are kept for other runs.
    pub vectors: Option<std::path::PathBuf>,
    /// What decodes film files.
    pub ffmpeg: Option<Ffmpeg>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            model: "flamingo".to_owned(),
            limits: Limits::default(),
            template: Template::default(),
            key: None,
            allow_fetch: false,
            shots: Vec::new(),
            vectors: None,
            ffmpeg: None,
        }
    }
}

/// The server of one model.
pub struct Server {
    state: Arc<State>,
}

/// Media of requests, and those of the server's own shots.
struct AllMedia {
    store: Arc<MediaStore>,
    shots: Vec<ShotSet>,
    reader: Reader,
}

impl MediaSource for AllMedia {
    fn media(&self, reference: &str, wanted: &Wanted) -> flamingo_engine::Result<Media> {
        match self.shots.iter().find(|set| set.has(reference)) {
            Some(set) => {
                let media = set.load(reference, &self.reader, wanted);
                let media = media.map(|media| in_size(media, wanted));
                media.map_err(flamingo_engine::Error::Media)
            }
            None => self.store.media(reference, wanted),
        }
    }

    fn version(&self, reference: &str) -> Option<String> {
        match self.shots.iter().find(|set| set.has(reference)) {
            Some(set) => set.version(reference),
            None => self.store.version(reference),
        }
    }
}

impl Server {
    /// A server, and its engine's side, which has to be run by a thread that may compute ([`Worker::run`]).
    ///
    /// # Panics
    /// If there are more than 64 sets of shots.
    pub fn new(engine: Engine, setup: Setup) -> (Self, Worker) {
        let Setup { limits, .. } = setup;
        let device = Device::flex();
        let metrics = Arc::new(Metrics::new());
        let reader = Reader {
            limits: limits.images,
            ffmpeg: setup.ffmpeg,
            ..Reader::default()
        };
        let store = MediaStore::new(reader.clone(), engine.wanted(), limits.decoded);
        let store = Arc::new(store);
        let specials = *engine.tokenizer().specials();
        let model = ServedModel {
            name: setup.model,
            created: now(),
            tokenizer: Arc::new(engine.tokenizer().clone()),
            places: engine.places(),
            ends: [Some(specials.end_of_chunk), specials.eos]
                .into_iter()
                .flatten()
                .collect(),
            fit: engine.preprocess().fit,
            gates: engine.gates(),
        };
        let shots = ShotSets::new(setup.vectors, reader.clone());
        let mut own = Vec::new();
        for (name, set) in setup.shots {
            own.push(set.clone());
            shots
                .put(&name, set, None)
                .expect("at most 64 sets, of different names");
        }
        let all = AllMedia {
            store: Arc::clone(&store),
            shots: own,
            reader,
        };
        let (worker, queue) =
            Worker::new(engine, Arc::new(all), limits.queue, Arc::clone(&metrics));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let fetch = FetchLimits {
            bytes: limits.body as u64,
            time: limits.body_time,
        };
        let state = State {
            model,
            template: setup.template,
            key: setup.key,
            queue,
            getter: Getter {
                store,
                web: setup.allow_fetch.then(|| WebFetcher::new(fetch)),
                permits: Arc::new(Semaphore::new(threads)),
            },
            shots,
            bodies: Budget::new(limits.all_bodies),
            metrics,
            device,
            ending: false.into(),
            ids: Ids::new(),
            limits,
        };
        let state = Arc::new(state);
        (Self { state }, worker)
    }

    /// The routes alone, for tests and for programs with a server of their own.
    pub fn router(&self) -> Router {
        app::router(Arc::clone(&self.state))
    }

    /// Answers until `stop` is there, then what was begun, for as long as it may take.
    ///
    /// # Errors
    /// If the listener fails for good.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let router = self.router();
        let limits = self.state.limits.clone();
        let places = Arc::new(Semaphore::new(limits.connections));
        let (end, ends) = watch::channel(false);
        let mut open = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                Some(_) = open.join_next() => continue,
                accepted = accept(&listener, &places) => accepted,
            };
            let (stream, place) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!("cannot take a connection: {error}");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            let state = Arc::clone(&self.state);
            let (router, ends) = (router.clone(), ends.clone());
            open.spawn(async move {
                state.metrics.connections.fetch_add(1, Ordering::Relaxed);
                connection(stream, router, ends, &state).await;
                state.metrics.connections.fetch_sub(1, Ordering::Relaxed);
                drop(place);
            });
        }
        drop(listener);
        self.state.ending.store(true, Ordering::Relaxed);
        // Those who listen for it may all be gone.
        let _ = end.send(true);
        let all = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(limits.drain_time, all).await.is_err() {
            let seconds = limits.drain_time.as_secs();
            tracing::warn!("{} requests were still open after {seconds} s", open.len());
        }
        open.shutdown().await;
        Ok(())
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

/// Answers the requests of a connection. A client that goes away has its request dropped with the connection.
async fn connection(
    stream: TcpStream,
    router: Router,
    mut ends: watch::Receiver<bool>,
    state: &Arc<State>,
) {
    // So that each piece of an answer is sent at once.
    let _ = stream.set_nodelay(true);
    let refusing = Arc::clone(state);
    let refuse = Box::new(move |status| app::refuse_head(&refusing, status));
    let wire = Wire::new(stream, state.limits.read_time, refuse);
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(state.limits.header_time)
        .max_buf_size(state.limits.headers + HEAD_ROOM)
        .serve_connection(TokioIo::new(wire), TowerToHyperService::new(router));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = ends.changed() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let Err(error) = ended else {
        return;
    };
    tracing::debug!("a connection ended: {error}");
    // What hyper gives up without a word, of a client that said something.
    let left = connection.into_parts();
    let status = match !left.read_buf.is_empty() {
        true if error.is_timeout() => StatusCode::REQUEST_TIMEOUT,
        true if error.is_parse() => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        _ => return,
    };
    if let Err(error) = left.io.into_inner().refuse(status).await {
        tracing::debug!("a client was gone before it was refused: {error}");
    }
}
