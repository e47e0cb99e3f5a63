//! The bodies of requests: whatever is taken is a prompt that can be written down and read again.
#![no_main]

use std::sync::LazyLock;

use flamingo_serve::{Limits, Template, read_chat, read_scored};

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let names = ["paper", "idefics-instruct", "langinstruct"];
    names
        .map(|name| Template::named(name).expect("it comes with the program"))
        .into()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let limits = Limits {
        values: 1000,
        media: 7,
        ..Limits::default()
    };
    for template in TEMPLATES.iter() {
        if let Ok(document) = read_chat(bytes, &limits, template)
            && document.check().is_ok()
        {
            let json = serde_json::to_string(&document).expect("a document is plain data");
            assert_eq!(
                serde_json::from_str::<flamingo_sequence::Document>(&json).ok(),
                Some(document)
            );
        }
    }
    let _ = read_scored(bytes, &limits);
});
