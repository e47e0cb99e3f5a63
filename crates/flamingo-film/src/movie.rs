//! What a film file tells of its pictures.

use flamingo_image::Timeline;

/// The pictures of a film, as the file's index has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Movie {
    /// How the pictures are compressed, in the container's own word: `avc1`, `V_VP9`.
    pub codec: String,
    /// When each frame is shown; none if no frame is.
    pub timeline: Option<Timeline>,
    /// Bytes that the file's parts want beyond its end: it is cut short if there are any.
    pub missing: u64,
}
