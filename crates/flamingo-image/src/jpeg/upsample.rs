//! Components brought to the picture's size, as libjpeg does by default ("fancy upsampling").
//!
//! A sample of half the width or height counts three quarters where it is nearest and one quarter
//! beside that; halves are rounded up and down in turn, so that no colour drifts. Other ratios,
//! components of one or two columns, and pictures at an eighth of their size repeat their samples.

/// A component's samples.
pub(super) struct Plane {
    pub(super) samples: Vec<u8>,
    /// Bytes from one row to the next.
    pub(super) stride: usize,
    /// The samples that count.
    pub(super) width: usize,
    pub(super) height: usize,
    /// Pixels that one sample stands for, across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    /// Whether they are enlarged smoothly where that is possible.
    pub(super) smooth: bool,
}

/// Space for a row of a component.
#[derive(Default)]
pub(super) struct Space {
    row: Vec<u8>,
    sums: Vec<u16>,
}

impl Plane {
    /// The samples of row `y` of the picture, of at least its width.
    #[inline(always)]
    pub(super) fn row<'a>(&'a self, y: usize, space: &'a mut Space) -> &'a [u8] {
        let near = self.line(y / self.down);
        if (self.across, self.down) == (1, 1) {
            return near;
        }
        space.row.resize(self.width * self.across, 0);
        let smooth = self.smooth && self.width > 2;
        match (self.across, self.down) {
            (1, 2) if self.smooth => {
                let bias = 1 + (y % 2) as u16;
                between(near, self.beside(y), bias, &mut space.row);
            }
            (2, 1) if smooth => across(near, &mut space.row),
            (2, 2) if smooth => {
                space.sums.resize(self.width, 0);
                both(near, self.beside(y), &mut space.sums, &mut space.row);
            }
            (times, _) => {
                for (pixels, &sample) in space.row.chunks_exact_mut(times).zip(near) {
                    pixels.fill(sample);
                }
            }
        }
        &space.row
    }

    fn line(&self, row: usize) -> &[u8] {
        &self.samples[row * self.stride..][..self.width]
    }

    /// The row of samples above or below the one of row `y`: the one that is nearer to it.
    fn beside(&self, y: usize) -> &[u8] {
        let row = y / 2;
        let beside = match y % 2 {
            0 => row.saturating_sub(1),
            _ => (row + 1).min(self.height - 1),
        };
        self.line(beside)
    }
}

/// A row of half the height.
#[inline(always)]
fn between(near: &[u8], far: &[u8], bias: u16, out: &mut [u8]) {
    for ((out, &near), &far) in out.iter_mut().zip(near).zip(far) {
        *out = ((3 * u16::from(near) + u16::from(far) + bias) >> 2) as u8;
    }
}

/// A row of half the width.
#[inline(always)]
fn across(row: &[u8], out: &mut [u8]) {
    let last = row.len() - 1;
    let (out, _) = out.as_chunks_mut::<2>();
    let beside =
        |near: u8, far: u8, bias: u16| ((3 * u16::from(near) + u16::from(far) + bias) >> 2) as u8;
    out[0] = [row[0], beside(row[0], row[1], 2)];
    for (out, near) in out[1..last].iter_mut().zip(row.windows(3)) {
        *out = [beside(near[1], near[0], 1), beside(near[1], near[2], 2)];
    }
    out[last] = [beside(row[last], row[last - 1], 1), row[last]];
}

/// A row of half the width and half the height.
#[inline(always)]
fn both(near: &[u8], far: &[u8], sums: &mut [u16], out: &mut [u8]) {
    for ((sum, &near), &far) in sums.iter_mut().zip(near).zip(far) {
        *sum = 3 * u16::from(near) + u16::from(far);
    }
    let last = sums.len() - 1;
    let (out, _) = out.as_chunks_mut::<2>();
    let beside = |near: u16, far: u16, bias: u16| ((3 * near + far + bias) >> 4) as u8;
    out[0] = [((4 * sums[0] + 8) >> 4) as u8, beside(sums[0], sums[1], 7)];
    for (out, sum) in out[1..last].iter_mut().zip(sums.windows(3)) {
        *out = [beside(sum[1], sum[0], 8), beside(sum[1], sum[2], 7)];
    }
    out[last] = [
        beside(sums[last], sums[last - 1], 8),
        ((4 * sums[last] + 7) >> 4) as u8,
    ];
}
