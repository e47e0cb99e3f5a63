//! Times and memory of a piece of work.

use std::time::Instant;

use cpu_time::ProcessTime;
use serde::Serialize;
use serde_json::Value;

/// Times of the runs of one piece of work, in seconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Times {
    pub(crate) best_s: f64,
    pub(crate) median_s: f64,
    /// Of all threads: steadier where others use the processor, too.
    pub(crate) best_cpu_s: f64,
    all_s: Vec<f64>,
}

/// Runs `work` once for nothing, then `reps` times; `before` is not counted.
pub(crate) fn time<T>(
    reps: usize,
    mut before: impl FnMut() -> T,
    mut work: impl FnMut(T),
) -> Times {
    work(before());
    let (mut all, mut cpu) = (Vec::with_capacity(reps), f64::INFINITY);
    for _ in 0..reps {
        let input = before();
        let (start, start_cpu) = (Instant::now(), ProcessTime::now());
        work(input);
        all.push(start.elapsed().as_secs_f64());
        cpu = cpu.min(start_cpu.elapsed().as_secs_f64());
    }
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    Times {
        best_s: sorted[0],
        median_s: sorted[sorted.len() / 2],
        best_cpu_s: cpu,
        all_s: all,
    }
}

/// The memory that this process has, in MiB; none where the system does not tell.
pub(crate) fn memory() -> Value {
    told("VmRSS:")
}

/// The most memory that this process ever had, in MiB; none where the system does not tell.
pub(crate) fn peak_memory() -> Value {
    told("VmHWM:")
}

fn told(what: &str) -> Value {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map_or(Value::Null, |kib| (kib / 1024).into())
}
