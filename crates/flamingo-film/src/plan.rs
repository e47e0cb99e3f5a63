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
    /// The time of the key frame that must have been decoded for the wanted ones to be right, where it is
    /// not sure that decoding begins where it should.
    pub(crate) witness: Option<i64>,
    /// The times of the frames that are wanted of it, rising.
    pub(crate) times: Vec<i64>,
}

/// How a place in a film is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seeking {
    /// By an index: each key frame is where it says.
    Exact,
    /// By what lies around the place: a frame or some beside it.
    Near,
}

/// As many packets are decoded in the time in which a process starts and opens a film.
const PACKETS_OF_A_START: usize = 400;

/// Frames of one stretch at most: each is named in the command of the process that decodes it.
const MOST_TIMES: usize = 1000;

/// The stretches in which the frames shown at these rising times are decoded. A new one begins where
/// more packets can be passed over than starting anew costs. Where places are found nearly, it begins a
/// key frame earlier than it must, and the later one is its witness.
pub(crate) fn stretches(packets: &[Packet], times: &[i64], seeking: Seeking) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut decoded = 0;
    for &time in times {
        let needed = needed(packets, time);
        let (begin, witness) = match seeking {
            Seeking::Exact => (needed.start, None),
            Seeking::Near => {
                let before = packets[..needed.start]
                    .iter()
                    .rposition(|packet| packet.is_key);
                (before.unwrap_or(0), Some(packets[needed.start].shown))
            }
        };
        let is_far = begin > decoded + PACKETS_OF_A_START;
        match stretches.last_mut() {
            Some(last) if !is_far && last.times.len() < MOST_TIMES => last.times.push(time),
            last => {
                let skips = is_far || (last.is_some() && begin > 0);
                stretches.push(Stretch {
                    from: skips.then(|| packets[begin].shown),
                    witness: witness.filter(|_| skips),
                    times: vec![time],
                });
            }
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

    fn found(packets: &[Packet], times: &[i64]) -> Vec<(Option<i64>, Vec<i64>)> {
        let stretches = stretches(packets, times, Seeking::Exact);
        stretches.into_iter().map(|s| (s.from, s.times)).collect()
    }

    #[test]
    fn a_short_film_is_decoded_in_one_go() {
        let times = [0, 300, 600, 899];
        assert_eq!(found(&film(900, 250), &times), [(None, times.to_vec())]);
    }

    #[test]
    fn long_gaps_are_passed_over_by_key_frames() {
        let packets = film(10_000, 250);
        let expected = [
            (None, vec![0, 30]),
            (Some(4750), vec![4990, 5010]),
            (Some(9750), vec![9999]),
        ];
        assert_eq!(found(&packets, &[0, 30, 4990, 5010, 9999]), expected);
        assert_eq!(found(&packets, &[5000]), [(Some(5000), vec![5000])]);
    }

    #[test]
    fn where_places_are_found_nearly_a_key_frame_before_is_the_start_and_the_next_one_the_witness()
    {
        let packets = film(10_000, 250);
        let stretch = |from, witness, times: &[i64]| Stretch {
            from,
            witness,
            times: times.to_vec(),
        };
        let expected = [
            stretch(None, None, &[0, 600]),
            stretch(Some(4500), Some(4750), &[4990, 5010]),
            stretch(Some(9500), Some(9750), &[9750]),
        ];
        let found = stretches(&packets, &[0, 600, 4990, 5010, 9750], Seeking::Near);
        assert_eq!(found, expected);
        let one_key = film(10_000, 10_000);
        assert_eq!(
            stretches(&one_key, &[9000], Seeking::Near),
            [stretch(None, None, &[9000])]
        );
    }

    #[test]
    fn no_stretch_names_more_frames_than_a_command_holds() {
        let times: Vec<i64> = (0..2300).collect();
        let found = stretches(&film(3000, 250), &times, Seeking::Exact);
        let lengths: Vec<_> = found.iter().map(|it| (it.from, it.times.len())).collect();
        assert_eq!(
            lengths,
            [(None, 1000), (Some(1000), 1000), (Some(2000), 300)]
        );
        let joined: Vec<i64> = found.into_iter().flat_map(|it| it.times).collect();
        assert_eq!(joined, times);
    }

    #[test]
    fn a_film_with_one_key_frame_is_decoded_from_it() {
        assert_eq!(
            found(&film(5000, 5000), &[0, 4999]),
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
