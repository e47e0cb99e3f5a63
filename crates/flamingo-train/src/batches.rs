//! A source of data in a run: which samples it has, and when it is used.

use std::sync::Arc;

use flamingo_data::{Report, Source, Stream};
use flamingo_sequence::{Document, Part};
use regex::Regex;

use crate::StreamSpec;
use crate::{DataSpec, Error, Result};

/// A source of data in a run.
pub(crate) struct Feed {
    pub(crate) spec: DataSpec,
    /// The samples that lie in memory: none of a stream.
    pub(crate) source: Source,
    pub(crate) stream: Option<Arc<Stream>>,
}

impl Feed {
    /// Reads the source and keeps what the recipe wants of it; of a stream, counts what there is.
    pub(crate) fn open(spec: &DataSpec, seed: u64) -> Result<Self> {
        if let Some(StreamSpec { window }) = spec.stream {
            let stream = Stream::open(spec.format, &spec.path, window, seed, &spec.name)?;
            let source = Source {
                samples: Vec::new(),
                report: stream.report(),
            };
            return Ok(Self {
                spec: spec.clone(),
                source,
                stream: Some(Arc::new(stream)),
            });
        }
        let mut feed = Self {
            spec: spec.clone(),
            source: Source::read(spec.format, &spec.path)?,
            stream: None,
        };
        if let Some(pattern) = &spec.only {
            let regex = compile(pattern, &spec.name, "only")?;
            feed.select("only", pattern, |document| regex.is_match(&said(document)))?;
        }
        feed.source
            .samples
            .truncate(spec.samples.unwrap_or(usize::MAX));
        Ok(feed)
    }

    /// Keeps the samples that the recipe's `key` wants. What it does not want is no fault of the
    /// data: it is not reported.
    pub(crate) fn select(
        &mut self,
        key: &str,
        pattern: &str,
        wanted: impl Fn(&Document) -> bool,
    ) -> Result<()> {
        let samples = &mut self.source.samples;
        let before = samples.len();
        samples.retain(|sample| wanted(&sample.document));
        if samples.is_empty() {
            return Err(Error::contradiction(format!(
                "source {:?}: `{key}` {pattern:?} is found in none of its {before} documents",
                self.spec.name
            )));
        }
        Ok(())
    }

    /// Leaves out the samples that `keep` gives a reason against.
    pub(crate) fn retain(
        &mut self,
        keep: impl Fn(&Document) -> Option<(String, String)>,
    ) -> Result<()> {
        self.source
            .retain(&self.spec.path, |_, sample| keep(&sample.document))?;
        Ok(())
    }

    /// Which of the source's batches step `step` uses, if any.
    pub(crate) fn batch_of(&self, step: u64) -> Option<u64> {
        let used = step >= self.spec.from && self.spec.until.is_none_or(|until| step < until);
        used.then(|| step - self.spec.from)
    }

    pub(crate) fn report(&self) -> (&str, Report) {
        let report = match &self.stream {
            Some(stream) => stream.report(),
            None => self.source.report.clone(),
        };
        (&self.spec.name, report)
    }
}

/// A regular expression of a source.
pub(crate) fn compile(pattern: &str, source: &str, key: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|error| {
        Error::contradiction(format!(
            "source {source:?}: `{key}` {pattern:?} is no regular expression: {error}"
        ))
    })
}

/// All text of a document, a line for each part.
pub(crate) fn said(document: &Document) -> String {
    let texts: Vec<&str> = document
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n")
}
