//! Descriptors that this process was started with: standard output, and those that a shell opened.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

/// Standard output.
pub(crate) const STDOUT: u32 = 1;

/// The number of the descriptor that `name` stands for in the folder `folder`, whose links were followed:
/// `/dev/fd` or `/proc/PID/fd` of this process.
pub(crate) fn number(folder: &Path, name: &OsStr) -> Option<u32> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let here =
        folder == Path::new("/dev/fd") || (folder.starts_with(own) && folder.ends_with("fd"));
    here.then(|| name.to_str()?.parse().ok()).flatten()
}

/// What a message calls it.
pub(crate) fn name(number: u32) -> String {
    match number {
        STDOUT => "standard output".to_owned(),
        2 => "standard error".to_owned(),
        number => format!("descriptor {number}"),
    }
}

/// A file that writes where the descriptor writes, at the place where that is.
#[cfg(unix)]
pub(crate) fn open(number: u32) -> io::Result<File> {
    use std::os::fd::BorrowedFd;
    let number = i32::try_from(number).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: it is not negative, and is only duplicated, which fails if it is not open.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    descriptor.try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
pub(crate) fn open(_number: u32) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
