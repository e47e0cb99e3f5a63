//! Files fetched from a server that cuts, changes or has none.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

/// What was asked for: the path, and the first byte.
type Asked = Arc<Mutex<Vec<(String, u64)>>>;

/// Answers with `body` and `tag` of the time of asking, cut after `cut` bytes in its first answer.
fn server(
    body: fn(&str) -> Option<Vec<u8>>,
    tags: [&'static str; 2],
    cut: usize,
) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let heard = asked.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let (mut from, mut of, mut only_of) = (0, String::new(), None);
            for line in lines.map(|line| line.unwrap().to_ascii_lowercase()) {
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    from = range.trim_end_matches('-').parse().unwrap();
                }
                if let Some(mark) = line.strip_prefix("if-range: ") {
                    of = mark.to_owned();
                }
                if let Some(mark) = line.strip_prefix("if-match: ") {
                    (of, only_of) = (mark.to_owned(), Some(mark.to_owned()));
                }
                if line.is_empty() {
                    break;
                }
            }
            let number = {
                let mut heard = heard.lock().unwrap();
                heard.push((path.clone(), from));
                heard.len()
            };
            let Some(whole) = body(&path) else {
                let none =
                    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(none.as_bytes()).unwrap();
                continue;
            };
            let tag = tags[usize::from(number > 1)];
            if only_of.is_some_and(|mark| mark != tag) {
                let other = "HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                stream.write_all(other.as_bytes()).unwrap();
                continue;
            }
            let goes_on = of == tag && from > 0;
            let rest = if goes_on {
                &whole[from as usize..]
            } else {
                &whole[..]
            };
            let head = match goes_on {
                true => format!(
                    "206 Partial Content\r\ncontent-range: bytes {from}-{}/{}",
                    whole.len() - 1,
                    whole.len()
                ),
                false => "200 OK".to_owned(),
            };
            let head = format!(
                "HTTP/1.1 {head}\r\ncontent-length: {}\r\netag: {tag}\r\nlast-modified: Mon, 02 Jan 2006 15:04:05 GMT\r\nconnection: close\r\n\r\n",
                rest.len()
            );
            let sent = if number == 1 {
                rest.len().min(cut)
            } else {
                rest.len()
            };
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&rest[..sent]);
        }
    });
    (address, asked)
}

fn bytes(path: &str) -> Option<Vec<u8>> {
    let path = shown(path);
    path.ends_with(".tar")
        .then(|| path.bytes().cycle().take(300_000).collect())
}

fn files(list: &Path) -> Vec<PathBuf> {
    paths::named(list).unwrap()
}

