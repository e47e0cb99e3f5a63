//! Whether a file goes on to where its own structure says, of containers whose index is not read here.
//!
//! Where the whole has no length, the last packet tells: a file that was cut in two ends within one. A cut
//! between two packets leaves a shorter film, of which nothing tells.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::container::Container;

/// Bytes that the file lacks, at least; none if nothing tells of any.
pub(crate) fn missing(file: impl Read + Seek, container: Container) -> io::Result<u64> {
    let mut file = BufReader::new(file);
    let end = file.seek(SeekFrom::End(0))?;
    let wanted = match container {
        Container::Avi => riff(&mut file)?,
        Container::Ts => transport(&mut file, end)?,
        Container::MpegPs => last(&mut file, end, MOST_OF_A_PACK, pack)?,
        Container::Flv => tags(&mut file, end)?,
        Container::Asf => asf(&mut file, end)?,
        Container::Ogg => last(&mut file, end, MOST_OF_A_PAGE, page)?,
        Container::Mp4 | Container::Mov | Container::WebM | Container::Matroska => None,
    };
    Ok(wanted.map_or(0, |wanted| wanted.saturating_sub(end)))
}

/// Where a RIFF file says that it ends; an unfinished recording says nothing.
fn riff(file: &mut (impl Read + Seek)) -> io::Result<Option<u64>> {
    let Some([_, _, _, _, size @ ..]) = bytes::<8>(file, 0)? else {
        return Ok(None);
    };
    Ok(Some(u64::from(u32::from_le_bytes(size)) + 8))
}

