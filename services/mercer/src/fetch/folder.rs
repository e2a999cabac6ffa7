//! The cache folder: where it is, which names a file may have there, and what lies in it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail};

use super::digest::{Digest, hash_file};

/// Letters of a name: file systems hold 255 bytes, and a part's name is longer than the file's.
const NAME_BYTES_MAX: usize = 200;
/// What every model's name ends in.
const ENDING: &str = ".gguf";
/// How the folders begin that a fetch works in.
pub(super) const WORK_PREFIX: &str = ".fetch-";

/// The name of a model's file: no path, and nothing that a shell or another system reads as more than a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(String);

impl FileName {
    /// Returns the name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FileName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let begins_well = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        if begins_well
            && text.chars().all(letter)
            && text.ends_with(ENDING)
            && text.len() <= NAME_BYTES_MAX
        {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{text}` is not a name for a model: letters, digits, `.`, `_` and `-`, no folders, ending in `{ENDING}`"
        ))
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

/// The folder that models are brought to.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// Holds the folder for one fetch. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "open as long as the lock is held")] File);

/// A model, or a part of one, in the folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its name in the folder.
    pub(crate) name: String,
    /// Its length.
    pub(crate) bytes: u64,
    /// Whether it is there to its end.
    pub(crate) whole: bool,
}

impl Folder {
    /// Takes a folder that a person named.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Finds the user's own: `mercer/models` in `XDG_CACHE_HOME`, or in `.cache` of the home folder.
    ///
    /// As the XDG base directory specification asks, a relative `XDG_CACHE_HOME` does not count.
    ///
    /// # Errors
    /// When neither is set.
    pub(crate) fn of_user(cache: Option<OsString>, home: Option<OsString>) -> anyhow::Result<Self> {
        let absolute = |path: &PathBuf| path.is_absolute();
        let cache = cache.map(PathBuf::from).filter(absolute);
        let home = home.map(PathBuf::from).filter(absolute);
        let Some(cache) = cache.or_else(|| home.map(|home| home.join(".cache"))) else {
            bail!(
                "no cache folder is known, as neither XDG_CACHE_HOME nor HOME is set; name one with --folder"
            );
        };
        Ok(Self(cache.join("mercer").join("models")))
    }

    /// Returns where the folder is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Returns where a file lies, or would lie.
    pub(crate) fn file(&self, name: &FileName) -> PathBuf {
        self.0.join(name.as_str())
    }

    /// Makes the folder, holds it against other fetches, and removes what a fetch left that was killed.
    ///
    /// # Errors
    /// When it cannot be made or written, or another fetch holds it.
    pub(crate) fn hold(&self) -> anyhow::Result<Held> {
        let folder = self.0.display();
        fs::create_dir_all(&self.0).with_context(|| {
            format!("the folder {folder} cannot be made; name another with --folder")
        })?;
        let lock = File::create(self.0.join(".lock")).with_context(|| {
            format!("the folder {folder} cannot be written; name another with --folder")
        })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another fetch is at work in {folder}; wait for it, or name another folder with --folder"
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("the folder {folder} cannot be locked"));
            }
        }
        self.sweep()
            .with_context(|| format!("what an earlier fetch left in {folder} cannot be removed"))?;
        Ok(Held(lock))
    }

    fn sweep(&self) -> std::io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let left = entry.file_name().to_string_lossy().starts_with(WORK_PREFIX);
            if left && entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }

    /// Returns the SHA-256 of a file in the folder; nothing where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(crate) async fn digest(&self, name: &FileName) -> anyhow::Result<Option<Digest>> {
        let path = self.file(name);
        match hash_file(&path).await {
            Ok((hasher, _)) => Ok(Some(Digest::of(hasher))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Lists models and parts of them, by name. A folder that is not there has none.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub(crate) fn list(&self) -> anyhow::Result<Vec<Listed>> {
        let unread = || format!("the folder {} cannot be read", self.0.display());
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(unread),
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry.with_context(unread)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let part = name.strip_suffix(super::part::ENDING);
            if part.unwrap_or(&name).parse::<FileName>().is_ok() {
                listed.push(Listed {
                    bytes: entry.metadata().with_context(unread)?.len(),
                    whole: part.is_none(),
                    name,
                });
            }
        }
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_path_separators_is_refused() {
        for name in [
            "../a.gguf",
            "a/b.gguf",
            "/a.gguf",
            "a\\b.gguf",
            ".a.gguf",
            "",
            "a.bin",
            "a b.gguf",
            "a\n.gguf",
        ] {
            assert!(name.parse::<FileName>().is_err(), "{name:?}");
        }
        assert!("Some-Model_1.5B.Q4_1.gguf".parse::<FileName>().is_ok());
    }

    #[test]
    fn the_users_cache_folder_is_found_as_xdg_asks() {
        let of = |cache: Option<&str>, home: Option<&str>| {
            Folder::of_user(cache.map(OsString::from), home.map(OsString::from))
                .map(|folder| folder.0)
        };
        let home = Some("/home/ann");
        assert_eq!(
            of(Some("/var/c"), home).expect("folder"),
            Path::new("/var/c/mercer/models")
        );
        for unusable in [None, Some(""), Some("relative")] {
            assert_eq!(
                of(unusable, home).expect("folder"),
                Path::new("/home/ann/.cache/mercer/models")
            );
        }
        assert!(
            of(None, None)
                .expect_err("neither")
                .to_string()
                .contains("--folder")
        );
    }

    #[test]
    fn a_folder_is_held_by_one_fetch_at_a_time() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = Folder::new(temporary.path().join("new"));
        let held = folder.hold().expect("free");
        assert!(
            folder
                .hold()
                .expect_err("held")
                .to_string()
                .contains("another fetch")
        );
        drop(held);
        folder.hold().expect("free again");
    }

    #[test]
    fn what_a_killed_fetch_left_is_swept_and_models_stay() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = Folder::new(temporary.path().to_owned());
        fs::create_dir(temporary.path().join(".fetch-abc")).expect("left");
        fs::write(temporary.path().join(".fetch-abc/wheel"), "left").expect("left");
        for name in ["b.gguf", "a.gguf.part", "a.gguf.part.json", "note.txt"] {
            fs::write(temporary.path().join(name), name).expect("file");
        }
        folder.hold().expect("held");
        assert!(!temporary.path().join(".fetch-abc").exists());
        let part = Listed {
            name: "a.gguf.part".into(),
            bytes: 11,
            whole: false,
        };
        let whole = Listed {
            name: "b.gguf".into(),
            bytes: 6,
            whole: true,
        };
        assert_eq!(folder.list().expect("list"), [part, whole]);
    }

    #[test]
    fn a_folder_that_is_not_there_lists_nothing() {
        let temporary = tempfile::tempdir().expect("folder");
        let folder = Folder::new(temporary.path().join("none"));
        assert_eq!(folder.list().expect("list"), []);
        assert!(!folder.path().exists());
    }
}
