//! How tensors of a published checkpoint correspond to ours, in both directions.
//!
//! A [`Link`] says that some of their tensors hold the same numbers as some of ours: the same one,
//! one after the other (fused projections, tables in two parts), or interleaved by head. What is
//! declared once reads a checkpoint, writes one, and carries gradients back to their names.

/// Some tensors of theirs that hold the numbers of some of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Their names.
    pub theirs: Vec<String>,
    /// Our names.
    pub ours: Vec<String>,
    /// How the numbers lie.
    pub layout: Layout,
}

/// How the numbers of a [`Link`] lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Theirs one after the other are ours one after the other, row by row.
    Rows,
    /// As [`Layout::Rows`] for tables of the vocabulary, whose number of rows may differ: ours are
    /// cut off, or have rows more that are in no file.
    Vocabulary,
    /// One of theirs holds queries, keys and values (three of ours) head by head (GPT-NeoX).
    ByHead {
        /// Number of heads.
        heads: usize,
    },
    /// One of theirs is one of ours, but for the rows of each head: theirs has the two numbers that a
    /// rotary position turns together side by side, ours half a head apart (GGUF's LLaMA).
    RotaryPairs {
        /// Number of heads.
        heads: usize,
    },
    /// One matrix of theirs is one of ours transposed.
    Transposed,
}

/// Numbers that lie in one stretch both there and here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Which of [`Link::theirs`], and from which of its elements.
    pub theirs: (usize, usize),
    /// Which of [`Link::ours`], and from which of its elements.
    pub ours: (usize, usize),
    /// How many elements.
    pub length: usize,
}

impl Link {
    /// One of theirs is one of ours.
    pub fn same(theirs: impl Into<String>, ours: impl Into<String>) -> Self {
        Self::new([theirs.into()], [ours.into()], Layout::Rows)
    }

    /// Theirs one after the other are ours one after the other.
    pub fn rows<T: Into<String>, O: Into<String>>(
        theirs: impl IntoIterator<Item = T>,
        ours: impl IntoIterator<Item = O>,
    ) -> Self {
        Self::new(theirs, ours, Layout::Rows)
    }

    /// A link of any layout.
    pub fn new<T: Into<String>, O: Into<String>>(
        theirs: impl IntoIterator<Item = T>,
        ours: impl IntoIterator<Item = O>,
        layout: Layout,
    ) -> Self {
        Self {
            theirs: theirs.into_iter().map(Into::into).collect(),
            ours: ours.into_iter().map(Into::into).collect(),
            layout,
        }
    }

    /// The link with prefixes before the names of both sides.
    pub fn under(mut self, theirs: &str, ours: &str) -> Self {
        for name in &mut self.theirs {
            name.insert_str(0, theirs);
        }
        for name in &mut self.ours {
            name.insert_str(0, ours);
        }
        self
    }

    /// One tensor of theirs from ours, of these shapes: its shape and its values.
    ///
    /// # Errors
    /// If the link has several of theirs, or the shapes do not fit.
    pub fn theirs<T: Copy + Default>(
        &self,
        ours: &[(Vec<usize>, Vec<T>)],
    ) -> Result<(Vec<usize>, Vec<T>), String> {
        let shapes: Vec<Vec<usize>> = ours.iter().map(|(shape, _)| shape.clone()).collect();
        let shape = self.theirs_shape(&shapes)?;
        let mut values = vec![T::default(); elements(&shape)];
        for run in self.runs(std::slice::from_ref(&shape), &shapes)? {
            let from = &ours[run.ours.0].1[run.ours.1..][..run.length];
            values[run.theirs.1..][..run.length].copy_from_slice(from);
        }
        Ok((shape, values))
    }

    /// The shape of one tensor of theirs made of ours.
    ///
    /// # Errors
    /// If the link has several of theirs.
    pub fn theirs_shape(&self, ours: &[Vec<usize>]) -> Result<Vec<usize>, String> {
        if self.theirs.len() != 1 || ours.is_empty() {
            return Err(format!(
                "`{}` are several tensors",
                self.theirs.join("`, `")
            ));
        }
        let mut shape = ours[0].clone();
        match self.layout {
            Layout::Transposed => shape.reverse(),
            _ => {
                if let Some(first) = shape.first_mut() {
                    *first = ours.iter().filter_map(|shape| shape.first()).sum();
                }
            }
        }
        Ok(shape)
    }

    /// Where the numbers lie, in the order of ours; what of ours is in no run is in no file.
    ///
    /// # Errors
    /// If the shapes do not fit; the message has both.
    pub fn runs(&self, theirs: &[Vec<usize>], ours: &[Vec<usize>]) -> Result<Vec<Run>, String> {
        match self.layout {
            Layout::Rows => row_runs(theirs, ours, false),
            Layout::Vocabulary => row_runs(theirs, ours, true),
            Layout::ByHead { heads } => head_runs(heads, theirs, ours),
            Layout::RotaryPairs { heads } => pair_runs(heads, theirs, ours),
            Layout::Transposed => transposed_runs(theirs, ours),
        }
    }
}

