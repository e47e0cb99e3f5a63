//! Base64 as archives hold it: wrapped, padded or not, and cut.

use std::sync::LazyLock;

use data_encoding::{BASE64_NOPAD, Encoding};

static LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut rules = BASE64_NOPAD.specification();
    rules.check_trailing_bits = false;
    rules.encoding().expect("the rules of base64 are sound")
});

/// The bytes as far as they go; what is no letter of base64 is passed over, and padding ends it.
pub(crate) fn decode(text: &[u8]) -> Vec<u8> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let text = text.split(|&byte| byte == b'=').next().unwrap_or_default();
    let mut letters: Vec<u8> = text.iter().copied().filter(is_letter).collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    LENIENT.decode(&letters).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded_wrapped_padded_or_cut() {
        assert_eq!(decode(b"R0lG\r\n ODlh"), b"GIF89a");
        assert_eq!(decode(b"YQ=="), b"a");
        assert_eq!(decode(b"YQ"), b"a");
        assert_eq!(decode(b"YR=="), b"a");
        assert_eq!(decode(b"YWJjZ"), b"abc");
        assert_eq!(decode(b""), b"");
    }
}
