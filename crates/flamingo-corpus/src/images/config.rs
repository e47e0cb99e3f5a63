//! Which pictures are taken, as numbers in a file.

use flamingo_image::{Format, Limits};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::encoding::Reencode;

/// Whose thresholds a [`ImagesConfig`] starts from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// M3W as the Flamingo paper describes it (appendix A.3.1): 64 pixels, an aspect of 3, not of
    /// one colour. It is silent on the rest: nothing is limited there but what no training uses.
    #[default]
    Paper,
    /// OBELICS (Laurençon et al., 2023, section 3.3 and appendix A.1).
    Obelics,
    /// Multimodal C4 (Zhu et al., 2023, section 2).
    Mmc4,
}

/// What to do with a picture that moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Animated {
    /// It is no picture.
    #[default]
    Drop,
    /// Its first frame is the picture; it is written anew.
    FirstFrame,
}

/// The section `[images]`: rules for pictures. A limit of 0 is none.
///
/// `preset` chooses what the keys left out are: `"paper"`, `"obelics"` or `"mmc4"`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct ImagesConfig {
    /// Where the values come from that the file does not say.
    pub preset: Preset,
    /// Formats that are taken.
    pub formats: Vec<Format>,
    /// Pixels of the shorter side, at least.
    pub min_side: u32,
    /// Pixels of the longer side, at most.
    pub max_side: u32,
    /// Pixels in all, at most; what claims more is never decoded.
    pub max_pixels: u64,
    /// Bytes of the file, at most.
    pub max_bytes: u64,
    /// The longer side over the shorter one, at most.
    pub max_aspect: f32,
    /// Whether pictures of one colour are dropped.
    pub drop_single_colour: bool,
    /// How far each of red, green and blue may range over a picture of one colour.
    pub single_colour_tolerance: u8,
    /// What becomes of moving pictures.
    pub animated: Animated,
    /// Sides that the page itself gives a picture (`width`, `height`), at least.
    pub min_declared_side: u32,
    /// Words for which a URL is dropped, as whole words of its path or query, singular or plural.
    pub url_words: Vec<String>,
    /// Pictures of a document, at least.
    pub min_images: u32,
    /// Pictures of a document, at most.
    pub max_images: u32,
    /// Whether only the first of equal pictures in a document is kept.
    pub drop_repeated: bool,
    /// Documents that may show a picture of the same URL.
    pub max_url_documents: u32,
    /// Documents that may show a picture of the same bytes.
    pub max_content_documents: u32,
    /// Documents that may show a picture that looks the same.
    pub max_perceptual_documents: u32,
    /// How pictures are written anew; without it, their bytes are copied as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reencode: Option<Reencode>,
}

/// Parts of pages that are no content, and pictures that count visits (OBELICS, MMC4).
const FURNITURE: [&str; 5] = ["logo", "button", "icon", "plugin", "widget"];
/// What OBELICS' last cleaning adds.
const EXPLICIT: [&str; 3] = ["porn", "xxx", "sex"];

impl Default for ImagesConfig {
    fn default() -> Self {
        Self::preset(Preset::default())
    }
}

impl ImagesConfig {
    /// The rules of a preset.
    pub fn preset(preset: Preset) -> Self {
        let words = |lists: &[&[&str]]| lists.concat().into_iter().map(String::from).collect();
        let paper = Self {
            preset,
            formats: vec![Format::Jpeg, Format::Png, Format::WebP, Format::Gif],
            min_side: 64,
            max_side: 20_000,
            max_pixels: 64_000_000,
            max_bytes: 32 << 20,
            max_aspect: 3.0,
            drop_single_colour: true,
            single_colour_tolerance: 8,
            animated: Animated::Drop,
            min_declared_side: 0,
            url_words: Vec::new(),
            min_images: 1,
            max_images: 0,
            drop_repeated: true,
            max_url_documents: 0,
            max_content_documents: 0,
            max_perceptual_documents: 0,
            reencode: None,
        };
        match preset {
            Preset::Paper => paper,
            Preset::Obelics => Self {
                min_side: 150,
                max_aspect: 2.0,
                min_declared_side: 150,
                url_words: words(&[&FURNITURE, &EXPLICIT]),
                max_images: 30,
                max_url_documents: 10,
                ..paper
            },
            Preset::Mmc4 => Self {
                min_side: 150,
                max_aspect: 2.0,
                url_words: words(&[&FURNITURE]),
                max_perceptual_documents: 10,
                ..paper
            },
        }
    }

    /// The bounds under which files are opened.
    pub fn limits(&self) -> Limits {
        let bound = |value: u64, default: u64| if value == 0 { default } else { value };
        let default = Limits::default();
        let side = bound(self.max_side.into(), default.max_side.into());
        Limits {
            max_side: u32::try_from(side).unwrap_or(u32::MAX),
            max_pixels: bound(self.max_pixels, default.max_pixels),
            max_bytes: bound(self.max_bytes, default.max_bytes),
            ..default
        }
    }
}

/// The preset's values under those that the table says.
impl<'de> Deserialize<'de> for ImagesConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let said = toml::Table::deserialize(deserializer)?;
        let preset = match said.get("preset") {
            Some(name) => name.clone().try_into().map_err(D::Error::custom)?,
            None => Preset::default(),
        };
        let mut table = toml::Table::try_from(Self::preset(preset)).map_err(D::Error::custom)?;
        table.extend(said);
        // The derived one, of the type itself: it wants every key and no other.
        Self::deserialize(table).map_err(D::Error::custom)
    }
}

impl Serialize for ImagesConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_says_only_what_differs_from_its_preset() {
        let config: ImagesConfig = toml::from_str("").unwrap();
        assert_eq!(config, ImagesConfig::preset(Preset::Paper));
        assert_eq!((config.min_side, config.max_aspect), (64, 3.0));
        let text = "preset = \"obelics\"\nmin_side = 96\nreencode = { max_side = 512 }";
        let config: ImagesConfig = toml::from_str(text).unwrap();
        let expected = ImagesConfig {
            min_side: 96,
            reencode: Some(Reencode {
                max_side: 512,
                ..Reencode::default()
            }),
            ..ImagesConfig::preset(Preset::Obelics)
        };
        assert_eq!(config, expected);
        let again: ImagesConfig = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }

    #[test]
    fn unknown_keys_and_presets_are_named() {
        for (text, says) in [
            ("min_sde = 3", "min_sde"),
            ("preset = \"laion\"", "laion"),
            ("formats = [\"bmp\"]", "bmp"),
            ("reencode = { size = 3 }", "size"),
        ] {
            let message = toml::from_str::<ImagesConfig>(text)
                .unwrap_err()
                .to_string();
            assert!(message.contains(says), "{message}");
        }
    }
}
