//! The tantivy index: its fields, its one writer, and its position in the feed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mercer_schemas::ShopId;
use tantivy::indexer::LogMergePolicy;
use tantivy::schema::{
    Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, Term};

use super::entry::{Entry, Kind, Owner, scope};
use super::terms::{Class, Terms, term_text};
use crate::error::{Error, Result};
use crate::text::analysis::{ANALYSER, normalise, stemming, words};

/// Memory of the writer. tantivy asks for at least 15 MB a thread; one thread keeps documents of
/// one batch in one segment.
const WRITER_BYTES: usize = 50_000_000;

/// Share of deleted documents in a segment from which it is merged. Without it an index that is
/// mostly updated keeps its dead documents, and word statistics drift.
const DELETED_SHARE_MAX: f32 = 0.3;

/// Marks a commit's payload with the form of the entries; another form means a rebuild.
const PAYLOAD: &str = "mercer-1 seq=";

/// The index's fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    owner: Field,
    scope: Field,
    pub(crate) record: Field,
    pub(crate) part: Field,
    product_title: Field,
    product_text: Field,
    passage_title: Field,
    passage_text: Field,
    pub(crate) terms: Field,
}

impl Fields {
    fn build() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let text = TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(ANALYSER)
                .set_index_option(IndexRecordOption::WithFreqs),
        );
        let fields = Self {
            owner: schema.add_text_field("owner", STRING),
            scope: schema.add_text_field("scope", STRING),
            record: schema.add_text_field("record", STORED),
            part: schema.add_u64_field("part", INDEXED | STORED),
            product_title: schema.add_text_field("product_title", text.clone()),
            product_text: schema.add_text_field("product_text", text.clone()),
            passage_title: schema.add_text_field("passage_title", text.clone()),
            passage_text: schema.add_text_field("passage_text", text),
            terms: schema.add_text_field("terms", STRING),
        };
        (schema.build(), fields)
    }

    /// Returns the title field and the all-text field of a kind.
    pub(crate) fn of(&self, kind: Kind) -> (Field, Field) {
        match kind {
            Kind::Product => (self.product_title, self.product_text),
            Kind::Passage => (self.passage_title, self.passage_text),
        }
    }

    /// Returns the term that every entry of a kind and shop has.
    pub(crate) fn scope_term(&self, shop: &ShopId, kind: Kind) -> Term {
        Term::from_field_text(self.scope, &scope(shop, kind))
    }

    /// Returns the term that every entry of a kind has, whatever its shop.
    pub(crate) fn kind_term(&self, kind: Kind) -> Term {
        Term::from_field_text(self.scope, kind.as_str())
    }
}

/// The lexical index.
pub(crate) struct LexicalIndex {
    folder: PathBuf,
    index: Index,
    pub(crate) fields: Fields,
    reader: IndexReader,
    writer: Mutex<Option<IndexWriter>>,
}

