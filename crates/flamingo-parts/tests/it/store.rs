//! What lies in the cache.

use std::fs;
use std::thread;
use std::time::{Duration, SystemTime};

use flamingo_parts::Error;

use super::{CONTENT, Place, part, sha256};

fn filled() -> Place {
    let place = Place::new();
    let file = place.write("given", CONTENT);
    place.fetcher(&[file]).fetch(&part(), &mut ()).unwrap();
    place
}

#[test]
fn a_file_that_was_changed_is_found_out_and_replaced() {
    let place = filled();
    let path = place.store().find(&part()).unwrap();
    let mut changed = CONTENT.to_vec();
    changed[3] ^= 1;
    fs::write(&path, &changed).unwrap();
    // As another day's change has.
    let later = SystemTime::now() + Duration::from_secs(60);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(later).unwrap();
    let told = place.store().find(&part()).unwrap_err();
    assert!(matches!(&told, Error::Changed { .. }), "{told}");
    assert!(told.to_string().contains(&sha256(&changed)), "{told}");
    let given = place.path("given");
    let fetched = place.fetcher(&[given]).fetch(&part(), &mut ()).unwrap();
    place.has(&fetched);
}

#[test]
fn a_file_is_hashed_again_only_if_its_size_or_time_is_another() {
    let place = filled();
    let path = place.store().find(&part()).unwrap();
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    let mut changed = CONTENT.to_vec();
    changed[3] ^= 1;
    fs::write(&path, &changed).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(time).unwrap();
    assert!(
        place.store().find(&part()).is_ok(),
        "nothing says that it was changed"
    );
    fs::write(&path, &changed[1..]).unwrap();
    assert!(place.store().find(&part()).is_err());
}

#[test]
fn what_is_missing_is_told_with_its_name_hash_and_folder() {
    let place = Place::new();
    let told = place.store().find(&part()).unwrap_err().to_string();
    for word in [
        "tiny.gguf",
        &sha256(CONTENT),
        "cache/parts",
        "flamingo fetch",
    ] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn many_at_once_end_with_one_whole_file() {
    let place = Place::new();
    let file = place.write("given", CONTENT);
    let fetcher = place.fetcher(&[file]);
    let fetched: Vec<_> = thread::scope(|scope| {
        let one = || scope.spawn(|| fetcher.fetch(&part(), &mut ()).unwrap());
        let all: Vec<_> = (0..5).map(|_| one()).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let taken = fetched.iter().filter(|fetched| fetched.from.is_some());
    assert_eq!(taken.count(), 1);
    fetched.iter().for_each(|fetched| place.has(fetched));
}
