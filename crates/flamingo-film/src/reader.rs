//! Pictures, animations, folders of frames and film files through one door.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use flamingo_image::{Film, Image, Limits, Media, Rate, Timeline, Wanted};

use crate::container::{Container, HEAD};
use crate::error::{Error, Result};
use crate::ffmpeg::{Ffmpeg, Frames, Input, Listing};
use crate::index::{Known, Place};

/// What pictures and films are opened with.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// What a file may ask for.
    pub limits: Limits,
    /// How many frames of a folder were taken a second; without it they count as taken at the rate
    /// that is wanted.
    pub frame_rate: Option<Rate>,
    /// What decodes film files.
    pub ffmpeg: Option<Ffmpeg>,
}

impl From<Limits> for Reader {
    fn from(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

impl Reader {
    /// Reads a picture, or what is wanted of an animation, a folder of frames or a film file.
    ///
    /// # Errors
    ///
    /// [`Error`], whose messages name the path.
    pub fn load(&self, path: impl AsRef<Path>, wanted: &Wanted) -> Result<Media> {
        let path = path.as_ref();
        let name = path.display().to_string();
        if path.is_dir() {
            let film = flamingo_image::load_frames(path, self.frame_rate, wanted, &self.limits)?;
            return Ok(Media::Film(film));
        }
        match Container::of(&head(path, &name)?) {
            Some(container) => {
                let input = Input {
                    path,
                    name: &name,
                    container,
                };
                self.film(&input, wanted).map(Media::Film)
            }
            None => Ok(flamingo_image::load_wanted(
                path,
                wanted,
                &self.bounds(wanted),
            )?),
        }
    }

    /// Reads a file from memory; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::load`].
    pub fn decode(&self, bytes: &[u8], name: &str, wanted: &Wanted) -> Result<Media> {
        let Some(container) = Container::of(bytes) else {
            let limits = self.bounds(wanted);
            return Ok(flamingo_image::decode_wanted(bytes, name, wanted, &limits)?);
        };
        with_file(bytes, name, container, |input| {
            self.film(input, wanted).map(Media::Film)
        })
    }

    /// How many seconds the pictures of a film run: a file, or a folder of frames at its rate. None
    /// if that cannot be told without decoding it. The same whether FFmpeg is there or not.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::load`], and [`Error::Still`] for a picture.
    pub fn seconds(&self, path: impl AsRef<Path>) -> Result<Option<f64>> {
        let path = path.as_ref();
        let name = path.display().to_string();
        if path.is_dir() {
            let all = Wanted::default();
            let film = flamingo_image::load_frames(path, self.frame_rate, &all, &self.limits)?;
            return Ok(film.seconds());
        }
        match Container::of(&head(path, &name)?) {
            Some(container) => film_seconds(Place::File(path), container, &name),
            None => seconds(flamingo_image::load_timeline(path, &self.limits)?, &name),
        }
    }

    /// The same of a file in memory; `name` stands for it in errors.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::seconds`].
    pub fn seconds_of(&self, bytes: &[u8], name: &str) -> Result<Option<f64>> {
        match Container::of(bytes) {
            Some(container) => film_seconds(Place::Memory(bytes), container, name),
            None => seconds(flamingo_image::timeline(bytes, name, &self.limits)?, name),
        }
    }

    fn film(&self, input: &Input<'_>, wanted: &Wanted) -> Result<Film> {
        let known = Known::of(Place::File(input.path), input.container, input.name)?;
        if matches!(known, Known::NoPictures) {
            return Err(no_pictures(input.container, input.name, SOUND_ALONE));
        }
        not_cut(&known, input.container, input.name)?;
        let tool = self.tool(input, known)?;
        let listing = Listing::of(tool, input)?;
        let Some(timeline) = listing.timeline() else {
            return Err(no_pictures(input.container, input.name, NOTHING_SHOWN));
        };
        let all = listing.times();
        let numbers = wanted.numbers(Some(&timeline), all.len(), input.name)?;
        let mut times: Vec<i64> = numbers.iter().map(|&k| all[k]).collect();
        times.dedup();
        let decoded = Frames::new(tool, *input, &self.limits, &listing, &times);
        let mut frames: Vec<Image> = Vec::new();
        for frame in decoded {
            let frame = wanted.frame(frame?);
            self.limits
                .check_film(input.name, numbers.len(), frame.width, frame.height)?;
            frames.push(frame);
        }
        let place = |number: &usize| times.partition_point(|time| *time < all[*number]);
        let frames = numbers
            .iter()
            .map(|number| frames[place(number)].clone())
            .collect();
        let timeline = wanted.is_all().then_some(timeline);
        Ok(Film::new(frames, timeline, input.name)?)
    }

    /// The limits, under which a picture that is too large is reduced if its encoder wants it much
    /// smaller still.
    fn bounds(&self, wanted: &Wanted) -> Limits {
        let side = wanted
            .preprocess
            .as_ref()
            .map(|preprocess| preprocess.size as u32);
        Limits {
            reduce_to: side.map_or(self.limits.reduce_to, |side| 2 * side),
            ..self.limits
        }
    }

    /// FFmpeg, which reads more damaged films than can be told here.
    fn tool(&self, input: &Input<'_>, known: Known) -> Result<&Ffmpeg> {
        let (name, container) = (input.name.to_owned(), input.container);
        match (&self.ffmpeg, known) {
            (Some(tool), _) => Ok(tool),
            (None, Known::Damaged(reason)) => Err(Error::Broken {
                name,
                container,
                reason,
            }),
            (None, known) => Err(Error::NoDecoder {
                name,
                container,
                codec: known.codec().map(str::to_owned),
            }),
        }
    }
}

const SOUND_ALONE: &str = "it has sound or data alone";
const NOTHING_SHOWN: &str = "none of its frames is shown";

/// How long a film is by its own index.
fn film_seconds(place: Place<'_>, container: Container, name: &str) -> Result<Option<f64>> {
    let known = Known::of(place, container, name)?;
    not_cut(&known, container, name)?;
    match known {
        Known::Movie(movie) => match movie.timeline {
            Some(timeline) => Ok(Some(timeline.seconds())),
            None => Err(no_pictures(container, name, NOTHING_SHOWN)),
        },
        Known::NoPictures => Err(no_pictures(container, name, SOUND_ALONE)),
        Known::Damaged(reason) => Err(Error::Broken {
            name: name.to_owned(),
            container,
            reason,
        }),
        Known::Unread(_) => Ok(None),
    }
}

fn not_cut(known: &Known, container: Container, name: &str) -> Result<()> {
    match known.missing() {
        0 => Ok(()),
        missing => Err(Error::Broken {
            name: name.to_owned(),
            container,
            reason: format!("it is cut short by {missing} bytes or more"),
        }),
    }
}

fn no_pictures(container: Container, name: &str, reason: &str) -> Error {
    Error::NoPictures {
        name: name.to_owned(),
        container,
        reason: reason.to_owned(),
    }
}

/// A file's first bytes, fewer if it has no more.
fn head(path: &Path, name: &str) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD as u64).read_to_end(&mut head));
    match read {
        Ok(_) => Ok(head),
        Err(source) => Err(Error::Read {
            name: name.to_owned(),
            source,
        }),
    }
}

/// Lets a film in memory be read as a file, which lasts as long.
fn with_file<T>(
    bytes: &[u8],
    name: &str,
    container: Container,
    read: impl FnOnce(&Input<'_>) -> Result<T>,
) -> Result<T> {
    let failed = |source| Error::Process {
        name: name.to_owned(),
        program: "ffmpeg on a temporary file".to_owned(),
        source,
    };
    let mut file = tempfile::NamedTempFile::new().map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    read(&Input {
        path: file.path(),
        name,
        container,
    })
}

/// The length of an animation.
fn seconds(timeline: Option<Timeline>, name: &str) -> Result<Option<f64>> {
    match timeline {
        Some(timeline) => Ok(Some(timeline.seconds())),
        None => Err(Error::Still {
            name: name.to_owned(),
        }),
    }
}
