//! What is known of words: WordNet, NLTK's tagger and OKVQA's stems, where the user has them.

use std::env;
use std::path::{Path, PathBuf};

use clap::Args;
use flamingo::metrics::{PerceptronTagger, WordNet};
use flamingo::tasks::Stems;

use crate::failure::Result;

/// Files that NextQA's WUPS needs, and by which OKVQA's predictions can be stemmed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Words (NextQA)")]
pub(crate) struct LexiconArgs {
    /// WordNet 3.0's files (index.noun and others) [default: where WNSEARCHDIR, WNHOME or NLTK's data
    /// have them, or /usr/share/wordnet]
    #[arg(long, value_name = "DIR")]
    wordnet: Option<PathBuf>,
    /// NLTK's data with the tagger averaged_perceptron_tagger_eng [default: where NLTK looks]
    #[arg(long, value_name = "DIR")]
    nltk_data: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    pub(crate) wordnet: Option<WordNet>,
    pub(crate) tagger: Option<PerceptronTagger>,
    pub(crate) stems: Option<Stems>,
}

impl LexiconArgs {
    /// Reads what is there; a folder that was named must hold it.
    pub(crate) fn read(&self) -> Result<Lexicon> {
        let wordnet = match &self.wordnet {
            Some(folder) => Some(folder.clone()),
            None => wordnets()
                .into_iter()
                .find(|folder| folder.join("index.noun").is_file()),
        };
        let holds_tagger = |folder: &PathBuf| folder.join(TAGGER).is_dir();
        let tagger = match &self.nltk_data {
            Some(folder) => Some(folder.clone()),
            None => nltk_data().into_iter().find(holds_tagger),
        };
        Ok(Lexicon {
            wordnet: wordnet.map(|folder| WordNet::read(&folder)).transpose()?,
            tagger: tagger
                .map(|folder| PerceptronTagger::read(&folder))
                .transpose()?,
            stems: None,
        })
    }
}

const TAGGER: &str = "taggers/averaged_perceptron_tagger_eng";

/// The folders in which WordNet may be, the named ones first.
fn wordnets() -> Vec<PathBuf> {
    let named = env::var_os("WNSEARCHDIR").map(PathBuf::from);
    let home = env::var_os("WNHOME").map(|home| Path::new(&home).join("dict"));
    let data = nltk_data()
        .into_iter()
        .map(|folder| folder.join("corpora/wordnet"));
    let usual = ["/usr/share/wordnet", "/usr/local/WordNet-3.0/dict"].map(PathBuf::from);
    named
        .into_iter()
        .chain(home)
        .chain(usual)
        .chain(data)
        .collect()
}

/// The folders in which NLTK looks for its data.
fn nltk_data() -> Vec<PathBuf> {
    let named = env::var_os("NLTK_DATA").unwrap_or_default();
    let named: Vec<PathBuf> = env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    let home = env::home_dir().map(|home| home.join("nltk_data"));
    let usual = [
        "/usr/share",
        "/usr/local/share",
        "/usr/lib",
        "/usr/local/lib",
    ];
    let usual = usual.map(|folder| Path::new(folder).join("nltk_data"));
    named.into_iter().chain(home).chain(usual).collect()
}
