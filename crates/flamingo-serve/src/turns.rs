//! How the turns of a chat become a prompt, as data: what stands before and behind each.

use flamingo_chat::{Role, Turn};
use flamingo_sequence::Part;
use serde::{Deserialize, Serialize};

/// How a chat becomes a Flamingo prompt.
///
/// ```json
/// {
///   "system": [{"content": true}, {"end": true}],
///   "user": [{"leading_media": true}, {"text": "Question: "}, {"content": true}, {"text": " Answer:"}],
///   "assistant": [{"text": " "}, {"content": true}, {"end": true}]
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turns {
    /// Before all turns.
    #[serde(default)]
    pub opening: Vec<Piece>,
    /// A turn of the system.
    pub system: Vec<Piece>,
    /// One of the user.
    pub user: Vec<Piece>,
    /// One of the user that says nothing; as `user` if there is none.
    #[serde(default)]
    pub user_without_text: Option<Vec<Piece>>,
    /// One of the assistant: an earlier answer, and so a shot.
    pub assistant: Vec<Piece>,
    /// Behind the last turn: what the answer begins behind.
    #[serde(default)]
    pub answer: Vec<Piece>,
    /// A turn of the user that ends in one of these is taken as it stands.
    #[serde(default)]
    pub as_it_stands_if_it_ends_in: Vec<String>,
    /// Texts that end an answer, besides those of the request.
    #[serde(default)]
    pub stop: Vec<String>,
}

/// A piece of a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawPiece", into = "RawPiece")]
pub enum Piece {
    /// This text.
    Text(String),
    /// The pictures and films with which the turn begins; left out, they stand in its content.
    LeadingMedia,
    /// What the turn says and shows.
    Content,
    /// The end of a chunk.
    End,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPiece {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leading_media: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    content: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    end: bool,
}

impl TryFrom<RawPiece> for Piece {
    type Error = &'static str;

    fn try_from(raw: RawPiece) -> Result<Self, Self::Error> {
        match (raw.text, raw.leading_media, raw.content, raw.end) {
            (Some(text), false, false, false) => Ok(Self::Text(text)),
            (None, true, false, false) => Ok(Self::LeadingMedia),
            (None, false, true, false) => Ok(Self::Content),
            (None, false, false, true) => Ok(Self::End),
            _ => Err("a piece has exactly one of `text`, `leading_media`, `content`, `end`"),
        }
    }
}

impl From<Piece> for RawPiece {
    fn from(piece: Piece) -> Self {
        let mut raw = Self::default();
        match piece {
            Piece::Text(text) => raw.text = Some(text),
            Piece::LeadingMedia => raw.leading_media = true,
            Piece::Content => raw.content = true,
            Piece::End => raw.end = true,
        }
        raw
    }
}

impl Turns {
    /// The parts of a prompt; media are named by their place in the chat.
    pub(crate) fn parts(&self, chat: &[Turn]) -> Vec<Part> {
        let mut parts = Parts::default();
        parts.add(&self.opening, &[]);
        for turn in chat {
            match self.pieces(turn) {
                Some(pieces) => parts.add(pieces, &turn.content),
                None => parts.content(&turn.content),
            }
        }
        parts.add(&self.answer, &[]);
        parts.0
    }

    /// What stands around a turn; none if it is taken as it stands.
    fn pieces(&self, turn: &Turn) -> Option<&[Piece]> {
        let text = text(&turn.content);
        match turn.role {
            Role::System => Some(&self.system),
            Role::Assistant => Some(&self.assistant),
            Role::User => {
                let ends = |end: &String| text.trim_end().ends_with(end.as_str());
                if self.as_it_stands_if_it_ends_in.iter().any(ends) {
                    return None;
                }
                match &self.user_without_text {
                    Some(pieces) if text.trim().is_empty() => Some(pieces),
                    _ => Some(&self.user),
                }
            }
        }
    }
}

fn text(content: &[Part]) -> String {
    content
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) | Part::Video(_) | Part::End | Part::Token(_) => None,
        })
        .collect()
}

/// Parts of a prompt; texts that follow one another are one.
#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn add(&mut self, pieces: &[Piece], content: &[Part]) {
        let leads = pieces.contains(&Piece::LeadingMedia);
        let is_medium = |part: &Part| matches!(part, Part::Image(_) | Part::Video(_));
        let leading = content.iter().take_while(|part| is_medium(part)).count();
        let (leading, rest) = content.split_at(if leads { leading } else { 0 });
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.text(text),
                Piece::LeadingMedia => self.content(leading),
                Piece::Content => self.content(rest),
                Piece::End => self.0.push(Part::End),
            }
        }
    }

    fn content(&mut self, content: &[Part]) {
        for part in content {
            match part {
                Part::Text(text) => self.text(text),
                other => self.0.push(other.clone()),
            }
        }
    }

    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Part::Text(last)) => last.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }
}
