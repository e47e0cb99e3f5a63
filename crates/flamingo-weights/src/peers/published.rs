//! The published OpenFlamingos, by name: which parts each was trained with.

/// A published OpenFlamingo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its name on the hub, after `openflamingo/`.
    pub name: &'static str,
    /// The hub's id of its language model.
    pub language: &'static str,
    /// The hub's id of its image tower.
    pub vision: &'static str,
}

/// OpenAI's ViT-L/14 with all of them.
const VIT_L_14: &str = "openai/clip-vit-large-patch14";

/// All of them, and the first one of version 1, whose LLaMA-7B is not freely published: give it
/// with `--lm`.
pub const PUBLISHED: [Published; 6] = [
    Published {
        name: "OpenFlamingo-3B-vitl-mpt1b",
        language: "anas-awadalla/mpt-1b-redpajama-200b",
        vision: VIT_L_14,
    },
    Published {
        name: "OpenFlamingo-3B-vitl-mpt1b-langinstruct",
        language: "anas-awadalla/mpt-1b-redpajama-200b-dolly",
        vision: VIT_L_14,
    },
    Published {
        name: "OpenFlamingo-4B-vitl-rpj3b",
        language: "togethercomputer/RedPajama-INCITE-Base-3B-v1",
        vision: VIT_L_14,
    },
    Published {
        name: "OpenFlamingo-4B-vitl-rpj3b-langinstruct",
        language: "togethercomputer/RedPajama-INCITE-Instruct-3B-v1",
        vision: VIT_L_14,
    },
    Published {
        name: "OpenFlamingo-9B-vitl-mpt7b",
        language: "anas-awadalla/mpt-7b",
        vision: VIT_L_14,
    },
    Published {
        name: "OpenFlamingo-9B-deprecated",
        language: "huggyllama/llama-7b",
        vision: VIT_L_14,
    },
];

impl Published {
    /// The model of a name, with or without `openflamingo/`, in any case of letters.
    pub fn of(name: &str) -> Option<&'static Self> {
        let name = match name.split_once('/') {
            Some((owner, name)) if owner.eq_ignore_ascii_case("openflamingo") => name,
            Some(_) => return None,
            None => name,
        };
        PUBLISHED
            .iter()
            .find(|model| model.name.eq_ignore_ascii_case(name))
    }

    /// Its id on the hub.
    pub fn id(&self) -> String {
        format!("openflamingo/{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_model_is_known_with_and_without_its_owner() {
        let known = Published::of("OpenFlamingo-3B-vitl-mpt1b").expect("known");
        assert_eq!(Published::of(&known.id()), Some(known));
        assert!(Published::of("someone/OpenFlamingo-3B-vitl-mpt1b").is_none());
        assert!(Published::of("OpenFlamingo-3B").is_none());
    }
}
