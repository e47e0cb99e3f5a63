//! Which shots a prompt has, in which order.

use flamingo_data::stream;
use flamingo_sequence::{Candidates, Document, Part};
use rand::seq::SliceRandom;

use crate::class_mean::cosine;

/// The order of shots that are all in the prompt: mixed, and the same every time.
pub(crate) fn mixed(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut stream(0, "label", &[count as u64]));
    order
}

/// The `most` shots of `pool` that are most like the query, the likest last (paper, appendix A.2: RICES).
pub(crate) fn nearest(
    query: &[f32],
    vectors: &[&[f32]],
    pool: impl Iterator<Item = usize>,
    most: usize,
) -> Vec<usize> {
    let near = pool.map(|shot| (cosine(query, vectors[shot]), shot));
    let mut near: Vec<(f32, usize)> = near.collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    near.truncate(most);
    near.iter().rev().map(|(_, shot)| *shot).collect()
}

/// A prompt of shots, each a picture and a name, and a picture to name.
pub(crate) fn prompt(
    shots: impl Iterator<Item = (String, String)>,
    query: &str,
    names: &[&str],
) -> Candidates {
    let mut parts = Vec::new();
    for (picture, name) in shots {
        parts.extend([
            Part::Image(picture),
            Part::Text(format!(" {name}")),
            Part::End,
        ]);
    }
    parts.push(Part::Image(query.to_owned()));
    Candidates {
        document: Document::new(parts),
        candidates: names.iter().map(|name| format!(" {name}")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likest_shots_are_chosen_and_the_likest_of_them_is_last() {
        let vectors: Vec<Vec<f32>> = [0.1, 0.9, 0.5, 0.7].map(|x| vec![x]).into();
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        assert_eq!(nearest(&[1.0], &vectors, 0..4, 3), [2, 3, 1]);
        assert_eq!(nearest(&[1.0], &vectors, [0, 2].into_iter(), 3), [0, 2]);
        assert_eq!(
            nearest(&[0.0], &vectors, 0..4, 2),
            [1, 0],
            "equal ones in their order"
        );
    }

    #[test]
    fn all_shots_are_there_once_in_an_order_that_stays() {
        let order = mixed(11);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..11).collect::<Vec<_>>());
        assert_ne!(order, sorted);
        assert_eq!(order, mixed(11));
    }

    #[test]
    fn a_prompt_shows_the_shots_with_their_names_and_asks_for_one() {
        let shots = [("1.png", "dax"), ("2.png", "wug")];
        let shots = shots.map(|(picture, name)| (picture.to_owned(), name.to_owned()));
        let prompt = prompt(shots.into_iter(), "3.png", &["dax", "wug"]);
        assert_eq!(prompt.candidates, [" dax", " wug"]);
        let parts = &prompt.document.parts;
        assert_eq!(parts.len(), 7);
        assert_eq!(
            (&parts[4], &parts[5]),
            (&Part::Text(" wug".into()), &Part::End)
        );
        assert_eq!(parts[6], Part::Image("3.png".into()));
    }
}