/// A shape without its axes of length 1.
fn squeezed(shape: &[usize]) -> Vec<usize> {
    shape.iter().copied().filter(|&axis| axis != 1).collect()
}

fn elements(shape: &[usize]) -> usize {
    shape.iter().product()
}

fn misfit(theirs: &[Vec<usize>], ours: &[Vec<usize>]) -> String {
    let show = |shapes: &[Vec<usize>]| {
        let shapes: Vec<String> = shapes.iter().map(|shape| format!("{shape:?}")).collect();
        shapes.join(" + ")
    };
    format!("is {}, the model wants {}", show(theirs), show(ours))
}

fn row_runs(theirs: &[Vec<usize>], ours: &[Vec<usize>], resize: bool) -> Result<Vec<Run>, String> {
    let wrong = || misfit(theirs, ours);
    if let ([theirs], [ours], false) = (theirs, ours, resize)
        && squeezed(theirs) != squeezed(ours)
    {
        return Err(wrong());
    }
    let several = theirs.len() + ours.len() > 2;
    if several || resize {
        // Concatenated along the first axis: all other axes are equal, or there are no others and it
        // is one row.
        let row = ours[0].get(1..).unwrap_or_default();
        let fits = |shape: &Vec<usize>| shape.get(1..) == Some(row) || shape == row;
        if !theirs.iter().chain(ours).all(fits) {
            return Err(wrong());
        }
    }
    let total = |shapes: &[Vec<usize>]| shapes.iter().map(|s| elements(s)).sum::<usize>();
    if !resize && total(theirs) != total(ours) {
        return Err(wrong());
    }
    let (mut runs, mut at, mut offset) = (Vec::new(), 0, 0);
    for (i, shape) in ours.iter().enumerate() {
        let mut place = 0;
        while place < elements(shape) && at < theirs.len() {
            let left = elements(&theirs[at]) - offset;
            let length = left.min(elements(shape) - place);
            if length > 0 {
                runs.push(Run {
                    theirs: (at, offset),
                    ours: (i, place),
                    length,
                });
            }
            place += length;
            offset += length;
            if offset == elements(&theirs[at]) {
                (at, offset) = (at + 1, 0);
            }
        }
    }
    Ok(runs)
}

fn head_runs(heads: usize, theirs: &[Vec<usize>], ours: &[Vec<usize>]) -> Result<Vec<Run>, String> {
    let fits = theirs.len() == 1
        && ours.len() == 3
        && ours.iter().all(|shape| shape == &ours[0])
        && heads > 0
        && ours[0]
            .first()
            .is_some_and(|rows| rows.is_multiple_of(heads))
        && theirs[0].first() == ours[0].first().map(|rows| 3 * rows).as_ref()
        && theirs[0][1..] == ours[0][1..];
    if !fits {
        return Err(misfit(theirs, ours));
    }
    let length = elements(&ours[0]) / heads;
    let run = |part: usize, head: usize| Run {
        theirs: (0, (3 * head + part) * length),
        ours: (part, head * length),
        length,
    };
    Ok((0..3)
        .flat_map(|part| (0..heads).map(move |head| run(part, head)))
        .collect())
}

fn pair_runs(heads: usize, theirs: &[Vec<usize>], ours: &[Vec<usize>]) -> Result<Vec<Run>, String> {
    let ([theirs_shape], [ours_shape]) = (theirs, ours) else {
        return Err(misfit(theirs, ours));
    };
    let rows = ours_shape.first().copied().unwrap_or(0);
    if theirs_shape != ours_shape || heads == 0 || !rows.is_multiple_of(2 * heads) {
        return Err(misfit(theirs, ours));
    }
    let width = elements(&ours_shape[1..]);
    let half = rows / heads / 2;
    let run = |row: usize| {
        let (head, side, pair) = (row / (2 * half), row / half % 2, row % half);
        Run {
            theirs: (0, (2 * (head * half + pair) + side) * width),
            ours: (0, row * width),
            length: width,
        }
    };
    Ok((0..rows).map(run).collect())
}

