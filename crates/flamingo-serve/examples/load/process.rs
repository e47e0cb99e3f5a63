//! The program, run and watched.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::client::Connection;

/// Ticks of the system's clock for processes in a second.
const TICKS: f64 = 100.0;

/// The program and the model that it is asked for.
pub(crate) struct Program {
    pub(crate) path: String,
    /// The model in the program if none.
    pub(crate) model: Option<String>,
}

impl Program {
    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.path);
        command.arg(verb);
        if let Some(model) = &self.model {
            command.args(["--model", model]);
        }
        command
    }
}

/// `flamingo serve`, ended with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(program: &Program) -> Self {
        let mut child = program
            .command("serve")
            .args(["--port", "0", "--max-body", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().parse();
        Self {
            child,
            address: address.expect("the address that it listens at"),
        }
    }

    /// User's and system's time of all threads so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
        (ticks(11) + ticks(12)) / TICKS
    }

    /// Bytes in memory.
    pub(crate) fn resident(&self) -> u64 {
        self.status("VmRSS:") << 10
    }

    pub(crate) fn threads(&self) -> u64 {
        self.status("Threads:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// A number that the server tells.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = Connection::open(self.address).get("/metrics");
        let text = String::from_utf8(metrics.body).unwrap();
        let name = format!("flamingo_{name} ");
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(&name)).unwrap();
        value.trim().parse().unwrap()
    }

    /// Requests that are left once nothing is asked any more; 0 if all is well.
    pub(crate) fn settled(&self) -> f64 {
        let started = Instant::now();
        loop {
            let names = ["queue_requests", "engine_rows", "media_held"];
            let left: f64 = names.map(|name| self.metric(name)).iter().sum();
            if left == 0.0 || started.elapsed() > PATIENCE / 20 {
                return left;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a verb of the program on a file; returns what it prints, and its CPU seconds.
pub(crate) fn run(program: &Program, verb: &str, args: &[&str], file: &Path) -> (String, Seconds) {
    let (started, before) = (Instant::now(), children());
    let output = program
        .command(verb)
        .args(args)
        .arg(file)
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    (
        String::from_utf8(output.stdout).unwrap(),
        Seconds {
            wall: started.elapsed().as_secs_f64(),
            cpu: children() - before,
        },
    )
}

/// What something took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seconds {
    pub(crate) wall: f64,
    /// Of all threads.
    pub(crate) cpu: f64,
}

/// CPU seconds of all processes that were started here and have ended.
fn children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
    (ticks(13) + ticks(14)) / TICKS
}
