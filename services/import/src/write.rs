//! The import itself: read and check all, then let the store bring it in force at once.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use mercer_schemas::{Customer, Document, Order, Product, Shop, ShopId};
use mercer_store::{Batch, ProductFilter, Store};

use crate::progress::{Progress, Watched};
use crate::report::{Counts, Error, Faults, LineError, OnError, Parsed, Report};
use crate::source::{Format, Input, Source, Upload};
use crate::{catalog, csv_catalog, people, policies, shop_file};

/// Largest Markdown or TOML file, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Imports a folder or a single file. Without `shop` the records belong to the shop of the
/// folder's `shop.toml`; with it, they belong to that shop, which must exist or be that of the
/// `shop.toml`.
///
/// # Errors
/// [`Error::Broken`] names broken lines, [`Error::Import`] says why the store refused; in both cases
/// nothing is imported.
pub async fn import_shop(
    path: &Path,
    store: &Store,
    shop: Option<ShopId>,
    on_error: OnError,
    progress: Arc<dyn Progress>,
) -> Result<Report, Error> {
    import(Source::find(path)?, store, shop, on_error, progress).await
}

/// Imports one file's content, as it was sent, into a shop that exists.
///
/// # Errors
/// As [`import_shop`].
pub async fn import_upload(
    upload: Upload,
    content: Bytes,
    store: &Store,
    shop: &ShopId,
    on_error: OnError,
) -> Result<Report, Error> {
    let source = Source::sent(upload, content);
    import(source, store, Some(shop.clone()), on_error, Arc::new(())).await
}

async fn import(
    source: Source,
    store: &Store,
    shop: Option<ShopId>,
    on_error: OnError,
    progress: Arc<dyn Progress>,
) -> Result<Report, Error> {
    let mut errors = Faults::new(on_error);
    let settings = settings(&source, &mut errors)?;
    if let (Some(settings), Some(wanted)) = (&settings, &shop)
        && settings.id != *wanted
    {
        let file = source.shop.as_ref().map(|input| input.name.clone());
        errors.push(LineError {
            file: file.unwrap_or_default(),
            line: 1,
            field: "id".to_owned(),
            message: format!("is `{}`, the import is for `{wanted}`", settings.id),
            fix: "name the same shop in both places".to_owned(),
        });
    }
    // Without a sound shop.toml the rest cannot be checked, so nothing can be skipped.
    if !errors.is_empty() {
        return Err(Error::Broken(errors));
    }
    let shop = match (&settings, shop) {
        (Some(settings), _) => settings.clone(),
        (None, Some(id)) => {
            let found = store.shops().get(&id).await?;
            found.ok_or_else(|| Error::UnknownShop(id.to_string()))?
        }
        (None, None) => return Err(Error::NoShop),
    };
    let known = customers_of(store, &shop.id, source.orders.is_some()).await?;

    let reading = Arc::clone(&progress);
    let place = shop.clone();
    let mut records = tokio::task::spawn_blocking(move || {
        Records::read(&source, &place, known, on_error, reading.as_ref())
    })
    .await??;
    records.leave_out_taken_skus(store, &shop.id).await?;
    errors.append(std::mem::replace(
        &mut records.errors,
        Faults::new(on_error),
    ));
    if !errors.is_empty() && on_error == OnError::Abort {
        return Err(Error::Broken(errors));
    }
    let counts = records.counts();
    records.write(store, &shop.id, settings, progress).await?;
    tracing::info!(
        shop.id = %shop.id, products = counts.products, variants = counts.variants, documents = counts.documents,
        customers = counts.customers, orders = counts.orders, skipped = errors.count(), "imported"
    );
    Ok(Report {
        shop: shop.id.to_string(),
        counts,
        skipped: errors,
    })
}

fn settings(source: &Source, errors: &mut Faults) -> Result<Option<Shop>, Error> {
    let Some(input) = &source.shop else {
        return Ok(None);
    };
    match shop_file::shop(&small_file(input)?, &input.name) {
        Ok(shop) => Ok(Some(shop)),
        Err(found) => {
            errors.extend(found);
            Ok(None)
        }
    }
}

/// Returns the ids of the shop's customers, which orders may belong to.
async fn customers_of(
    store: &Store,
    shop: &ShopId,
    wanted: bool,
) -> Result<HashSet<String>, Error> {
    let mut known = HashSet::new();
    if !wanted {
        return Ok(known);
    }
    let mut cursor: Option<String> = None;
    loop {
        let page = store
            .customers()
            .list(shop, cursor.as_deref(), mercer_store::PAGE_MAX)
            .await?;
        known.extend(
            page.items
                .into_iter()
                .map(|customer| customer.id.to_string()),
        );
        cursor = page.next;
        if cursor.is_none() {
            return Ok(known);
        }
    }
}

/// Everything that an import will write.
struct Records {
    products: Vec<(String, u64, Product)>,
    documents: Vec<Document>,
    customers: Vec<Customer>,
    orders: Vec<Order>,
    errors: Faults,
}

