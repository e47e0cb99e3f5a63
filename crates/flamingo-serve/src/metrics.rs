//! What is counted, in the text format of Prometheus.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use std::collections::BTreeMap;
use std::sync::PoisonError;

use flamingo_engine::{Counts, Engine};

/// Upper bounds of a histogram of times, in seconds.
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

/// What a server counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    responses: Mutex<BTreeMap<(&'static str, u16), u64>>,
    request_time: Histogram,
    first_token: Histogram,
    /// Of the engine, after its last step.
    state: Mutex<State>,
    cancelled: AtomicU64,
    pub(crate) connections: AtomicUsize,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    counts: Counts,
    live: usize,
    rows: usize,
    cached: [usize; 2],
}

#[derive(Debug, Default)]
struct Histogram(Mutex<Times>);

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    buckets: [u64; BOUNDS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (bucket, bound) in times.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
        times.count += 1;
        times.sum += seconds;
    }

    fn get(&self) -> Times {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            responses: Mutex::default(),
            request_time: Histogram::default(),
            first_token: Histogram::default(),
            state: Mutex::default(),
            cancelled: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
        }
    }

    /// A request was answered with a status.
    pub(crate) fn responded(&self, route: &'static str, status: u16, time: Duration) {
        let mut responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *responses.entry((route, status)).or_default() += 1;
        drop(responses);
        self.request_time.add(time);
    }

    /// The first piece of an answer came.
    pub(crate) fn first_piece(&self, time: Duration) {
        self.first_token.add(time);
    }

    /// A client went away before its answer was whole.
    pub(crate) fn cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    /// What the engine did and holds now.
    pub(crate) fn engine(&self, engine: &Engine, live: usize) {
        let state = State {
            counts: engine.counts(),
            live,
            rows: engine.rows(),
            cached: engine.cached_bytes(),
        };
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Seconds that a request took so far, in the mean.
    pub(crate) fn mean_seconds(&self) -> f64 {
        let times = self.request_time.get();
        match times.count {
            0 => 1.0,
            count => times.sum / count as f64,
        }
    }

    /// All of it; `load` is what waits or is answered and how much may, `held` the media that requests hold.
    pub(crate) fn text(&self, load: [usize; 2], held: usize) -> String {
        let state = *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = state.counts;
        let mut text = String::new();
        let up = self.started.elapsed().as_secs_f64();
        gauge(&mut text, "uptime_seconds", "Since the server started.", up);
        let gauges = [
            (
                "queue_requests",
                "Requests that wait or are being answered.",
                load[0],
            ),
            ("queue_limit", "Most of them.", load[1]),
            (
                "engine_requests",
                "Requests that the engine has.",
                state.live,
            ),
            (
                "engine_rows",
                "Answers and beams that are being written together.",
                state.rows,
            ),
            (
                "media_held",
                "Pictures and films of requests in memory.",
                held,
            ),
            (
                "media_cache_bytes",
                "Bytes that the cache of pictures holds.",
                state.cached[0],
            ),
            (
                "prefix_cache_bytes",
                "Bytes that the cache of prompts holds.",
                state.cached[1],
            ),
            (
                "connections",
                "Open connections.",
                self.connections.load(Ordering::Relaxed),
            ),
        ];
        for (name, help, value) in gauges {
            gauge(&mut text, name, help, value as f64);
        }
        let counters = [
            (
                "media_encoded",
                "Pictures and films that were encoded.",
                counts.media_encoded,
            ),
            (
                "media_cache_hits",
                "Pictures and films that were known.",
                counts.media_known,
            ),
            (
                "prompt_tokens_read",
                "Tokens of prompts that were read.",
                counts.tokens_read,
            ),
            (
                "prompt_tokens_cached",
                "Tokens of prompts that were known.",
                counts.tokens_known,
            ),
            (
                "prompt_passes",
                "Passes of the model over prompts.",
                counts.reading_passes,
            ),
            (
                "answer_tokens",
                "Tokens of answers that were read on.",
                counts.tokens_written,
            ),
            (
                "answer_passes",
                "Passes of the model over tokens of answers.",
                counts.writing_passes,
            ),
            (
                "requests_cancelled",
                "Requests whose client went away.",
                self.cancelled.load(Ordering::Relaxed),
            ),
        ];
        for (name, help, value) in counters {
            head(&mut text, &format!("{name}_total"), help, "counter");
            line(&mut text, &format!("{name}_total"), value as f64);
        }
        self.responses(&mut text);
        let times = [
            (
                "request_seconds",
                "From a request's headers to the end of its answer's headers or body.",
                &self.request_time,
            ),
            (
                "first_token_seconds",
                "From a request's headers to the first piece of its answer.",
                &self.first_token,
            ),
        ];
        for (name, help, times) in times {
            histogram(&mut text, name, help, &times.get());
        }
        text
    }

    fn responses(&self, text: &mut String) {
        head(
            text,
            "responses_total",
            "Requests by route and status.",
            "counter",
        );
        let responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for ((route, status), count) in responses.iter() {
            let name = format!("responses_total{{route=\"{route}\",status=\"{status}\"}}");
            line(text, &name, *count as f64);
        }
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    // A text takes whatever is written to it.
    let _ = writeln!(
        text,
        "# HELP flamingo_{name} {help}\n# TYPE flamingo_{name} {kind}"
    );
}

fn line(text: &mut String, name: &str, value: f64) {
    let _ = writeln!(text, "flamingo_{name} {value}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: f64) {
    head(text, name, help, "gauge");
    line(text, name, value);
}

fn histogram(text: &mut String, name: &str, help: &str, times: &Times) {
    head(text, name, help, "histogram");
    for (bound, bucket) in BOUNDS.iter().zip(times.buckets) {
        line(
            text,
            &format!("{name}_bucket{{le=\"{bound}\"}}"),
            bucket as f64,
        );
    }
    line(
        text,
        &format!("{name}_bucket{{le=\"+Inf\"}}"),
        times.count as f64,
    );
    line(text, &format!("{name}_sum"), times.sum);
    line(text, &format!("{name}_count"), times.count as f64);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_all_times_up_to_each_bound() {
        let metrics = Metrics::new();
        for millis in [3, 30, 3000] {
            metrics.responded("/ask", 200, Duration::from_millis(millis));
        }
        metrics.first_piece(Duration::from_secs(400));
        let text = metrics.text([2, 7], 3);
        for line in [
            "flamingo_request_seconds_bucket{le=\"0.005\"} 1",
            "flamingo_request_seconds_bucket{le=\"0.05\"} 2",
            "flamingo_request_seconds_bucket{le=\"5\"} 3",
            "flamingo_request_seconds_bucket{le=\"+Inf\"} 3",
            "flamingo_first_token_seconds_bucket{le=\"300\"} 0",
            "flamingo_first_token_seconds_count 1",
            "flamingo_responses_total{route=\"/ask\",status=\"200\"} 3",
            "flamingo_queue_requests 2",
            "flamingo_queue_limit 7",
            "flamingo_media_held 3",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
