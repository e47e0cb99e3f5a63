//! Rates as fractions, so that 29.97 frames a second lose none to rounding.

use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, Result};

/// So many times a second: a fraction above 0, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    numerator: u32,
    denominator: u32,
}

impl Rate {
    /// 1 a second, the paper's rate in training.
    pub const ONE: Self = Self::whole(1);
    /// 3 a second, the paper's rate when a model is asked.
    pub const THREE: Self = Self::whole(3);

    /// A whole number above 0 a second.
    pub(crate) const fn whole(numerator: u32) -> Self {
        Self {
            numerator,
            denominator: 1,
        }
    }

    /// `numerator` in `denominator` seconds.
    ///
    /// # Errors
    ///
    /// [`Error::FrameRate`] if one of them is 0.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self> {
        if numerator == 0 || denominator == 0 {
            let given = format!("{numerator}/{denominator}");
            return Err(Error::FrameRate { given });
        }
        let divisor = common_divisor(numerator, denominator);
        Ok(Self {
            numerator: numerator / divisor,
            denominator: denominator / divisor,
        })
    }

    /// How often, in [`Rate::denominator`] seconds.
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    /// In how many seconds.
    pub fn denominator(self) -> u32 {
        self.denominator
    }

    /// As a number.
    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

fn common_divisor(a: u32, b: u32) -> u32 {
    match b {
        0 => a,
        _ => common_divisor(b, a % b),
    }
}

/// Reads `25`, `29.97`, `30000/1001`.
impl FromStr for Rate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::FrameRate {
            given: text.to_owned(),
        };
        let number = |text: &str| text.parse::<u32>().map_err(|_| refused());
        if let Some((above, below)) = text.split_once('/') {
            return Self::new(number(above)?, number(below)?).map_err(|_| refused());
        }
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number =
            digits(whole) && digits(decimals) && !(whole.is_empty() && decimals.is_empty());
        let decimals = decimals.trim_end_matches('0');
        let below = 10_u32
            .checked_pow(decimals.len() as u32)
            .ok_or_else(refused)?;
        if !is_number {
            return Err(refused());
        }
        Self::new(number(&format!("0{whole}{decimals}"))?, below).map_err(|_| refused())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            below => write!(f, "{}/{below}", self.numerator),
        }
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.denominator {
            1 => serializer.serialize_u32(self.numerator),
            _ => serializer.collect_str(self),
        }
    }
}

/// From a number or a text.
impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Given;
        impl Visitor<'_> for Given {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number above 0, or a fraction such as \"30000/1001\"")
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Rate, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Rate, E> {
                self.visit_str(&value.to_string())
            }

            // A number is printed with the decimals that it was written with.
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Rate, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Rate, E> {
                value.parse().map_err(E::custom)
            }
        }
        deserializer
            .deserialize_any(Given)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rates_are_read_as_the_fractions_that_they_are() {
        for (text, above, below) in [
            ("25", 25, 1),
            ("29.97", 2997, 100),
            ("30000/1001", 30000, 1001),
            ("0.50", 1, 2),
            (".5", 1, 2),
            ("1.", 1, 1),
            ("50/2", 25, 1),
        ] {
            let rate: Rate = text.parse().unwrap();
            assert_eq!(
                (rate.numerator(), rate.denominator()),
                (above, below),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_rate_is_refused_by_name() {
        for text in [
            "",
            ".",
            "0",
            "0.0",
            "-1",
            "1/0",
            "0/1",
            "inf",
            "nan",
            "1e3",
            "99999999999",
            "+3",
            "a",
        ] {
            let error = text.parse::<Rate>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("`{text}` is no rate")),
                "{error}"
            );
        }
    }

    #[test]
    fn files_hold_numbers_or_fractions() {
        for (json, shown) in [
            ("3", "3"),
            ("29.97", "\"2997/100\""),
            ("\"30000/1001\"", "\"30000/1001\""),
        ] {
            let rate: Rate = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&rate).unwrap(), shown);
        }
        assert!(serde_json::from_str::<Rate>("0").is_err());
        assert!(serde_json::from_str::<Rate>("-0.5").is_err());
        assert!(serde_json::from_str::<Rate>("true").is_err());
    }
}
