//! The published OpenFlamingos, and Med-Flamingo, which is one: by name, which parts each was trained
//! with.

use super::open_flamingo::CHECKPOINTS;

/// A published OpenFlamingo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Whose it is on the hub.
    pub owner: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// The file of its trained part.
    pub checkpoint: &'static str,
    /// The hub's id of its language model.
    pub language: &'static str,
    /// The hub's id of its image tower.
    pub vision: &'static str,
}

/// OpenAI's ViT-L/14 with all of them.
const VIT_L_14: &str = "openai/clip-vit-large-patch14";

const OWNER: &str = "openflamingo";

/// All of them, the first one of version 1 and Med-Flamingo, whose LLaMA-7B is not freely published:
/// give it with `--lm`.
pub const PUBLISHED: [Published; 7] = [
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-3B-vitl-mpt1b",
        language: "anas-awadalla/mpt-1b-redpajama-200b",
        vision: VIT_L_14,
    },
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-3B-vitl-mpt1b-langinstruct",
        language: "anas-awadalla/mpt-1b-redpajama-200b-dolly",
        vision: VIT_L_14,
    },
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-4B-vitl-rpj3b",
        language: "togethercomputer/RedPajama-INCITE-Base-3B-v1",
        vision: VIT_L_14,
    },
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-4B-vitl-rpj3b-langinstruct",
        language: "togethercomputer/RedPajama-INCITE-Instruct-3B-v1",
        vision: VIT_L_14,
    },
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-9B-vitl-mpt7b",
        language: "anas-awadalla/mpt-7b",
        vision: VIT_L_14,
    },
    Published {
        owner: OWNER,
        checkpoint: CHECKPOINTS[0],
        name: "OpenFlamingo-9B-deprecated",
        language: "huggyllama/llama-7b",
        vision: VIT_L_14,
    },
    Published {
        owner: "med-flamingo",
        checkpoint: CHECKPOINTS[1],
        name: "med-flamingo",
        language: "huggyllama/llama-7b",
        vision: VIT_L_14,
    },
];

impl Published {
    /// The model of a name, with or without its owner, in any case of letters.
    pub fn of(name: &str) -> Option<&'static Self> {
        let (owner, name) = match name.split_once('/') {
            Some((owner, name)) => (Some(owner), name),
            None => (None, name),
        };
        PUBLISHED.iter().find(|model| {
            owner.is_none_or(|owner| model.owner.eq_ignore_ascii_case(owner))
                && model.name.eq_ignore_ascii_case(name)
        })
    }

    /// Its id on the hub.
    pub fn id(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_model_is_known_with_and_without_its_owner() {
        let known = Published::of("OpenFlamingo-3B-vitl-mpt1b").expect("known");
        assert_eq!(Published::of(&known.id()), Some(known));
        let known = Published::of("med-flamingo/med-flamingo").expect("known");
        assert_eq!(
            (known.checkpoint, Published::of("Med-Flamingo")),
            ("model.pt", Some(known))
        );
        assert!(Published::of("someone/OpenFlamingo-3B-vitl-mpt1b").is_none());
        assert!(Published::of("OpenFlamingo-3B").is_none());
    }
}
