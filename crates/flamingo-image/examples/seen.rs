//! Writes pictures as they are read, or as a model sees them, as PNG files:
//! `cargo run -p flamingo-image --example seen -- FOLDER FILE...`, or with `'{"size":224,"fit":"squash"}'` (a `preprocess`
//! of `flamingo.json`) before the folder. With a number instead of the folder, each file is read so many times and
//! nothing is written, to be timed. With `1/2`, `1/4` or `1/8` before all that, JPEGs are reduced as far as if no more
//! pixels were allowed.

use std::error::Error;
use std::path::Path;

use flamingo_image::{Limits, Preprocess, decode_still, probe};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).peekable();
    let divisor: u32 = arguments
        .next_if(|argument| argument.starts_with("1/"))
        .map_or(Ok(1), |part| part[2..].parse())?;
    let preprocess: Option<Preprocess> = arguments
        .next_if(|argument| argument.starts_with('{'))
        .map(|json| serde_json::from_str(&json))
        .transpose()?;
    let folder = arguments.next().ok_or("name a folder to write to")?;
    let times: Option<u32> = folder.parse().ok();
    for file in arguments {
        let bytes = std::fs::read(&file)?;
        let mut limits = Limits::of_pixels(u64::MAX);
        if let Some(found) = probe(&bytes).filter(|_| divisor > 1) {
            let [width, height] = [found.width, found.height].map(|side| side.div_ceil(divisor));
            limits.max_pixels = u64::from(width) * u64::from(height);
            limits.reduce_to = 1;
        }
        if let Some(times) = times {
            for _ in 0..times {
                std::hint::black_box(decode_still(&bytes, &file, &limits)?);
            }
            continue;
        }
        let image = match (decode_still(&bytes, &file, &limits), &preprocess) {
            (Ok(image), Some(preprocess)) => preprocess.picture(&image),
            (Ok(image), None) => image,
            (Err(error), _) => {
                #[allow(clippy::print_stderr)] // it is a program
                {
                    eprintln!("{error}");
                }
                continue;
            }
        };
        let name = Path::new(&file).file_name().ok_or("a file has a name")?;
        let written = Path::new(&folder).join(format!("{}.png", name.display()));
        std::fs::write(written, image.to_png())?;
    }
    Ok(())
}
