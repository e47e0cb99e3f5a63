//! Memory of a model's passes: what is freed stays with the process, up to a bound.

/// Has blocks of up to 32 MiB come from memory that was freed before, of which 256 MiB are kept.
///
/// A layer makes and drops tensors of some megabytes. By itself the C library's allocator gives them back each time, and
/// the system clears their pages again for the next one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn keep_freed() {
    // SAFETY: both only set a number of the allocator, under its lock.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 32 << 20);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 256 << 20);
    }
}

/// Other allocators do so by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn keep_freed() {}
