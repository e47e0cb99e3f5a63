//! A web page, and the tree that it becomes.
#![no_main]

use flamingo_page::{Dom, NodeId, charset};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let source = charset::decode(bytes, None);
    let dom = Dom::parse(&source);
    assert_eq!(dom.subtree_end(NodeId::ROOT).index(), dom.len());
    for node in dom.subtree(NodeId::ROOT) {
        if let Some(parent) = dom.parent(node) {
            assert!(parent < node && dom.subtree_end(node) <= dom.subtree_end(parent));
        }
        let _ = (dom.text(node), dom.name(node), dom.attrs(node, ["src", "class"]));
    }
});
