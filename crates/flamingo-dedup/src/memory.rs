//! The memory of the engine in the process: a part for what can go to disk, and a part for what cannot.
//!
//! In one pool, sorts take all that is there before a join or a writer asks for its little, and never give it back.

use std::fmt;

use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Memory in two parts.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    spillable: FairSpillPool,
    other: GreedyMemoryPool,
}

impl Memory {
    /// So many bytes, two thirds of them for what can go to disk.
    pub(crate) fn new(limit: usize) -> Self {
        let other = limit / 3;
        Memory {
            limit,
            spillable: FairSpillPool::new(limit - other),
            other: GreedyMemoryPool::new(other),
        }
    }

    fn part(&self, consumer: &MemoryConsumer) -> &dyn MemoryPool {
        match consumer.can_spill() {
            true => &self.spillable,
            false => &self.other,
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} bytes", self.reserved(), self.limit)
    }
}

impl MemoryPool for Memory {
    fn name(&self) -> &str {
        "two parts"
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
        self.spillable.reserved() + self.other.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_can_go_to_disk_leaves_a_third_to_what_cannot() {
        let memory: Arc<dyn MemoryPool> = Arc::new(Memory::new(300));
        let sort = MemoryConsumer::new("sort")
            .with_can_spill(true)
            .register(&memory);
        assert!(sort.try_grow(201).is_err());
        sort.try_grow(200).unwrap();
        let writer = MemoryConsumer::new("writer").register(&memory);
        writer.try_grow(100).unwrap();
        assert!(writer.try_grow(1).is_err());
        assert_eq!(memory.reserved(), 300);
        drop((sort, writer));
        assert_eq!(memory.reserved(), 0);
    }
}