/// Where the last packet of a transport stream ends. Bytes behind it that are none say nothing.
fn transport(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<u64>> {
    // Blu-rays put a time before each packet.
    let (size, mark) = match bytes::<1>(file, 0)? {
        Some([0x47]) => (188, 0),
        _ => (192, 4),
    };
    let begins = end - end % size;
    if begins + mark < end && bytes(file, begins + mark)? != Some([0x47]) {
        return Ok(None);
    }
    Ok(Some(end.next_multiple_of(size)))
}

/// Where the last tag of a Flash video ends.
fn tags(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<u64>> {
    let Some([_, _, _, _, _, header @ ..]) = bytes::<9>(file, 0)? else {
        return Ok(Some(13));
    };
    // The size of the tag before stands between all tags; behind the last one it may be missing.
    let mut at = u64::from(u32::from_be_bytes(header)) + 4;
    while at < end {
        let Some([kind]) = bytes(file, at)? else {
            return Ok(None);
        };
        if !matches!(kind & 0x1F, 8 | 9 | 18) {
            return Ok(None);
        }
        let Some([_, a, b, c, ..]) = bytes::<11>(file, at)? else {
            return Ok(Some(at + 11));
        };
        let next = at + 11 + u64::from(u32::from_be_bytes([0, a, b, c]));
        if next > end {
            return Ok(Some(next));
        }
        at = next + 4;
    }
    Ok(None)
}

/// Where the packets of a Windows Media file end; a broadcast says nothing.
fn asf(file: &mut (impl Read + Seek), end: u64) -> io::Result<Option<u64>> {
    const PROPERTIES: [u8; 16] = [
        0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53,
        0x65,
    ];
    const DATA: [u8; 16] = [
        0x36, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11, 0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE,
        0x6C,
    ];
    const MOST_OBJECTS: usize = 1000;
    let Some(header) = object(file, 0)? else {
        return Ok(Some(30));
    };
    if header.end > end {
        return Ok(Some(header.end));
    }
    // Objects within the header begin behind how many there are.
    let mut at = 30;
    for _ in 0..MOST_OBJECTS {
        let Some(found) = object(file, at)? else {
            return Ok(Some(at + 24));
        };
        if found.kind == DATA || found.end > end {
            return Ok(Some(found.end));
        }
        if found.kind == PROPERTIES {
            let Some([flags, ..]) = bytes::<4>(file, at + 88)? else {
                return Ok(Some(at + 92));
            };
            if flags & 1 != 0 {
                return Ok(None);
            }
        }
        at = found.end;
    }
    Ok(None)
}

/// An object of a Windows Media file.
struct Object {
    kind: [u8; 16],
    end: u64,
}

fn object(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<Object>> {
    let (Some(kind), Some(size)) = (bytes(file, at)?, bytes(file, at + 16)?) else {
        return Ok(None);
    };
    // One that says to be smaller than its own head would be met for ever.
    let size = u64::from_le_bytes(size).max(24);
    Ok(Some(Object {
        kind,
        end: at.saturating_add(size),
    }))
}

const MOST_OF_A_PACK: u64 = 1 << 17;
const MOST_OF_A_PAGE: u64 = 27 + 255 + 255 * 255;

/// Where the last packet of a file ends whose packets have marks. It is looked for in the last bytes alone,
/// `most` being more than a packet has: from a mark there, packets follow each other up to the end.
fn last(
    file: &mut (impl Read + Seek),
    end: u64,
    most: u64,
    packet: fn(&[u8]) -> Packet,
) -> io::Result<Option<u64>> {
    let from = end.saturating_sub(2 * most);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(2 * most).read_to_end(&mut tail)?;
    let mut start = 0;
    while start < tail.len() {
        let mut at = start;
        loop {
            match packet(&tail[at..]) {
                Packet::Whole(size) => at += size,
                // From its start, or behind others: a mark alone may be a packet's content.
                Packet::Cut(size) if at > start || from == 0 => {
                    return Ok(Some(from + (at + size) as u64));
                }
                Packet::Cut(_) | Packet::None => break,
            }
            if at == tail.len() {
                return Ok(Some(end));
            }
        }
        start = (start + 1).max(at);
    }
    Ok(None)
}

/// What bytes begin with.
enum Packet {
    /// A packet of that size.
    Whole(usize),
    /// A packet that ought to have at least that size.
    Cut(usize),
    None,
}

impl Packet {
    fn of(size: usize, there: &[u8]) -> Self {
        match size <= there.len() {
            true => Self::Whole(size),
            false => Self::Cut(size),
        }
    }
}

/// A packet of an MPEG program stream (ISO/IEC 13818-1, 2.5.3; ISO/IEC 11172-1 for packs of MPEG-1).
fn pack(there: &[u8]) -> Packet {
    match there {
        [0, 0, 1, 0xB9, ..] => Packet::Whole(4),
        [0, 0, 1, 0xBA, kind, ..] if kind >> 6 == 1 => match there.get(13) {
            Some(stuffing) => Packet::of(14 + usize::from(stuffing & 7), there),
            None => Packet::Cut(14),
        },
        [0, 0, 1, 0xBA, ..] => Packet::of(12, there),
        [0, 0, 1, 0xBB..=0xFF, high, low, ..] => {
            Packet::of(6 + usize::from(u16::from_be_bytes([*high, *low])), there)
        }
        [0, 0, 1] | [0, 0, 1, 0xBB..=0xFF, ..] => Packet::Cut(6),
        _ => Packet::None,
    }
}

/// A page of an Ogg file (RFC 3533, 6).
fn page(there: &[u8]) -> Packet {
    let mark = &b"OggS\0"[..there.len().min(5)];
    if !there.starts_with(mark) {
        return Packet::None;
    }
    let Some(&count) = there.get(26) else {
        return Packet::Cut(27);
    };
    let head = 27 + usize::from(count);
    let Some(sizes) = there.get(27..head) else {
        return Packet::Cut(head);
    };
    let body: usize = sizes.iter().map(|size| usize::from(*size)).sum();
    Packet::of(head + body, there)
}

/// So many bytes from a place on; none if the file ends before.
fn bytes<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[u8; N]>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = [0; N];
    match file.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use super::*;

    fn lacks(file: &[u8], container: Container) -> u64 {
        missing(Cursor::new(file), container).unwrap()
    }

    /// Nothing lacks of the whole, and something of it without its last bytes, but where one packet ends:
    /// at `ends`, counted from the end.
    fn check(file: &[u8], container: Container, ends: &[usize]) {
        assert_eq!(lacks(file, container), 0, "{container}");
        for cut in 1..file.len() {
            let found = lacks(&file[..file.len() - cut], container);
            assert_eq!(
                found == 0,
                ends.contains(&cut),
                "{container} without {cut}: {found}"
            );
            assert!(found <= cut as u64, "{container} without {cut}: {found}");
        }
    }

    #[test]
    fn transport_streams_end_with_a_packet() {
        let packet = [&[0x47][..], &[0; 187]].concat();
        check(&packet.repeat(5), Container::Ts, &[188, 376, 564, 752]);
        let timed = [&[0, 0, 0, 9][..], &packet].concat().repeat(3);
        assert_eq!(lacks(&timed, Container::Ts), 0);
        assert_eq!(lacks(&timed[..timed.len() - 50], Container::Ts), 50);
        // What a recorder puts behind it.
        let more = [packet.repeat(4), b"more".to_vec()].concat();
        assert_eq!(lacks(&more, Container::Ts), 0);
    }

    #[test]
    fn flash_videos_end_with_a_tag() {
        let tag = |size: u8| {
            [
                &[9, 0, 0, size][..],
                &vec![7; usize::from(size) + 7],
                &[0, 0, 0, size + 11],
            ]
            .concat()
        };
        let file = [b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec(), tag(30), tag(20)].concat();
        // The size behind the last tag may lack; a file without tags is one.
        let sizes = [1, 2, 3, 4];
        let between: Vec<usize> = (35..=39).collect();
        let none = [80, 81, 82, 83, 84];
        check(
            &file,
            Container::Flv,
            &[&sizes[..], &between, &none].concat(),
        );
        assert_eq!(
            lacks(b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x55nothing", Container::Flv),
            0
        );
    }

    #[test]
    fn program_streams_end_with_a_packet() {
        let pack = [&[0, 0, 1, 0xBA, 0x44][..], &[0; 8], &[0xF8]].concat();
        let packet = [&[0, 0, 1, 0xE0, 0, 50][..], &[7; 50]].concat();
        let file = [pack, packet.clone(), packet].concat();
        // Two zeros may be anything.
        check(
            &file,
            Container::MpegPs,
            &[54, 55, 56, 110, 111, 112, 124, 125],
        );
        let long = [[0, 0, 1, 0xBF, 0xFF, 0xF9].to_vec(), vec![7; 0xFFF9]]
            .concat()
            .repeat(9);
        assert_eq!(lacks(&long, Container::MpegPs), 0);
        assert_eq!(lacks(&long[..long.len() - 500], Container::MpegPs), 500);
    }

    #[test]
    fn ogg_files_end_with_a_page() {
        let page = [&b"OggS\0"[..], &[0; 21], &[2, 200, 100], &[b'O'; 300]].concat();
        let size = page.len();
        check(&page.repeat(3), Container::Ogg, &[size, 2 * size]);
        let page = [&b"OggS\0"[..], &[0; 21], &[255; 256], &[7; 255 * 255]].concat();
        let long = page.repeat(4);
        assert_eq!(lacks(&long, Container::Ogg), 0);
        assert_eq!(lacks(&long[..long.len() - 300], Container::Ogg), 300);
    }

    #[test]
    fn windows_media_says_how_much_data_it_has() {
        let object = |kind: [u8; 16], body: &[u8]| {
            [&kind[..], &(24 + body.len() as u64).to_le_bytes(), body].concat()
        };
        let guid = |start: [u8; 8], end: [u8; 8]| [start, end].concat().try_into().unwrap();
        let tail = [0xA6, 0xD9, 0x00, 0xAA, 0x00, 0x62, 0xCE, 0x6C];
        let data = guid([0x36, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], tail);
        let head = guid([0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11], tail);
        let tail = [0x8E, 0xE4, 0x00, 0xC0, 0x0C, 0x20, 0x53, 0x65];
        let properties = guid([0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9, 0xCF, 0x11], tail);
        let film = |flags: u8| {
            let mut body = [0; 80];
            body[64] = flags;
            let inner = [&[1, 0, 0, 0, 1, 2][..], &object(properties, &body)].concat();
            [object(head, &inner), object(data, &[7; 90])].concat()
        };
        check(&film(0), Container::Asf, &[]);
        let header = [&[1, 0, 0, 0, 1, 2][..], &[255; 40]].concat();
        assert!(lacks(&object(head, &header), Container::Asf) > 0);
        let cast = film(1);
        assert_eq!(lacks(&cast[..cast.len() - 50], Container::Asf), 0);
    }
}
