//! Where FFmpeg is.

use flamingo::film::Ffmpeg;

/// The `ffmpeg` and `ffprobe` that lie together in a folder of `PATH`.
pub(crate) fn find() -> Option<Ffmpeg> {
    let path = std::env::var_os("PATH")?;
    Ffmpeg::find(std::env::split_paths(&path))
}
