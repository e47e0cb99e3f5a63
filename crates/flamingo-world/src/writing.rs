//! Words written on pictures, in letters of our own: three by five dots each.

use rand::Rng;

use crate::drawing::Canvas;

/// The words that are written: each is one word of the vocabulary.
pub const WRITTEN: [&str; 16] = [
    "red", "orange", "yellow", "green", "blue", "purple", "pink", "gray", "one", "two", "three",
    "four", "left", "right", "top", "bottom",
];

/// A word in white letters on a dark strip along the upper or the lower edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Writing {
    /// What it says, in lower case; it is drawn in capitals.
    pub word: &'static str,
    /// Whether the strip is at the upper edge.
    pub on_top: bool,
    /// How far to the right of the middle, as a share of the picture's side.
    pub shift: f32,
}

/// The letters from A: five rows of three dots, an octal digit each, the upper row first.
const LETTERS: [u32; 26] = [
    0o25755, 0o65656, 0o34443, 0o65556, 0o74647, 0o74644, 0o34553, 0o55755, 0o72227, 0o11152,
    0o55655, 0o44447, 0o57755, 0o65555, 0o25552, 0o65644, 0o25531, 0o65665, 0o34216, 0o72222,
    0o55557, 0o55552, 0o55775, 0o55255, 0o55222, 0o71247,
];

/// Side of a dot as a share of the picture's: at 48 pixels a dot is 2 by 2, a letter and its gap 8 wide,
/// two cells of the demo encoder's first layer.
const DOT: f32 = 2.0 / 48.0;
/// Dots from one letter to the next.
const PITCH: f32 = 4.0;
/// Dots of the strip's height: a letter, and one above and below it.
const STRIP: f32 = 7.0;
const DARK: [f32; 3] = [24.0; 3];
const LIGHT: [f32; 3] = [245.0; 3];

impl Writing {
    /// The word somewhere.
    pub(crate) fn draw(word: &'static str, rng: &mut impl Rng) -> Self {
        Self {
            word,
            on_top: rng.random(),
            shift: rng.random_range(-DOT / 2.0..=DOT / 2.0),
        }
    }

    /// The share of the picture's side that the strip takes.
    pub(crate) fn height() -> f32 {
        STRIP * DOT
    }

    pub(crate) fn lay(&self, canvas: &mut Canvas) {
        let side = canvas.side;
        let dots = |at: usize| (at as f32 + 0.5) / side as f32 / DOT;
        for row in 0..side {
            let y = match self.on_top {
                true => dots(row),
                false => STRIP - dots(side - 1 - row),
            };
            if !(0.0..STRIP).contains(&y) {
                continue;
            }
            for column in 0..side {
                let lit = self.is_lit(dots(column), y - 1.0);
                canvas.rgb[row * side + column] = if lit { LIGHT } else { DARK };
            }
        }
    }

    /// Whether a letter is at this place, in dots from the left edge and from the letters' top.
    fn is_lit(&self, x: f32, y: f32) -> bool {
        let width = PITCH * self.word.len() as f32 - 1.0;
        let x = x - (1.0 / DOT - width) / 2.0 - self.shift / DOT;
        if x < 0.0 || !(0.0..5.0).contains(&y) {
            return false;
        }
        let letter = self.word.as_bytes().get((x / PITCH) as usize);
        let Some(letter @ b'a'..=b'z') = letter else {
            return false;
        };
        let row = (LETTERS[usize::from(letter - b'a')] >> (3 * (4 - y as u32))) & 0o7;
        let column = (x % PITCH) as u32;
        column < 3 && (row >> (2 - column)) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn shown(word: &'static str, on_top: bool) -> Vec<String> {
        let mut canvas = Canvas {
            side: 24,
            rgb: vec![[100.0; 3]; 24 * 24],
        };
        let writing = Writing {
            word,
            on_top,
            shift: -DOT / 4.0, // centres of pixels lie within dots, not between them
        };
        writing.lay(&mut canvas);
        let mark = |pixel: &[f32; 3]| match *pixel {
            DARK => ' ',
            LIGHT => '#',
            _ => '.',
        };
        let rows = canvas.rgb.chunks(24);
        rows.map(|row| row.iter().map(mark).collect::<String>())
            .collect()
    }

    #[test]
    fn a_word_is_drawn_dot_by_dot_in_its_strip() {
        let rows = shown("top", true);
        let words: Vec<&str> = rows[..8].iter().map(|row| row.trim()).collect();
        assert_eq!(
            words[..7],
            [
                "",
                "###  #  ##",
                "#  # # # #",
                "#  # # ##",
                "#  # # #",
                "#   #  #",
                ""
            ]
        );
        assert_eq!(rows[7], ".".repeat(24));
        let below = shown("top", false);
        assert_eq!(below[17..], rows[..7]);
    }

    #[test]
    fn every_written_word_fits_and_no_two_look_alike() {
        let mut seen = BTreeSet::new();
        for word in WRITTEN {
            let rows = shown(word, true);
            let lit: usize = rows.iter().map(|row| row.matches('#').count()).sum();
            let dots = |letter: u8| LETTERS[usize::from(letter - b'a')].count_ones() as usize;
            assert_eq!(lit, word.bytes().map(dots).sum::<usize>(), "{word}");
            assert!(seen.insert(rows), "{word}");
        }
        let letters: BTreeSet<_> = LETTERS.into_iter().collect();
        assert_eq!(letters.len(), 26);
    }
}
