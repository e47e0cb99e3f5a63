//! `flamingo data preview`: samples as the model sees them in training.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use flamingo::data::{Format, Framing, Sample, Source, stream};
use flamingo::eval::{Previewed, PreviewedToken, preview_html};
use flamingo::film::Reader;
use flamingo::image::{Image, Media, Preprocess, Wanted};
use flamingo::sequence::{Form, IGNORE, Predict, Tokenizer, next_token_labels, visible};
use flamingo::weights::open;
use rand::Rng;

use super::path::{DataPath, described};
use crate::args::{MediaArgs, SourceArgs};
use crate::failure::{Failure, Hint, Result};
use crate::output;
use crate::writer::Output;

/// Write a page of training samples as the model sees them: tokens, what is predicted, which picture each token sees.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flamingo data preview photos/ --out preview.html\n  \
                  flamingo data preview corpus/shards --form page --length 256 --samples 50"
)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    data: DataPath,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "preview.html")]
    out: PathBuf,
    /// So many samples, drawn from all
    #[arg(long, value_name = "N", default_value_t = 20)]
    samples: usize,
    /// Draws the samples, and where their windows begin
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// What the documents are [default: pairs where each sample is a picture with a text]
    #[arg(long, value_name = "FORM")]
    form: Option<FormName>,
    /// Most tokens of a sample
    #[arg(long, value_name = "N", default_value_t = 256)]
    length: usize,
    /// Most pictures and films of a sample
    #[arg(long, value_name = "N", default_value_t = 5)]
    max_media: usize,
    /// How often a page's text is bound to the next picture [default: 0.5 for pages]
    #[arg(long, value_name = "P")]
    p_next: Option<f64>,
    #[command(flatten)]
    files: SourceArgs,
    #[command(flatten)]
    media: MediaArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FormName {
    Page,
    Pair,
}

pub(super) fn run(args: &PreviewArgs) -> Result<()> {
    if args.length < 2 {
        return Err(Failure::new(format!(
            "--length is {}: give at least 2",
            args.length
        )));
    }
    let format = args.data.format()?;
    let opened = open(&args.files.source()?)?;
    let preprocess = opened.file.preprocess.clone();
    let preprocess = preprocess.ok_or_else(|| Failure::new("the model sees no pictures"))?;
    let out = Output::of(&args.out)?.unless_file_in(&[args.data.path.display().to_string()])?;
    let chosen = choose(args, format)?;
    let form = match args.form {
        Some(FormName::Page) => Form::Page,
        Some(FormName::Pair) => Form::Pair,
        None => format.form_of(chosen.iter().all(|sample| sample.document.is_pair())),
    };
    let mut framing = Framing {
        length: args.length,
        max_media: args.max_media,
        ..Framing::of(form)
    };
    framing.p_next = args.p_next.unwrap_or(framing.p_next);
    let look = Look {
        framing,
        tokenizer: &opened.tokenizer,
        wanted: Wanted::of(args.media.sampling(), &preprocess),
        preprocess,
        reader: args.media.reader(),
    };
    let (mut shown, mut broken) = (Vec::new(), 0);
    for (number, sample) in chosen.iter().enumerate() {
        match look.at(sample, args.seed, number as u64) {
            Ok(sample) => shown.push(sample),
            Err(error) => {
                broken += 1;
                tracing::warn!("a sample is left out: {error}");
            }
        }
    }
    if shown.is_empty() {
        return Err(Failure::new("no sample could be shown"))
            .hint("`flamingo data stats` counts what is broken");
    }
    let left_out = match broken {
        0 => "none".to_owned(),
        _ => format!("{broken}, whose pictures or texts are broken"),
    };
    let about = [
        (
            "data",
            format!("{} ({})", args.data.path.display(), described(format)),
        ),
        ("samples", shown.len().to_string()),
        ("left out", left_out),
        ("tokens at most", args.length.to_string()),
        ("pictures at most", args.max_media.to_string()),
    ];
    let page = preview_html(&about, &shown);
    let mut draft = out.begin()?;
    draft.add(page.as_bytes())?;
    draft.commit()?;
    output::line(&format!("{} samples: {}", shown.len(), args.out.display()))
}

/// Some samples of all, each as likely as any other.
fn choose(args: &PreviewArgs, format: Format) -> Result<Vec<Sample>> {
    let mut rng = stream(args.seed, "preview", &[]);
    let (mut seen, mut chosen) = (0, Vec::new());
    Source::each(format, &args.data.path, |sample| {
        let place = rng.random_range(0..=seen);
        if seen < args.samples {
            chosen.push((seen, sample));
        } else if place < args.samples {
            chosen[place] = (seen, sample);
        }
        seen += 1;
        Ok::<_, Failure>(())
    })?;
    chosen.sort_by_key(|(place, _)| *place);
    Ok(chosen.into_iter().map(|(_, sample)| sample).collect())
}

/// How samples become what the model sees.
struct Look<'a> {
    framing: Framing,
    tokenizer: &'a Tokenizer,
    wanted: Wanted,
    preprocess: Preprocess,
    reader: Reader,
}

impl Look<'_> {
    fn at(&self, sample: &Sample, seed: u64, number: u64) -> Result<Previewed> {
        let document = &sample.document;
        let mut rng = stream(seed, "preview", &[number]);
        let example = self.framing.example(document, self.tokenizer, &mut rng)?;
        let specials = self.tokenizer.specials();
        let ids = &example.sequence.ids;
        let sees = visible(ids, specials, example.visibility);
        let labels = next_token_labels(ids, &sees, specials, Predict::Text);
        let special = self.tokenizer.special_spellings();
        let mut tokens = Vec::with_capacity(ids.len());
        for (place, id) in ids.iter().enumerate() {
            let spelling = self.tokenizer.token(*id).unwrap_or_default();
            let is_special = special.contains(&spelling);
            tokens.push(PreviewedToken {
                text: match is_special {
                    true => spelling,
                    false => self.tokenizer.decode(&[*id])?,
                },
                is_special,
                is_predicted: place > 0 && labels[place - 1] != IGNORE,
                sees: sees[place].clone().next_back(),
            });
        }
        let all: Vec<_> = document.media().collect();
        let media = example.sequence.media.iter().map(|medium| {
            let (_, kind, place) = all[*medium];
            let loaded = sample.base.load(place, kind, &self.reader, &self.wanted)?;
            Ok(match loaded {
                Media::Image(image) => vec![self.seen(&image)],
                Media::Film(film) => film.frames.iter().map(|image| self.seen(image)).collect(),
            })
        });
        Ok(Previewed {
            name: document
                .id
                .clone()
                .unwrap_or_else(|| format!("sample {}", number + 1)),
            tokens,
            media: media.collect::<Result<Vec<_>>>()?,
        })
    }

    /// The picture in the encoder's size.
    fn seen(&self, image: &Image) -> Image {
        self.preprocess.picture(image)
    }
}
