//! The rule that every vocabulary keeps: the ids run from 0 on, each token has its own.

use crate::tokenizer::{Error, Result};

/// Checks a base vocabulary. A token that is added later gets the number of tokens as its id, so a
/// hole would give two tokens one id.
pub(crate) fn check_ids<'a>(
    name: &str,
    vocabulary: impl ExactSizeIterator<Item = (&'a str, u32)>,
) -> Result<()> {
    let count = vocabulary.len();
    if count == 0 {
        return Err(Error::tokenizer(name, "the vocabulary is empty"));
    }
    let mut owners: Vec<Option<&str>> = vec![None; count];
    for (token, id) in vocabulary {
        let message = match owners.get_mut(id as usize) {
            None => format!(
                "the token {token:?} has the id {id} but there are {count} tokens: the ids must run from 0 to {} without holes",
                count - 1
            ),
            Some(Some(owner)) => format!(
                "the tokens {owner:?} and {token:?} both have the id {id}: give each its own"
            ),
            Some(free) => {
                *free = Some(token);
                continue;
            }
        };
        return Err(Error::tokenizer(name, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn check(vocabulary: &[(&str, u32)]) -> String {
        match check_ids("v.json", vocabulary.iter().copied()) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn ids_run_from_zero_without_holes_in_any_order() {
        assert_eq!(check(&[("b", 1), ("a", 0), ("c", 2)]), "");
    }

    #[test]
    fn two_tokens_with_one_id_are_both_named() {
        let message = check(&[("a", 0), ("b", 0)]);
        assert!(
            message.contains(r#""a" and "b" both have the id 0"#),
            "{message}"
        );
    }

    #[test]
    fn a_hole_is_named_with_the_token_behind_it() {
        let message = check(&[("a", 0), ("b", u32::MAX)]);
        assert!(
            message.contains(r#""b" has the id 4294967295"#),
            "{message}"
        );
        assert!(message.contains("from 0 to 1"), "{message}");
        assert!(check(&[]).contains("empty"));
    }
}
