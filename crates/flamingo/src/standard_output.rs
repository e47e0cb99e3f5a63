//! Whether the program was started without a standard output.

use std::sync::atomic::{AtomicBool, Ordering};

static CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether standard output was closed (`>&-`) when the program was started. Rust's runtime opens `/dev/null` in its place,
/// where everything that is written would be lost without a word.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

/// Looks before that runtime starts.
#[cfg(target_os = "linux")]
extern "C" fn look() {
    use std::os::fd::AsFd;
    let closed = std::io::stdout().as_fd().try_clone_to_owned().is_err();
    CLOSED.store(closed, Ordering::Relaxed);
}

// SAFETY: functions in this section are called once, before `main`, on the only thread; this one allocates at most.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
