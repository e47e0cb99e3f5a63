//! What the frozen encoder says of pictures and films: computed once before the training, or batch by batch where
//! a source is read as it goes; and kept on disk for the next run where the recipe names a folder for that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flamingo_data::{Library, Opened};
use flamingo_film::Ffmpeg;
use flamingo_image::{Image, Media as Loaded, Preprocess, Wanted};
use flamingo_kernels::{Device, Precision, Tensor, TensorData};
use flamingo_model::ENCODED_AT_ONCE;
use flamingo_model::vision::VisionEncoder;
use half::f16;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use crate::batches::Feed;
use crate::{Error, Observer, Result};

/// What the frozen encoder says of one picture or film.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Features {
    pub(crate) frames: usize,
    /// `[frames, S, Dv]`, in half the memory.
    pub(crate) values: Vec<f16>,
}

impl Features {
    /// The mean over frames and positions, of `width` numbers.
    pub(crate) fn pooled(&self, width: usize) -> Vec<f32> {
        let mut mean = vec![0.0; width];
        let count = (self.values.len() / width).max(1) as f32;
        for position in self.values.chunks_exact(width) {
            let pairs = mean.iter_mut().zip(position);
            pairs.for_each(|(sum, x)| *sum += x.to_f32() / count);
        }
        mean
    }
}

/// A picture or film on its way to its features.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Prepared {
    /// They lay in the folder of features.
    Known(Features),
    /// What the encoder is to be shown.
    Pixels {
        frames: usize,
        /// `[frames, 3, size, size]`.
        values: Vec<f32>,
        /// Where the features are to lie.
        keep: Option<PathBuf>,
    },
}

impl Default for Prepared {
    fn default() -> Self {
        Prepared::Pixels {
            frames: 0,
            values: Vec::new(),
            keep: None,
        }
    }
}

/// What is done before the encoder: on any thread, without a device.
#[derive(Debug)]
pub(crate) struct Preparing {
    pub(crate) preprocess: Preprocess,
    pub(crate) cache: Option<FeatureCache>,
}

impl Preparing {
    pub(crate) fn prepare(&self, media: Loaded) -> Prepared {
        let frames = match media {
            Loaded::Image(image) => vec![image],
            Loaded::Film(film) => film.frames,
        };
        let keep = self.cache.as_ref().map(|cache| cache.path(&frames));
        let known = self.cache.iter().zip(&keep);
        if let Some(features) = known
            .filter_map(|(cache, path)| cache.get(path, frames.len()))
            .next()
        {
            return Prepared::Known(features);
        }
        let pixels: Vec<Vec<f32>> = frames
            .iter()
            .map(|image| self.preprocess.pixels(image))
            .collect();
        Prepared::Pixels {
            frames: frames.len(),
            values: pixels.concat(),
            keep,
        }
    }
}

/// The frozen encoder at work.
pub(crate) struct Encode {
    /// Without one, of pictures their pixels are kept, `[frames, 3, h, w]`.
    pub(crate) encoder: Option<VisionEncoder>,
    pub(crate) preparing: Arc<Preparing>,
    /// Frames of a film at most, where a source does not say it.
    pub(crate) frames: usize,
    pub(crate) ffmpeg: Option<Ffmpeg>,
    /// Of the encoder.
    pub(crate) precision: Precision,
    pub(crate) device: Device,
}

impl Encode {
    /// The features of all media of the sources that lie in memory, and for each source and sample which of them
    /// it shows.
    #[allow(clippy::type_complexity)]
    pub(crate) fn all(
        &self,
        feeds: &mut [Feed],
        observer: &mut dyn Observer,
    ) -> Result<(Vec<Features>, Vec<Vec<Vec<usize>>>)> {
        let mut library = Library::default();
        let mut media = Vec::new();
        for feed in feeds {
            if feed.stream.is_some() {
                media.push(Vec::new());
                continue;
            }
            let (path, name) = (feed.spec.path.clone(), feed.spec.name.clone());
            let what = match self.encoder {
                Some(_) => "encoding",
                None => "reading",
            };
            let encode = |loaded: Vec<Loaded>, done, all| {
                observer.stage(&format!("{what} the pictures of {name}"), done, all);
                let prepared = loaded.into_par_iter();
                let prepared = prepared.map(|media| self.preparing.prepare(media));
                self.features(prepared.collect())
            };
            let opened = Opened {
                reader: &feed.spec.reader(self.ffmpeg.as_ref()),
                wanted: &self.wanted(feed),
            };
            media.push(library.load(&mut feed.source, &path, opened, ENCODED_AT_ONCE, encode)?);
        }
        Ok((library.items, media))
    }

