//! Draws a sheet of pictures and film frames to look at: `cargo run --example contact_sheet -- FILE`.

use std::error::Error;

use flamingo_image::Image;
use flamingo_world::{FilmScene, Motion, Place, QuestionKind, Scene, Subject, held_in, things};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const SIDE: u32 = 48;
const COLUMNS: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args()
        .nth(1)
        .ok_or("name the PNG file to write")?;
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut cells: Vec<Image> = Vec::new();
    for index in 0..4 * COLUMNS {
        let thing = &things()[index * 16 % things().len()];
        cells.push(Scene::draw(Subject::One(thing), &mut rng).render(SIDE));
    }
    for index in 0..3 * COLUMNS {
        let kind = QuestionKind::ALL[index % 4];
        cells.push(kind.draw_scene(held_in(), &mut rng).render(SIDE));
    }
    for place in Place::ALL.iter().cycle().take(COLUMNS) {
        cells.push(Scene::draw(Subject::At(&things()[99], *place), &mut rng).render(SIDE));
    }
    for (index, motion) in Motion::ALL.into_iter().chain([Motion::Turns]).enumerate() {
        let thing = &things()[index * 50];
        cells.extend(FilmScene::draw(thing, motion, &mut rng).render(SIDE).frames);
    }
    let rows = cells.len().div_ceil(COLUMNS) as u32;
    let sheet = Image::from_fn(COLUMNS as u32 * (SIDE + 2), rows * (SIDE + 2), |x, y| {
        let cell = (y / (SIDE + 2)) as usize * COLUMNS + (x / (SIDE + 2)) as usize;
        let (x, y) = (x % (SIDE + 2), y % (SIDE + 2));
        match cells.get(cell) {
            Some(picture) if x < SIDE && y < SIDE => picture.pixel(x, y),
            _ => [255; 3],
        }
    });
    std::fs::write(path, sheet.to_png())?;
    Ok(())
}
