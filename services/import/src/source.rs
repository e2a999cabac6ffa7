//! What an import reads: a folder, a file, or one file's content as it was sent.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::report::Error;

/// What a single file holds, where its sender says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upload {
    /// Products as JSON Lines.
    Products,
    /// Products as CSV.
    ProductsCsv,
    /// A policy, FAQ entry or promotion.
    Document,
    /// Customers.
    Customers,
    /// Orders.
    Orders,
}

/// One file of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// Its name, as messages show it.
    pub(crate) name: String,
    content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    At(PathBuf),
    Sent(Bytes),
}

impl Input {
    fn at(path: PathBuf) -> Self {
        Self {
            name: name_of(&path),
            content: Content::At(path),
        }
    }

    /// Opens it; the number is its size in bytes, as far as it is known.
    pub(crate) fn open(&self) -> Result<(Box<dyn Read>, u64), Error> {
        match &self.content {
            Content::Sent(bytes) => Ok((Box::new(Cursor::new(bytes.clone())), bytes.len() as u64)),
            Content::At(path) => {
                let file = fs::File::open(path).map_err(|source| self.failed(source))?;
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                Ok((Box::new(file), size))
            }
        }
    }

    /// Says that it cannot be read.
    pub(crate) fn failed(&self, source: std::io::Error) -> Error {
        Error::Read {
            path: match &self.content {
                Content::At(path) => path.clone(),
                Content::Sent(_) => PathBuf::from(&self.name),
            },
            source,
        }
    }
}

/// How products are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    JsonLines,
    Csv,
}

/// The files of one import; each may be absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) shop: Option<Input>,
    pub(crate) catalogs: Vec<(Format, Input)>,
    pub(crate) documents: Vec<Input>,
    pub(crate) customers: Option<Input>,
    pub(crate) orders: Option<Input>,
}

impl Source {
    /// Finds the files of a folder, or takes one file for what its name says.
    pub(crate) fn find(path: &Path) -> Result<Self, Error> {
        let read = |source: std::io::Error| Error::Read {
            path: path.to_owned(),
            source,
        };
        let kind = fs::metadata(path).map_err(read)?;
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

    /// Takes one file's content for what its sender says.
    pub(crate) fn sent(upload: Upload, content: Bytes) -> Self {
        let input = |name: &str| Input {
            name: name.to_owned(),
            content: Content::Sent(content),
        };
        let mut source = Self::default();
        match upload {
            Upload::Products => source.catalogs = vec![(Format::JsonLines, input("catalog.jsonl"))],
            Upload::ProductsCsv => source.catalogs = vec![(Format::Csv, input("catalog.csv"))],
            Upload::Document => source.documents = vec![input("document.md")],
            Upload::Customers => source.customers = Some(input("customers.jsonl")),
            Upload::Orders => source.orders = Some(input("orders.jsonl")),
        }
        source
    }

    fn of_folder(folder: &Path) -> Result<Self, Error> {
        let present = |name: &str| {
            let path = folder.join(name);
            path.is_file().then(|| Input::at(path))
        };
        let mut documents = Vec::new();
        let policies = folder.join("policies");
        if policies.is_dir() {
            let failed = |source: std::io::Error| Error::Read {
                path: policies.clone(),
                source,
            };
            for entry in fs::read_dir(&policies).map_err(failed)? {
                let path = entry.map_err(failed)?.path();
                if path.extension().is_some_and(|extension| extension == "md") && path.is_file() {
                    documents.push(path);
                }
            }
            documents.sort();
        }
        let catalogs = [
            (Format::JsonLines, "catalog.jsonl"),
            (Format::Csv, "catalog.csv"),
        ];
        Ok(Self {
            shop: present("shop.toml"),
            catalogs: catalogs
                .into_iter()
                .filter_map(|(format, name)| Some((format, present(name)?)))
                .collect(),
            documents: documents.into_iter().map(Input::at).collect(),
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
        let input = Input::at(path.to_owned());
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("toml") => source.shop = Some(input),
            Some("md") => source.documents = vec![input],
            Some("csv") => source.catalogs = vec![(Format::Csv, input)],
            Some("jsonl") if name.contains("customer") => source.customers = Some(input),
            Some("jsonl") if name.contains("order") => source.orders = Some(input),
            Some("jsonl") => source.catalogs = vec![(Format::JsonLines, input)],
            _ => {}
        }
        source
    }
}

/// Returns a path as messages show it.
fn name_of(path: &Path) -> String {
    let file = path.file_name().map(PathBuf::from).unwrap_or_default();
    let in_policies = path
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == "policies");
    let shown = if in_policies {
        Path::new("policies").join(file)
    } else {
        file
    };
    shown.to_string_lossy().into_owned()
}
