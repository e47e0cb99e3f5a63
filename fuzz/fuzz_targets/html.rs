//! A web page: the tree that it becomes, and its main content.
#![no_main]

use flamingo_page::{Context, Dom, NodeId, charset, extract};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let source = charset::decode(bytes, None);
    let dom = Dom::parse(&source);
    assert_eq!(dom.subtree_end(NodeId::ROOT).index(), dom.len());
    for node in dom.subtree(NodeId::ROOT) {
        if let Some(parent) = dom.parent(node) {
            assert!(parent < node && dom.subtree_end(node) <= dom.subtree_end(parent));
        }
        let _ = (
            dom.text(node),
            dom.name(node),
            dom.attrs(node, ["src", "class"]),
        );
    }
    let context = Context {
        url: "https://a.example/b/",
        content_type: None,
    };
    let _ = extract(bytes, &context);
});
