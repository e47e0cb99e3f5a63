//! One process, watched.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::tool::{Ffmpeg, Input};
use crate::container::Container;
use crate::error::{Error, Result};

/// How often the watch looks.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes kept of what the process says.
const MOST_SAID: usize = 4096;

/// A process whose output is read; dropping it ends it.
pub(crate) struct Process {
    output: BufReader<ChildStdout>,
    watched: Arc<Watched>,
    said: Option<JoinHandle<String>>,
    watch: Option<JoinHandle<()>>,
    name: String,
    /// What the process calls it.
    file: String,
    container: Container,
    patience: Duration,
}

/// What the reading side, the listener and the watch share.
struct Watched {
    child: Mutex<Child>,
    last: Mutex<Instant>,
    is_done: Mutex<bool>,
    wake: Condvar,
    has_stalled: AtomicBool,
    was_stopped: AtomicBool,
}

impl Process {
    /// Starts a program of FFmpeg on an input.
    pub(super) fn start(
        tool: &Ffmpeg,
        program: &Path,
        arguments: &[OsString],
        input: &Input<'_>,
    ) -> Result<Self> {
        let spawned = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|source| Error::Process {
            name: input.name.to_owned(),
            program: program.display().to_string(),
            source,
        })?;
        const PIPED: &str = "a pipe was asked for";
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let watched = Arc::new(Watched {
            child: Mutex::new(child),
            last: Mutex::new(Instant::now()),
            is_done: Mutex::new(false),
            wake: Condvar::new(),
            has_stalled: AtomicBool::new(false),
            was_stopped: AtomicBool::new(false),
        });
        let errors = errors.expect(PIPED);
        let listener = Arc::clone(&watched);
        let (patience, stop) = (tool.patience, tool.stop.clone());
        let looker = Arc::clone(&watched);
        Ok(Self {
            output: BufReader::with_capacity(1 << 16, output.expect(PIPED)),
            said: Some(std::thread::spawn(move || listener.listen(errors))),
            watch: Some(std::thread::spawn(move || {
                looker.watch(patience, stop.as_deref())
            })),
            watched,
            name: input.name.to_owned(),
            file: format!("file:{}", input.path.display()),
            container: input.container,
            patience,
        })
    }

    /// What it says when it has ended: why it was ended, or how it failed; nothing if all is well.
    pub(super) fn finish(&mut self) -> Result<()> {
        let status = self.watched.ended();
        let said = self.said();
        let name = self.name.clone();
        if self.watched.was_stopped.load(Ordering::Relaxed) {
            return Err(Error::Stopped { name });
        }
        if self.watched.has_stalled.load(Ordering::Relaxed) {
            let patience = self.patience;
            return Err(Error::Stalled { name, patience });
        }
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) if said.is_empty() => {
                Err(self.broken(format!("ffmpeg ended with {status}")))
            }
            // What it was given may be a copy that no one knows.
            Ok(_) => Err(self.broken(said.replace(&self.file, &self.name))),
            Err(error) => Err(self.broken(error.to_string())),
        }
    }

    /// Why less came than should have: how the process failed or, if it did not, `otherwise`.
    pub(super) fn fell_short(mut self, otherwise: &str) -> Error {
        match self.finish() {
            Err(error) => error,
            Ok(()) => self.broken(otherwise.to_owned()),
        }
    }

    fn broken(&self, reason: String) -> Error {
        Error::Broken {
            name: self.name.clone(),
            container: self.container,
            reason,
        }
    }

    /// What it said on its error stream, once.
    fn said(&mut self) -> String {
        let said = self.said.take().map(JoinHandle::join);
        said.and_then(std::result::Result::ok).unwrap_or_default()
    }
}

impl Read for Process {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.output.read(buffer)?;
        self.watched.note();
        Ok(read)
    }
}

impl BufRead for Process {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = self.output.fill_buf()?;
        self.watched.note();
        Ok(filled)
    }

    fn consume(&mut self, amount: usize) {
        self.output.consume(amount);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watched.end();
        *lock(&self.watched.is_done) = true;
        self.watched.wake.notify_all();
        drop(self.said());
        if let Some(watch) = self.watch.take() {
            drop(watch.join());
        }
    }
}

impl Watched {
    fn note(&self) {
        *lock(&self.last) = Instant::now();
    }

    fn end(&self) {
        let mut child = lock(&self.child);
        // It may have ended by itself, which is as well.
        drop(child.kill());
        drop(child.wait());
    }

    /// Waits for its end without holding the watch off.
    fn ended(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = lock(&self.child).try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Keeps what the process says but for how far it is.
    fn listen(&self, errors: impl Read) -> String {
        let mut said = Vec::new();
        for line in BufReader::new(errors)
            .split(b'\n')
            .map_while(io::Result::ok)
        {
            self.note();
            if said.len() < MOST_SAID && !is_progress(&line) {
                said.extend_from_slice(without_speaker(&line).trim_ascii());
                said.extend_from_slice(b", ");
            }
        }
        let said = String::from_utf8_lossy(&said);
        said.trim_end_matches(", ").chars().take(500).collect()
    }

    fn watch(&self, patience: Duration, stop: Option<&AtomicBool>) {
        let mut is_done = lock(&self.is_done);
        while !*is_done {
            let waited = self.wake.wait_timeout(is_done, LOOK);
            is_done = waited.unwrap_or_else(PoisonError::into_inner).0;
            let is_stopped = stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
            let has_stalled = lock(&self.last).elapsed() > patience;
            if is_stopped || has_stalled {
                self.was_stopped.store(is_stopped, Ordering::Relaxed);
                self.has_stalled.store(has_stalled, Ordering::Relaxed);
                // Only killed: who reads waits for it.
                drop(lock(&self.child).kill());
                return;
            }
        }
    }
}

/// A line without the part of FFmpeg that says it and where that lies in memory, `[mov @ 0x5640] `.
fn without_speaker(mut line: &[u8]) -> &[u8] {
    while line.starts_with(b"[")
        && let Some(end) = line.windows(2).position(|two| two == b"] ")
        && line[..end].windows(5).any(|five| five == b" @ 0x")
    {
        line = &line[end + 2..];
    }
    line
}

/// A line of `-progress`: a key, `=`, a value.
fn is_progress(line: &[u8]) -> bool {
    let key = line.split(|byte| *byte == b'=').next().unwrap_or_default();
    key.len() < line.len()
        && key
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_says_is_told_without_addresses() {
        let said = b"[in#0 @ 0x55d1] [mov,mp4 @ 0x5640] moov atom not found";
        assert_eq!(without_speaker(said), b"moov atom not found");
        for whole in [&b"[1] of [2]"[..], b"x.mp4: Invalid data", b"["] {
            assert_eq!(without_speaker(whole), whole);
        }
    }
}