    /// What of a source's media is looked at.
    pub(crate) fn wanted(&self, feed: &Feed) -> Wanted {
        Wanted::of(feed.spec.sampling(self.frames), &self.preparing.preprocess)
    }

    /// The features of some media; those that were made are put into the folder of features.
    pub(crate) fn features(&self, media: Vec<Prepared>) -> Result<Vec<Features>> {
        let mut pixels: Vec<f32> = Vec::new();
        for media in &media {
            if let Prepared::Pixels { values, .. } = media {
                pixels.extend(values);
            }
        }
        let size = self.preparing.preprocess.size;
        let (of_picture, pictures) = (3 * size * size, pixels.len() / (3 * size * size));
        let mut values: Vec<f16> = Vec::new();
        for pixels in pixels.chunks(ENCODED_AT_ONCE * of_picture) {
            match &self.encoder {
                Some(encoder) => {
                    values.extend(encode(encoder, pixels, size, self.precision, &self.device));
                }
                None => values.extend(pixels.iter().copied().map(f16::from_f32)),
            }
        }
        let of_frame = values.len() / pictures.max(1);
        let mut rest = values.as_slice();
        let finished = media.into_iter().map(|media| match media {
            Prepared::Known(features) => Ok(features),
            Prepared::Pixels { frames, keep, .. } => {
                let (own, after) = rest.split_at(frames * of_frame);
                rest = after;
                let features = Features {
                    frames,
                    values: own.to_vec(),
                };
                if let Some(path) = keep {
                    put(&path, &features)?;
                }
                Ok(features)
            }
        });
        finished.collect()
    }
}

fn encode(
    encoder: &VisionEncoder,
    pixels: &[f32],
    size: usize,
    precision: Precision,
    device: &Device,
) -> Vec<f16> {
    let shape = [pixels.len() / (3 * size * size), 3, size, size];
    let data = TensorData::new(pixels.to_vec(), shape);
    let pixels: Tensor<4> = Tensor::from_data(data, device);
    let features = encoder.forward(pixels.cast(precision.dtype()));
    let read: Vec<f32> = features
        .into_data()
        .convert::<f32>()
        .try_to_vec()
        .expect("converted to f32");
    read.into_iter().map(f16::from_f32).collect()
}

/// A folder of features, a file for each picture or film. Its name is a hash of the pixels and of what the
/// encoder makes of a picture of its own: another encoder, or another size of pictures, has other files. It
/// holds the XXH3 checksum of what follows, then the values, all in little-endian.
#[derive(Debug)]
pub(crate) struct FeatureCache {
    folder: PathBuf,
    encoder: [u8; 32],
    /// Values of a frame.
    of_frame: usize,
}

impl FeatureCache {
    pub(crate) fn open(
        folder: &Path,
        encoder: &VisionEncoder,
        preprocess: &Preprocess,
        precision: Precision,
        device: &Device,
    ) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let side = preprocess.size as u32;
        let probe = Image::from_fn(side, side / 2 + 1, |x, y| {
            [(x * y) as u8, (7 * x + 3 * y) as u8, (x / 3 * 11) as u8]
        });
        let pixels = preprocess.pixels(&probe);
        let features = encode(encoder, &pixels, preprocess.size, precision, device);
        let mut hash = Sha256::new();
        hash.update(serde_json::to_vec(preprocess).expect("it is plain data"));
        hash.update(bytes(&features));
        Ok(Self {
            folder: folder.to_path_buf(),
            encoder: hash.finalize().into(),
            of_frame: features.len(),
        })
    }

    fn path(&self, frames: &[Image]) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(self.encoder);
        for frame in frames {
            hash.update(frame.width.to_le_bytes());
            hash.update(frame.height.to_le_bytes());
            hash.update(&frame.rgb);
            // Between them is what tells one from the next.
            hash.update(format!("{:?}{}", frame.stored, frame.alpha.is_some()));
            hash.update(frame.alpha.as_deref().unwrap_or_default());
        }
        self.folder.join(format!("{:x}.f16", hash.finalize()))
    }

    /// A file that is not there, not whole or damaged is as none.
    fn get(&self, path: &Path, frames: usize) -> Option<Features> {
        let file = std::fs::read(path).ok()?;
        let (checksum, bytes) = file.split_first_chunk()?;
        let values: Vec<f16> = bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|pair| f16::from_le_bytes(*pair))
            .collect();
        let is_whole = bytes.len() == 2 * frames * self.of_frame
            && xxh3_64(bytes) == u64::from_le_bytes(*checksum);
        is_whole.then_some(Features { frames, values })
    }
}