impl LexicalIndex {
    /// Opens the index in a folder, or makes an empty one where there is none or a damaged one.
    /// The second value is the position in the feed, or why the index has to be filled anew.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Result<i64, String>)> {
        let (schema, fields) = Fields::build();
        let opened = Self::open_existing(folder, &schema);
        let (index, position) = match opened {
            Ok((index, seq)) => (index, Ok(seq)),
            Err(why) => (Self::create(folder, schema)?, Err(why)),
        };
        index.tokenizers().register(ANALYSER, stemming());
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()?;
        let writer = Mutex::new(None);
        let folder = folder.to_owned();
        Ok((
            Self {
                folder,
                index,
                fields,
                reader,
                writer,
            },
            position,
        ))
    }

    fn open_existing(folder: &Path, schema: &Schema) -> Result<(Index, i64), String> {
        if !folder.join("meta.json").exists() {
            return Err("there is no lexical index".to_owned());
        }
        let index = Index::open_in_dir(folder)
            .map_err(|error| format!("the lexical index cannot be opened: {error}"))?;
        if index.schema() != *schema {
            return Err("the lexical index has other fields".to_owned());
        }
        let damaged = index
            .validate_checksum()
            .map_err(|error| format!("the lexical index cannot be read: {error}"))?;
        if !damaged.is_empty() {
            return Err(format!(
                "{} files of the lexical index are damaged",
                damaged.len()
            ));
        }
        let metas = index
            .load_metas()
            .map_err(|error| format!("the lexical index cannot be read: {error}"))?;
        let seq = metas
            .payload
            .as_deref()
            .and_then(|payload| payload.strip_prefix(PAYLOAD))
            .and_then(|seq| seq.parse().ok())
            .ok_or("the lexical index does not say how far it is")?;
        Ok((index, seq))
    }

    fn create(folder: &Path, schema: Schema) -> Result<Index> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).map_err(Error::folder(folder))?;
        }
        std::fs::create_dir_all(folder).map_err(Error::folder(folder))?;
        Ok(Index::create_in_dir(folder, schema)?)
    }

    /// Returns a view of the last commit.
    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Returns the words of a shop in a view.
    pub(crate) fn terms<'a>(&self, searcher: &'a Searcher, shop: &'a ShopId) -> Terms<'a> {
        Terms {
            searcher,
            field: self.fields.terms,
            shop,
        }
    }

    /// Replaces all that is indexed of some records and commits at a position of the feed.
    /// Blocks; nothing of it is visible when it fails.
    pub(crate) fn replace(
        &self,
        owners: &BTreeSet<Owner>,
        entries: &[Entry],
        seq: i64,
    ) -> Result<()> {
        self.write(|writer, fields| {
            for owner in owners {
                writer.delete_term(Term::from_field_text(fields.owner, &owner.key()));
            }
            add(writer, fields, entries)?;
            commit(writer, seq)
        })
    }

    /// Begins to fill the index anew. What was committed stays visible until [`Self::commit`].
    pub(crate) fn begin_anew(&self) -> Result<()> {
        self.write(|writer, _| {
            writer.rollback()?;
            writer.delete_all_documents()?;
            Ok(())
        })
    }

    /// Adds entries that become visible with the next commit.
    pub(crate) fn add(&self, entries: &[Entry]) -> Result<()> {
        self.write(|writer, fields| add(writer, fields, entries))
    }

    /// Commits at a position of the feed.
    pub(crate) fn commit(&self, seq: i64) -> Result<()> {
        self.write(|writer, _| commit(writer, seq))
    }

    fn write(&self, task: impl FnOnce(&mut IndexWriter, &Fields) -> Result<()>) -> Result<()> {
        let mut guard = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer = match guard.take() {
            Some(writer) => writer,
            None => self.new_writer()?,
        };
        match task(&mut writer, &self.fields) {
            Ok(()) => *guard = Some(writer),
            // A writer that failed is dropped with what it held; the next task makes a new one.
            Err(error) => return Err(error),
        }
        self.reader.reload()?;
        Ok(())
    }

    fn new_writer(&self) -> Result<IndexWriter> {
        let writer = self
            .index
            .writer_with_num_threads(1, WRITER_BYTES)
            .map_err(|error| match error {
                tantivy::TantivyError::LockFailure(..) => Error::Locked(self.folder.clone()),
                other => other.into(),
            })?;
        let mut merges = LogMergePolicy::default();
        merges.set_del_docs_ratio_before_merge(DELETED_SHARE_MAX);
        writer.set_merge_policy(Box::new(merges));
        Ok(writer)
    }

    /// Returns a number that changes with every commit.
    #[cfg(test)]
    pub(crate) fn opstamp(&self) -> u64 {
        self.index
            .load_metas()
            .map(|metas| metas.opstamp)
            .unwrap_or_default()
    }
}

fn commit(writer: &mut IndexWriter, seq: i64) -> Result<()> {
    let mut prepared = writer.prepare_commit()?;
    prepared.set_payload(&format!("{PAYLOAD}{seq}"));
    prepared.commit()?;
    Ok(())
}

fn add(writer: &IndexWriter, fields: &Fields, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        let Owner { shop, kind, record } = &entry.owner;
        let (title, text) = fields.of(*kind);
        let mut document = TantivyDocument::default();
        document.add_text(fields.owner, entry.owner.key());
        document.add_text(fields.scope, scope(shop, *kind));
        document.add_text(fields.scope, kind.as_str());
        document.add_text(fields.record, record);
        document.add_u64(fields.part, u64::from(entry.part));
        document.add_text(title, normalise(&entry.title));
        document.add_text(text, normalise(&entry.text));
        let mut terms = BTreeSet::from([term_text(shop, Class::Any(*kind), "")]);
        for word in words(&entry.text) {
            terms.insert(term_text(shop, Class::Plain(*kind), &word.plain));
            terms.insert(term_text(shop, Class::Stem(*kind), &word.stem));
        }
        for word in words(&entry.names) {
            terms.insert(term_text(shop, Class::Name(*kind), &word.plain));
        }
        for word in entry.options.iter().flat_map(|value| words(value)) {
            terms.insert(term_text(shop, Class::Option, &word.stem));
        }
        for term in terms {
            document.add_text(fields.terms, term);
        }
        writer.add_document(document)?;
    }
    Ok(())
}
