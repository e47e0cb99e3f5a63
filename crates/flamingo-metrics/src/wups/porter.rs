//! Porter's stemmer, as NLTK extends it by default.

/// Words with a stem of their own.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// The stem of a word.
pub(super) fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == lower) {
        return (*stem).to_owned();
    }
    if word.chars().count() <= 2 {
        return lower;
    }
    let mut letters: Vec<char> = lower.chars().collect();
    for step in [
        plural, past, final_y, second, third, fourth, final_e, final_l,
    ] {
        letters = step(letters);
    }
    letters.into_iter().collect()
}

type Letters = Vec<char>;

/// Which letters are consonants: y is one after a vowel, and at the beginning.
fn consonants(letters: &[char]) -> Vec<bool> {
    let mut flags: Vec<bool> = Vec::with_capacity(letters.len());
    for &letter in letters {
        flags.push(match letter {
            'a' | 'e' | 'i' | 'o' | 'u' => false,
            'y' => flags.last().is_none_or(|&before| !before),
            _ => true,
        });
    }
    flags
}

/// How often a consonant follows a vowel.
fn measure(letters: &[char]) -> usize {
    let flags = consonants(letters);
    flags.windows(2).filter(|two| !two[0] && two[1]).count()
}

fn has_vowel(letters: &[char]) -> bool {
    consonants(letters).contains(&false)
}

/// Consonant, vowel, consonant at the end, the last none of w, x and y; or a word of vowel and consonant.
fn ends_short(letters: &[char]) -> bool {
    match consonants(letters)[..] {
        [.., true, false, true] => !matches!(letters.last(), Some('w' | 'x' | 'y')),
        [false, true] => true,
        _ => false,
    }
}

fn ends_double_consonant(letters: &[char]) -> bool {
    match letters {
        [.., a, b] => a == b && consonants(letters).last() == Some(&true),
        _ => false,
    }
}

fn without<'a>(letters: &'a [char], suffix: &str) -> Option<&'a [char]> {
    let suffix: Vec<char> = suffix.chars().collect();
    letters.strip_suffix(suffix.as_slice())
}

fn with(stem: &[char], suffix: &str) -> Letters {
    stem.iter().copied().chain(suffix.chars()).collect()
}

/// The first rule whose suffix the word has; it is applied if the stem is as it must be, and no other is tried.
fn first_rule(
    letters: Letters,
    rules: &[(&str, &str)],
    fits: impl Fn(&[char], &str) -> bool,
) -> Letters {
    for (suffix, new) in rules {
        if let Some(stem) = without(&letters, suffix) {
            return if fits(stem, suffix) {
                with(stem, new)
            } else {
                letters
            };
        }
    }
    letters
}

fn plural(letters: Letters) -> Letters {
    if let (4, Some(stem)) = (letters.len(), without(&letters, "ies")) {
        return with(stem, "ie");
    }
    let rules = [("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")];
    first_rule(letters, &rules, |_, _| true)
}

fn past(letters: Letters) -> Letters {
    if let Some(stem) = without(&letters, "ied") {
        return with(stem, if letters.len() == 4 { "ie" } else { "i" });
    }
    if let Some(stem) = without(&letters, "eed") {
        return if measure(stem) > 0 {
            with(stem, "ee")
        } else {
            letters
        };
    }
    let stems = ["ed", "ing"].map(|suffix| without(&letters, suffix));
    let Some(stem) = stems.into_iter().flatten().find(|stem| has_vowel(stem)) else {
        return letters;
    };
    if ["at", "bl", "iz"]
        .iter()
        .any(|end| without(stem, end).is_some())
    {
        return with(stem, "e");
    }
    match stem {
        [.., 'l' | 's' | 'z'] if ends_double_consonant(stem) => stem.to_vec(),
        [shorter @ .., _] if ends_double_consonant(stem) => shorter.to_vec(),
        _ if measure(stem) == 1 && ends_short(stem) => with(stem, "e"),
        _ => stem.to_vec(),
    }
}

fn final_y(letters: Letters) -> Letters {
    let fits = |stem: &[char]| stem.len() > 1 && consonants(stem).last() == Some(&true);
    first_rule(letters, &[("y", "i")], |stem, _| fits(stem))
}

fn second(letters: Letters) -> Letters {
    if let Some(stem) = without(&letters, "alli").filter(|stem| measure(stem) > 0) {
        return second(with(stem, "al"));
    }
    let rules = [
        ("ational", "ate"),
        ("tional", "tion"),
        ("enci", "ence"),
        ("anci", "ance"),
        ("izer", "ize"),
        ("bli", "ble"),
        ("alli", "al"),
        ("entli", "ent"),
        ("eli", "e"),
        ("ousli", "ous"),
        ("ization", "ize"),
        ("ation", "ate"),
        ("ator", "ate"),
        ("alism", "al"),
        ("iveness", "ive"),
        ("fulness", "ful"),
        ("ousness", "ous"),
        ("aliti", "al"),
        ("iviti", "ive"),
        ("biliti", "ble"),
        ("fulli", "ful"),
        ("logi", "log"),
    ];
    first_rule(letters, &rules, |stem, suffix| match suffix {
        // The l counts as part of the stem, for "geo" and "theo".
        "logi" => measure(&with(stem, "l")) > 0,
        _ => measure(stem) > 0,
    })
}

fn third(letters: Letters) -> Letters {
    let rules = [
        ("icate", "ic"),
        ("ative", ""),
        ("alize", "al"),
        ("iciti", "ic"),
        ("ical", "ic"),
        ("ful", ""),
        ("ness", ""),
    ];
    first_rule(letters, &rules, |stem, _| measure(stem) > 0)
}

fn fourth(letters: Letters) -> Letters {
    let rules = [
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion",
        "ou", "ism", "ate", "iti", "ous", "ive", "ize",
    ]
    .map(|suffix| (suffix, ""));
    first_rule(letters, &rules, |stem, suffix| {
        let ends = suffix != "ion" || matches!(stem.last(), Some('s' | 't'));
        measure(stem) > 1 && ends
    })
}

fn final_e(letters: Letters) -> Letters {
    match without(&letters, "e") {
        Some(stem) if measure(stem) > 1 || (measure(stem) == 1 && !ends_short(stem)) => {
            stem.to_vec()
        }
        _ => letters,
    }
}

fn final_l(letters: Letters) -> Letters {
    let fits = |stem: &[char]| measure(&with(stem, "l")) > 1;
    first_rule(letters, &[("ll", "l")], |stem, _| fits(stem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_their_endings_step_by_step() {
        for (word, expected) in [
            ("Caresses", "caress"),
            ("hopping", "hop"),
            ("filing", "file"),
            ("relational", "relat"),
            ("happily", "happili"),
            ("geology", "geolog"),
            ("skies", "sky"),
            ("died", "die"),
            ("controlling", "control"),
            ("go", "go"),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
