//! Formulas, which pages hold several times over: as MathML for readers, as TeX, and as spans or a picture for the eye.

use super::spaces::squeezed;
use super::variants::{is_any, words};
use crate::{Dom, NodeId, Tag};

/// Levels of a formula beyond which nothing is read.
const DEEPEST: usize = 32;
/// Nodes beside a part of a formula in which the formula itself is looked for.
const NEAR: usize = 256;

/// Whether a page has formulas at all: most have none, and are not searched for what repeats one.
pub(super) fn are_in(dom: &Dom<'_>) -> bool {
    let is_one = |node| match dom.tag(node) {
        Tag::Math => true,
        Tag::Script => is_tex(dom, node),
        _ => false,
    };
    (0..dom.len()).map(NodeId::from_index).any(is_one)
}

/// What a `math` element says: its TeX where the page has it, else its content: with the white space that sets its parts
/// apart, or, where there is none, written as TeX.
pub(super) fn of_math(dom: &Dom<'_>, math: NodeId) -> String {
    let annotation = dom.descendants(math).find(|&node| {
        is_named(dom, node, "annotation")
            && dom
                .attr(node, "encoding")
                .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("tex"))
    });
    let tex = match annotation {
        Some(annotation) => content(dom, annotation),
        None => dom
            .attr(math, "alttext")
            .map(|text| squeezed(&text))
            .unwrap_or_default(),
    };
    if !tex.is_empty() {
        return without_style(&tex).to_owned();
    }
    let mut written = String::new();
    if dom.descendants(math).any(|node| dom.is_blank(node)) {
        write_texts(dom, math, &mut written);
    } else {
        write_children(dom, math, &mut written, 0);
    }
    squeezed(&written)
}

fn is_annotation(dom: &Dom<'_>, node: NodeId) -> bool {
    is_named(dom, node, "annotation") || is_named(dom, node, "annotation-xml")
}

fn write_texts(dom: &Dom<'_>, math: NodeId, out: &mut String) {
    let end = dom.subtree_end(math);
    let mut node = NodeId::from_index(math.index() + 1);
    while node < end {
        if is_annotation(dom, node) {
            node = dom.subtree_end(node);
            continue;
        }
        if dom.is_text(node) {
            out.push_str(&dom.text(node));
        }
        node = NodeId::from_index(node.index() + 1);
    }
}

/// The TeX of a `script` that a library replaces by a formula.
pub(super) fn of_script(dom: &Dom<'_>, script: NodeId) -> Option<String> {
    let tex = is_tex(dom, script).then(|| squeezed(&raw_content(dom, script)))?;
    (!tex.is_empty()).then_some(tex)
}

fn is_tex(dom: &Dom<'_>, script: NodeId) -> bool {
    dom.attr(script, "type").is_some_and(|kind| {
        let kind = kind.trim_start().to_ascii_lowercase();
        kind.starts_with("math/tex")
    })
}

/// Whether an element shows what a formula or its TeX beside it says, too.
pub(super) fn is_repeated(dom: &Dom<'_>, node: NodeId) -> bool {
    let Some(parent) = dom.parent(node) else {
        return false;
    };
    if dom
        .raw_attr(node, "aria-hidden")
        .is_some_and(|hidden| hidden.eq_ignore_ascii_case("true"))
    {
        let beside = dom.children(parent).filter(|&child| child != node);
        return beside.take(DEEPEST).any(|child| {
            let mut inside = dom.subtree(child).take(NEAR);
            inside.any(|node| dom.tag(node) == Tag::Math)
        });
    }
    is_rendered(dom, node) && {
        let after = std::iter::successors(dom.next_sibling(node), |&next| dom.next_sibling(next));
        // A preview stands before what is rendered of the same TeX.
        let next = after
            .filter(|&next| !dom.is_blank(next))
            .take(FORMS)
            .find(|&next| !is_rendered(dom, next));
        next.is_some_and(|next| dom.tag(next) == Tag::Script && of_script(dom, next).is_some())
    }
}

/// Forms in which a formula is rendered, with its TeX behind them.
const FORMS: usize = 4;

fn is_rendered(dom: &Dom<'_>, node: NodeId) -> bool {
    let class = dom.raw_attr(node, "class").unwrap_or_default();
    class
        .split_ascii_whitespace()
        .any(|name| name.starts_with("MathJax"))
}

/// Whether the text that stands for a picture is a formula.
pub(super) fn is_formula(class: &str, alt: &str) -> bool {
    let names = [
        "math", "latex", "tex", "mwe", "equation", "formula", "mathjax",
    ];
    let is_named = words(class).any(|word| is_any(word, &names));
    !alt.is_empty() && (is_named || alt.contains("\\frac") || alt.contains("\\displaystyle"))
}

/// `{\displaystyle x}` says `x`.
pub(super) fn without_style(tex: &str) -> &str {
    let inner = tex
        .strip_prefix("{\\displaystyle")
        .or_else(|| tex.strip_prefix("{\\textstyle"));
    inner
        .and_then(|inner| inner.strip_suffix('}'))
        .map_or(tex, str::trim)
}

fn is_named(dom: &Dom<'_>, node: NodeId, name: &str) -> bool {
    dom.tag(node) == Tag::Other && dom.name(node).eq_ignore_ascii_case(name)
}

fn content(dom: &Dom<'_>, node: NodeId) -> String {
    let mut text = String::new();
    dom.text_content(node, &mut text);
    squeezed(&text)
}

fn raw_content(dom: &Dom<'_>, node: NodeId) -> String {
    let texts = dom.descendants(node).filter(|&inside| dom.is_text(inside));
    texts.map(|text| dom.raw_text(text)).collect()
}

fn write_children(dom: &Dom<'_>, node: NodeId, out: &mut String, depth: usize) {
    for child in dom.children(node) {
        write(dom, child, out, depth + 1);
    }
}

/// Writes an element of MathML as TeX writes it.
fn write(dom: &Dom<'_>, node: NodeId, out: &mut String, depth: usize) {
    if dom.is_text(node) {
        out.push_str(dom.text(node).trim());
        return;
    }
    if depth > DEEPEST {
        return;
    }
    let name = dom.name(node).to_ascii_lowercase();
    let mut parts = dom.children(node).filter(|&child| !dom.is_blank(child));
    let mut part = |before: &str, after: &str, out: &mut String| {
        out.push_str(before);
        if let Some(part) = parts.next() {
            write(dom, part, out, depth + 1);
        }
        out.push_str(after);
    };
    match name.as_str() {
        "annotation" | "annotation-xml" | "mphantom" => {}
        "mfrac" => {
            part("\\frac{", "}", out);
            part("{", "}", out);
        }
        "msqrt" => {
            out.push_str("\\sqrt{");
            write_children(dom, node, out, depth);
            out.push('}');
        }
        "msup" | "mover" => {
            part("", "", out);
            part("^{", "}", out);
        }
        "msub" | "munder" => {
            part("", "", out);
            part("_{", "}", out);
        }
        "msubsup" | "munderover" => {
            part("", "", out);
            part("_{", "}", out);
            part("^{", "}", out);
        }
        _ => write_children(dom, node, out, depth),
    }
}
