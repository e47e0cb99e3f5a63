//! Where tests let a worker be killed: the changes of its folder fail from there on.

use std::path::Path;

use crate::error::Result;

/// Asked before each change of a folder; outside tests it never fails.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fuse {
    #[cfg(test)]
    left: Option<std::sync::Arc<std::sync::atomic::AtomicI64>>,
}

#[cfg(not(test))]
impl Fuse {
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    pub(crate) fn step(&self, _path: &Path) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Fuse {
    /// One that lets so many changes pass.
    pub(crate) fn after(steps: i64) -> Self {
        let left = Some(std::sync::Arc::new(steps.into()));
        Self { left }
    }

    pub(crate) fn step(&self, path: &Path) -> Result<()> {
        use std::sync::atomic::Ordering;
        match &self.left {
            Some(left) if left.fetch_sub(1, Ordering::SeqCst) <= 0 => {
                let killed = std::io::Error::other("killed");
                Err(crate::error::Error::file(path)(killed))
            }
            _ => Ok(()),
        }
    }
}
