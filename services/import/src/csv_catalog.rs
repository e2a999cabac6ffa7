//! Products from CSV: one variant a line, lines with the same id are one product.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use mercer_schemas::{Currency, Money, Product, ProductId, Sku, Variant};
use mercer_store::text::is_storable;

use crate::catalog::Checks;
use crate::lines::{File, LINE_BYTES_MAX};
use crate::report::{LineError, OnError, Parsed};

/// Columns that every file has.
const REQUIRED: [&str; 6] = ["id", "title", "sku", "price", "currency", "stock"];

/// Columns that a file may have, besides `option.NAME` and `attribute.NAME`.
const OPTIONAL: [&str; 6] = [
    "brand",
    "category",
    "description",
    "ean",
    "list_price",
    "visible",
];

/// Reads products. The first line names the columns, in any order; prices are decimals such as
/// `45.99`. A product's own columns are taken from its first line.
///
/// # Errors
/// When reading itself fails; broken lines are in the result.
pub fn products_from_csv(
    reader: impl Read,
    file: &str,
    currency: Currency,
    on_error: OnError,
) -> std::io::Result<Parsed<Product>> {
    let file = File {
        name: file,
        quote_values: true,
    };
    let mut out = Parsed::new(on_error);
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(Bounded {
            reader,
            since_break: 0,
        });
    let columns = match reader.byte_headers() {
        Ok(headers) => match Columns::read(headers, file) {
            Ok(columns) => columns,
            Err(errors) => {
                out.errors.extend(errors);
                return Ok(out);
            }
        },
        Err(error) => {
            out.errors.push(broken(error, 1, file)?);
            return Ok(out);
        }
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    let mut record = csv::ByteRecord::new();
    while !out.errors.stop() {
        let line = reader.position().line();
        match reader.read_byte_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                out.errors.push(broken(error, line, file)?);
                break;
            }
        }
        let line = record.position().map_or(line, csv::Position::line);
        match columns.row(&record, line, file, currency) {
            Ok(row) => {
                let at = *by_id.entry(row.product.id.to_string()).or_insert_with(|| {
                    groups.push(Group {
                        line,
                        product: row.product,
                        lines: Vec::new(),
                        broken: false,
                    });
                    groups.len() - 1
                });
                groups[at].product.variants.push(row.variant);
                groups[at].lines.push(line);
            }
            Err((id, errors)) => {
                // A product with a broken line is left out whole, not in part.
                if let Some(id) = id {
                    let at = *by_id.entry(id.to_string()).or_insert_with(|| {
                        groups.push(Group {
                            line,
                            product: empty(id),
                            lines: Vec::new(),
                            broken: true,
                        });
                        groups.len() - 1
                    });
                    groups[at].broken = true;
                }
                out.errors.extend(errors);
            }
        }
    }
    let mut checks = Checks::new(file, currency);
    for group in groups.into_iter().filter(|group| !group.broken) {
        let line_of = |variant: usize| group.lines.get(variant).copied().unwrap_or(group.line);
        let errors = checks.product(group.line, line_of, &group.product);
        if errors.is_empty() {
            out.records.push((group.line, group.product));
        } else {
            out.errors.extend(errors);
        }
    }
    out.errors.sort();
    Ok(out)
}

/// The lines of one product.
struct Group {
    line: u64,
    product: Product,
    lines: Vec<u64>,
    broken: bool,
}

struct Row {
    product: Product,
    variant: Variant,
}

/// Where each column is.
struct Columns {
    names: Vec<String>,
}

impl Columns {
    fn read(headers: &csv::ByteRecord, file: File<'_>) -> Result<Self, Vec<LineError>> {
        let mut errors = Vec::new();
        let mut names: Vec<String> = Vec::new();
        for header in headers {
            let Ok(name) = std::str::from_utf8(header) else {
                errors.push(file.error(
                    1,
                    "",
                    "a column's name is not UTF-8 text",
                    "save the file as UTF-8",
                ));
                continue;
            };
            let name = name.trim_start_matches('\u{feff}').trim();
            if !is_storable(name) {
                errors.push(file.unstorable(1, ""));
                continue;
            }
            let free = ["option.", "attribute."].iter().any(|start| {
                name.strip_prefix(start)
                    .is_some_and(|rest| !rest.is_empty())
            });
            if !free && !REQUIRED.contains(&name) && !OPTIONAL.contains(&name) {
                let fix = "remove it, or name it attribute.NAME or option.NAME";
                errors.push(file.error(1, name, "there is no such column", fix));
            }
            if names.iter().any(|known| known == name) {
                errors.push(file.error(1, name, "the column comes twice", "remove one of them"));
            }
            names.push(name.to_owned());
        }
        for name in REQUIRED {
            if !names.iter().any(|known| known == name) {
                errors.push(file.error(1, name, "the column is missing", "add the column"));
            }
        }
        if errors.is_empty() {
            Ok(Self { names })
        } else {
            Err(errors)
        }
    }