impl Records {
    fn read(
        source: &Source,
        shop: &Shop,
        mut known: HashSet<String>,
        on_error: OnError,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let mut out = Self {
            products: Vec::new(),
            documents: Vec::new(),
            customers: Vec::new(),
            orders: Vec::new(),
            errors: Faults::new(on_error),
        };
        let mut ids: HashMap<String, String> = HashMap::new();
        for (format, input) in &source.catalogs {
            let currency = shop.currency;
            let read = read_with(input, "products", progress, |reader| match format {
                Format::JsonLines => {
                    catalog::products_from_jsonl(reader, &input.name, currency, on_error)
                }
                Format::Csv => {
                    csv_catalog::products_from_csv(reader, &input.name, currency, on_error)
                }
            });
            let parsed = out.parsed(read?);
            let file = input.name.clone();
            for (line, product) in parsed {
                if let Some(other) = ids.get(product.id.as_str()) {
                    let message = format!("`{}` is in {other} already", product.id);
                    out.errors.push(LineError {
                        file: file.clone(),
                        line,
                        field: "id".to_owned(),
                        message,
                        fix: "keep the product in one file".to_owned(),
                    });
                    continue;
                }
                ids.insert(product.id.to_string(), file.clone());
                out.products.push((file.clone(), line, product));
            }
        }
        progress.begin("documents", source.documents.len() as u64);
        let mut titles: HashMap<String, String> = HashMap::new();
        for input in &source.documents {
            let name = input.name.clone();
            match policies::document_from_markdown(&small_file(input)?, &name, &shop.id) {
                Ok(document) => match titles.insert(document.id.to_string(), name.clone()) {
                    None => out.documents.push(document),
                    Some(other) => out.errors.push(LineError {
                        file: name,
                        line: 1,
                        field: "id".to_owned(),
                        message: format!("`{}` is in {other} already", document.id),
                        fix: "give each document an id of its own".to_owned(),
                    }),
                },
                Err(errors) => out.errors.extend(errors),
            }
            progress.advance(1);
        }
        if let Some(input) = &source.customers {
            let read = read_with(input, "customers", progress, |reader| {
                people::customers(reader, &input.name, on_error)
            })?;
            out.customers = out
                .parsed(read)
                .into_iter()
                .map(|(_, customer)| customer)
                .collect();
            known.extend(out.customers.iter().map(|customer| customer.id.to_string()));
        }
        if let Some(input) = &source.orders {
            let read = read_with(input, "orders", progress, |reader| {
                people::orders(reader, &input.name, shop.currency, &known, on_error)
            })?;
            out.orders = out
                .parsed(read)
                .into_iter()
                .map(|(_, order)| order)
                .collect();
        }
        Ok(out)
    }

    fn parsed<T>(&mut self, parsed: Parsed<T>) -> Vec<(u64, T)> {
        self.errors.append(parsed.errors);
        parsed.records
    }

    /// Leaves out products with a sku of another product in the store: the transaction would refuse
    /// the whole catalog.
    async fn leave_out_taken_skus(&mut self, store: &Store, shop: &ShopId) -> Result<(), Error> {
        if self.products.is_empty() {
            return Ok(());
        }
        let imported: HashSet<String> = self
            .products
            .iter()
            .map(|(.., product)| product.id.to_string())
            .collect();
        let mut taken: HashSet<String> = HashSet::new();
        let everything = ProductFilter::default();
        let mut cursor: Option<String> = None;
        loop {
            let page = store
                .catalog()
                .list(shop, &everything, cursor.as_deref(), mercer_store::PAGE_MAX)
                .await?;
            // A product that this import replaces gives its skus up.
            let others = page
                .items
                .iter()
                .filter(|product| !imported.contains(product.value.id.as_str()));
            taken.extend(others.flat_map(|product| {
                product
                    .value
                    .variants
                    .iter()
                    .map(|variant| variant.sku.to_string())
            }));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let errors = &mut self.errors;
        self.products.retain(|(file, line, product)| {
            let Some(variant) = product
                .variants
                .iter()
                .find(|variant| taken.contains(variant.sku.as_str()))
            else {
                return true;
            };
            errors.push(LineError {
                file: file.clone(),
                line: *line,
                field: "sku".to_owned(),
                message: format!("`{}` belongs to another product of the shop", variant.sku),
                fix: "give the variant another sku, or delete the other product first".to_owned(),
            });
            false
        });
        Ok(())
    }

    fn counts(&self) -> Counts {
        let products = self.products.iter();
        Counts {
            products: self.products.len(),
            variants: products.map(|(.., product)| product.variants.len()).sum(),
            documents: self.documents.len(),
            customers: self.customers.len(),
            orders: self.orders.len(),
        }
    }

    async fn write(
        self,
        store: &Store,
        shop: &ShopId,
        settings: Option<Shop>,
        progress: Arc<dyn Progress>,
    ) -> Result<(), Error> {
        let batch = Batch {
            shop: settings,
            products: self
                .products
                .into_iter()
                .map(|(.., product)| product)
                .collect(),
            documents: self.documents,
            customers: self.customers,
            orders: self.orders,
        };
        // Each record is staged, then moved.
        progress.begin("writing", 2 * batch.len() as u64);
        let advance = move |records| progress.advance(records);
        store.imports().run(shop, batch, advance).await?;
        Ok(())
    }
}

/// Opens a file and reads it; its bytes are the units of its progress.
fn read_with<T>(
    input: &Input,
    what: &str,
    progress: &dyn Progress,
    read: impl FnOnce(BufReader<Watched<'_, Box<dyn Read>>>) -> std::io::Result<T>,
) -> Result<T, Error> {
    let (reader, bytes) = input.open()?;
    progress.begin(what, bytes);
    let watched = Watched { reader, progress };
    read(BufReader::new(watched)).map_err(|source| input.failed(source))
}

fn small_file(input: &Input) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let (file, _) = input.open()?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| input.failed(source))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("the file is larger than {FILE_BYTES_MAX} bytes");
        return Err(input.failed(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            message,
        )));
    }
    Ok(bytes)
}
