//! Which files an import reads.

use std::path::{Path, PathBuf};

use crate::report::Error;

/// The files of one import; each may be absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) shop: Option<PathBuf>,
    pub(crate) catalogs: Vec<PathBuf>,
    pub(crate) documents: Vec<PathBuf>,
    pub(crate) customers: Option<PathBuf>,
    pub(crate) orders: Option<PathBuf>,
}

impl Source {
    /// Finds the files of a folder, or takes one file for what its name says.
    pub(crate) fn find(path: &Path) -> Result<Self, Error> {
        let read = |source: std::io::Error| Error::Read {
            path: path.to_owned(),
            source,
        };
        let kind = std::fs::metadata(path).map_err(read)?;
        let source = if kind.is_dir() {
            Self::of_folder(path)?
        } else {
            Self::of_file(path)
        };
        if source == Self::default() {
            Err(Error::Nothing(path.to_owned()))
        } else {
            Ok(source)
        }
    }

    fn of_folder(folder: &Path) -> Result<Self, Error> {
        let present = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
        let mut documents = Vec::new();
        let policies = folder.join("policies");
        if policies.is_dir() {
            let failed = |source: std::io::Error| Error::Read {
                path: policies.clone(),
                source,
            };
            for entry in std::fs::read_dir(&policies).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.extension().is_some_and(|extension| extension == "md") && path.is_file() {
                    documents.push(path);
                }
            }
            documents.sort();
        }
        Ok(Self {
            shop: present("shop.toml"),
            catalogs: ["catalog.jsonl", "catalog.csv"]
                .into_iter()
                .filter_map(present)
                .collect(),
            documents,
            customers: present("customers.jsonl"),
            orders: present("orders.jsonl"),
        })
    }

    fn of_file(path: &Path) -> Self {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let mut source = Self::default();
        let path = path.to_owned();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("toml") => source.shop = Some(path),
            Some("md") => source.documents = vec![path],
            Some("csv") => source.catalogs = vec![path],
            Some("jsonl") if name.contains("customer") => source.customers = Some(path),
            Some("jsonl") if name.contains("order") => source.orders = Some(path),
            Some("jsonl") => source.catalogs = vec![path],
            _ => {}
        }
        source
    }
}
