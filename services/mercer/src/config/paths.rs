//! Where files are that the settings and the command line name.
//!
//! A relative path is looked for in the current folder, then beside the settings file, then beside
//! the program and in the folders above it: an unpacked archive and a checkout have `fixtures/`
//! there, so Mercer runs from any folder.

use std::path::{Path, PathBuf};

/// Folders above the program that are looked at: a debug build lies in `target/debug`, and a build
/// with a folder of its own one deeper.
const ABOVE_MAX: usize = 4;

/// Folders in which relative paths are looked for, besides the current one.
pub(crate) struct Bases(Vec<PathBuf>);

impl Bases {
    /// Finds them: the settings file's folder, where there is a file, and the program's.
    pub(crate) fn of(settings: Option<&Path>) -> Self {
        let program = std::env::current_exe().ok();
        let beside = settings.and_then(Path::parent).map(Path::to_owned);
        let above = program
            .iter()
            .flat_map(|program| program.ancestors().skip(1).take(ABOVE_MAX));
        Self(
            beside
                .into_iter()
                .chain(above.map(Path::to_owned))
                .collect(),
        )
    }

    /// Returns where a file or folder is; the path itself where it is nowhere, so that a message
    /// names what was asked for.
    pub(crate) fn find(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() || path.is_absolute() || path.exists() {
            return path.to_owned();
        }
        let found = self.0.iter().map(|base| base.join(path));
        found
            .into_iter()
            .find(|path| path.exists())
            .unwrap_or_else(|| path.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_beside_the_settings_and_above_the_program() {
        let folder = tempfile::tempdir().expect("folder");
        let (near, far) = (folder.path().join("a"), folder.path().join("b"));
        for base in [&near, &far] {
            std::fs::create_dir_all(base.join("only-here")).expect("folder");
        }
        std::fs::write(far.join("only-here/model.gguf"), "m").expect("file");
        let bases = Bases(vec![near.clone(), far.clone()]);
        let model = Path::new("only-here/model.gguf");
        assert_eq!(bases.find(model), far.join(model));
        std::fs::write(near.join("only-here/model.gguf"), "m").expect("file");
        assert_eq!(bases.find(model), near.join(model), "the nearer one wins");
        for same in ["nowhere/model.gguf", "", "/dev/null"] {
            assert_eq!(bases.find(Path::new(same)), Path::new(same));
        }
    }

    #[test]
    fn the_settings_files_folder_comes_before_the_programs() {
        let bases = Bases::of(Some(Path::new("/etc/mercer/mercer.toml")));
        assert_eq!(bases.0[0], Path::new("/etc/mercer"));
        assert!(bases.0.len() > 1);
    }
}
