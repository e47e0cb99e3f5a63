//! Any text parses to a tree that holds together.

#![allow(clippy::unwrap_used)]

use flamingo_page::{Buffers, Dom, NodeId, Tag, charset};
use proptest::prelude::*;

/// Pieces of markup, so that what is drawn is not all text.
const PIECES: &[&str] = &[
    "<p>",
    "</p>",
    "<div a='",
    "'>",
    "<div>",
    "</div>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<b>",
    "</b>",
    "<a href=x>",
    "</a>",
    "<li>",
    "<ul>",
    "</ul>",
    "<svg>",
    "</svg>",
    "<foreignObject>",
    "<math>",
    "<mi>",
    "<title>",
    "</title>",
    "<script>",
    "</script>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<br/>",
    "<img src=",
    "\"",
    "'",
    "=",
    ">",
    "<",
    "/",
    "&amp;",
    "&#x",
    ";",
    "é",
    "\0",
    "\r\n",
    " ",
    "x",
    "<form>",
    "</form>",
    "<select>",
    "<option>",
    "<head>",
    "</head>",
    "<body>",
    "<noscript>",
    "</noscript>",
    "<template>",
    "</template>",
    "<h1>",
    "</h2>",
    "<button>",
    "<ruby>",
    "<rt>",
    "<pre>",
    "<textarea>",
    "<frameset>",
    "<plaintext>",
    "<my-tag>",
    "</my-tag>",
    "</br>",
    "<caption>",
    "<col>",
    "<dd>",
    "<dt>",
];

fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

/// Parents stand before their children, ends nest, and all of it can be read.
fn check(dom: &Dom<'_>) {
    assert_eq!(dom.subtree_end(NodeId::ROOT).index(), dom.len());
    for node in dom.subtree(NodeId::ROOT) {
        let end = dom.subtree_end(node);
        assert!(end > node);
        if let Some(parent) = dom.parent(node) {
            assert!(parent < node && end <= dom.subtree_end(parent));
            assert_ne!(dom.tag(parent), Tag::Text);
        }
        assert!(!dom.is_text(node) || end.index() == node.index() + 1);
        assert_eq!(dom.is_text(node), !dom.raw_text(node).is_empty());
        assert!(dom.ancestors(node).count() <= 512);
        let _ = (dom.text(node), dom.name(node), dom.attr(node, "href"));
        for attribute in dom.attributes(node) {
            assert!(!attribute.name.is_empty());
            let _ = attribute.value();
        }
    }
    let mut walked = 0;
    let mut stack = vec![NodeId::ROOT];
    while let Some(node) = stack.pop() {
        walked += 1;
        stack.extend(dom.children(node));
    }
    assert_eq!(walked, dom.len());
}

proptest! {
    #[test]
    fn any_markup_gives_a_tree_that_holds_together(source in markup()) {
        check(&Dom::parse(&source));
    }

    #[test]
    fn any_text_gives_a_tree_that_holds_together(source in any::<String>()) {
        check(&Dom::parse(&source));
    }

    #[test]
    fn any_bytes_become_text_that_parses(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&Dom::parse(&charset::decode(&bytes, None)));
    }

    #[test]
    fn there_are_no_more_nodes_than_a_few_for_each_piece_of_markup(source in markup()) {
        let pieces = source.matches('<').count();
        prop_assert!(Dom::parse(&source).len() <= 5 + 4 * pieces);
    }

    #[test]
    fn a_tree_does_not_depend_on_what_was_parsed_before_in_the_same_memory(one in markup(), two in markup()) {
        let mut buffers = Buffers::default();
        Dom::parse_with(&one, &mut buffers).recycle(&mut buffers);
        let again = Dom::parse_with(&two, &mut buffers);
        prop_assert_eq!(format!("{:?}", again), format!("{:?}", Dom::parse(&two)));
    }
}

#[test]
fn a_hundred_thousand_elements_inside_one_another_stay_within_the_depth() {
    for element in [
        "<div>",
        "<b>",
        "<table>",
        "<svg>",
        "<x-y>",
        "<ul><li>",
        "<a><div>",
        "<form>",
        "<p><button>",
    ] {
        check(&Dom::parse(&element.repeat(100_000)));
    }
}

#[test]
fn end_tags_of_what_is_far_outside_are_not_looked_for_again_and_again() {
    let nested = "<p><b><a><my-x><h1>".to_owned() + &"<button><table><td>".repeat(160);
    let ends = "</p></b></a></my-x></h1></div></li></form><a>".repeat(50_000);
    check(&Dom::parse(&(nested + &ends)));
}

#[test]
fn markup_that_never_ends_takes_no_nodes() {
    let long = "a='b' ".repeat(500_000);
    for start in ["<p ", "</p ", "<!--", "<!", "<?", "<p a='", "<p a=\""] {
        let source = format!("x{start}{long}");
        assert!(Dom::parse(&source).len() <= 5, "{start}");
    }
    assert_eq!(Dom::parse(&format!("<p {long}>x")).len(), 5);
}

#[test]
fn what_comes_after_the_most_nodes_is_dropped_and_told() {
    let source = "<br>".repeat(Dom::MAX_NODES + 10);
    let dom = Dom::parse(&source);
    assert!(dom.is_truncated());
    assert!(dom.len() <= Dom::MAX_NODES);
    assert!(!Dom::parse("<br>").is_truncated());
}
