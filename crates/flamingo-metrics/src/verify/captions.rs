//! Cases of the tokeniser and of the captions' scores.

use serde::Deserialize;
use serde_json::Value;

use super::computed::{Computed, Outcome, read};
use crate::bleu::bleu;
use crate::captions::CaptionItem;
use crate::cider::cider_d;
use crate::ptb::{LineEnds, PtbTokenizer, tokens};
use crate::rouge::rouge_l;

#[derive(Deserialize)]
struct Caption {
    text: String,
}

/// A line that nothing is in common with, as it stood after each caption.
const SENTINEL: &str = "zzsentinelzz";

/// The tokeniser as the official code calls it.
const OFFICIAL: PtbTokenizer = PtbTokenizer {
    line_ends: LineEnds::Shift,
};

pub(super) fn caption(case: &Value) -> Result<Computed, Outcome> {
    let Caption { text } = read(case)?;
    let text = text.replace('\n', " ");
    let written = tokens(&format!("{text}\n{SENTINEL}\n"));
    let end = format!("\n{SENTINEL}\n");
    let mut computed = Computed::new();
    computed.add("java", written.strip_suffix(&end).unwrap_or(&written));
    let both = OFFICIAL.tokenize(&[&*text, SENTINEL]);
    computed.add("tokens", both.captions.first());
    Ok(computed)
}

#[derive(Deserialize)]
struct Captions {
    texts: Vec<String>,
}

pub(super) fn captions(case: &Value) -> Result<Computed, Outcome> {
    let Captions { texts } = read(case)?;
    let mut computed = Computed::new();
    computed.add("tokens", OFFICIAL.tokenize(&texts).captions);
    Ok(computed)
}

#[derive(Deserialize)]
struct Scores {
    kind: String,
    refs: Vec<Vec<String>>,
    hyps: Vec<String>,
}

pub(super) fn scores(case: &Value) -> Result<Computed, Outcome> {
    let Scores {
        kind,
        mut refs,
        mut hyps,
    } = read(case)?;
    let mut computed = Computed::new();
    if kind == "raw" {
        let flat: Vec<&String> = refs.iter().flatten().collect();
        let mut tokenised = OFFICIAL.tokenize(&flat).captions.into_iter();
        refs = refs
            .iter()
            .map(|references| tokenised.by_ref().take(references.len()).collect())
            .collect();
        hyps = OFFICIAL.tokenize(&hyps).captions;
        computed.add("tok_refs", &refs);
        computed.add("tok_hyps", &hyps);
    }
    let items: Vec<CaptionItem> = refs
        .into_iter()
        .zip(hyps)
        .map(|(references, caption)| CaptionItem {
            references,
            caption,
        })
        .collect();
    if case.get("bleu").is_none() {
        let cider = cider_d(&items)?;
        computed.add("cider", cider.score);
        computed.add("ciders", cider.scores);
        return Ok(computed);
    }
    let bleus = bleu(&items)?;
    computed.add("bleu", bleus.each_ref().map(|bleu| bleu.score));
    computed.add("bleus", bleus.map(|bleu| bleu.scores));
    let rouge = rouge_l(&items)?;
    computed.add("rouge_l", rouge.score);
    computed.add("rouge_ls", rouge.scores);
    Ok(computed)
}
