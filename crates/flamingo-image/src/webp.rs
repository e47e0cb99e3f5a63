//! Animated WebP, composed as libwebp's decoder of animations composes it. The background's colour
//! counts for nothing: what no frame has painted is transparent.

use crate::canvas::{Area, Canvas};
use crate::probe::{u32_le, webp_size};

/// An animation that is read frame by frame.
pub(crate) struct WebP<'a> {
    chunks: Chunks<'a>,
    pub(crate) canvas: Canvas,
    is_first: bool,
    /// Whether nothing of the canvas before the last frame is seen after it.
    was_key: bool,
    /// What is cleared before the next frame.
    cleared: Option<Area>,
}

/// A frame as the file holds it.
pub(crate) struct Stored {
    area: Area,
    is_blended: bool,
    is_cleared: bool,
    /// A file of its own with the frame's pixels.
    pub(crate) still: Vec<u8>,
}

impl<'a> WebP<'a> {
    pub(crate) fn new(bytes: &'a [u8], width: u32, height: u32) -> Self {
        Self {
            chunks: Chunks { bytes, at: 12 },
            canvas: Canvas::new(width, height),
            is_first: true,
            was_key: false,
            cleared: None,
        }
    }

    /// The next frame, if there is one.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, in words.
    pub(crate) fn next(&mut self) -> Result<Option<Stored>, String> {
        let Some((_, data)) = self.chunks.find(|(kind, _)| kind == b"ANMF") else {
            return Ok(None);
        };
        let three = |at: usize| u32_le(data, at).map(|value| value & 0x00FF_FFFF);
        let [Some(left), Some(top), Some(width), Some(height)] = [0, 3, 6, 9].map(three) else {
            return Err("a frame of it is cut short".to_owned());
        };
        let Some(&flags) = data.get(15) else {
            return Err("a frame of it is cut short".to_owned());
        };
        let (width, height) = (width + 1, height + 1);
        let area = Area {
            left: 2 * left as usize,
            top: 2 * top as usize,
            width: width as usize,
            height: height as usize,
        };
        if !self.canvas.holds(area) {
            return Err("a frame of it lies outside of the picture".to_owned());
        }
        let still = still(&data[16..], (width, height))?;
        Ok(Some(Stored {
            area,
            is_blended: flags & 2 == 0,
            is_cleared: flags & 1 != 0,
            still,
        }))
    }

    /// Lays a frame's pixels on the canvas.
    pub(crate) fn lay(&mut self, frame: &Stored, pixels: &[[u8; 4]], has_alpha: bool) {
        let cleared = self.cleared.take();
        if let Some(area) = cleared {
            self.canvas.clear(area);
        }
        let covers = self.canvas.is_filled_by(frame.area) && !(has_alpha && frame.is_blended);
        let finds_nothing =
            cleared.is_some_and(|area| self.was_key || self.canvas.is_filled_by(area));
        let is_key = self.is_first || covers || finds_nothing;
        if is_key {
            self.canvas.clear(self.canvas.whole());
        }
        let rows = pixels.chunks_exact(frame.area.width);
        match frame.is_blended && !is_key {
            // What was cleared is not blended with: that would round.
            true => self.canvas.lay_outside(cleared, frame.area, rows, over),
            false => self.canvas.lay(frame.area, rows, |from, _| from),
        }
        self.is_first = false;
        self.was_key = is_key;
        self.cleared = frame.is_cleared.then_some(frame.area);
    }
}

/// A pixel over another, in libwebp's rounding.
fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    let alpha = u32::from(above[3]);
    if alpha == 255 {
        return above;
    }
    if alpha == 0 {
        return below;
    }
    let rest = (u32::from(below[3]) * (256 - alpha)) >> 8;
    let sum = alpha + rest;
    let scale = (1 << 24) / sum;
    let channel = |at: usize| {
        let value = u32::from(above[at]) * alpha + u32::from(below[at]) * rest;
        ((value * scale) >> 24) as u8
    };
    [channel(0), channel(1), channel(2), sum as u8]
}

/// A frame's chunks as a file of their own.
fn still(data: &[u8], sides: (u32, u32)) -> Result<Vec<u8>, String> {
    let mut chunks = Chunks { bytes: data, at: 0 };
    let mut next = || chunks.next().ok_or("a frame of it has no pixels");
    let (mut kind, mut pixels) = next()?;
    let mut content = b"WEBP".to_vec();
    if kind == b"ALPH" {
        let alpha = pixels;
        (kind, pixels) = next()?;
        if kind != b"VP8 " {
            return Err("a frame of it has opacities and no colours".to_owned());
        }
        let mut header = [0; 10];
        header[0] = 0x10;
        header[4..7].copy_from_slice(&(sides.0 - 1).to_le_bytes()[..3]);
        header[7..].copy_from_slice(&(sides.1 - 1).to_le_bytes()[..3]);
        push(&mut content, b"VP8X", &header);
        push(&mut content, b"ALPH", alpha);
    }
    if !matches!(kind, b"VP8 " | b"VP8L") {
        return Err("a frame of it has no pixels".to_owned());
    }
    // Before anything of that size is allocated.
    match webp_size(kind, pixels) {
        Some(found) if found == sides => {}
        Some((width, height)) => {
            let (expected_width, expected_height) = sides;
            return Err(format!(
                "a frame of it is {width}x{height} and said to be {expected_width}x{expected_height}"
            ));
        }
        None => return Err("a frame of it is cut short".to_owned()),
    }
    push(&mut content, kind, pixels);
    let mut file = Vec::with_capacity(content.len() + 8);
    push(&mut file, b"RIFF", &content);
    Ok(file)
}

fn push(file: &mut Vec<u8>, kind: &[u8], data: &[u8]) {
    file.extend(kind);
    file.extend((data.len() as u32).to_le_bytes());
    file.extend(data);
    file.extend(&[0][..data.len() % 2]);
}

/// The chunks of a file, each with its kind.
struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = self.bytes.get(self.at..self.at + 4)?;
        let size = u32_le(self.bytes, self.at + 4)? as usize;
        let start = self.at + 8;
        let end = start.checked_add(size)?;
        self.at = end.checked_add(size % 2)?;
        Some((kind, self.bytes.get(start..end)?))
    }
}