fn put(path: &Path, features: &Features) -> Result<()> {
    let bytes = with_checksum(&bytes(&features.values));
    Ok(flamingo_files::write(path, &bytes)?)
}

fn with_checksum(bytes: &[u8]) -> Vec<u8> {
    [&xxh3_64(bytes).to_le_bytes()[..], bytes].concat()
}

fn bytes(values: &[f16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use flamingo_image::Fit;
    use flamingo_kernels::Init;
    use flamingo_model::vision::{VisionConfig, VitConfig};

    use super::*;

    fn encode_with(seed: u64, size: usize, folder: Option<&Path>) -> Encode {
        let device = Device::flex();
        let vit: VitConfig = serde_json::from_value(serde_json::json!({
            "image_size": size, "patch": 4, "width": 6, "layers": 1, "heads": 2, "ffw_multiple": 2,
            "activation": "gelu", "class_token": false, "pre_norm": false, "tokens": "after_norm"
        }))
        .unwrap();
        let encoder = VisionEncoder::new(&VisionConfig::Vit(vit), &mut Init::new(seed, &device));
        let preprocess = Preprocess::clip(size, Fit::Pad);
        let open = |folder| {
            FeatureCache::open(folder, &encoder, &preprocess, Precision::F32, &device).unwrap()
        };
        Encode {
            preparing: Arc::new(Preparing {
                cache: folder.map(open),
                preprocess,
            }),
            encoder: Some(encoder),
            frames: 3,
            ffmpeg: None,
            precision: Precision::F32,
            device,
        }
    }

    fn pictures() -> Vec<Loaded> {
        let picture = |k: u8| Image::from_fn(5, 7, |x, y| [k, x as u8 * 40, y as u8 * 30]);
        let film = flamingo_image::Film::new(vec![picture(3), picture(4)], None, "film").unwrap();
        vec![
            Loaded::Image(picture(1)),
            Loaded::Film(film),
            Loaded::Image(picture(2)),
        ]
    }

    fn some(encode: &Encode, media: Vec<Loaded>) -> Vec<Features> {
        let prepared = media.into_iter();
        let prepared = prepared.map(|media| encode.preparing.prepare(media));
        encode.features(prepared.collect()).unwrap()
    }

    fn files(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn kept_features_are_those_that_would_be_computed_and_are_read_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let expected = some(&encode_with(1, 8, None), pictures());
        let encode = encode_with(1, 8, Some(folder.path()));
        assert_eq!(some(&encode, pictures()[..2].to_vec()), expected[..2]);
        assert_eq!(some(&encode, pictures()), expected);
        assert_eq!(files(folder.path()), 3);
        // What lies there is what is given.
        let other: Vec<f16> = expected[0].values.iter().map(|v| -*v).collect();
        let cache = encode.preparing.cache.as_ref().unwrap();
        let Loaded::Image(image) = pictures().remove(0) else {
            panic!("a picture");
        };
        let path = cache.path(std::slice::from_ref(&image));
        let whole = with_checksum(&bytes(&other));
        std::fs::write(&path, &whole).unwrap();
        assert_eq!(some(&encode, pictures())[0].values, other);
        // Damaged files are made again: torn ones, those of other bytes, and those of no checksum.
        let mut turned = whole.clone();
        turned[11] ^= 1;
        for damaged in [&whole[..9], &whole[..3], &turned, &whole[8..]] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(some(&encode, pictures()), expected);
            assert_eq!(cache.get(&path, 1).unwrap(), expected[0]);
        }
    }

    #[test]
    fn another_encoder_and_another_size_have_features_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        for (encoder, (seed, size)) in [(1, 8), (2, 8), (1, 12)].into_iter().enumerate() {
            let expected = some(&encode_with(seed, size, None), pictures());
            let encode = encode_with(seed, size, Some(folder.path()));
            assert_eq!(some(&encode, pictures()), expected);
            assert_eq!(files(folder.path()), 3 * (encoder + 1));
        }
    }
}
