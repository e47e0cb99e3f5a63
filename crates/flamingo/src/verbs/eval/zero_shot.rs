//! `flamingo eval zero-shot`: what the two towers of a contrastive model find.

use clap::Args;
use flamingo::eval::{TaskMedia, ZeroShot};
use flamingo::kernels::{Backend, open_device};
use flamingo::tasks::{Own, OwnMetric, Task};

use super::task_files::TaskFilesArgs;
use crate::args::MediaArgs;
use crate::failure::{Failure, Result};
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
    #[command(flatten)]
    files: TaskFilesArgs,
    /// The model of a contrastive training: the folder `model` of its run
    #[arg(long, value_name = "TOWER")]
    tower: String,
    /// What a class's name is put into where {} stands; can be given several times, and the vectors are averaged
    #[arg(long, value_name = "TEXT", default_value = "{}")]
    template: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    media: MediaArgs,
}

const BAR: &str = "{spinner} {bar:40.cyan} {percent:>3}%  {human_pos} of {human_len} queries looked at, {eta} left";

pub(crate) fn run(args: &ZeroShotArgs) -> Result<()> {
    let files = args.files.read(args.task()?)?;
    let read = files.task_run();
    let suite = read.suite();
    let media = TaskMedia::of(&suite, args.media.reader());
    let name = &args.tower;
    let mut tower = image_tower::open(name)
        .map_err(|error| Failure::new(format!("the tower {name}: {error}")))?;
    interrupt::ends_with("nothing was written; the same command begins anew")?;
    let bar = output::bar(suite.queries.len() as u64, BAR);
    let asked = ZeroShot {
        task: files.task.name(),
        examples: &files.examples,
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
        let found = self.files.task()?;
        Ok(match found.name() {
            "own" => Box::new(Own {
                metric: OwnMetric::Captions,
            }),
            _ => found,
        })
    }
}
