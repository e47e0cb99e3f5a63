//! Animated PNG, composed as its specification says, each value rounded to the nearest.

use std::io::Cursor;

use png::{BlendOp, ColorType, Decoder, DecodingError, DisposeOp, Reader, Transformations};

use crate::canvas::{Area, Canvas};

/// An animation that is read frame by frame.
pub(crate) struct Apng<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    pub(crate) canvas: Canvas,
    /// What is painted before the next frame.
    dispose: Option<(Area, Vec<[u8; 4]>)>,
    /// Whether the picture that comes next is none of the animation.
    is_hidden: bool,
    is_first: bool,
}

impl<'a> Apng<'a> {
    /// Reads up to the first picture. `fits` is asked for the size before anything of it is allocated;
    /// `max_bytes` bounds what the decoder allocates beside the pixels.
    pub(crate) fn open<E: From<DecodingError>>(
        bytes: &'a [u8],
        max_bytes: usize,
        fits: impl Fn(u32, u32) -> Result<(), E>,
    ) -> Result<Self, E> {
        let limits = png::Limits { bytes: max_bytes };
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(
            Transformations::EXPAND | Transformations::STRIP_16 | Transformations::ALPHA,
        );
        let (width, height) = decoder.read_header_info()?.size();
        fits(width, height)?;
        let reader = decoder.read_info()?;
        Ok(Self {
            is_hidden: reader.info().frame_control.is_none(),
            reader,
            canvas: Canvas::new(width, height),
            dispose: None,
            is_first: true,
        })
    }

    /// Paints the next frame; whether there is one.
    pub(crate) fn advance(&mut self) -> Result<bool, DecodingError> {
        if std::mem::take(&mut self.is_hidden) {
            self.reader.next_frame_info()?;
        }
        let size = self.reader.output_buffer_size();
        let mut values = vec![0; size.ok_or(DecodingError::LimitsExceeded)?];
        let found = self.reader.next_frame(&mut values)?;
        let info = self.reader.info();
        let Some(frame) = info.frame_control else {
            return Ok(false);
        };
        let area = Area {
            left: frame.x_offset as usize,
            top: frame.y_offset as usize,
            width: frame.width as usize,
            height: frame.height as usize,
        };
        // Interlaced frames are decoded into rows as long as the canvas's.
        let stride = match info.interlaced {
            true => self.reader.output_line_size(info.width),
            false => self.reader.output_line_size(frame.width),
        };
        let stride = stride.ok_or(DecodingError::LimitsExceeded)?;
        let pixels = match found.color_type {
            ColorType::GrayscaleAlpha => {
                let pairs = values.as_chunks::<2>().0.iter();
                pairs
                    .flat_map(|&[grey, alpha]| [grey, grey, grey, alpha])
                    .collect()
            }
            _ => values,
        };
        let stride = stride / found.color_type.samples();
        let rows = pixels.as_chunks::<4>().0.chunks_exact(stride);
        if let Some((area, before)) = self.dispose.take() {
            let rows = before.chunks_exact(area.width);
            self.canvas.lay(area, rows, |from, _| from);
        }
        let cleared = match frame.dispose_op {
            DisposeOp::None => None,
            DisposeOp::Previous if !self.is_first => Some(self.canvas.copy(area)),
            DisposeOp::Background | DisposeOp::Previous => {
                Some(vec![[0; 4]; area.width * area.height])
            }
        };
        self.dispose = cleared.map(|pixels| (area, pixels));
        match frame.blend_op {
            // Nothing is below the first: what cannot be seen of it keeps its colours.
            BlendOp::Over if !self.is_first => self.canvas.lay(area, rows, over),
            _ => self.canvas.lay(area, rows, |from, _| from),
        }
        self.is_first = false;
        Ok(true)
    }
}

/// A pixel over another.
fn over(above: [u8; 4], below: [u8; 4]) -> [u8; 4] {
    let [alpha, under] = [above[3], below[3]].map(u32::from);
    if alpha == 255 {
        return above;
    }
    if alpha == 0 {
        return below;
    }
    // In units of 1 / 255².
    let (share, rest) = (255 * alpha, (255 - alpha) * under);
    let sum = share + rest;
    let channel = |at: usize| {
        let value = u32::from(above[at]) * share + u32::from(below[at]) * rest;
        ((value + sum / 2) / sum) as u8
    };
    let opacity = (sum + 127) / 255;
    [channel(0), channel(1), channel(2), opacity as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opacities_add_up_and_colours_count_by_theirs() {
        let above = [200, 100, 0, 51];
        assert_eq!(over(above, [100, 0, 0, 255]), [120, 20, 0, 255]);
        // (200 * 51 + 100 * 204 * 0.4) / (51 + 204 * 0.4) = 138.46
        assert_eq!(over(above, [100, 0, 1, 102]), [138, 38, 1, 133]);
        assert_eq!(over(above, [9, 9, 9, 0]), above);
        assert_eq!(over([1, 2, 3, 0], [4, 5, 6, 7]), [4, 5, 6, 7]);
        assert_eq!(over([1, 2, 3, 255], [4, 5, 6, 7]), [1, 2, 3, 255]);
    }
}
