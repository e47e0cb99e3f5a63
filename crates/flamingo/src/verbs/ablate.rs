//! `flamingo ablate`: the same training with one thing changed at a time.

mod changed;
mod judge;
mod spec;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, value_parser};
use flamingo::engine::{Engine, EngineOptions};
use flamingo::tasks::counted;
use flamingo::train::{Options, Recipe, Resume, Silent, made_before, train};
use flamingo::weights::Source;

use crate::args::DeviceArgs;
use crate::failure::{Failure, Hint, Result};
use crate::{ffmpeg, interrupt, output, part_files, sources, store_settings, together, writer};
use judge::{Judge, Score};
use spec::{AblationSpec, Row};
use table::{Scored, table};

/// Train one recipe with one thing changed at a time, and tell what each is worth.
///
/// Each row of the table is trained with each seed and judged by `demo`, or by photos that it names. A model that was trained and judged is not
/// made again, and a training that was stopped is gone on with: give the same command. The table is written whenever a
/// row is done, with all rows that were trained and judged before.
#[derive(Debug, Args)]
pub(crate) struct AblateArgs {
    /// The table, a TOML file such as recipes/demo/ablation.toml
    #[arg(value_name = "ABLATION.toml")]
    spec: PathBuf,
    /// The Markdown file to write [default: docs/ABLATIONS.md, with --smoke ABLATIONS.md in its folder]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Rows to train, by their names; the first is always [default: all]
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    rows: Vec<String>,
    /// The first so many of the table's seeds [default: all]
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// A few steps and queries for each, in a folder of its own: is everything in place?
    #[arg(long)]
    smoke: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

const BAR: &str = "{bar:24.cyan} {pos}/{len} trainings  {msg}";

pub(crate) fn run(args: &AblateArgs, threads: Option<usize>) -> Result<()> {
    together::only_one("ablate")?;
    let mut spec = AblationSpec::read(&args.spec)?;
    if args.smoke {
        spec.folder = spec.folder.join("smoke");
        (spec.queries, spec.seeds) = (10, spec.seeds[..1].to_vec());
    }
    args.take_seeds(&mut spec)?;
    let out = args.out(&spec);
    let rows = chosen(&spec, &args.rows)?;
    // All are recipes before the first is trained.
    for (row, _) in &rows {
        spec.recipe(row, spec.seeds[0])?;
        spec.encoder(row)?;
    }
    let judge = Judge::new(&spec.photos)?;
    let stop = interrupt::flag("what was trained stands; the same command goes on".to_owned())?;
    let _lock = writer::alone(&spec.folder)?;
    let wanted = rows.iter().filter(|(_, is_wanted)| *is_wanted).count();
    let bar = output::bar((wanted * spec.seeds.len()) as u64, BAR);
    let options = Options {
        device: args.device.open()?,
        parts: part_files::store(),
        together: std::sync::Arc::new(flamingo::train::Alone),
        base: None,
        ffmpeg: ffmpeg::find(),
        stores: store_settings::read(),
        resume: Resume::Newest,
        stop,
    };
    let work = Work {
        spec: &spec,
        judge: &judge,
        args,
        options: &options,
        threads,
    };
    let mut scored = work.known(&rows)?;
    for (at, row) in rows
        .iter()
        .enumerate()
        .filter_map(|(at, (row, is_wanted))| is_wanted.then_some((at, row)))
    {
        if let Some(encoder) = spec.encoder(row)? {
            bar.set_message(format!("{}, its encoder", row.name));
            work.trained(encoder, &format!("the encoder of {}", row.name))?;
        }
        let mut scores = Vec::new();
        for &seed in &spec.seeds {
            bar.set_message(format!("{}, seed {seed}", row.name));
            scores.push(work.score(row, seed)?);
            bar.inc(1);
        }
        scored[at] = Some(Scored::new(row, scores));
        let table = table(&judge.columns(), &there(&scored));
        let page = page(args, &work, &table);
        flamingo_files::write(&out, page.as_bytes())
            .hint_if_full("make room, then give the same command again")?;
    }
    bar.finish_and_clear();
    output::line(table(&judge.columns(), &there(&scored)).trim_end())?;
    output::line(&format!("written to {}", out.display()))
}

impl AblateArgs {
    /// Leaves the table the first seeds alone, if it is told to.
    fn take_seeds(&self, spec: &mut AblationSpec) -> Result<()> {
        let Some(wanted) = self.seeds else {
            return Ok(());
        };
        let there = spec.seeds.len();
        if wanted > there as u64 && !self.smoke {
            let failure = Failure::new(format!(
                "--seeds {wanted}, but {} has {}",
                self.spec.display(),
                counted(there, "seed")
            ));
            return Err(failure).hint("ask for fewer, or add some to `seeds` there");
        }
        spec.seeds.truncate(wanted as usize);
        Ok(())
    }

