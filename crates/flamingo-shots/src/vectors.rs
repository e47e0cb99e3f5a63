//! Vectors of length 1, compared by their cosine.

/// Vectors side by side, each of length 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// Width of a vector.
    pub width: usize,
    /// `[count, width]`, row-major.
    pub values: Vec<f32>,
}

impl Vectors {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Vector `at`.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.width..][..self.width]
    }

    /// Adds a vector, brought to length 1.
    ///
    /// # Errors
    /// If it has another width than those before it.
    pub fn push(&mut self, vector: &[f32]) -> Result<(), String> {
        if self.is_empty() {
            self.width = vector.len();
        }
        if vector.len() != self.width {
            return Err(format!(
                "the tower gives a vector of {} numbers behind vectors of {}",
                vector.len(),
                self.width
            ));
        }
        let square: f64 = vector.iter().map(|v| f64::from(*v).powi(2)).sum();
        let length = square.sqrt().max(f64::from(f32::MIN_POSITIVE));
        self.values
            .extend(vector.iter().map(|v| (f64::from(*v) / length) as f32));
        Ok(())
    }
}
