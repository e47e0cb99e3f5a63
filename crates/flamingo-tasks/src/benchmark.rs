//! The benchmarks by name.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A name that is no benchmark's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no benchmark that is known: {known}")]
pub struct UnknownTask {
    /// The name given.
    pub name: String,
    /// The names known.
    pub known: String,
}

macro_rules! tasks {
    ($($(#[$doc:meta])* $task:ident = $name:literal;)*) => {
        /// A benchmark: the paper's sixteen, and its two of classification.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Benchmark {
            $($(#[$doc])* $task,)*
        }

        impl Benchmark {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$task,)*];

            /// The name on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$task => $name,)*
                }
            }
        }
    };
}

tasks! {
    /// Captions of pictures, five each.
    Coco = "coco";
    /// Captions of pictures, five each.
    Flickr30k = "flickr30k";
    /// Questions about pictures, ten annotators each.
    Vqav2 = "vqav2";
    /// Questions that need knowledge of the world.
    Okvqa = "okvqa";
    /// Questions about words on pictures.
    Textvqa = "textvqa";
    /// Questions of blind people about their photos.
    Vizwiz = "vizwiz";
    /// Dialogues about a picture, 100 options a round.
    Visdial = "visdial";
    /// Memes that are hateful or not.
    HatefulMemes = "hateful-memes";
    /// Questions about films, one answer each.
    Msvdqa = "msvdqa";
    /// Questions about films, one answer each.
    Msrvttqa = "msrvttqa";
    /// Captions of films, ten each.
    Vatex = "vatex";
    /// Questions about films, five annotators each.
    Ivqa = "ivqa";
    /// Captions of segments of cooking films.
    Youcook2 = "youcook2";
    /// Questions about situations in films, four choices each.
    Star = "star";
    /// Questions about films, answered in words.
    Nextqa = "nextqa";
    /// Rare actions in films.
    Rareact = "rareact";
    /// Pictures of 1,000 classes.
    Imagenet = "imagenet";
    /// Films of 700 classes.
    Kinetics700 = "kinetics700";
}

impl fmt::Display for Benchmark {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Benchmark {
    type Err = UnknownTask;

    /// A name; capitals, hyphens and underscores are no matter.
    fn from_str(name: &str) -> Result<Self, UnknownTask> {
        let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
        let mut tasks = Self::ALL.iter().copied();
        let found = tasks.find(|task| plain(task.name()) == plain(name));
        found.ok_or_else(|| UnknownTask {
            name: name.to_owned(),
            known: Self::ALL
                .iter()
                .map(|task| task.name())
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

impl Serialize for Benchmark {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
