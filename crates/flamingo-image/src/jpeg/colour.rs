//! Components to red, green and blue, with libjpeg's rounding and, for inks, Pillow's.

/// What the components of a picture are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    /// Brightness and two differences of colour (JFIF).
    Ycc,
    Rgb,
    /// Inks, stored the other way round, as Adobe does.
    Cmyk,
    /// The first three inks as brightness and differences.
    Ycck,
}

impl Colours {
    /// What libjpeg takes the components for.
    pub(super) fn of(ids: &[u8], jfif: bool, adobe: Option<u8>) -> Self {
        match (ids, adobe) {
            ([_], _) => Self::Grey,
            ([_, _, _], _) if jfif => Self::Ycc,
            ([_, _, _], Some(0)) => Self::Rgb,
            ([_, _, _], Some(_)) => Self::Ycc,
            (b"RGB", None) => Self::Rgb,
            ([_, _, _], None) => Self::Ycc,
            (_, None | Some(0)) => Self::Cmyk,
            (_, Some(_)) => Self::Ycck,
        }
    }

    /// The pixels of a row.
    #[inline(always)]
    pub(super) fn row<const WIDE: bool>(self, rows: [&[u8]; 4], out: &mut [u8]) {
        let (out, _) = out.as_chunks_mut::<3>();
        match self {
            Self::Grey => {
                for (pixel, &grey) in out.iter_mut().zip(rows[0]) {
                    *pixel = [grey; 3];
                }
            }
            Self::Rgb | Self::Cmyk => {
                let colours = rows[0].iter().zip(rows[1]).zip(rows[2]);
                for (pixel, ((&red, &green), &blue)) in out.iter_mut().zip(colours) {
                    *pixel = [red, green, blue];
                }
            }
            Self::Ycc | Self::Ycck => ycc::<WIDE>(rows, out),
        }
        if matches!(self, Self::Cmyk | Self::Ycck) {
            for (pixel, &light) in out.iter_mut().zip(rows[3]) {
                *pixel = pixel.map(|value| through_black(self, value, light));
            }
        }
    }
}

/// A colour under black ink: `light` is what that lets through, stored as 255 less the ink.
fn through_black(colours: Colours, value: u8, light: u8) -> u8 {
    // Of YCCK, the transform back gave the colour of the paper less the ink; of CMYK, the value
    // stored is that.
    let ink = match colours {
        Colours::Ycck => u32::from(value),
        _ => u32::from(255 - value),
    };
    let product = ink * u32::from(light) + 128;
    let taken = (product + (product >> 8)) >> 8;
    light.saturating_sub(taken as u8)
}

#[inline(always)]
fn ycc<const WIDE: bool>(rows: [&[u8]; 4], out: &mut [[u8; 3]]) {
    #[cfg(target_arch = "x86_64")]
    let done = if WIDE {
        // SAFETY: `WIDE` is given by functions that have these instructions alone.
        unsafe { wide::ycc(rows, out) }
    } else {
        0
    };
    #[cfg(not(target_arch = "x86_64"))]
    let done = 0;
    let [y, cb, cr] = [rows[0], rows[1], rows[2]].map(|row| &row[done..]);
    let components = y.iter().zip(cb).zip(cr);
    for (pixel, ((&y, &cb), &cr)) in out[done..].iter_mut().zip(components) {
        *pixel = rgb(y, cb, cr);
    }
}

/// ITU-R BT.601 at full range, in 16-bit fixed point.
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    let red = y + ((91_881 * cr + HALF) >> 16);
    let green = y + ((-22_554 * cb - 46_802 * cr + HALF) >> 16);
    let blue = y + ((116_130 * cb + HALF) >> 16);
    [red, green, blue].map(|value| value.clamp(0, 255) as u8)
}

#[cfg(target_arch = "x86_64")]
mod wide {
    //! The same with AVX2, 16 pixels at a time.

    use std::arch::x86_64::*;

