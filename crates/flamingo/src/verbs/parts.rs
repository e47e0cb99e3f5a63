//! `--image`, `--video`, `--text` and `--end`, in the order in which they were given.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};
use flamingo::sequence::{Document, Part};

/// The parts of a prompt on the command line. Derived parsers lose the order between different
/// flags, so this one reads the places of their values itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parts(pub(crate) Vec<Part>);

const IMAGE: &str = "image";
const VIDEO: &str = "video";
const TEXT: &str = "text";
const END: &str = "end";

/// The ids of the flags, for conflicts.
pub(crate) const FLAGS: [&str; 4] = [IMAGE, VIDEO, TEXT, END];

impl Parts {
    /// The prompt; none if no part was given.
    pub(crate) fn document(&self) -> Option<Document> {
        (!self.0.is_empty()).then(|| Document::new(self.0.iter().cloned()))
    }
}

fn values(matches: &ArgMatches, id: &str, part: fn(String) -> Part) -> Vec<(usize, Part)> {
    let places = matches.indices_of(id).into_iter().flatten();
    let values = matches.get_many::<String>(id).into_iter().flatten();
    places.zip(values.cloned().map(part)).collect()
}

impl FromArgMatches for Parts {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut parts = values(matches, IMAGE, Part::Image);
        parts.extend(values(matches, VIDEO, Part::Video));
        parts.extend(values(matches, TEXT, Part::Text));
        parts.extend(values(matches, END, |_| Part::End));
        parts.sort_by_key(|(place, _)| *place);
        Ok(Self(parts.into_iter().map(|(_, part)| part).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Parts {
    fn augment_args(command: Command) -> Command {
        let flag = |id: &'static str, value: &'static str, help: &'static str| {
            Arg::new(id)
                .long(id)
                .value_name(value)
                .help(help)
                .action(ArgAction::Append)
        };
        command
            .next_help_heading(Some("Prompt (parts in the order given)"))
            .args([
                flag(
                    IMAGE,
                    "FILE",
                    "A picture: JPEG, PNG, WebP or GIF, or a data: URL",
                ),
                flag(
                    VIDEO,
                    "FILE",
                    "A film: MP4, WebM or another film file (with FFmpeg), animated GIF, WebP or PNG, or a folder of frames",
                ),
                flag(TEXT, "TEXT", "A text, as it stands").allow_hyphen_values(true),
                flag(END, "", "The end of a chunk, after the answer of a shot")
                    .num_args(0)
                    .default_missing_value("true"),
            ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Whether a prompt file holds one document a line, whose answers are one a line, too.
pub(crate) fn is_jsonl(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_the_order_between_different_flags() {
        let line = "x --image a --text A --end --video b --text B --end --end --image c";
        let command = Parts::augment_args(Command::new("x"));
        let matches = command
            .try_get_matches_from(line.split(' '))
            .expect("a valid line");
        let parts = Parts::from_arg_matches(&matches).expect("parts").0;
        let (text, image) = (
            |t: &str| Part::Text(t.into()),
            |i: &str| Part::Image(i.into()),
        );
        let video = Part::Video("b".into());
        let wanted = [
            image("a"),
            text("A"),
            Part::End,
            video,
            text("B"),
            Part::End,
            Part::End,
            image("c"),
        ];
        assert_eq!(parts, wanted);
    }
}
