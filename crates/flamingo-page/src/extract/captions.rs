//! Captions find their pictures; those of none, and those that a picture has already, go.

use std::collections::HashSet;

use super::blocks::{Block, Content, LONGEST_CAPTION};
use crate::Kind;

/// Captions between a caption and its picture.
const NEAR: usize = 8;

/// Gives pictures without a caption the one beside them and drops captions that stand beside none.
pub(super) fn settle(mut blocks: Vec<Block<'_>>) -> Vec<Block<'_>> {
    let mut seen = HashSet::new();
    let mut keep = vec![true; blocks.len()];
    for index in 0..blocks.len() {
        let Some(caption) = caption(&blocks[index]).map(str::to_owned) else {
            continue;
        };
        let is_of_table = matches!(kind_at(&blocks, index + 1), Some(Kind::Row));
        let picture = beside(&blocks, index);
        keep[index] = is_of_table || picture.is_some();
        if let Some(Content::Picture(picture)) = picture.map(|at| &mut blocks[at].content)
            && !picture.is_captioned
            && caption.len() < LONGEST_CAPTION
        {
            picture.title.clone_from(&caption);
            picture.is_captioned = true;
        }
        keep[index] &= seen.insert((caption, picture));
    }
    let mut keep = keep.into_iter();
    blocks.retain(|_| keep.next().unwrap_or(true));
    blocks
}

fn caption<'b>(block: &'b Block<'_>) -> Option<&'b str> {
    match &block.content {
        Content::Text(words) if words.kind == Kind::Caption => Some(&words.text),
        _ => None,
    }
}

fn kind_at(blocks: &[Block<'_>], index: usize) -> Option<Kind> {
    match &blocks.get(index)?.content {
        Content::Text(words) => Some(words.kind),
        Content::Picture(_) | Content::Film(_) => None,
    }
}

/// The nearest picture or film with nothing but captions between: rather the one above.
fn beside(blocks: &[Block<'_>], index: usize) -> Option<usize> {
    let above = (index.saturating_sub(NEAR)..index)
        .rev()
        .find(|&at| caption(&blocks[at]).is_none());
    let below =
        (index + 1..blocks.len().min(index + NEAR)).find(|&at| caption(&blocks[at]).is_none());
    let is_shown = |&at: &usize| !matches!(blocks[at].content, Content::Text(_));
    above.filter(is_shown).or_else(|| below.filter(is_shown))
}
