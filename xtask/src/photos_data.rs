//! The photos that `models/photos` is trained and tested on, from clones of the public repositories that have
//! them: a folder for each thing, named for it. Which things there are, what they are called and which are held
//! out stands in `recipes/photos/things.tsv`. Beside them figures are drawn, which need no photos.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;

use crate::clone::git;
use crate::{pen_figures, textbooks};

const THINGS: &str = "recipes/photos/things.tsv";

/// What `flamingo demo --data` shows on its page.
const CREDITS: &str = "CREDITS.txt";

/// Where the photos are.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A clone of github.com/Barrel-Titor/Homework2-Caltech101
    #[arg(long, value_name = "DIR")]
    caltech101: PathBuf,
    /// A clone of github.com/marcusklasson/GroceryStoreDataset
    #[arg(long, value_name = "DIR")]
    grocery: PathBuf,
    /// A clone of github.com/alexeygrigorev/clothing-dataset-small, to test with: no photo of it is trained on
    #[arg(long, value_name = "DIR")]
    clothing: Option<PathBuf>,
    /// A clone of one of github.com/philschatz's anatomy-book, biology-book, chemistry-book, physics-book and
    /// us-history-book, for pages; give as many as you have
    #[arg(long = "book", value_name = "DIR")]
    books: Vec<PathBuf>,
    /// Where to put them
    #[arg(long, value_name = "DIR", default_value = "target/photos-data")]
    out: PathBuf,
}

/// Photos of one repository at one commit.
struct Set {
    name: &'static str,
    commit: &'static str,
    /// The folders with photos.
    under: &'static [&'static str],
    /// Photos of a thing that are used at most.
    most: usize,
    /// Whose photos they are, for the pages that show them.
    credits: &'static str,
    /// Of them those that are trained on, where the thing is not held out; two more are to test with.
    training: usize,
}

const SETS: [Set; 3] = [
    Set {
        name: "caltech101",
        commit: "19357c0",
        under: &["101_ObjectCategories"],
        most: 60,
        credits: "Photos: Caltech 101 by Fei-Fei Li, Marco Andreeto, Marc'Aurelio Ranzato and Pietro Perona \
                  (doi.org/10.22002/D1.20086), CC BY 4.0; scaled",
        training: 30,
    },
    Set {
        name: "grocery",
        commit: "fc80ba9",
        under: &["dataset/train", "dataset/test", "dataset/val"],
        most: 40,
        credits: "Photos: Grocery Store Dataset (github.com/marcusklasson/GroceryStoreDataset), \
                  (c) 2019 Marcus Klasson, MIT licence; scaled",
        training: 20,
    },
    Set {
        name: "clothing",
        commit: "1196151",
        under: &["train", "test", "validation"],
        most: 60,
        credits: "Photos: clothing dataset (github.com/alexeygrigorev/clothing-dataset-small), CC0",
        training: 0,
    },
];

/// A thing of a set.
#[derive(Debug, PartialEq)]
struct Thing {
    set: String,
    /// The folder that its photos lie in.
    folder: String,
    name: String,
    held_out: bool,
}

/// Writes `training`, `tests` and `held-out`, each with a folder for each set.
///
/// # Errors
/// If a clone lacks the commit or a thing, or a file cannot be written.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.out.exists() {
        bail!(
            "{} is there already: remove it first",
            options.out.display()
        );
    }
    let text = fs::read_to_string(THINGS).with_context(|| format!("cannot read {THINGS}"))?;
    let things = read_things(&text).with_context(|| format!("in {THINGS}"))?;
    // Whole under its own name or not there.
    let draft = options.out.with_extension("part");
    if draft.exists() {
        fs::remove_dir_all(&draft).with_context(|| format!("cannot remove {}", draft.display()))?;
    }
    let clones = [
        Some(&options.caltech101),
        Some(&options.grocery),
        options.clothing.as_ref(),
    ];
    let given = SETS.iter().zip(clones);
    for (set, clone) in given.filter_map(|(set, clone)| Some((set, clone?))) {
        let files = files(set, clone)?;
        let own = things.iter().filter(|thing| thing.set == set.name);
        let mut count = 0;
        for thing in own {
            let photos = files.get(&thing.folder).with_context(|| {
                format!(
                    "{} has no photos in a folder {} at {}",
                    clone.display(),
                    thing.folder,
                    set.commit
                )
            })?;
            for (split, photos) in splits(set, thing, photos) {
                let folder = draft.join(split).join(set.name).join(&thing.name);
                fs::create_dir_all(&folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
                for (number, photo) in photos.iter().enumerate() {
                    let bytes = git(clone, &["show", &format!("{}:{photo}", set.commit)])?;
                    let path = folder.join(format!("{number:03}.jpg"));
                    fs::write(&path, bytes)
                        .with_context(|| format!("cannot write {}", path.display()))?;
                    count += 1;
                }
            }
        }
        for split in ["training", "tests", "held-out"] {
            let folder = draft.join(split).join(set.name);
            if !folder.is_dir() {
                continue;
            }
            let path = folder.join(CREDITS);
            fs::write(&path, format!("{}\n", set.credits))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        eprintln!("{count} photos of {}", set.name);
    }
    let count = pen_figures::write(&draft.join("figures"))?;
    eprintln!("{count} drawings of figures");
    if !options.books.is_empty() {
        textbooks::write(&options.books, &draft.join("pages"))?;
    }
    fs::rename(&draft, &options.out).with_context(|| {
        format!(
            "cannot rename {} to {}",
            draft.display(),
            options.out.display()
        )
    })
}

/// The photos of a thing by what they are for.
fn splits<'a>(set: &Set, thing: &Thing, photos: &'a [String]) -> Vec<(&'static str, &'a [String])> {
    let photos = &photos[..photos.len().min(set.most)];
    if thing.held_out {
        return vec![("held-out", photos)];
    }
    let (rest, tests) = photos.split_at(photos.len().saturating_sub(2));
    vec![
        ("training", &rest[..rest.len().min(set.training)]),
        ("tests", tests),
    ]
}

