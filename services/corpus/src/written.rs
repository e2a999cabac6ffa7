//! Conversations written by hand: `fixtures/shops/*/*/dialogues/*.yaml`, as that folder's README says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use mercer_schemas::RecordKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Most bytes of one file.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// A conversation.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialogue {
    /// Short name, as the file's.
    pub name: String,
    /// Where it takes place.
    pub channel: String,
    /// The number that the customer writes from; none where it is a stranger's.
    #[serde(default)]
    pub from: Option<String>,
    /// At least one.
    pub turns: Vec<Turn>,
}

/// What a customer writes, and what a good assistant does with it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The customer's words.
    pub customer: String,
    /// What the turn tries, for instance `two_questions`.
    pub kind: String,
    /// What is looked up first.
    #[serde(with = "serde_norway::with::singleton_map_recursive")]
    pub calls: Vec<Call>,
    /// What is looked up when that was read.
    #[serde(default, with = "serde_norway::with::singleton_map_recursive")]
    pub more: Vec<Call>,
    /// Sentences of the policies referred to that answer, word for word.
    #[serde(default)]
    pub quotes: Vec<String>,
    /// What a reply must not say.
    #[serde(default)]
    pub forbid: Vec<String>,
    /// What is answered, with references in place of values.
    pub reply: String,
}

/// Something to look up.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Call {
    /// Products.
    Search(Search),
    /// Products that are known, more closely.
    Details(Details),
    /// Policies, questions, promotions.
    Policies(Policies),
    /// Orders.
    Orders(Orders),
    /// A person.
    Handoff(Handoff),
}

/// A search for products.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// Free words.
    pub query: String,
    /// A category path, or one level of it.
    pub category: Option<String>,
    /// A brand.
    pub brand: Option<String>,
    /// Names and values that a product has.
    #[serde(rename = "where")]
    pub with: BTreeMap<String, OneOrMore>,
    /// Names and values that it has not.
    pub without: BTreeMap<String, OneOrMore>,
    /// Major units.
    pub min_price: Option<Text>,
    /// Major units.
    pub max_price: Option<Text>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// `price_asc`, `price_desc`, or a field with `_asc` or `_desc`.
    pub sort: Option<String>,
    /// Most products.
    pub limit: Option<usize>,
}

/// A closer look at products.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Their ids.
    pub products: Vec<String>,
    /// Attributes or options asked for.
    #[serde(default)]
    pub about: Vec<String>,
}

/// A question to the policies.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    /// Free words.
    pub query: String,
}

/// A question about orders.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orders {
    /// The number that is meant.
    pub order: Option<String>,
}

/// A call for a person.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handoff {
    /// `asked`, `complaint` or `unable`.
    pub reason: String,
}

/// A text that YAML may have read as a number.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// As written.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// `yes` and `no` in other YAML readers, `true` and `false` here.
    Truth(bool),
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => write!(f, "{number}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}

/// A value, or several of which one will do.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(Text),
    /// Several.
    More(Vec<Text>),
}

impl OneOrMore {
    /// Returns them as texts.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text.to_string()],
            Self::More(texts) => texts.iter().map(Text::to_string).collect(),
        }
    }
}

impl Turn {
    /// Returns the records that the reply refers to, in order: `{{product:HB-1042.price}}` names a product.
    pub fn records(&self) -> Vec<RecordKey> {
        let mut out = Vec::new();
        for (start, _) in self.reply.match_indices("{{") {
            let Some((reference, _)) = self.reply[start + 2..].split_once("}}") else {
                continue;
            };
            // A field's name holds no point, a key may.
            let key = match reference.split_once(':') {
                Some(("policy", _)) => Some(reference),
                Some(_) => reference.rsplit_once('.').map(|(key, _)| key),
                None => None,
            };
            if let Some(key) = key.and_then(|key| key.parse().ok())
                && !out.contains(&key)
            {
                out.push(key);
            }
        }
        out
    }
}

/// Reads the conversations of a shop's folder, in order of their files' names.
///
/// # Errors
/// Names the file and the line that cannot be read.
pub fn dialogues(shop: &Path) -> anyhow::Result<Vec<Dialogue>> {
    let folder = shop.join("dialogues");
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            files.push(path);
        }
    }
    files.sort();
    files.iter().map(|file| yaml(file)).collect()
}

/// Returns a shop's conversations in other customers' words, those that its `rewordings.yaml` holds: messages by name, one
/// for each turn. A shop without the file has none.
///
/// # Errors
/// Names the file, and the conversation that is not there or has another number of turns.
pub fn reworded(shop: &Path, dialogues: &[Dialogue]) -> anyhow::Result<Vec<Dialogue>> {
    let file = shop.join("rewordings.yaml");
    if !file.exists() {
        return Ok(Vec::new());
    }
    let rewordings: BTreeMap<String, Vec<String>> = yaml(&file)?;
    let reword = |(name, messages): (String, Vec<String>)| {
        let known = dialogues.iter().find(|dialogue| dialogue.name == name);
        let mut dialogue = known
            .with_context(|| format!("{}: there is no conversation {name}", file.display()))?
            .clone();
        if messages.len() != dialogue.turns.len() {
            bail!(
                "{}: {name} has {} messages for {} turns",
                file.display(),
                messages.len(),
                dialogue.turns.len()
            );
        }
        for (turn, message) in dialogue.turns.iter_mut().zip(messages) {
            turn.customer = message;
        }
        dialogue.name.push_str("-reworded");
        Ok(dialogue)
    };
    rewordings.into_iter().map(reword).collect()
}

