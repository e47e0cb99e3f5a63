//! Pieces of one piece of work, on all threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does tasks `0..count`. Each thread takes the next one as soon as it is free, so that none waits long
/// at the end; a thread that the system keeps busy elsewhere takes none, and is not waited for.
pub(crate) fn for_each(count: usize, task: impl Fn(usize) + Sync) {
    let threads = rayon::current_num_threads().min(count);
    if threads <= 1 {
        return (0..count).for_each(task);
    }
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            task(number);
        }
    };
    rayon::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_task_is_done_once() {
        for count in [0, 1, 2, 97] {
            let done = Mutex::new(vec![0; count]);
            for_each(count, |task| done.lock().expect("no panic")[task] += 1);
            assert!(done.into_inner().expect("no panic").iter().all(|&n| n == 1));
        }
    }
}
