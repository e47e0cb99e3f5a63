//! Words by which a page or its server says that it must not be used.

use serde::{Deserialize, Serialize};

/// Why a page's content may not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Refusal {
    /// `noai`: nothing of it may train a model.
    #[serde(rename = "noai")]
    NoAi,
    /// `noimageai`: its pictures may not.
    #[serde(rename = "noimageai")]
    NoImageAi,
    /// `noindex` or `none`: not to be listed anywhere.
    #[serde(rename = "noindex")]
    NoIndex,
    /// `tdm-reservation: 1`: the right to mine it is reserved.
    #[serde(rename = "tdm_reservation")]
    TdmReservation,
}

impl Refusal {
    /// The name under which it is counted.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoAi => "noai",
            Self::NoImageAi => "noimageai",
            Self::NoIndex => "noindex",
            Self::TdmReservation => "tdm_reservation",
        }
    }
}

/// What an answer's headers, or a page's `<meta>` elements, say about its use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directives {
    /// The values of `X-Robots-Tag`, or of `<meta name="robots">`, as they were written.
    pub robots: Vec<String>,
    /// The value of `tdm-reservation`.
    pub tdm_reservation: Option<String>,
}

impl Directives {
    /// What is refused to an agent, given by its product token: in order, without repeats.
    #[must_use]
    pub fn refusals(&self, agent: &str) -> Vec<Refusal> {
        let values = self.robots.iter();
        let mut refusals: Vec<_> = values.flat_map(|value| refused(value, agent)).collect();
        if self.tdm_reservation.as_deref().map(str::trim) == Some("1") {
            refusals.push(Refusal::TdmReservation);
        }
        refusals.sort_unstable();
        refusals.dedup();
        refusals
    }
}

/// The refusals in one value: `noai, noindex`, or `otherbot: noindex, flamingobot: noai`, where a
/// name speaks for all that follows it.
fn refused(value: &str, agent: &str) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    let mut is_for_us = true;
    for part in value.split([',', ';']) {
        let word = match part.split_once(':') {
            // `unavailable_after: 25 Jun 2030` is a directive with a value, not a bot's name.
            Some((name, _)) if takes_value(name.trim()) => continue,
            // A time of day within such a value.
            Some((name, _)) if name.trim().contains(' ') => continue,
            Some((name, word)) => {
                is_for_us = speaks_to(name.trim(), agent);
                word
            }
            None => part,
        };
        if is_for_us {
            refusals.extend(word.split_whitespace().filter_map(refusal));
        }
    }
    refusals
}

fn takes_value(name: &str) -> bool {
    let names = [
        "unavailable_after",
        "max-snippet",
        "max-image-preview",
        "max-video-preview",
    ];
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a directive behind a bot's name is for us: by our own name, or by one that stands for all.
fn speaks_to(name: &str, agent: &str) -> bool {
    name == "*" || name.eq_ignore_ascii_case("robots") || name.eq_ignore_ascii_case(agent)
}

fn refusal(word: &str) -> Option<Refusal> {
    Some(match word.to_ascii_lowercase().as_str() {
        "noai" => Refusal::NoAi,
        "noimageai" => Refusal::NoImageAi,
        "noindex" | "none" => Refusal::NoIndex,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(values: &[&str]) -> Vec<Refusal> {
        let robots = values.iter().map(|&value| value.to_owned()).collect();
        Directives {
            robots,
            tdm_reservation: None,
        }
        .refusals("FlamingoBot")
    }

    #[test]
    fn words_count_in_any_case_and_any_of_several_values() {
        use Refusal::{NoAi, NoImageAi, NoIndex};
        assert_eq!(refusals(&["NoAI, noimageai"]), [NoAi, NoImageAi]);
        assert_eq!(
            refusals(&["all", "noimageai", "none"]),
            [NoImageAi, NoIndex]
        );
        assert_eq!(refusals(&["index, follow, noarchive, nofollow"]), []);
        assert_eq!(refusals(&["noai;noindex"]), [NoAi, NoIndex]);
        assert_eq!(refusals(&["", ",,:,", "noairport"]), []);
    }

    #[test]
    fn word_behind_another_bots_name_is_not_for_us() {
        use Refusal::{NoAi, NoIndex};
        assert_eq!(refusals(&["otherbot: noindex, noai"]), []);
        assert_eq!(refusals(&["otherbot: noindex, FLAMINGOBOT: noai"]), [NoAi]);
        assert_eq!(refusals(&["*: noindex"]), [NoIndex]);
    }

    #[test]
    fn directive_with_a_value_is_not_a_bots_name() {
        let value = "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex";
        assert_eq!(refusals(&[value]), [Refusal::NoIndex]);
        let value = "unavailable_after: Friday, 25-Jun-10 15:00:00 UTC, noindex";
        assert_eq!(refusals(&[value]), [Refusal::NoIndex]);
        assert_eq!(refusals(&["max-snippet:-1, max-image-preview:large"]), []);
    }

    #[test]
    fn reservation_counts_only_when_it_is_one() {
        let reserved = |value: &str| Directives {
            tdm_reservation: Some(value.to_owned()),
            ..Directives::default()
        };
        assert_eq!(reserved(" 1").refusals("x"), [Refusal::TdmReservation]);
        assert_eq!(reserved("0").refusals("x"), []);
    }
}
