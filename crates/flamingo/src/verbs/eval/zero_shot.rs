//! `flamingo eval zero-shot`: what the two towers of a contrastive model find.

use std::path::PathBuf;

use clap::Args;
use flamingo::eval::{TaskMedia, TaskRun, ZeroShot};
use flamingo::kernels::{Backend, open_device};
use flamingo::tasks::{DataFolder, Own, OwnMetric, Preset, ReadOptions, Task, task};

use super::lexicon::Lexicon;
use super::rules::RulesArgs;
use crate::args::MediaArgs;
use crate::failure::{Failure, Hint, Result};
use crate::{image_tower, interrupt, output};

/// Ask the towers of a contrastive model without any shot: classes by their names, captions by pictures, pictures by captions.
///
/// Of a task with classes (folder, imagenet, kinetics700, own with candidates) a picture is of the class whose name, in the
/// words of the templates, is nearest to it. Of a task with captions (coco, flickr30k, vatex, youcook2, own with answers) R@1,
/// R@5 and R@10 count how often a picture finds one of its captions, and a caption its picture.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flamingo eval zero-shot folder --data photos --tower runs/vision/model --template 'a photo of a {}.'"
)]
pub(crate) struct ZeroShotArgs {
    /// The task: a benchmark, `own` (JSON lines of parts and answers) or `folder` (a folder for each class)
    #[arg(value_name = "TASK")]
    task: String,
    /// Its files: a folder, or of `own` the file of its queries
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// The model of a contrastive training: the folder `model` of its run
    #[arg(long, value_name = "TOWER")]
    tower: String,
    /// What a class's name is put into where {} stands; can be given several times, and the vectors are averaged
    #[arg(long, value_name = "TEXT", default_value = "{}")]
    template: Vec<String>,
    /// The split that is asked [default: the paper's, or the nearest with published answers]
    #[arg(long, value_name = "NAME")]
    split: Option<String>,
    /// So many queries, spread over all of them [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    media: MediaArgs,
}

const BAR: &str = "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} queries looked at, {eta} left";

pub(crate) fn run(args: &ZeroShotArgs) -> Result<()> {
    let task = args.task()?;
    let options = ReadOptions {
        split: args.split.clone(),
        limit: args.limit,
        ..ReadOptions::default()
    };
    let examples = task.read(&DataFolder::new(&args.data), &options)?;
    if examples.queries.examples.is_empty() {
        let dropped = &examples.queries.dropped;
        return Err(Failure::new(format!(
            "{} holds no query that can be asked: {dropped}",
            args.data.display()
        )));
    }
    let lexicon = Lexicon::default();
    let prompt = task.prompt(Preset::default());
    let read = TaskRun {
        task: &*task,
        examples: &examples,
        prompt: &prompt,
        rules: RulesArgs::default().options(false, &lexicon),
    };
    let suite = read.suite();
    let media = TaskMedia::of(&suite, args.media.reader());
    let name = &args.tower;
    let mut tower = image_tower::open(name)
        .map_err(|error| Failure::new(format!("the tower {name}: {error}")))?;
    interrupt::ends_with("nothing was written; the same command begins anew")?;
    let bar = output::bar(suite.queries.len() as u64, BAR);
    let asked = ZeroShot {
        task: task.name(),
        examples: &examples,
        shown: &suite.queries,
        templates: &args.template,
    };
    let device = open_device(Backend::Cpu)?;
    let report = asked.ask(&media, &mut tower, &device, &mut |count| {
        bar.inc(count as u64)
    });
    bar.finish_and_clear();
    let report = report?;
    match args.json {
        true => output::json(&report),
        false => output::line(&report.to_string()),
    }
}

impl ZeroShotArgs {
    /// The task; answers of a user's own are captions.
    fn task(&self) -> Result<Box<dyn Task>> {
        let found = task(&self.task).hint("`flamingo eval run --help` says what a task is")?;
        Ok(match found.name() {
            "own" => Box::new(Own {
                metric: OwnMetric::Captions,
            }),
            _ => found,
        })
    }
}
