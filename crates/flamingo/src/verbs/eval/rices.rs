//! How shots are chosen: similar ones, by which tower, and where its vectors are kept; or those of another run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::corpus::towers::Tower;
use flamingo::engine::{Engine, MediaSource};
use flamingo::eval::rices::{Looks, OwnTower, VectorFile, Vectors, nearest, vectors};
use flamingo::eval::{Selection, Suite, TaskExample, data_fingerprint, read_samples};
use flamingo::kernels::{Backend, open_device};
use flamingo::tasks::counted;

use crate::failure::{Failure, Hint, Result, say};
use crate::{image_tower, output};

/// How shots are chosen.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shots")]
pub(crate) struct RicesArgs {
    /// Take the shots whose pictures look most like the query's, the most similar last (RICES), by the model's own
    /// encoder or by the tower of another model: demo, a path or an id of the hub
    #[arg(long, value_name = "TOWER", num_args = 0..=1, default_missing_value = OWN)]
    rices: Option<String>,
    /// Folder in which the vectors of pictures are kept for other runs [default: in the folder of the run]
    #[arg(long, value_name = "DIR", requires = "rices")]
    rices_index: Option<PathBuf>,
    /// Take the shots that each query had in another run: one of its samples files. Of fewer shots the last ones
    #[arg(long, value_name = "FILE", conflicts_with = "rices")]
    shots_from: Option<PathBuf>,
}

/// The model's own encoder.
const OWN: &str = "own";
const BAR: &str = "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} pictures looked at, {eta} left";

impl RicesArgs {
    /// Whether a seed draws them.
    pub(crate) fn is_random(&self) -> bool {
        self.rices.is_none() && self.shots_from.is_none()
    }

    /// As the run's file has it.
    pub(crate) fn told(&self) -> String {
        match (&self.rices, &self.shots_from) {
            (Some(tower), _) => format!("rices by {tower}"),
            (None, Some(file)) => format!("those of {}", file.display()),
            (None, None) => "random".to_owned(),
        }
    }
}

/// The shots of each query.
pub(crate) fn selection(
    args: &RicesArgs,
    suite: &Suite<'_>,
    engine: &Engine,
    media: &dyn MediaSource,
    place: &Path,
    most: usize,
) -> Result<Selection> {
    if let Some(file) = &args.shots_from {
        return given(file, suite, most);
    }
    let Some(name) = args.rices.as_deref().filter(|_| most > 0) else {
        return Ok(Selection::Random);
    };
    let mut own = OwnTower(engine);
    let mut other;
    let tower: &mut dyn Tower = match name {
        OWN => &mut own,
        name => {
            other = image_tower::open(name)
                .map_err(|error| Failure::new(format!("the tower {name}: {error}")))?;
            &mut other
        }
    };
    let folder = args
        .rices_index
        .clone()
        .unwrap_or_else(|| place.join("vectors"));
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot create {}: {error}", folder.display())))?;
    let made_by = format!("{name} {:?}", probe(tower)?);
    let mut looked = Looked {
        folder: &folder,
        made_by: &made_by,
        media,
        tower,
    };
    let device = open_device(Backend::Cpu)?;
    let queries = looked.at("queries", &suite.queries)?;
    let own_supports = suite.queries.iter().any(|query| query.supports.is_some());
    // One more, for a query that is a support itself.
    let most = most + 1;
    // A query that cannot be read fails when it is asked, whatever its shots are.
    let mut found = vec![Vec::new(); suite.queries.len()];
    if !own_supports {
        let supports = looked.at("supports", &suite.supports)?;
        let nearest = nearest(&queries.vectors, &supports.vectors, most, &device);
        for (&query, shots) in queries.examples.iter().zip(nearest) {
            found[query] = supports.numbers(&shots);
        }
        return Ok(Selection::Nearest(found));
    }
    for (row, &query) in queries.examples.iter().enumerate() {
        let supports = looked.at(&format!("supports-{query}"), suite.supports(query))?;
        let one = Vectors {
            width: queries.vectors.width,
            values: queries.vectors.row(row).to_vec(),
        };
        let shots = nearest(&one, &supports.vectors, most, &device);
        found[query] = supports.numbers(&shots.concat());
    }
    Ok(Selection::Nearest(found))
}

/// The shots that another run had.
fn given(file: &Path, suite: &Suite<'_>, most: usize) -> Result<Selection> {
    let samples = read_samples(file)?;
    let by_query: HashMap<&str, &Vec<String>> = samples
        .iter()
        .map(|sample| (sample.id.as_str(), &sample.shot_ids))
        .collect();
    let mut all = Vec::with_capacity(suite.queries.len());
    for (at, query) in suite.queries.iter().enumerate() {
        let told = |what: String| Failure::new(format!("{}: {}: {what}", file.display(), query.id));
        let ids = by_query.get(query.id.as_str());
        let ids = ids.ok_or_else(|| told("it is not among the samples".to_owned()))?;
        if ids.len() < most {
            return Err(told(format!(
                "it had {}, {most} are asked for",
                counted(ids.len(), "shot")
            )));
        }
        let supports = suite.supports(at);
        let place = |id: &String| {
            let place = supports.iter().position(|support| support.id == *id);
            place.ok_or_else(|| told(format!("its shot {id} is none of the supports")))
        };
        all.push(ids.iter().map(place).collect::<Result<Vec<usize>>>()?);
    }
    Ok(Selection::Given(all))
}

/// What the tower makes of one picture: another tower makes another thing of it.
fn probe(tower: &mut dyn Tower) -> Result<Vec<u32>> {
    let picture = flamingo::image::Image::from_fn(61, 43, |x, y| {
        [(x * 4) as u8, (y * 5) as u8, (x * y) as u8]
    });
    let made = tower.embed_images(&[picture]);
    let made = made.map_err(|error| Failure::new(format!("the tower: {error}")))?;
    Ok(made.into_iter().flatten().map(f32::to_bits).collect())
}

struct Looked<'a> {
    folder: &'a Path,
    made_by: &'a str,
    media: &'a dyn MediaSource,
    tower: &'a mut dyn Tower,
}

impl Looked<'_> {
    /// Vectors of examples, from the file that has them or by the tower. A file has those of all of them: what cannot be
    /// read now is tried again by the next run.
    fn at(&mut self, what: &str, examples: &[TaskExample]) -> Result<Looks> {
        let file = VectorFile::new(self.folder, what, self.made_by, &data_fingerprint(examples));
        if let Some(vectors) = file.read().filter(|found| found.len() == examples.len()) {
            return Ok(Looks {
                vectors,
                examples: (0..examples.len()).collect(),
                damaged: Vec::new(),
            });
        }
        let bar = output::bar(examples.len() as u64, BAR);
        let made = vectors(examples, self.media, self.tower, &mut |count| {
            bar.inc(count as u64)
        });
        bar.finish_and_clear();
        let made = made.hint("leave --rices out to have shots drawn at random")?;
        match made.damaged.is_empty() {
            true => file.write(&made.vectors)?,
            false => say(&format!("warning: {what}: {}\n", made.told(examples))),
        }
        Ok(made)
    }
}