#[test]
fn files_of_a_pattern_are_fetched_once() {
    let folder = tempfile::tempdir().unwrap();
    let (host, asked) = server(bytes, ["\"a\"", "\"a\""], usize::MAX);
    let address = PathBuf::from(format!("{host}/d/s-{{08..10}}.tar?key=secret"));
    assert!(is_remote(&address) && !is_remote(Path::new("a/http.tar")));
    let mut told = Vec::new();
    let list = fetch(
        &address,
        folder.path(),
        &StoreSettings::default(),
        &mut |done, all| told.push((done, all)),
    )
    .unwrap();
    assert_eq!(told, [(0, 3), (1, 3), (2, 3), (3, 3)]);
    let found = files(&list);
    let ends: Vec<bool> = found
        .iter()
        .zip(["08", "09", "10"])
        .map(|(path, number)| {
            path.to_string_lossy()
                .ends_with(&format!("-s-{number}.tar"))
        })
        .collect();
    assert_eq!(ends, [true; 3], "{found:?}");
    assert!(fs::read(&found[1]).unwrap() == bytes("/d/s-09.tar").unwrap());
    assert_eq!(
        fetch(
            &address,
            folder.path(),
            &StoreSettings::default(),
            &mut |_, _| ()
        )
        .unwrap(),
        list
    );
    assert_eq!(asked.lock().unwrap().len(), 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
}

#[test]
fn what_broke_off_goes_on_if_it_is_still_the_same_file_and_begins_anew_if_not() {
    for tags in [["\"a\"", "\"a\""], ["\"a\"", "\"b\""]] {
        let folder = tempfile::tempdir().unwrap();
        let (host, asked) = server(bytes, tags, 100_000);
        let address = PathBuf::from(format!("{host}/one.tar"));
        let list = fetch(
            &address,
            folder.path(),
            &StoreSettings::default(),
            &mut |_, _| (),
        )
        .unwrap();
        let found = fs::read(&files(&list)[0]).unwrap();
        assert!(found == bytes("/one.tar").unwrap(), "{tags:?}");
        let asked = asked.lock().unwrap().clone();
        let firsts: Vec<u64> = asked.iter().map(|(_, from)| *from).collect();
        assert_eq!(firsts, [0, 100_000], "{tags:?}");
    }
}

#[test]
fn an_address_that_is_not_there_is_told_at_once_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let (host, asked) = server(|_| None, ["\"a\"", "\"a\""], 0);
    let address = PathBuf::from(format!("{host}/none.tar?key=secret"));
    let told = fetch(
        &address,
        folder.path(),
        &StoreSettings::default(),
        &mut |_, _| (),
    )
    .unwrap_err();
    let told = told.to_string();
    assert!(told.contains("/none.tar") && told.contains("404"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_address_is_on_the_web_or_in_a_store_and_a_path_is_neither() {
    for address in [
        "HTTPS://a.org/b.tar",
        "s3://bucket/b.tar",
        "gs://bucket/b.tar",
        "abfss://c@a/b",
    ] {
        assert!(is_remote(Path::new(address)), "{address}");
    }
    for path in ["a/http.tar", "s3:/bucket", "data/{00..10}.tar"] {
        assert!(!is_remote(Path::new(path)), "{path}");
    }
}

#[test]
fn what_two_fetch_at_once_is_whole_or_told_to_both() {
    for there in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let body = match there {
            true => bytes,
            false => |_: &str| None,
        };
        let (host, _) = server(body, ["\"a\"", "\"a\""], usize::MAX);
        let address = PathBuf::from(format!("{host}/one.tar"));
        let fetched = || {
            fetch(
                &address,
                folder.path(),
                &StoreSettings::default(),
                &mut |_, _| (),
            )
        };
        let both = thread::scope(|scope| {
            let one = scope.spawn(fetched);
            [fetched(), one.join().unwrap()]
        });
        for fetched in both {
            match there {
                true => assert!(
                    fs::read(&files(&fetched.unwrap())[0]).unwrap() == bytes("/one.tar").unwrap()
                ),
                false => {
                    let told = fetched.unwrap_err().to_string();
                    assert!(told.contains("404"), "{told}");
                }
            }
        }
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, if there { 2 } else { 0 });
    }
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_program_without_stores_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let address = Path::new("s3://bucket/{0..1}.tar?secret=1");
    let told = fetch(
        address,
        folder.path(),
        &StoreSettings::default(),
        &mut |_, _| (),
    );
    let told = told.unwrap_err().to_string();
    assert!(
        told.contains("--features stores") && !told.contains("secret"),
        "{told}"
    );
}

#[cfg(feature = "s3")]
mod stores {
    use super::*;

    /// A bucket at a server of our own.
    fn settings(host: &str) -> StoreSettings {
        let pairs = [
            ("aws_endpoint", host),
            ("aws_allow_http", "true"),
            ("aws_region", "somewhere"),
            ("aws_access_key_id", "key"),
            ("aws_secret_access_key", "secret"),
        ];
        let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        StoreSettings(owned.to_vec())
    }

    #[test]
    fn objects_of_a_pattern_are_fetched_once() {
        let folder = tempfile::tempdir().unwrap();
        let (host, asked) = server(bytes, ["\"a\"", "\"a\""], usize::MAX);
        let address = Path::new("s3://bucket/d/s-{08..10}.tar");
        let settings = settings(&host);
        for _ in 0..2 {
            let list = fetch(address, folder.path(), &settings, &mut |_, _| ()).unwrap();
            let found = files(&list);
            assert_eq!(found.len(), 3);
            assert!(fs::read(&found[1]).unwrap() == bytes("/bucket/d/s-09.tar").unwrap());
        }
        let asked = asked.lock().unwrap().clone();
        let paths = ["08", "09", "10"].map(|number| (format!("/bucket/d/s-{number}.tar"), 0));
        assert_eq!(asked, paths);
    }

    #[test]
    fn an_object_goes_on_where_it_broke_off_if_it_is_still_the_same() {
        for tags in [["\"a\"", "\"a\""], ["\"a\"", "\"b\""]] {
            let folder = tempfile::tempdir().unwrap();
            let (host, asked) = server(bytes, tags, 0);
            // What another run left: the first bytes, of the object with the first mark.
            let name = name("s3://bucket/one.tar");
            let whole = bytes("/bucket/one.tar").unwrap();
            fs::write(folder.path().join(format!("{name}.part")), &whole[..1000]).unwrap();
            fs::write(folder.path().join(format!("{name}.of")), "\"a\"").unwrap();
            // The server's first answer is never a whole one.
            asked.lock().unwrap().push((String::new(), 0));
            let address = Path::new("s3://bucket/one.tar");
            let list = fetch(address, folder.path(), &settings(&host), &mut |_, _| ()).unwrap();
            assert!(fs::read(&files(&list)[0]).unwrap() == whole, "{tags:?}");
            let firsts: Vec<u64> = asked.lock().unwrap()[1..]
                .iter()
                .map(|(_, from)| *from)
                .collect();
            match tags[0] == tags[1] {
                true => assert_eq!(firsts, [1000]),
                false => assert_eq!(firsts, [1000, 0]),
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        }
    }

    #[test]
    fn a_pattern_may_count_buckets() {
        let folder = tempfile::tempdir().unwrap();
        let (host, _) = server(bytes, ["\"a\"", "\"a\""], usize::MAX);
        let address = Path::new("s3://bucket-{1..2}/one.tar");
        let list = fetch(address, folder.path(), &settings(&host), &mut |_, _| ()).unwrap();
        for (file, bucket) in files(&list).iter().zip(["bucket-1", "bucket-2"]) {
            let path = format!("/{bucket}/one.tar");
            assert!(fs::read(file).unwrap() == bytes(&path).unwrap(), "{path}");
        }
    }

    #[test]
    fn an_object_that_is_not_there_is_told_at_once_and_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (host, asked) = server(|_| None, ["\"a\"", "\"a\""], 0);
        let told = fetch(
            Path::new("s3://bucket/none.tar"),
            folder.path(),
            &settings(&host),
            &mut |_, _| (),
        );
        let told = told.unwrap_err().to_string();
        assert!(
            told.contains("s3://bucket/none.tar") && told.contains("not found"),
            "{told}"
        );
        assert_eq!(asked.lock().unwrap().len(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
