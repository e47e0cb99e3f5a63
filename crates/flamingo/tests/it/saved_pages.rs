//! Made-up pages with pictures, saved as a browser saves them.

use flamingo::image::Image;

use crate::Workplace;

/// Sentences of which no two pages have the same.
pub(crate) fn sentence(page: usize, number: usize) -> String {
    const THINGS: [&str; 7] = [
        "river", "garden", "bridge", "market", "harbour", "library", "mountain",
    ];
    const DEEDS: [&str; 5] = [
        "was opened",
        "has been painted",
        "is visited",
        "was measured",
        "is loved",
    ];
    let thing = THINGS[(page * 3 + number) % 7];
    let deed = DEEDS[(page + number * 2) % 5];
    format!(
        "The {thing} number {} of the town {deed} by people {} and that is what they have to tell with joy, of year {}.",
        page * 31 + number,
        page * 17 + number * 5,
        1000 + page * 7 + number
    )
}

pub(crate) fn picture(seed: usize) -> Vec<u8> {
    let (width, height) = (80_usize, 70_usize);
    let pixels = (0..width * height).flat_map(|at| {
        let (x, y) = (at % width, at / width);
        [
            (x * 3 + seed * 40) as u8,
            (y * 3 + seed * 11) as u8,
            ((x + y) * seed) as u8,
        ]
    });
    Image::new(width as u32, height as u32, pixels.collect())
        .unwrap()
        .to_png()
}

/// Saved pages with a picture each: distinct ones, then one that repeats the first.
pub(crate) fn save_pages(place: &Workplace, count: usize) {
    for page in 0..=count {
        let content = page % count;
        let texts: String = (0..6)
            .map(|number| format!("<p>{}</p>", sentence(content, number)))
            .collect();
        let html = format!(
            "<html lang=en><head><title>Page {content}</title></head><body><nav><a href=/>Home</a></nav><article>\
             <h1>Page {content}</h1>{texts}<figure><img src=\"{content}.png\" alt=\"a picture\">\
             <figcaption>This is the picture of page {content} with its colours.</figcaption></figure>\
             </article><footer>All rights reserved</footer></body></html>"
        );
        place.write(&format!("web/{page:03}.html"), html.as_bytes());
        place.write(&format!("web/{content}.png"), &picture(content + 1));
    }
}
