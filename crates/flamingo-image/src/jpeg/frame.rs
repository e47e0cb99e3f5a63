//! What a JPEG's frame header says, and the sizes that follow from it.

/// The picture of a file.
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) progressive: bool,
    pub(super) components: Vec<Component>,
    /// The largest sampling factors of any component, across and down.
    pub(super) h_max: u32,
    pub(super) v_max: u32,
}

/// A component: brightness, a colour difference, an ink.
#[derive(Clone, Copy)]
pub(super) struct Component {
    pub(super) id: u8,
    /// Samples across and down for `h_max` and `v_max` pixels.
    pub(super) h: u32,
    pub(super) v: u32,
    /// Its quantisation table.
    pub(super) table: usize,
    /// Its size in samples.
    pub(super) width: u32,
    pub(super) height: u32,
    /// Its size in blocks of 8x8 samples, with those that only fill the last of the frame's units.
    pub(super) blocks_across: u32,
    pub(super) blocks_down: u32,
}

impl Frame {
    /// Reads the segment of a start-of-frame marker.
    pub(super) fn new(marker: u8, segment: &[u8]) -> Result<Self, String> {
        let progressive = match marker {
            0xC0 | 0xC1 => false,
            0xC2 => true,
            0xC9 | 0xCA => return Err("it uses arithmetic coding, which is not read".into()),
            0xC3 | 0xCB => return Err("it uses lossless JPEG coding, which is not read".into()),
            _ => return Err("it uses hierarchical JPEG coding, which is not read".into()),
        };
        let &[precision, h1, h0, w1, w0, count, ref listed @ ..] = segment else {
            return Err("its frame header is too short".into());
        };
        if precision != 8 {
            return Err(format!("it has {precision} bits a sample, only 8 are read"));
        }
        let width = u32::from(u16::from_be_bytes([w1, w0]));
        let height = u32::from(u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 {
            return Err(format!("its size is {width}x{height}"));
        }
        if !matches!(count, 1 | 3 | 4) || listed.len() < 3 * usize::from(count) {
            return Err(format!(
                "it has {count} components, only 1, 3 or 4 are read"
            ));
        }
        let mut components = Vec::new();
        for entry in listed.chunks_exact(3).take(usize::from(count)) {
            let (h, v) = (u32::from(entry[1] >> 4), u32::from(entry[1] & 15));
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) || entry[2] > 3 {
                return Err(format!(
                    "a component has the sampling {h}x{v} and table {}",
                    entry[2]
                ));
            }
            components.push(Component {
                id: entry[0],
                h,
                v,
                table: entry[2].into(),
                width: 0,
                height: 0,
                blocks_across: 0,
                blocks_down: 0,
            });
        }
        let h_max = components.iter().map(|it| it.h).max().unwrap_or(1);
        let v_max = components.iter().map(|it| it.v).max().unwrap_or(1);
        for it in &mut components {
            if h_max % it.h != 0 || v_max % it.v != 0 {
                return Err(format!(
                    "a component has the sampling {}x{} of {h_max}x{v_max}, only whole ratios are read",
                    it.h, it.v
                ));
            }
            it.width = (width * it.h).div_ceil(h_max);
            it.height = (height * it.v).div_ceil(v_max);
            it.blocks_across = width.div_ceil(8 * h_max) * it.h;
            it.blocks_down = height.div_ceil(8 * v_max) * it.v;
        }
        Ok(Self {
            width,
            height,
            progressive,
            components,
            h_max,
            v_max,
        })
    }
}

impl Component {
    /// Samples across a block of a picture that is reduced so that whole components have `least`. As in
    /// libjpeg, components of fewer samples are reduced less.
    pub(super) fn side(&self, frame: &Frame, least: usize) -> usize {
        let (mut across, mut down) = (frame.h_max / self.h, frame.v_max / self.v);
        let mut side = least;
        while side < 8 && across % 2 == 0 && down % 2 == 0 {
            (side, across, down) = (2 * side, across / 2, down / 2);
        }
        side
    }

    /// Bytes from one row of samples to the next, where a block has `side` across.
    pub(super) fn stride(&self, side: usize) -> usize {
        self.blocks_across as usize * side
    }
}