    /// Writes as many pixels as make whole vectors, and says how many.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn ycc(rows: [&[u8]; 4], out: &mut [[u8; 3]]) -> usize {
        let (ys, _) = rows[0].as_chunks::<16>();
        let (cbs, _) = rows[1].as_chunks::<16>();
        let (crs, _) = rows[2].as_chunks::<16>();
        let (pixels, _) = out.as_chunks_mut::<16>();
        let mut done = 0;
        for (((pixels, y), cb), cr) in pixels.iter_mut().zip(ys).zip(cbs).zip(crs) {
            let (y, cb, cr) = (widened(y), widened(cb), widened(cr));
            let colours = colours(y, centred(cb), centred(cr));
            let shuffled = interleaved(colours);
            // SAFETY: 16 pixels are 48 bytes.
            unsafe {
                let to = pixels.as_mut_ptr().cast::<__m128i>();
                _mm_storeu_si128(to, shuffled[0]);
                _mm_storeu_si128(to.add(1), shuffled[1]);
                _mm_storeu_si128(to.add(2), shuffled[2]);
            }
            done += 16;
        }
        done
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn widened(bytes: &[u8; 16]) -> __m256i {
        // SAFETY: the bytes are 16.
        _mm256_cvtepu8_epi16(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn centred(values: __m256i) -> __m256i {
        _mm256_sub_epi16(values, _mm256_set1_epi16(128))
    }

    /// Red, green and blue, clipped to bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn colours(y: __m256i, cb: __m256i, cr: __m256i) -> [__m128i; 3] {
        // Constants over 1/2 are taken apart into a whole number and the rest: 1.402 = 1 + 0.402,
        // 1.772 = 2 - 0.228, -0.71414 = -1 + 0.28586, each with 16 bits of fraction.
        let red = _mm256_add_epi16(cr, rounded(cr, 26_345));
        let blue = _mm256_add_epi16(_mm256_add_epi16(cb, cb), rounded(cb, -14_942));
        let parts = [_mm256_unpacklo_epi16(cb, cr), _mm256_unpackhi_epi16(cb, cr)];
        let [low, high] = parts.map(|pairs| {
            let by = _mm256_set1_epi32((-22_554 & 0xFFFF) | 18_734 << 16);
            let sum = _mm256_add_epi32(_mm256_madd_epi16(pairs, by), _mm256_set1_epi32(1 << 15));
            _mm256_srai_epi32::<16>(sum)
        });
        let green = _mm256_sub_epi16(_mm256_packs_epi32(low, high), cr);
        [red, green, blue].map(|value| {
            let value = _mm256_add_epi16(y, value);
            _mm_packus_epi16(
                _mm256_castsi256_si128(value),
                _mm256_extracti128_si256::<1>(value),
            )
        })
    }

    /// `x * by / 65536`, rounded; exact, as the doubled value's lowest bit is 0.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn rounded(x: __m256i, by: i16) -> __m256i {
        let twice = _mm256_mulhi_epi16(_mm256_add_epi16(x, x), _mm256_set1_epi16(by));
        _mm256_srai_epi16::<1>(_mm256_add_epi16(twice, _mm256_set1_epi16(1)))
    }

    /// Three vectors of bytes, one of each in turn.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn interleaved(colours: [__m128i; 3]) -> [__m128i; 3] {
        std::array::from_fn(|part| {
            let [red, green, blue] = std::array::from_fn(|colour| {
                // SAFETY: the places are 16.
                let places = unsafe { _mm_loadu_si128(PLACES[part][colour].as_ptr().cast()) };
                _mm_shuffle_epi8(colours[colour], places)
            });
            _mm_or_si128(_mm_or_si128(red, green), blue)
        })
    }

    /// For each third of the bytes and each colour: which of the colour's bytes goes where.
    const PLACES: [[[i8; 16]; 3]; 3] = {
        let mut places = [[[-1; 16]; 3]; 3];
        let mut byte = 0;
        while byte < 48 {
            places[byte / 16][byte % 3][byte % 16] = (byte / 3) as i8;
            byte += 1;
        }
        places
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_instructions_give_the_same_colours_for_all_values() {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            let all: Vec<u8> = (0..=255).collect();
            for cb in 0..=255 {
                for cr in 0..=255 {
                    let (cbs, crs) = ([cb; 256], [cr; 256]);
                    let mut out = [[0; 3]; 256];
                    // SAFETY: the instructions are there.
                    let done = unsafe { wide::ycc([&all, &cbs, &crs, &[]], &mut out) };
                    assert_eq!(done, 256);
                    for (y, pixel) in (0..=255).zip(out) {
                        assert_eq!(pixel, rgb(y, cb, cr), "{y} {cb} {cr}");
                    }
                }
            }
        }
    }

    #[test]
    fn colours_are_told_as_libjpeg_tells_them() {
        let ids = [1, 2, 3, 4];
        assert_eq!(Colours::of(&ids[..1], true, Some(1)), Colours::Grey);
        assert_eq!(Colours::of(&ids[..3], true, Some(0)), Colours::Ycc);
        assert_eq!(Colours::of(&ids[..3], false, Some(0)), Colours::Rgb);
        assert_eq!(Colours::of(b"RGB", false, None), Colours::Rgb);
        assert_eq!(Colours::of(b"RGB", true, None), Colours::Ycc);
        assert_eq!(Colours::of(&ids, false, None), Colours::Cmyk);
        assert_eq!(Colours::of(&ids, true, Some(2)), Colours::Ycck);
    }

    #[test]
    fn black_ink_takes_light_from_all_colours() {
        assert_eq!(through_black(Colours::Cmyk, 255, 255), 255);
        assert_eq!(through_black(Colours::Cmyk, 255, 40), 40);
        assert_eq!(through_black(Colours::Cmyk, 0, 255), 0);
        assert_eq!(through_black(Colours::Cmyk, 127, 0), 0);
    }
}
