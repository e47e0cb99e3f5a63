//! Any bytes are a sentencepiece model or an error.

#![no_main]

use flamingo_checkpoint::HfTokenizer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(tokenizer) = HfTokenizer::from_sentencepiece(bytes, "fuzz.model") {
        let _ = tokenizer.tokenizer().encode("a▁b  <unk>é日\u{1}", true);
        let _ = tokenizer.to_json();
    }
});
