//! Code: its lines, whatever elements they are in, and the numbers beside them.

use super::blocks::{Block, Content};
use super::variants::{is_any, words};
use crate::{Dom, Kind, NodeId, Tag};

/// Elements of a line or a gutter that are looked at.
const NEAR: usize = 64;

/// Whether an element is a line of code by its name: a `span` that ends where the line does.
pub(super) fn is_line(dom: &Dom<'_>, node: NodeId) -> bool {
    let class = dom.raw_attr(node, "class").unwrap_or_default();
    let names = ["line", "code-line", "token-line", "view-line", "codeline"];
    if !class
        .split_ascii_whitespace()
        .any(|name| is_any(name, &names))
    {
        return false;
    }
    match dom.next_sibling(node) {
        None => true,
        Some(next) if dom.is_text(next) => dom
            .raw_text(next)
            .trim_start_matches([' ', '\t', '\r'])
            .starts_with('\n'),
        Some(next) => matches!(dom.tag(next), Tag::Span | Tag::Br | Tag::Div),
    }
}

/// Whether an element within code holds the number of a line.
pub(super) fn is_number(dom: &Dom<'_>, node: NodeId) -> bool {
    let class = dom.raw_attr(node, "class").unwrap_or_default();
    let is_named = class.split_ascii_whitespace().any(|name| {
        let name = name.to_ascii_lowercase();
        let has = |of: &[&str]| words(&name).any(|word| is_any(word, of));
        has(&[
            "lineno",
            "linenos",
            "linenumber",
            "linenumbers",
            "ln",
            "lnt",
            "gutter",
            "lnum",
        ]) || has(&["line", "blob", "row"]) && has(&["num", "number", "numbers", "no", "nos"])
    });
    let is_cell = dom.tag(node) == Tag::Td && dom.next_sibling(node).is_some();
    (is_named || is_cell) && has_only_numbers(dom, node)
}

fn has_only_numbers(dom: &Dom<'_>, node: NodeId) -> bool {
    let mut texts = dom.subtree(node).filter(|&inside| dom.is_text(inside));
    texts.all(|text| {
        dom.raw_text(text)
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_whitespace())
    })
}

/// Whether a table places code: beside a gutter of numbers, or a line a row.
pub(super) fn is_table_of_code(dom: &Dom<'_>, table: NodeId) -> bool {
    let mut rows = dom
        .descendants(table)
        .take(NEAR)
        .filter(|&node| dom.tag(node) == Tag::Tr);
    let Some(row) = rows.next() else {
        return false;
    };
    let cells: Vec<NodeId> = dom
        .children(row)
        .filter(|&cell| dom.tag(cell) == Tag::Td)
        .take(3)
        .collect();
    let [number, code] = cells.as_slice() else {
        return false;
    };
    let named = |node: NodeId| dom.raw_attr(node, "class").unwrap_or_default();
    let is_code = [*code, table].iter().any(|&node| {
        words(named(node)).any(|word| {
            is_any(
                word,
                &[
                    "code",
                    "hljs",
                    "highlight",
                    "blob",
                    "rouge",
                    "highlighttable",
                ],
            )
        })
    });
    let has_pre = dom
        .descendants(*code)
        .take(NEAR)
        .any(|node| matches!(dom.tag(node), Tag::Pre | Tag::Code));
    (is_code || has_pre && is_number(dom, *number) && rows.next().is_none())
        && is_number(dom, *number)
}

/// Puts spaces for those that pages write as `&nbsp;`, so that they are shown; a line of nothing else is empty.
pub(super) fn write_plain_spaces(code: &mut String) {
    const SPACE: char = '\u{a0}';
    if !code.contains(SPACE) {
        return;
    }
    let line = |line: &str| match line.trim() {
        "" => String::new(),
        _ => line.replace(SPACE, " "),
    };
    *code = code.split('\n').map(line).collect::<Vec<_>>().join("\n");
}

/// Takes away blocks that number the lines of the code beside them.
pub(super) fn drop_gutters(blocks: &mut Vec<Block<'_>>) {
    let text = |block: &Block<'_>| match &block.content {
        Content::Text(words) if words.kind == Kind::Code => Some(words.text.lines().count()),
        _ => None,
    };
    let lines: Vec<Option<usize>> = blocks.iter().map(text).collect();
    let mut index = 0;
    blocks.retain(|block| {
        index += 1;
        let Content::Text(words) = &block.content else {
            return true;
        };
        let is_beside =
            |other: Option<usize>| other.and_then(|at| *lines.get(at)?) == lines[index - 1];
        let numbers = words.kind == Kind::Code && counts_up(&words.text);
        !(numbers && (is_beside(Some(index)) || is_beside((index - 1).checked_sub(1))))
    });
}

fn counts_up(text: &str) -> bool {
    let mut before = None;
    text.lines().all(|line| {
        let number = line.trim().parse::<u32>().ok();
        let is_next =
            number.is_some() && before.is_none_or(|before: u32| number == before.checked_add(1));
        before = number;
        is_next
    })
}
