//! Memory of a long run: what is freed goes back to the system.

/// Has large blocks go back as soon as they are freed, and threads share what small ones lie in.
///
/// A build makes and drops pictures and pages of all sizes. Of these the C library's allocator keeps more the longer the
/// build runs, in an arena for each thread that ever was: twice as much as is in use.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back_early() {
    const LARGE: libc::c_int = 1 << 20;
    let arenas = libc::c_int::try_from(rayon::current_num_threads()).unwrap_or(libc::c_int::MAX);
    // SAFETY: all only set a number of the allocator, under its lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, arenas);
    }
}

/// Other allocators do so by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back_early() {}
