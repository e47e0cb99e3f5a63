//! Which stretches of a film are decoded for the frames that are wanted: integers alone.

use std::ops::Range;

/// A compressed frame, in the order in which frames are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// When it is shown, in ticks.
    pub(crate) shown: i64,
    /// When it ends; the same as `shown` if that is not known.
    pub(crate) end: i64,
    /// Whether decoding can begin here.
    pub(crate) is_key: bool,
    /// Whether it is shown at all: an edit list may leave it out.
    pub(crate) is_visible: bool,
}

/// A stretch that is decoded in one go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The time of the key frame where it begins; none at the film's start.
    pub(crate) from: Option<i64>,
    /// The times of the frames that are wanted of it, rising.
    pub(crate) times: Vec<i64>,
}

/// As many packets are decoded in the time in which a process starts and opens a film.
const PACKETS_OF_A_START: usize = 400;

/// The stretches in which the frames shown at these rising times are decoded. A new one begins where
/// more packets can be passed over than starting anew costs.
pub(crate) fn stretches(packets: &[Packet], times: &[i64], is_indexed: bool) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut decoded = 0;
    for &time in times {
        let needed = needed(packets, time);
        let can_skip = is_indexed && needed.start > decoded + PACKETS_OF_A_START;
        match stretches.last_mut() {
            Some(last) if !can_skip => last.times.push(time),
            _ => stretches.push(Stretch {
                from: can_skip.then(|| packets[needed.start].shown),
                times: vec![time],
            }),
        }
        decoded = decoded.max(needed.end);
    }
    stretches
}

/// The packets from the last key frame that is shown no later, up to the frame itself.
fn needed(packets: &[Packet], time: i64) -> Range<usize> {
    let end = packets.iter().position(|packet| packet.shown == time);
    let end = end.unwrap_or(packets.len().saturating_sub(1));
    let begins = |packet: &Packet| packet.is_key && packet.shown <= time;
    let start = packets[..=end].iter().rposition(begins).unwrap_or(0);
    start..end + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key frame every `keys` packets, a packet a tick.
    fn film(packets: usize, keys: usize) -> Vec<Packet> {
        let packet = |k: usize| Packet {
            shown: k as i64,
            end: k as i64 + 1,
            is_key: k.is_multiple_of(keys),
            is_visible: true,
        };
        (0..packets).map(packet).collect()
    }

    fn found(packets: &[Packet], times: &[i64], is_indexed: bool) -> Vec<(Option<i64>, Vec<i64>)> {
        let stretches = stretches(packets, times, is_indexed);
        stretches.into_iter().map(|s| (s.from, s.times)).collect()
    }

    #[test]
    fn a_short_film_is_decoded_in_one_go() {
        let times = [0, 300, 600, 899];
        assert_eq!(
            found(&film(900, 250), &times, true),
            [(None, times.to_vec())]
        );
    }

    #[test]
    fn long_gaps_are_passed_over_by_key_frames() {
        let packets = film(10_000, 250);
        let expected = [
            (None, vec![0, 30]),
            (Some(4750), vec![4990, 5010]),
            (Some(9750), vec![9999]),
        ];
        assert_eq!(found(&packets, &[0, 30, 4990, 5010, 9999], true), expected);
        assert_eq!(found(&packets, &[0, 9999], false), [(None, vec![0, 9999])]);
        assert_eq!(found(&packets, &[5000], true), [(Some(5000), vec![5000])]);
    }

    #[test]
    fn a_film_with_one_key_frame_is_decoded_from_it() {
        assert_eq!(
            found(&film(5000, 5000), &[0, 4999], true),
            [(None, vec![0, 4999])]
        );
    }

    #[test]
    fn a_key_frame_shown_after_the_one_wanted_is_of_no_use() {
        let mut packets = film(1000, 1000);
        // An open group: frame 500 is stored behind the key frame that is shown as 501.
        packets[500].shown = 501;
        packets[500].is_key = true;
        packets[501].shown = 500;
        assert_eq!(needed(&packets, 500), 0..502);
        assert_eq!(needed(&packets, 501), 500..501);
    }
}
