//! The nearest vectors, exactly.

use flamingo_kernels::{Device, affine, floats};
use rayon::prelude::*;

use crate::Vectors;

/// Queries that are compared at once.
const QUERIES: usize = 64;
/// Supports that are compared at once: bounds the memory of a block of cosines.
const SUPPORTS: usize = 1 << 16;

/// For each query the numbers of its `most` nearest among `supports`, the most similar first; of equal ones the first
/// in order. By a product on the device, block by block.
pub fn nearest(
    queries: &Vectors,
    supports: &Vectors,
    most: usize,
    device: &Device,
) -> Vec<Vec<usize>> {
    let width = queries.width;
    let mut found: Vec<Vec<(f32, usize)>> = vec![Vec::new(); queries.len()];
    if width == 0 || most == 0 {
        return vec![Vec::new(); queries.len()];
    }
    for (block, values) in supports.values.chunks(SUPPORTS * width).enumerate() {
        let count = values.len() / width;
        let table = floats(values.to_vec(), [count, width], device);
        for (chunk, rows) in queries.values.chunks(QUERIES * width).enumerate() {
            let asked = floats(rows.to_vec(), [rows.len() / width, width], device);
            let cosines = affine(asked, table.clone(), None)
                .into_data()
                .convert::<f32>();
            let cosines: Vec<f32> = cosines.try_to_vec().expect("converted to f32");
            let lists = &mut found[chunk * QUERIES..][..rows.len() / width];
            lists
                .par_iter_mut()
                .zip(cosines.par_chunks(count))
                .for_each(|(list, cosines)| merge(list, cosines, block * SUPPORTS, most));
        }
    }
    let numbers = |list: Vec<(f32, usize)>| list.into_iter().map(|(_, at)| at).collect();
    found.into_iter().map(numbers).collect()
}

/// The best of a list and of a block that begins at `start`.
fn merge(list: &mut Vec<(f32, usize)>, cosines: &[f32], start: usize, most: usize) {
    let nearer = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    list.extend(
        cosines
            .iter()
            .enumerate()
            .map(|(at, &cosine)| (cosine, start + at)),
    );
    if list.len() > most {
        list.select_nth_unstable_by(most - 1, nearer);
        list.truncate(most);
    }
    list.sort_by(nearer);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_data::stream;
    use flamingo_kernels::{Backend, open_device};
    use rand::Rng;

    use super::*;

    fn random(count: usize, seed: u64) -> Vectors {
        let mut rng = stream(seed, "vectors", &[]);
        let mut vectors = Vectors::default();
        for _ in 0..count {
            let vector: Vec<f32> = (0..11).map(|_| rng.random_range(-1.0..1.0)).collect();
            vectors.push(&vector).unwrap();
        }
        vectors
    }

    #[test]
    fn the_nearest_are_those_of_a_plain_search_and_equals_stand_in_order() {
        let device = open_device(Backend::Cpu).unwrap();
        let (queries, mut supports) = (random(67, 1), random(193, 2));
        // Twice the same support.
        let first = supports.row(3).to_vec();
        supports.push(&first).unwrap();
        let found = nearest(&queries, &supports, 7, &device);
        for (query, found) in found.iter().enumerate() {
            let cosine = |at: usize| -> f64 {
                let pairs = queries.row(query).iter().zip(supports.row(at));
                pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let mut plain: Vec<usize> = (0..supports.len()).collect();
            plain.sort_by(|&a, &b| cosine(b).total_cmp(&cosine(a)).then(a.cmp(&b)));
            assert_eq!(found, &plain[..7], "query {query}");
        }
        let itself = nearest(&supports, &supports, 2, &device);
        assert_eq!((itself[3][0], itself[193][0]), (3, 3));
        assert!(nearest(&queries, &supports, 0, &device)[0].is_empty());
        assert_eq!(nearest(&queries, &random(5, 3), 9, &device)[0].len(), 5);
    }
}