    /// Reads one line; a broken one gives its product's id, where it has one, and what is wrong.
    fn row(
        &self,
        record: &csv::ByteRecord,
        line: u64,
        file: File<'_>,
        currency: Currency,
    ) -> Result<Row, (Option<ProductId>, Vec<LineError>)> {
        let mut errors = Vec::new();
        let mut values: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, value) in self.names.iter().zip(record) {
            match std::str::from_utf8(value) {
                Ok(value) if !is_storable(value) => errors.push(file.unstorable(line, name)),
                Ok(value) => {
                    values.insert(name, value);
                }
                Err(_) => errors.push(file.error(
                    line,
                    name,
                    "is not UTF-8 text",
                    "save the file as UTF-8",
                )),
            }
        }
        if record.len() != self.names.len() {
            let message = format!(
                "the line has {} values, the header {}",
                record.len(),
                self.names.len()
            );
            errors.push(file.error(
                line,
                "",
                message,
                "put values with commas in quotation marks",
            ));
        }
        let value = |name: &str| values.get(name).copied().unwrap_or_default();
        let mut fault = |field: &str, message: String, fix: &str| {
            errors.push(file.error(line, field, message, fix))
        };

        let id = ProductId::new(value("id"))
            .map_err(|error| fault("id", error.to_string(), "write the product's key"))
            .ok();
        let sku = Sku::new(value("sku"))
            .map_err(|error| fault("sku", error.to_string(), "write the variant's key"))
            .ok();
        let row_currency = value("currency").parse::<Currency>();
        let row_currency = row_currency
            .map_err(|error| fault("currency", error.to_string(), "write for instance GBP"));
        let in_currency = row_currency.unwrap_or(currency);
        let price = Money::parse_decimal(value("price"), in_currency);
        let price = price
            .map_err(|error| {
                fault(
                    "price",
                    error.to_string(),
                    "write the amount without a sign or separators",
                )
            })
            .ok();
        let list_price = match value("list_price") {
            "" => None,
            text => Money::parse_decimal(text, in_currency)
                .map_err(|error| {
                    fault(
                        "list_price",
                        error.to_string(),
                        "write the amount, or leave it empty",
                    )
                })
                .ok(),
        };
        let stock = value("stock").parse::<u32>();
        let stock = stock
            .map_err(|_| {
                fault(
                    "stock",
                    "is not a whole number of 0 or more".to_owned(),
                    "write the number of units",
                )
            })
            .ok();
        let visible = match value("visible") {
            "" | "true" | "1" | "yes" => true,
            "false" | "0" | "no" => false,
            _ => {
                fault(
                    "visible",
                    "is neither true nor false".to_owned(),
                    "write true or false",
                );
                true
            }
        };
        let (Some(id), Some(sku), Some(price), Some(stock), true) =
            (id.clone(), sku, price, stock, errors.is_empty())
        else {
            return Err((id, errors));
        };
        let named = |start: &str| -> BTreeMap<String, String> {
            let filled = values.iter().filter(|(_, value)| !value.is_empty());
            filled
                .filter_map(|(name, value)| {
                    Some((name.strip_prefix(start)?.to_owned(), (*value).to_owned()))
                })
                .collect()
        };
        let ean = Some(value("ean"))
            .filter(|ean| !ean.is_empty())
            .map(str::to_owned);
        let options = named("option.");
        let product = Product {
            title: value("title").to_owned(),
            brand: value("brand").to_owned(),
            category: value("category").to_owned(),
            description: value("description").to_owned(),
            attributes: named("attribute."),
            visible,
            ..empty(id)
        };
        Ok(Row {
            product,
            variant: Variant {
                sku,
                ean,
                options,
                price,
                list_price,
                stock,
            },
        })
    }
}

fn empty(id: ProductId) -> Product {
    Product {
        id,
        title: String::new(),
        brand: String::new(),
        category: String::new(),
        description: String::new(),
        attributes: BTreeMap::new(),
        visible: true,
        variants: Vec::new(),
    }
}

fn broken(error: csv::Error, line: u64, file: File<'_>) -> std::io::Result<LineError> {
    let line = error.position().map_or(line, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => Err(error),
        csv::ErrorKind::Io(error) => {
            Ok(file.error(line, "", error.to_string(), "shorten its longest text"))
        }
        _ => Ok(file.error(
            line,
            "",
            "the line is not CSV",
            "save the file as CSV with commas",
        )),
    }
}

/// Refuses lines of more than [`LINE_BYTES_MAX`].
struct Bounded<R> {
    reader: R,
    since_break: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        for byte in &buffer[..count] {
            self.since_break = if *byte == b'\n' {
                0
            } else {
                self.since_break + 1
            };
            if self.since_break > LINE_BYTES_MAX {
                let message = format!("the line is longer than {LINE_BYTES_MAX} bytes");
                return Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    message,
                ));
            }
        }
        Ok(count)
    }
}
