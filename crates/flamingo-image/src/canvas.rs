//! What the frames of an animation are laid on.

/// A part of a canvas.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Area {
    fn contains(&self, x: usize, y: usize) -> bool {
        (self.left..self.left + self.width).contains(&x)
            && (self.top..self.top + self.height).contains(&y)
    }
}

/// All frames so far; transparent before the first.
pub(crate) struct Canvas {
    width: usize,
    height: usize,
    /// Red, green, blue, opacity.
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl Canvas {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as usize, height as usize);
        let pixels = vec![[0; 4]; width * height];
        Self {
            width,
            height,
            pixels,
        }
    }

    /// Width and height.
    pub(crate) fn sides(&self) -> (u32, u32) {
        (self.width as u32, self.height as u32)
    }

    pub(crate) fn whole(&self) -> Area {
        Area {
            left: 0,
            top: 0,
            width: self.width,
            height: self.height,
        }
    }

    pub(crate) fn is_filled_by(&self, area: Area) -> bool {
        area.contains(0, 0) && area.contains(self.width - 1, self.height - 1)
    }

    /// Lays the rows of a frame on an area: `laid` makes a pixel of the frame's and the canvas's.
    pub(crate) fn lay<'a>(
        &mut self,
        area: Area,
        rows: impl Iterator<Item = &'a [[u8; 4]]>,
        laid: impl Fn([u8; 4], [u8; 4]) -> [u8; 4],
    ) {
        self.lay_outside(None, area, rows, laid);
    }

    /// Lays the rows of a frame on an area as [`Canvas::lay`] does; in the other one they replace what
    /// is there.
    pub(crate) fn lay_outside<'a>(
        &mut self,
        other: Option<Area>,
        area: Area,
        rows: impl Iterator<Item = &'a [[u8; 4]]>,
        laid: impl Fn([u8; 4], [u8; 4]) -> [u8; 4],
    ) {
        let lines = self.pixels.chunks_exact_mut(self.width).enumerate();
        for ((y, line), row) in lines.skip(area.top).take(area.height).zip(rows) {
            let line = line.iter_mut().enumerate().skip(area.left);
            for ((x, to), &from) in line.take(area.width).zip(row) {
                *to = match other.is_some_and(|other| other.contains(x, y)) {
                    true => from,
                    false => laid(from, *to),
                };
            }
        }
    }

    pub(crate) fn clear(&mut self, area: Area) {
        let lines = self.pixels.chunks_exact_mut(self.width);
        for line in lines.skip(area.top).take(area.height) {
            line[area.left..area.left + area.width].fill([0; 4]);
        }
    }

    /// The pixels of an area that lies on the canvas.
    pub(crate) fn copy(&self, area: Area) -> Vec<[u8; 4]> {
        let lines = self.pixels.chunks_exact(self.width);
        let lines = lines.skip(area.top).take(area.height);
        let of_area = |line: &[[u8; 4]]| line[area.left..area.left + area.width].to_vec();
        lines.flat_map(of_area).collect()
    }

    /// Whether an area lies on the canvas.
    pub(crate) fn holds(&self, area: Area) -> bool {
        area.left + area.width <= self.width && area.top + area.height <= self.height
    }
}
