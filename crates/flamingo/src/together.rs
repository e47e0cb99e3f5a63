//! The processes of one training, started by MPI's launcher.

use std::collections::BTreeMap;
use std::sync::Arc;

use flamingo::corpus::launcher::Launched;
use flamingo::train::{Alone, Together};

use crate::failure::{Failure, Hint, Result};

/// Variables that MPI's launchers set in the processes that they start: Open MPI's, MPICH's, Slurm's by PMIx.
const BY_MPI: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"];

/// Joins the processes that a launcher started; a process that was started by hand is alone.
///
/// A process that is one of several by its launcher's variables and cannot join the others would train the whole recipe
/// by itself, as all the others would, and is refused.
pub(crate) fn begin() -> Result<Arc<dyn Together>> {
    let variables = variables();
    let launched = Launched::process(&variables)?;
    let together: Arc<dyn Together> =
        match BY_MPI.iter().find(|name| variables.contains_key(**name)) {
            Some(variable) => by_mpi(variable, launched)?,
            None => Arc::new(Alone),
        };
    match launched {
        Some(launched) if launched.count > 1 && together.world() == 1 => Err(stray(launched)),
        _ => Ok(together),
    }
}

/// Sees that a launcher has not started several of what is for one process.
pub(crate) fn only_one(verb: &str) -> Result<()> {
    match Launched::process(&variables())? {
        Some(launched) if launched.count > 1 => Err(Failure::new(format!(
            "{launched}: a launcher started several processes, and `flamingo {verb}` is the work of one"
        )))
        .hint("start it without the launcher, or remove these variables"),
        _ => Ok(()),
    }
}

/// The environment, but for what is no text.
pub(crate) fn variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Why one of several processes that do not know of each other must not train.
fn stray(launched: Launched) -> Failure {
    let (why, build) = match cfg!(feature = "mpi") {
        true => ("MPI has not joined them", ""),
        false => (
            "this program was built without MPI",
            "build it with --features mpi and ",
        ),
    };
    Failure {
        hint: Some(format!(
            "{build}start it by mpirun or srun --mpi=pmix; a training of one process is started without a launcher, or without \
             these variables"
        )),
        ..Failure::new(format!(
            "{launched}: a launcher started this as one of {} processes, and {why}: each would train the whole recipe into the \
             same folder",
            launched.count
        ))
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
fn by_mpi(variable: &str, launched: Option<Launched>) -> Result<Arc<dyn Together>> {
    let value = std::env::var(variable).unwrap_or_default();
    // Whether it has company, its number of processes says.
    let is_alone = variable.ends_with("SIZE") && value == "1";
    if launched.is_some() || is_alone {
        return Ok(Arc::new(Alone));
    }
    Err(Failure::new(format!(
        "{variable} is {value}: a launcher started this as one of several processes, and this program was built without MPI"
    )))
    .hint("build it with --features mpi, or start it without the launcher")
}

#[cfg(feature = "mpi")]
fn by_mpi(variable: &str, _: Option<Launched>) -> Result<Arc<dyn Together>> {
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
