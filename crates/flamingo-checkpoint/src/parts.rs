//! Files that hold no more than a part of a model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// What to do with a folder of torch.distributed.checkpoint.
const GATHER: &str = "it belongs to a checkpoint of torch.distributed.checkpoint (DCP), which is spread over several \
    files: make one file of its folder with \
    `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt`, and give that";

/// What to do with its files of safetensors.
pub(crate) const CONSOLIDATE: &str = "it holds one part of each tensor, as torch.distributed.checkpoint's \
    HuggingFaceStorageWriter saved it: put the parts together with consolidate_safetensors_files of \
    torch.distributed.checkpoint._consolidate_hf_safetensors, and give the folder that it writes";

/// Refuses a folder that torch.distributed.checkpoint (DCP) has written, and says how to put its parts
/// together.
///
/// # Errors
/// [`Error::Malformed`] if it is such a folder; none if it is anything else, or cannot be listed.
pub fn check_folder(folder: &Path) -> Result<()> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    if paths.iter().any(|path| is_dcp(path)) {
        return Err(Error::malformed(folder, GATHER));
    }
    if paths.iter().any(|path| is_hugging_face_part(path)) {
        return Err(Error::malformed(folder, CONSOLIDATE));
    }
    Ok(())
}

/// `shard-00001-model-00001-of-00001.safetensors`, which no other program writes.
fn is_hugging_face_part(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let rest = name.strip_prefix("shard-");
    let of_model = rest.and_then(|rest| rest.split_once("-model-"));
    of_model.is_some_and(|(number, rest)| {
        number.bytes().all(|b| b.is_ascii_digit()) && rest.ends_with(".safetensors")
    })
}

fn is_dcp(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "distcp")
}

/// Refuses files that are parts of a model without the others.
pub(crate) fn check(paths: &[PathBuf]) -> Result<()> {
    let mut given: BTreeMap<(String, usize), usize> = BTreeMap::new();
    let numbered = |path: &Path| {
        let (series, number, count) = numbered(&path.file_name()?.to_string_lossy())?;
        Some((
            (path.with_file_name(series).display().to_string(), count),
            number,
        ))
    };
    for (series, _) in paths.iter().filter_map(|path| numbered(path)) {
        *given.entry(series).or_default() += 1;
    }
    for path in paths {
        let is_description = path.file_name().is_some_and(|name| name == ".metadata");
        if is_dcp(path) || is_description {
            return Err(Error::malformed(path, GATHER));
        }
        if let Some((series, number)) = numbered(path)
            && given[&series] < series.1
        {
            let reason = format!(
                "it is part {number} of a model in {} files, of which {} {} given: give the folder with all of them",
                series.1,
                given[&series],
                if given[&series] == 1 { "is" } else { "are" },
            );
            return Err(Error::malformed(path, reason));
        }
    }
    Ok(())
}

/// What `NAME-00001-of-00003.safetensors` and the like say: the name without the number, the number
/// and how many there are; none if there is but one.
fn numbered(name: &str) -> Option<(String, usize, usize)> {
    let (before, after) = name.rsplit_once("-of-")?;
    let (start, number) = before.rsplit_once('-')?;
    let (count, end) = after.split_once('.')?;
    let number_of = |digits: &str| match digits.bytes().all(|b| b.is_ascii_digit()) {
        true => digits.parse::<usize>().ok(),
        false => None,
    };
    let (number, count) = (number_of(number)?, number_of(count)?);
    (count > 1).then(|| (format!("{start}-of-{count}.{end}"), number, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(paths: &[&str]) -> String {
        let paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
        check(&paths).map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn a_part_without_the_others_is_told_as_such() {
        let (first, second) = (
            "a/model-00001-of-00002.safetensors",
            "a/model-00002-of-00002.safetensors",
        );
        let message = reason(&[second]);
        assert!(
            message.contains("part 2 of a model in 2 files, of which 1 is given"),
            "{message}"
        );
        assert!(message.contains(second), "{message}");
        assert_eq!(reason(&[first, second]), "");
        assert!(reason(&[first, "b/model-00002-of-00002.safetensors"]).contains("part 1"));
        assert!(reason(&["pytorch_model-00003-of-00005.bin"]).contains("part 3"));
        for whole in [
            "model-00001-of-00001.safetensors",
            "one-of-two.pt",
            "x-1-of-many.pt",
        ] {
            assert_eq!(reason(&[whole]), "");
        }
    }

    #[test]
    fn a_distributed_checkpoint_is_told_as_such() {
        for path in ["__0_0.distcp", "step/.metadata"] {
            assert!(reason(&[path]).contains("dcp_to_torch"), "{path}");
        }
        let folder = tempfile::tempdir().expect("a folder");
        assert!(check_folder(folder.path()).is_ok());
        std::fs::write(folder.path().join("__0_0.distcp"), "").expect("written");
        let message = check_folder(folder.path()).expect_err("DCP").to_string();
        let name = folder.path().display().to_string();
        assert!(
            message.contains("dcp_to_torch") && message.contains(&name),
            "{message}"
        );
        assert!(check_folder(Path::new("/nowhere")).is_ok());
        let folder = tempfile::tempdir().expect("a folder");
        let part = "shard-00001-model-00001-of-00001.safetensors";
        std::fs::write(folder.path().join(part), "").expect("written");
        let message = check_folder(folder.path()).expect_err("DCP").to_string();
        assert!(
            message.contains("consolidate_safetensors_files"),
            "{message}"
        );
    }
}