    /// The file to write. What a smoke run gives takes nobody's table away.
    fn out(&self, spec: &AblationSpec) -> PathBuf {
        match (&self.out, self.smoke) {
            (Some(out), _) => out.clone(),
            (None, true) => spec.folder.join("ABLATIONS.md"),
            (None, false) => PathBuf::from("docs/ABLATIONS.md"),
        }
    }
}

/// The rows that have scores.
fn there(scored: &[Option<Scored>]) -> Vec<Scored> {
    scored.iter().flatten().cloned().collect()
}

/// All rows, and whether they are to be trained: the first and those that were asked for.
fn chosen<'a>(spec: &'a AblationSpec, names: &[String]) -> Result<Vec<(&'a Row, bool)>> {
    if let Some(unknown) = names
        .iter()
        .find(|name| spec.row.iter().all(|row| row.name != **name))
    {
        let known: Vec<&str> = spec.row.iter().map(|row| row.name.as_str()).collect();
        let failure = Failure::new(format!("there is no row {unknown:?}"));
        return Err(failure).hint(format!("rows are: {}", known.join(", ")));
    }
    let is_wanted = |(at, row): (usize, &'a Row)| {
        let wanted = at == 0 || names.is_empty() || names.contains(&row.name);
        (row, wanted)
    };
    Ok(spec.row.iter().enumerate().map(is_wanted).collect())
}

/// The trainings of a table.
struct Work<'a> {
    spec: &'a AblationSpec,
    judge: &'a Judge,
    args: &'a AblateArgs,
    options: &'a Options,
    threads: Option<usize>,
}

impl Work<'_> {
    /// The scores of rows that are not to be trained, as far as they are there for all seeds.
    fn known(&self, rows: &[(&Row, bool)]) -> Result<Vec<Option<Scored>>> {
        let known = |(row, is_wanted): &(&Row, bool)| {
            if *is_wanted {
                return Ok(None);
            }
            let mut scores = Vec::new();
            for &seed in &self.spec.seeds {
                let recipe = self.as_run(self.spec.recipe(row, seed)?);
                let score = made_before(&recipe).and_then(|_| self.score_of(&recipe));
                scores.extend(score);
            }
            let whole = scores.len() == self.spec.seeds.len();
            Ok(whole.then(|| Scored::new(row, scores)))
        };
        rows.iter().map(known).collect()
    }

    /// The score of a row and a seed: the one that is there, or that of the model trained now.
    fn score(&self, row: &Row, seed: u64) -> Result<Score> {
        let recipe = self.spec.recipe(row, seed)?;
        // Also where it was judged already: another recipe in its folder is refused.
        let model = self.trained(recipe.clone(), &format!("{}, seed {seed}", row.name))?;
        match self.score_of(&recipe) {
            Some(score) => Ok(score),
            None => self.judged(&model, &self.path_of(&recipe)),
        }
    }

    /// Where the score of a recipe's model is kept.
    fn path_of(&self, recipe: &Recipe) -> PathBuf {
        recipe.run.join(format!("score-{}.json", self.spec.queries))
    }

    /// The score of a recipe's model, if it was judged.
    fn score_of(&self, recipe: &Recipe) -> Option<Score> {
        let json = fs::read(self.path_of(recipe)).ok()?;
        self.judge.read(&json)
    }

    /// The recipe as this command carries it out.
    fn as_run(&self, mut recipe: Recipe) -> Recipe {
        if self.args.smoke {
            let run = recipe.run.clone();
            recipe = recipe.smoke();
            recipe.run = run;
        }
        if let Some(threads) = self.threads {
            recipe.threads = threads;
        }
        recipe
    }

    /// The model of a recipe: the one that is there, or one trained now.
    fn trained(&self, recipe: Recipe, what: &str) -> Result<PathBuf> {
        let recipe = self.as_run(recipe);
        if let Some(init) = &recipe.init {
            part_files::bring_all(init)?;
        }
        let summary = train(&recipe, self.options, &mut Silent);
        let summary = summary.hint_if_full("make room: the same command goes on")?;
        summary.model.ok_or_else(|| {
            Failure::stopped(format!(
                "{what}, after step {}; the same command goes on",
                summary.steps
            ))
        })
    }

    fn judged(&self, model: &Path, path: &Path) -> Result<Score> {
        let source = sources::with_parts(Source::Directory(model.to_path_buf()))?;
        let mut engine = Engine::open(&source, &self.options.device, EngineOptions::default())?;
        let score = self.judge.score(&mut engine, self.spec.queries)?;
        flamingo_files::write(path, &serde_json::to_vec(&score)?)?;
        Ok(score)
    }
}

fn page(args: &AblateArgs, work: &Work, table: &str) -> String {
    let spec = work.spec;
    let mut flags = String::new();
    if let Some(seeds) = args.seeds {
        flags += &format!(" --seeds {seeds}");
    }
    if args.smoke {
        flags += " --smoke";
    }
    let smoke = match args.smoke {
        true => "\nA few steps and queries of each: these figures say nothing but that it runs.\n",
        false => "",
    };
    let paper = match spec.row.iter().any(|row| row.paper.is_some()) {
        true => {
            " The paper's overall is the mean of five benchmarks' scores over the best fine-tuned ones then, of a model of 3 \
             billion parameters: distances from the first row can be compared, figures not."
        }
        false => "",
    };
    format!(
        "# Ablations\n\nRows of {}, over {}, each trained with {} and judged by {} queries of {}: per cent right, mean \
         and standard deviation over the seeds. Overall is the mean of the columns.{paper}\n{smoke}\n```sh\nflamingo ablate \
         {}{flags}\n```\n\n{table}",
        args.spec.display(),
        spec.recipe.display(),
        counted(spec.seeds.len(), "seed"),
        spec.queries,
        work.judge.told(),
        args.spec.display()
    )
}
