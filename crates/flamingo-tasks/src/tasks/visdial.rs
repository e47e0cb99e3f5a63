//! VisDial 1.0: dialogues about a picture, 100 options a round. `val` asks the rounds whose options' relevance was
//! annotated, one a dialogue, which NDCG is of; `val-rounds` asks all ten, as a submission wants. The answers of test are not
//! published; its last round is asked.

use super::dialogues::{Dialogues, Rounds, submission};
use crate::answer::{Answered, Submission};
use crate::benchmark::Benchmark;
use crate::data::DataFolder;
use crate::error::Result;
use crate::example::Examples;
use crate::prompt::{Preset, Prompt};
use crate::prompts;
use crate::task::{Protocol, ReadOptions, Task, taken};

#[derive(Debug)]
pub(crate) struct Visdial;

impl Task for Visdial {
    fn benchmark(&self) -> Option<Benchmark> {
        Some(Benchmark::Visdial)
    }

    fn name(&self) -> &'static str {
        Benchmark::Visdial.name()
    }

    fn protocol(&self) -> Protocol {
        Protocol::close("NDCG", &["val", "val-rounds", "test"], "val")
    }

    fn prompt(&self, preset: Preset) -> Prompt {
        prompts::dialogue(preset)
    }

    fn read(&self, data: &DataFolder, options: &ReadOptions) -> Result<Examples> {
        let split = options.split(self)?;
        let file = |name: &str| data.file(self.name(), &[name]);
        let val = |rounds| {
            let dense = file("visdial_1.0_val_dense_annotations.json")?;
            let dialogues =
                Dialogues::read(file("visdial_1.0_val.json")?, &["VisualDialog_val2018"])?;
            dialogues.queries(data, split, Some(dense), rounds)
        };
        let (queries, required) = match split {
            "test" => Dialogues::read(file("visdial_1.0_test.json")?, &["VisualDialog_test2018"])?
                .queries(data, split, None, Rounds::Last)?,
            "val-rounds" => val(Rounds::All)?,
            _ => val(Rounds::Dense)?,
        };
        let pictures = ["COCO_train2014", "COCO_val2014"];
        let supports = Dialogues::read(file("visdial_1.0_train.json")?, &pictures)?;
        let supports = supports.supports(data)?;
        let protocol = self.protocol();
        Ok(taken(
            &protocol, options, split, supports, queries, required,
        ))
    }

    fn submission(&self, examples: &Examples, answered: &[Answered]) -> Result<Submission> {
        submission(self.name(), examples, answered)
    }
}
