//! Edit lists: which part of a track is shown.

use super::boxes::Fields;
use super::samples::Sample;

/// A stretch of a track that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Its first tick.
    from: i64,
    /// The first tick behind it; none if it goes on to the end.
    until: Option<i64>,
}

/// `elst`, whose durations are counted in ticks of the movie. What is left empty before the first
/// stretch is no part of it.
pub(super) fn edits(body: &[u8], movie_scale: u32, track_scale: u32) -> Option<Vec<Edit>> {
    let (version, _, mut fields) = Fields::of_full_box(body)?;
    let count = fields.u32()?;
    let mut edits = Vec::new();
    for _ in 0..count {
        let duration = fields.sized(version)?;
        let from = match version {
            1 => fields.u64()?.cast_signed(),
            _ => fields.i32()?.into(),
        };
        // How fast it is played, which is 1.
        fields.skip(4)?;
        let ticks = u128::from(duration) * u128::from(track_scale) / u128::from(movie_scale.max(1));
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        if from >= 0 {
            let until = (duration > 0).then_some(from.saturating_add(ticks));
            edits.push(Edit { from, until });
        }
    }
    Some(edits)
}

/// When each frame is shown that is, and when the last one ends, without the edits between them: a
/// frame counts to the stretch in which it begins.
pub(super) fn shown(samples: &[Sample], edits: &[Edit]) -> (Vec<i64>, i64) {
    let all = [Edit {
        from: i64::MIN,
        until: None,
    }];
    let edits = if edits.is_empty() { &all[..] } else { edits };
    let (mut starts, mut end, mut before) = (Vec::new(), i64::MIN, 0_i64);
    for edit in edits {
        let inside = |sample: &&Sample| {
            sample.shown >= edit.from && edit.until.is_none_or(|until| sample.shown < until)
        };
        // Where the track is not shown from its first tick, time begins with the stretch.
        let since = |time: i64| match edit.from {
            i64::MIN => time,
            from => time.saturating_sub(from).saturating_add(before),
        };
        for sample in samples.iter().filter(inside) {
            starts.push(since(sample.shown));
            end = end.max(since(sample.shown.saturating_add(sample.duration.into())));
        }
        let length = edit
            .until
            .map_or(0, |until| until.saturating_sub(edit.from));
        before = before.saturating_add(length);
    }
    (starts, end)
}