fn read_things(text: &str) -> anyhow::Result<Vec<Thing>> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#'));
    let thing = |(number, line): (usize, &str)| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [set, folder, name, split] = fields[..] else {
            bail!(
                "line {}: {} fields, 4 are needed: set, folder, name, split",
                number + 1,
                fields.len()
            );
        };
        ensure!(
            SETS.iter().any(|known| known.name == set),
            "line {}: there is no set {set}",
            number + 1
        );
        let held_out = match split {
            "training" => false,
            "held-out" => true,
            other => bail!(
                "line {}: the split is {other}, not training or held-out",
                number + 1
            ),
        };
        let [set, folder, name] = [set, folder, name].map(str::to_owned);
        Ok(Thing {
            set,
            folder,
            name,
            held_out,
        })
    };
    lines.map(thing).collect()
}

/// The photos of a set by the folder that they lie in, sorted.
fn files(set: &Set, clone: &Path) -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--name-only", set.commit, "--"];
    arguments.extend(set.under);
    let listed =
        String::from_utf8(git(clone, &arguments)?).context("names of files are no UTF-8")?;
    Ok(by_folder(listed.split('\0')))
}

fn by_folder<'a>(paths: impl Iterator<Item = &'a str>) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in paths.filter(|path| path.ends_with(".jpg")) {
        let folder = Path::new(path).parent().and_then(Path::file_name);
        let folder = folder.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        files.entry(folder).or_default().push(path.to_owned());
    }
    files.values_mut().for_each(|files| files.sort());
    files
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_list_of_things_is_read_and_a_wrong_line_is_told_with_its_number() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let things = read_things(&fs::read_to_string(root.join(THINGS)).unwrap()).unwrap();
        let count = |set: &str, held_out| {
            things
                .iter()
                .filter(|thing| thing.set == set && thing.held_out == held_out)
                .count()
        };
        assert_eq!(
            [count("caltech101", false), count("caltech101", true)],
            [71, 25]
        );
        assert_eq!([count("grocery", false), count("grocery", true)], [62, 19]);
        assert_eq!([count("clothing", false), count("clothing", true)], [0, 10]);
        let told = |text: &str| read_things(text).unwrap_err().to_string();
        assert!(told("# a\ncaltech101\tant\tant\n").contains("line 2: 3 fields"));
        assert!(told("zoo\tant\tant\ttraining").contains("no set zoo"));
        assert!(told("grocery\tKiwi\tkiwi\ttest").contains("the split is test"));
    }

    #[test]
    fn no_photo_is_both_trained_on_and_tested_with_and_held_out_things_are_not_trained_on() {
        let photos: Vec<String> = (0..50).map(|n| format!("{n:02}.jpg")).collect();
        let thing = |held_out| Thing {
            set: "grocery".into(),
            folder: "Kiwi".into(),
            name: "kiwi".into(),
            held_out,
        };
        let set = &SETS[1];
        let found = splits(set, &thing(false), &photos);
        assert_eq!(
            found,
            [("training", &photos[..20]), ("tests", &photos[38..40])]
        );
        assert_eq!(
            splits(set, &thing(true), &photos),
            [("held-out", &photos[..40])]
        );
        // Few photos: tests come first.
        let found = splits(set, &thing(false), &photos[..5]);
        assert_eq!(
            found,
            [("training", &photos[..3]), ("tests", &photos[3..5])]
        );
    }

    #[test]
    fn photos_are_found_by_the_folder_that_they_lie_in_whatever_is_above_it() {
        let paths = [
            "b/test/Kiwi/2.jpg",
            "a/train/Kiwi/9.jpg",
            "a/Kiwi.jpg",
            "a/Kiwi/notes.txt",
        ];
        let found = by_folder(paths.into_iter());
        assert_eq!(found["Kiwi"], ["a/train/Kiwi/9.jpg", "b/test/Kiwi/2.jpg"]);
        assert_eq!(found["a"], ["a/Kiwi.jpg"]);
    }
}
