//! Writes the frames that a model of 224 pixels sees of a film, 3 a second and 30 at most, as PNG files:
//! `cargo run -p flamingo-film --example shown -- FILM FOLDER`.

use std::error::Error;
use std::path::Path;

use flamingo_film::{Ffmpeg, Reader};
use flamingo_image::{Fit, Media, Preprocess, Sampling, Wanted};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(film), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("give a film and a folder".into());
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let reader = Reader {
        ffmpeg: Ffmpeg::find(std::env::split_paths(&path)),
        ..Reader::default()
    };
    let preprocess = Preprocess::clip(224, Fit::Squash);
    let wanted = Wanted::of(Sampling::ASKING, &preprocess);
    let Media::Film(film) = reader.load(film, &wanted)? else {
        return Err("it is a still picture".into());
    };
    for (k, frame) in film.frames.iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("{k}.png")), frame.to_png())?;
    }
    Ok(())
}
