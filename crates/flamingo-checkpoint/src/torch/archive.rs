//! Zip archives: `NAME/data.pkl` says what there is, `NAME/data/KEY` are the storages.

use super::place::place_weights;
use crate::error::{Fault, quoted};
use crate::pickle::{Limits, Pickle};
use crate::tensor::Found;
use crate::zip::Archive;

const PICKLE: &str = "data.pkl";

pub(crate) fn read_archive(bytes: &[u8]) -> Result<Found, Fault> {
    let archive = Archive::open(bytes)?;
    let root = find_root(&archive)?;
    check_byte_order(&archive, root, bytes)?;
    let script = is_script(&archive, root);
    let pickle = entry(&archive, &format!("{root}{PICKLE}"))?;
    let pickle = Pickle::read(&bytes[pickle], script, Limits::default())?;
    place_weights(&pickle, |key| entry(&archive, &format!("{root}data/{key}")))
}

/// Whether the file is an archive of torch.jit.save.
pub(crate) fn is_torchscript(bytes: &[u8]) -> bool {
    let script = || {
        let archive = Archive::open(bytes)?;
        let root = find_root(&archive)?;
        Ok::<_, Fault>(is_script(&archive, root))
    };
    bytes.starts_with(b"PK") && script().unwrap_or(false)
}

/// Only torch.jit.save writes constants and code; its classes mean nothing in another archive.
fn is_script(archive: &Archive<'_>, root: &str) -> bool {
    archive.names().any(|name| {
        name.strip_prefix(root)
            .is_some_and(|name| name == "constants.pkl" || name.starts_with("code/"))
    })
}

fn entry(archive: &Archive<'_>, name: &str) -> Result<std::ops::Range<usize>, Fault> {
    archive.stored(name)?.ok_or_else(|| {
        Fault::new(format!(
            "it has no entry `{}`, which its tensors need: it is damaged, copy it again",
            quoted(name)
        ))
    })
}

/// The folder of the archive, with its slash, that holds the pickle.
fn find_root<'a>(archive: &Archive<'a>) -> Result<&'a str, Fault> {
    let root = |name: &'a str| {
        let root = name.strip_suffix(PICKLE)?;
        let folder = root.strip_suffix('/')?;
        (!folder.contains('/')).then_some(root)
    };
    let mut roots = archive.names().filter_map(root);
    match (roots.next(), roots.next()) {
        (Some(root), None) => Ok(root),
        (Some(_), Some(_)) => Err(Fault::new(
            "it is a zip archive with two data.pkl: name an archive of one torch.save",
        )),
        (None, _) => Err(Fault::new(format!(
            "it is a zip archive without data.pkl, {}: name a file of torch.save",
            guess(archive)
        ))),
    }
}

fn guess(archive: &Archive<'_>) -> String {
    let any = |wanted: fn(&str) -> bool| archive.names().any(wanted);
    if any(|name| name.ends_with(".safetensors") || name.ends_with(".bin") || name.ends_with(".pt"))
    {
        "it seems to be a packed folder of weights, unpack it".to_string()
    } else if any(|name| name.ends_with(".npy")) {
        "it seems to be a NumPy archive (.npz), save it as safetensors".to_string()
    } else if any(|name| name.ends_with("model.json") || name.starts_with("code/")) {
        "it seems to be torch's older script archive, save it again".to_string()
    } else {
        match archive.names().min() {
            Some(name) => format!("it holds `{}` and the like", quoted(name)),
            None => "it holds nothing".to_string(),
        }
    }
}

fn check_byte_order(archive: &Archive<'_>, root: &str, bytes: &[u8]) -> Result<(), Fault> {
    match archive.stored(&format!("{root}byteorder"))? {
        Some(order) if &bytes[order.clone()] != b"little" => Err(Fault::new(format!(
            "its byte order is `{}`, only little is read: save it again on a little-endian machine",
            quoted(&String::from_utf8_lossy(
                &bytes[order.start..order.end.min(order.start + 16)]
            ))
        ))),
        _ => Ok(()),
    }
}
