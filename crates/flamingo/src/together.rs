//! The processes of one training, started by MPI's launcher.

use std::sync::Arc;

use flamingo::train::{Alone, Together};

use crate::failure::{Failure, Hint, Result};

/// Variables that launchers set in the processes that they start: Open MPI's, MPICH's, Slurm's by PMIx.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"];

/// Joins the processes that a launcher started; a process that was started by hand is alone.
pub(crate) fn begin() -> Result<Arc<dyn Together>> {
    match LAUNCHED
        .iter()
        .find(|name| std::env::var_os(name).is_some())
    {
        Some(variable) => launched(variable),
        None => Ok(Arc::new(Alone)),
    }
}

/// Leaves the others when all is done or all have stopped, or else stops them, so that none waits for this one.
pub(crate) fn end(together: &dyn Together, ended: Result<()>) -> Result<()> {
    #[cfg(feature = "mpi")]
    if together.world() > 1 {
        return with_mpi::end(together, ended);
    }
    let _ = together;
    ended
}

#[cfg(not(feature = "mpi"))]
fn launched(variable: &str) -> Result<Arc<dyn Together>> {
    let alone = std::env::var(variable).is_ok_and(|size| size == "1");
    if alone && variable != "PMIX_RANK" {
        return Ok(Arc::new(Alone));
    }
    Err(Failure::new(format!(
        "{variable} is set: a launcher started this as one of several processes, and this program was built without MPI"
    )))
    .hint("build it with --features mpi, or start it without the launcher")
}

#[cfg(feature = "mpi")]
fn launched(variable: &str) -> Result<Arc<dyn Together>> {
    match with_mpi::Mpi::begin() {
        Some(mpi) => Ok(Arc::new(mpi)),
        None => Err(Failure::new(format!(
            "{variable} is set, but MPI does not let several threads take turns to call it"
        )))
        .hint("use an MPI library that was built with threads"),
    }
}

#[cfg(feature = "mpi")]
mod with_mpi {
    use flamingo::train::Together;
    use mpi::Threading;
    use mpi::collective::SystemOperation;
    use mpi::environment::Universe;
    use mpi::topology::SimpleCommunicator;
    use mpi::traits::{Communicator, CommunicatorCollectives};

    use crate::failure::{Kind, Result, say};

    /// Numbers that are summed in one call, whose count MPI takes as a 32-bit integer.
    const AT_ONCE: usize = 1 << 28;

    /// The processes that MPI's launcher started.
    #[derive(Debug)]
    pub(super) struct Mpi {
        rank: usize,
        world: usize,
    }

    impl Mpi {
        pub(super) fn begin() -> Option<Self> {
            let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)?;
            let world = universe.world();
            let (rank, size) = (world.rank() as usize, world.size() as usize);
            // Its end waits for all processes, which would hang a run that one of them leaves in an error.
            std::mem::forget::<Universe>(universe);
            (threading >= Threading::Serialized).then_some(Self { rank, world: size })
        }
    }

    impl Together for Mpi {
        fn rank(&self) -> usize {
            self.rank
        }

        fn world(&self) -> usize {
            self.world
        }

        fn sum(&self, values: &mut [f32]) {
            for values in values.chunks_mut(AT_ONCE) {
                let own = values.to_vec();
                let all = SimpleCommunicator::world();
                all.all_reduce_into(&own, values, SystemOperation::sum());
            }
        }

        fn barrier(&self) {
            SimpleCommunicator::world().barrier();
        }
    }

    pub(super) fn end(together: &dyn Together, ended: Result<()>) -> Result<()> {
        match ended {
            Err(failure) if failure.kind != Kind::Stopped => {
                let (rank, world) = (together.rank(), together.world());
                let mut text = format!("error: process {rank} of {world}: {}\n", failure.message);
                if let Some(hint) = &failure.hint {
                    text += &format!("hint: {hint}\n");
                }
                say(&text);
                SimpleCommunicator::world().abort(1)
            }
            ended => {
                together.barrier();
                // SAFETY: every process calls it once, behind its last call of MPI.
                unsafe { mpi::ffi::MPI_Finalize() };
                ended
            }
        }
    }
}
