//! How long the exact search takes among many vectors:
//!
//!     cargo run -p flamingo-shots --example nearest -- 1000000 1024 1000     # supports, width, queries

#![allow(clippy::print_stdout)]

use std::time::Instant;

use flamingo_kernels::{Backend, open_device};
use flamingo_shots::{Vectors, nearest};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn random(count: usize, width: usize, seed: u64) -> Vectors {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let length = (width as f32).sqrt();
    let values = (0..count * width).map(|_| rng.random_range(-1.7..1.7) / length);
    Vectors {
        width,
        values: values.collect(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = std::env::args().skip(1).map(|number| number.parse());
    let numbers: Vec<usize> = numbers.collect::<Result<_, _>>()?;
    let [count, width, asked] = numbers[..] else {
        return Err("give the numbers of supports, of their width, and of queries".into());
    };
    let (supports, queries) = (random(count, width, 1), random(asked, width, 2));
    let device = open_device(Backend::Cpu)?;
    let start = Instant::now();
    let found = nearest(&queries, &supports, 32, &device);
    let seconds = start.elapsed().as_secs_f64();
    let first = found.first().and_then(|list| list.first());
    println!(
        "the 32 nearest of {count} vectors of {width} numbers for {asked} queries: {seconds:.1} s, {:.1} ms a query \
         (the first query's nearest: {first:?})",
        1e3 * seconds / asked.max(1) as f64
    );
    Ok(())
}
