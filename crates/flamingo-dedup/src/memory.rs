//! The memory of an engine: a third for what can go to disk, the rest for what cannot.
//!
//! In one pool sorts take all that is there before a writer asks for its little, and a sort that is done with its
//! input takes its rows from the first part to the second. Merges of what went to disk take all that they are given,
//! so that their width is limited.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
    human_readable_size,
};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;

/// Runs that are merged at a time.
const MERGE_RUNS: usize = 8;
/// Merges of one partition that a statement with wide rows has at a time.
const MERGES: usize = 3;
/// Batches of each run that a merge holds: two, each with room to copy it.
const MERGE_BATCHES: usize = 4;
/// Bytes of the widest usual row: one with a signature.
const ROW_BYTES: usize = 1_200;
/// Rows at once where memory is plenty.
const MOST_ROWS: usize = 2_048;
/// Memory that a partition of a plan works well with.
const PARTITION_BYTES: usize = 128 << 20;

/// How much memory there is, and among how many it is shared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    bytes: usize,
    partitions: usize,
}

impl Budget {
    /// So many bytes for at most so many partitions of a plan at a time, but for two at least: with one the engine
    /// takes hash joins whatever it is told.
    pub(crate) fn new(bytes: u64, partitions: usize) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Budget {
            bytes,
            partitions: partitions.min(bytes / PARTITION_BYTES).max(2),
        }
    }

    /// So many tasks on a cluster, each with so many bytes.
    #[cfg(feature = "cluster")]
    pub(crate) fn of_tasks(task_bytes: u64, tasks: usize) -> Self {
        let partitions = tasks.max(2);
        let task_bytes = usize::try_from(task_bytes).unwrap_or(usize::MAX);
        Budget {
            bytes: task_bytes.saturating_mul(partitions),
            partitions,
        }
    }

    /// Bytes with which so many threads have a partition of a plan each.
    pub(crate) fn of_threads(threads: usize) -> u64 {
        (threads.max(2) * PARTITION_BYTES) as u64
    }

    /// The engine's memory and its folder for what does not fit.
    pub(crate) fn runtime(self, spill: &Path) -> Result<Arc<RuntimeEnv>> {
        RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(Memory::new(self)))
            .with_temp_file_path(spill)
            .with_max_temp_directory_size(u64::MAX)
            .with_max_spill_merge_fan_in(MERGE_RUNS)
            .build_arc()
    }

    /// The settings with which statements stay within it: sort-merge joins, for hash joins cannot go to disk, small
    /// batches, and small row groups in the tables that they make.
    pub(crate) fn settings(self, config: SessionConfig) -> Result<SessionConfig> {
        let mut config = config
            .with_target_partitions(self.partitions)
            .with_batch_size(self.rows())
            .with_sort_spill_reservation_bytes(self.share() / 64);
        let options = config.options_mut();
        options.optimizer.prefer_hash_join = false;
        options.execution.parquet.max_row_group_size = 8 * MOST_ROWS;
        options.execution.parquet.allow_single_file_parallelism = false;
        options.execution.parquet.compression = Some("lz4_raw".to_owned());
        let group_bytes = (self.bytes / 64).clamp(1 << 16, 16 << 20).to_string();
        options.set(
            "datafusion.execution.parquet.max_row_group_bytes",
            &group_bytes,
        )?;
        Ok(config)
    }

    /// Rows at once, of which merges at their full width take a third of the memory: a power of two.
    pub(crate) fn rows(self) -> usize {
        let most = self.share() / 3 / (MERGES * MERGE_RUNS * MERGE_BATCHES * ROW_BYTES);
        1 << most.clamp(32, MOST_ROWS).ilog2()
    }

    /// The memory of a partition.
    pub(crate) fn share(self) -> usize {
        self.bytes / self.partitions
    }
}

/// Memory in two parts.
#[derive(Debug)]
struct Memory {
    bytes: usize,
    spillable: FairSpillPool,
    others: GreedyMemoryPool,
}

impl Memory {
    fn new(budget: Budget) -> Self {
        let spillable = budget.bytes / 3;
        Memory {
            bytes: budget.bytes,
            spillable: FairSpillPool::new(spillable),
            others: GreedyMemoryPool::new(budget.bytes - spillable),
        }
    }

    fn part(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        match consumer.can_spill() {
            true => &self.spillable,
            false => &self.others,
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [used, limit] = [self.reserved(), self.bytes].map(human_readable_size);
        write!(formatter, "{used} of {limit}")
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "parts"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.part(consumer).register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.part(consumer).unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.part(reservation.consumer())
            .grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.part(reservation.consumer())
            .shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.part(reservation.consumer())
            .try_grow(reservation, additional)
    }

    fn reserved(&self) -> usize {
        self.spillable.reserved() + self.others.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_can_go_to_disk_leaves_two_thirds_to_what_cannot() {
        let memory: Arc<dyn MemoryPool> = Arc::new(Memory::new(Budget::new(300, 1)));
        let sort = MemoryConsumer::new("sort")
            .with_can_spill(true)
            .register(&memory);
        assert!(sort.try_grow(101).is_err());
        sort.try_grow(100).unwrap();
        let writer = MemoryConsumer::new("writer").register(&memory);
        writer.try_grow(200).unwrap();
        assert!(writer.try_grow(1).is_err());
        assert_eq!(memory.reserved(), 300);
        drop((sort, writer));
        assert_eq!(memory.reserved(), 0);
    }

    #[test]
    fn there_are_as_many_partitions_and_rows_as_memory_has_room_for() {
        let settings = |mebibytes: u64, partitions| {
            let settings = Budget::new(mebibytes << 20, partitions)
                .settings(SessionConfig::new())
                .unwrap();
            (settings.target_partitions(), settings.batch_size())
        };
        assert_eq!(settings(16, 8), (2, 32));
        assert_eq!(settings(128, 1), (2, 128));
        assert_eq!(settings(1_024, 2), (2, 1_024));
        assert_eq!(settings(1_024, 64), (8, 256));
        assert_eq!(settings(65_536, 64), (64, 2_048));
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn each_task_of_a_cluster_has_a_partition_in_pieces_that_fit_into_its_memory() {
        let settings = |task_bytes, tasks| {
            let settings = Budget::of_tasks(task_bytes, tasks)
                .settings(SessionConfig::new())
                .unwrap();
            (settings.target_partitions(), settings.batch_size())
        };
        assert_eq!(settings(256 << 20, 3), (3, 512));
        assert_eq!(settings(256 << 20, 48), (48, 512));
        assert_eq!(settings(1 << 30, 1), (2, 2_048));
        assert_eq!(settings(0, 0), (2, 32));
    }
}