fn transposed_runs(theirs: &[Vec<usize>], ours: &[Vec<usize>]) -> Result<Vec<Run>, String> {
    let ([theirs_shape], [ours_shape]) = (theirs, ours) else {
        return Err(misfit(theirs, ours));
    };
    let ([rows, columns], [a, b]) = (&theirs_shape[..], &ours_shape[..]) else {
        return Err(misfit(theirs, ours));
    };
    if (rows, columns) != (b, a) {
        return Err(misfit(theirs, ours));
    }
    let run = |i: usize, j: usize| Run {
        theirs: (0, i * columns + j),
        ours: (0, j * rows + i),
        length: 1,
    };
    Ok((0..*columns)
        .flat_map(|j| (0..*rows).map(move |i| run(i, j)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries numbers from theirs to ours by the runs.
    fn carry(link: &Link, theirs: &[(&[usize], &[i32])], ours: &[&[usize]]) -> Vec<Vec<i32>> {
        let shapes: Vec<Vec<usize>> = theirs.iter().map(|(shape, _)| shape.to_vec()).collect();
        let wanted: Vec<Vec<usize>> = ours.iter().map(|shape| shape.to_vec()).collect();
        let mut values: Vec<Vec<i32>> = wanted.iter().map(|s| vec![0; elements(s)]).collect();
        for run in link.runs(&shapes, &wanted).expect("fits") {
            let from = &theirs[run.theirs.0].1[run.theirs.1..][..run.length];
            values[run.ours.0][run.ours.1..][..run.length].copy_from_slice(from);
        }
        values
    }

    #[test]
    fn a_fused_projection_is_taken_apart() {
        let link = Link::rows(["kv"], ["k", "v"]);
        let values = carry(&link, &[(&[4, 1], &[1, 2, 3, 4])], &[&[3, 1], &[1, 1]]);
        assert_eq!(values, [vec![1, 2, 3], vec![4]]);
    }

    #[test]
    fn two_tables_become_one_and_a_longer_one_keeps_rows_of_zeros() {
        let link = Link::new(["a", "b"], ["c"], Layout::Vocabulary);
        let theirs: [(&[usize], &[i32]); 2] = [(&[2, 2], &[1, 2, 3, 4]), (&[1, 2], &[5, 6])];
        assert_eq!(carry(&link, &theirs, &[&[3, 2]]), [[1, 2, 3, 4, 5, 6]]);
        assert_eq!(
            carry(&link, &theirs, &[&[4, 2]]),
            [[1, 2, 3, 4, 5, 6, 0, 0]]
        );
        assert_eq!(carry(&link, &theirs, &[&[1, 2]]), [[1, 2]]);
    }

    #[test]
    fn a_vector_can_be_every_row_of_a_table() {
        let link = Link::rows(["bias", "bias"], ["table"]);
        let theirs: [(&[usize], &[i32]); 2] = [(&[3], &[1, 2, 3]), (&[3], &[1, 2, 3])];
        assert_eq!(carry(&link, &theirs, &[&[2, 3]]), [[1, 2, 3, 1, 2, 3]]);
    }

    #[test]
    fn queries_keys_and_values_of_each_head_are_sorted_apart() {
        let link = Link::new(["qkv"], ["q", "k", "v"], Layout::ByHead { heads: 2 });
        let theirs: Vec<i32> = (0..12).collect();
        let values = carry(&link, &[(&[12], &theirs)], &[&[4], &[4], &[4]]);
        assert_eq!(values, [[0, 1, 6, 7], [2, 3, 8, 9], [4, 5, 10, 11]]);
    }

    #[test]
    fn numbers_that_turn_together_are_moved_half_a_head_apart() {
        let link = Link::new(["q"], ["q"], Layout::RotaryPairs { heads: 2 });
        let theirs: Vec<i32> = (0..16).collect();
        let values = carry(&link, &[(&[8, 2], &theirs)], &[&[8, 2]]);
        let rows = [0, 2, 1, 3, 4, 6, 5, 7];
        let expected: Vec<i32> = rows.iter().flat_map(|row| [2 * row, 2 * row + 1]).collect();
        assert_eq!(values, [expected]);
        assert!(link.runs(&[vec![6, 2]], &[vec![6, 2]]).is_err());
    }

    #[test]
    fn a_matrix_is_transposed() {
        let link = Link::new(["a"], ["b"], Layout::Transposed);
        let values = carry(&link, &[(&[2, 3], &[1, 2, 3, 4, 5, 6])], &[&[3, 2]]);
        assert_eq!(values, [[1, 4, 2, 5, 3, 6]]);
    }

    #[test]
    fn axes_of_length_one_do_not_matter_but_all_others_do() {
        let link = Link::same("a", "b");
        assert!(link.runs(&[vec![3, 1, 1]], &[vec![3]]).is_ok());
        assert!(link.runs(&[vec![]], &[vec![1]]).is_ok());
        let error = link.runs(&[vec![2, 3]], &[vec![3, 2]]).expect_err("misfit");
        assert_eq!(error, "is [2, 3], the model wants [3, 2]");
    }
}
