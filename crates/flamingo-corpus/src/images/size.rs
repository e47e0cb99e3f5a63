//! Which sizes of pictures are taken.

use super::{ImagesConfig, Reason};

/// Why a picture of this size is not taken.
pub(super) fn size(width: u32, height: u32, config: &ImagesConfig) -> Option<Reason> {
    let (short, long) = (width.min(height), width.max(height));
    let pixels = u64::from(width) * u64::from(height);
    if long <= 2 {
        return Some(Reason::TrackingPixel);
    }
    if config.max_side > 0 && long > config.max_side {
        return Some(Reason::TooLarge);
    }
    if config.max_pixels > 0 && pixels > config.max_pixels {
        return Some(Reason::TooManyPixels);
    }
    if short < config.min_side {
        return Some(Reason::TooSmall);
    }
    let limit = f64::from(config.max_aspect) * f64::from(short);
    (config.max_aspect > 0.0 && f64::from(long) > limit).then_some(Reason::AspectRatio)
}
