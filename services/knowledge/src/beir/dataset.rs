//! Reads a data set.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use mercer_schemas::{Currency, Money, Product, ProductId, Sku, Variant};
use serde::Deserialize;
use serde_json::Value;

use super::Error;

/// Grades by document, for one query.
pub(super) type Grades = HashMap<String, f64>;

/// What is measured.
pub(super) struct Dataset {
    pub(super) products: Vec<Product>,
    /// Text and grades of every query that has a relevant document, by id.
    pub(super) queries: BTreeMap<String, (String, Grades)>,
}

#[derive(Deserialize)]
struct CorpusLine {
    #[serde(rename = "_id")]
    id: Value,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    metadata: Option<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
struct QueryLine {
    #[serde(rename = "_id")]
    id: Value,
    text: String,
}

/// Reads the three files.
pub(super) fn read(folder: &Path) -> Result<Dataset, Error> {
    let grades = qrels(folder)?;
    let mut products = Vec::new();
    let mut ids = HashSet::new();
    let mut codes = HashSet::new();
    json_lines(folder, "corpus.jsonl", |line: CorpusLine| {
        let id = key(&line.id).ok_or("`_id` is neither a text nor a number")?;
        if !ids.insert(id.clone()) {
            return Err(format!("`_id` {id} comes twice"));
        }
        products.push(product(id, line, &mut codes)?);
        Ok(())
    })?;
    let mut texts: HashMap<String, String> = HashMap::new();
    json_lines(folder, "queries.jsonl", |line: QueryLine| {
        let id = key(&line.id).ok_or("`_id` is neither a text nor a number")?;
        texts.insert(id, line.text);
        Ok(())
    })?;
    let mut queries = BTreeMap::new();
    for (query, (line, grades)) in grades {
        let text = texts.remove(&query).ok_or_else(|| Error::Line {
            file: "qrels/test.tsv".to_owned(),
            line,
            message: format!("query {query} is not in queries.jsonl"),
        })?;
        if grades.values().any(|grade| *grade > 0.0) {
            queries.insert(query, (text, grades));
        }
    }
    Ok(Dataset { products, queries })
}

/// Builds the product of a document. A code that an earlier document has stays a searchable word.
fn product(id: String, line: CorpusLine, taken: &mut HashSet<String>) -> Result<Product, String> {
    let mut metadata = line.metadata.unwrap_or_default();
    let mut take = |name: &str| metadata.remove(name).map(texts).unwrap_or_default();
    let (brand, category, codes, eans) =
        (take("brand"), take("category"), take("codes"), take("ean"));
    let key = ProductId::new(id.clone()).map_err(|error| format!("`_id`: {error}"))?;
    let price = Money {
        minor: 0,
        currency: currency(),
    };
    let mut variants = Vec::new();
    let mut words = Vec::new();
    let mut eans = eans.into_iter();
    for code in codes {
        if taken.insert(mercer_store::normalise_code(&code)) {
            let sku = Sku::new(code.trim()).map_err(|error| format!("metadata.codes: {error}"))?;
            variants.push(Variant {
                sku,
                ean: eans.next(),
                options: BTreeMap::new(),
                price,
                list_price: None,
                stock: 1,
            });
        } else {
            words.push(code);
        }
    }
    // Variants need a sku; the document's own id stands in for missing codes.
    for (number, ean) in eans
        .map(Some)
        .chain(variants.is_empty().then_some(None))
        .enumerate()
    {
        let sku =
            Sku::new(format!("beir {number} {id}")).map_err(|error| format!("`_id`: {error}"))?;
        variants.push(Variant {
            sku,
            ean,
            options: BTreeMap::new(),
            price,
            list_price: None,
            stock: 1,
        });
    }
    let mut attributes = BTreeMap::new();
    if !words.is_empty() {
        attributes.insert("codes".to_owned(), words.join(" "));
    }
    Ok(Product {
        id: key,
        title: line.title.unwrap_or_default(),
        brand: brand.join(" "),
        category: category.join(" > "),
        description: line.text.unwrap_or_default(),
        attributes,
        visible: true,
        variants,
    })
}

fn currency() -> Currency {
    // Any currency will do: nothing is filtered by price here.
    "XXX"
        .parse()
        .unwrap_or_else(|_| unreachable!("three capital letters are a currency code"))
}

/// Reads `query  document  grade` lines, tab-separated, after a header; also TREC's four columns.
fn qrels(folder: &Path) -> Result<BTreeMap<String, (u64, Grades)>, Error> {
    let name = "qrels/test.tsv";
    let mut out: BTreeMap<String, (u64, Grades)> = BTreeMap::new();
    for_each_line(folder, name, |number, line| {
        let parts: Vec<&str> = line.split('\t').map(str::trim).collect();
        let (query, document, grade) = match parts.as_slice() {
            [query, document, grade] => (query, document, grade),
            [query, _, document, grade] => (query, document, grade),
            _ => return Err("expected query, document and grade, separated by tabs".to_owned()),
        };
        let Ok(grade) = grade.parse::<f64>() else {
            // The header has no number in its last column.
            return if number == 1 {
                Ok(())
            } else {
                Err("the grade is not a number".to_owned())
            };
        };
        let (_, grades) = out
            .entry((*query).to_owned())
            .or_insert_with(|| (number, Grades::new()));
        grades.insert((*document).to_owned(), grade);
        Ok(())
    })?;
    Ok(out)
}

fn json_lines<T: serde::de::DeserializeOwned>(
    folder: &Path,
    name: &str,
    mut each: impl FnMut(T) -> Result<(), String>,
) -> Result<(), Error> {
    for_each_line(folder, name, |_, line| {
        let mut reader = serde_json::Deserializer::from_str(line);
        let value =
            serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
        each(value)
    })
}

fn for_each_line(
    folder: &Path,
    name: &str,
    mut each: impl FnMut(u64, &str) -> Result<(), String>,
) -> Result<(), Error> {
    let path = folder.join(name);
    let failed = |source| Error::Read {
        path: path.clone(),
        source,
    };
    let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        let broken = |message: String| Error::Line {
            file: name.to_owned(),
            line,
            message,
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| broken("the line is not UTF-8 text".to_owned()))?;
        let text = text.trim_end_matches(['\r', '\n']);
        if !text.trim().is_empty() {
            each(line, text).map_err(broken)?;
        }
    }
    Ok(())
}

fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns the texts of a value or of a list of values.
fn texts(value: Value) -> Vec<String> {
    let all = match value {
        Value::Array(all) => all,
        one => vec![one],
    };
    all.iter()
        .filter_map(key)
        .filter(|text| !text.is_empty())
        .collect()
}