fn yaml<T: DeserializeOwned>(file: &Path) -> anyhow::Result<T> {
    let name = || file.display().to_string();
    let bytes = std::fs::metadata(file).with_context(name)?.len();
    if bytes > FILE_BYTES_MAX {
        bail!(
            "{}: {bytes} bytes; a file of conversations has at most {FILE_BYTES_MAX}",
            name()
        );
    }
    let text = std::fs::read_to_string(file).with_context(name)?;
    serde_norway::from_str(&text).with_context(name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns the folders of shops in `fixtures/shops`, with the set that each is in.
    fn shops() -> Vec<(String, PathBuf)> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/shops");
        let mut out = Vec::new();
        for set in ["train", "develop", "unseen"] {
            for entry in std::fs::read_dir(root.join(set)).expect("a set") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    out.push((set.to_owned(), path));
                }
            }
        }
        out
    }

    #[test]
    fn every_written_conversation_is_read_and_no_sentence_crosses_the_sets() {
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        let mut turns = 0;
        for (set, shop) in shops() {
            let id = shop.file_name().expect("a name").to_string_lossy();
            assert_eq!(
                ids.insert(id.to_string(), set.clone()),
                None,
                "{id} is in two sets"
            );
            let dialogues = dialogues(&shop).expect("read");
            assert!(!dialogues.is_empty(), "{}", shop.display());
            for turn in dialogues.iter().flat_map(|dialogue| &dialogue.turns) {
                turns += 1;
                let words = turn.customer.split_whitespace();
                let words: Vec<String> = words.map(str::to_lowercase).collect();
                // "ok thanks" is anybody's.
                if words.len() > 4 {
                    let sentence = words.join(" ");
                    let of = said.entry(sentence).or_insert_with(|| set.clone());
                    assert_eq!(*of, set, "{}: {}", shop.display(), turn.customer);
                }
            }
        }
        assert!(turns > 1_000, "{turns}");
    }

    #[test]
    fn every_rewording_has_a_message_for_each_turn_and_keeps_its_figures() {
        let figures = |text: &str| -> BTreeSet<String> {
            let runs = text.split(|letter: char| !letter.is_ascii_digit());
            runs.filter(|run| !run.is_empty())
                .map(ToOwned::to_owned)
                .collect()
        };
        let mut conversations = 0;
        for (set, shop) in shops() {
            let written = dialogues(&shop).expect("read");
            let reworded = reworded(&shop, &written).expect("reworded");
            assert!(set == "train" || reworded.is_empty(), "{}", shop.display());
            conversations += reworded.len();
            for dialogue in &reworded {
                let name = dialogue.name.strip_suffix("-reworded").expect("a name");
                let before = written.iter().find(|written| written.name == name);
                let before = before.expect("written").turns.iter();
                for (before, turn) in before.zip(&dialogue.turns) {
                    let lost = &figures(&before.customer) - &figures(&turn.customer);
                    assert!(lost.is_empty(), "{}/{name}: {lost:?}", shop.display());
                }
            }
        }
        assert!(conversations > 0);
    }

    #[test]
    fn a_rewording_of_another_length_is_named() {
        let shop = tempfile::tempdir().expect("folder");
        let folder = shop.path().join("dialogues");
        std::fs::create_dir(&folder).expect("folder");
        let turn = "{customer: hi, kind: small_talk, calls: [], reply: Hello}";
        let text = format!("name: hello\nchannel: sms\nturns: [{turn}]\n");
        std::fs::write(folder.join("01-hello.yaml"), text).expect("file");
        let written = dialogues(shop.path()).expect("read");
        let complaint = |text: &str| {
            std::fs::write(shop.path().join("rewordings.yaml"), text).expect("file");
            match reworded(shop.path(), &written) {
                Ok(dialogues) => dialogues[0].turns[0].customer.clone(),
                Err(error) => format!("{error:#}"),
            }
        };
        assert_eq!(complaint("hello: [hey there]\n"), "hey there");
        assert!(complaint("hello: [hey, you]\n").contains("hello has 2 messages for 1 turns"));
        assert!(complaint("goodbye: [bye]\n").contains("no conversation goodbye"));
    }

    #[test]
    fn a_reply_names_its_records() {
        let turn: Turn = serde_norway::from_str(
            "customer: hi\nkind: search\ncalls: [{search: {query: bike, where: {size: 20, colour: [red, blue]}, max_price: \"30\"}}]\n\
             reply: \"{{product:B-1.name}} is {{variant:B-1-2.5.price}}, {{product:B-1.stock}}. {{policy:returns}} {{search.count}} {{\"\n",
        )
        .expect("a turn");
        let records: Vec<String> = turn.records().iter().map(RecordKey::to_string).collect();
        assert_eq!(
            records,
            ["product:B-1", "variant:B-1-2.5", "policy:returns"]
        );
        let Call::Search(search) = &turn.calls[0] else {
            panic!("a search");
        };
        assert_eq!(search.with["size"].texts(), ["20"]);
        assert_eq!(search.with["colour"].texts(), ["red", "blue"]);
    }
}
