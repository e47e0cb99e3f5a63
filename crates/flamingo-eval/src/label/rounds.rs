//! Which shots are left out together.

/// Rounds of shots that are left out together, one of each class that has others: all classes lose alike, so that none
/// looks likelier than it will be for having more shots than the class that is right. `shots` are numbers with their
/// classes, which are below `classes`.
pub(crate) fn rounds(
    classes: usize,
    shots: impl Iterator<Item = (usize, usize)> + Clone,
) -> Vec<Vec<usize>> {
    let mut counts = vec![0; classes];
    shots.clone().for_each(|(_, class)| counts[class] += 1);
    let mut seen = vec![0; classes];
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    for (shot, class) in shots.filter(|(_, class)| counts[*class] > 1) {
        if rounds.len() == seen[class] {
            rounds.push(Vec::new());
        }
        rounds[seen[class]].push(shot);
        seen[class] += 1;
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_one_shot_of_each_class_that_has_others() {
        // Three of class 0, one of class 1, two of class 2.
        let shots = [(5, 0), (3, 2), (4, 0), (0, 1), (1, 2), (2, 0)];
        let rounds = rounds(4, shots.into_iter());
        assert_eq!(rounds, [vec![5, 3], vec![4, 1], vec![2]]);
    }

    #[test]
    fn none_is_left_out_where_each_class_has_one() {
        assert_eq!(
            rounds(2, [(0, 0), (1, 1)].into_iter()),
            Vec::<Vec<usize>>::new()
        );
    }
}
