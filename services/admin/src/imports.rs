//! `POST /v1/shops/{shop}/import/{kind}`: many records in one file.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use mercer_import::{Error, Upload, import_upload};
use mercer_schemas::ShopId;
use mercer_store::ImportError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::{PathParams, QueryParams, media_type, require_media_type};
use crate::problem::{FieldError, Kind, Problem};

/// Largest file, bytes: about 60,000 products. Larger ones go through the command line.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Path of the operation, which alone may have a body of that size.
pub(crate) const PATH: &str = "/v1/shops/{shop}/import/{kind}";

/// Line errors named in a response to an import that came to nothing.
const LINES_NAMED_MAX: usize = 100;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportKind {
    /// Products with their variants: JSON Lines or CSV.
    Products,
    /// A policy, FAQ entry or promotion: one file of Markdown with front matter, as on the command line.
    Documents,
    /// Customers: JSON Lines.
    Customers,
    /// Orders: JSON Lines.
    Orders,
}

/// What to do about a wrong line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnError {
    /// Import nothing.
    #[default]
    Abort,
    /// Leave the line out.
    Skip,
}

/// What an import did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImportReport {
    /// Records written.
    pub imported: u64,
    /// Records left out.
    pub skipped: u64,
    /// Why, a line each.
    pub errors: Vec<ImportLineError>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImportLineError {
    /// Line of the file, from 1.
    pub line: u64,
    /// The field, or empty for the whole line.
    pub field: String,
    /// What is wrong with it, without customers' data.
    pub message: String,
}

impl From<&ImportLineError> for FieldError {
    fn from(error: &ImportLineError) -> Self {
        let field = match error.field.as_str() {
            "" => format!("line {}", error.line),
            field => format!("line {}: {field}", error.line),
        };
        Self::new(field, error.message.clone())
    }
}

impl From<&mercer_import::LineError> for ImportLineError {
    fn from(error: &mercer_import::LineError) -> Self {
        let message = match error.fix.as_str() {
            "" => error.message.clone(),
            fix => format!("{}; {fix}", error.message),
        };
        Self {
            line: error.line,
            field: error.field.clone(),
            message,
        }
    }
}

/// Path of an import.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ImportPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// What the file holds.
    #[param(inline)]
    kind: ImportKind,
}

/// How to go about wrong lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    /// `abort` imports nothing if a line is wrong, `skip` leaves that line out.
    #[serde(default)]
    #[param(inline, value_type = Option<OnError>)]
    on_error: OnError,
}

impl Sample for ImportReport {
    const SCHEMA: &'static str = "ImportReport";

    fn sample() -> Self {
        Self {
            imported: 412,
            skipped: 1,
            errors: vec![ImportLineError {
                line: 17,
                field: "variants[0].price.currency".to_owned(),
                message: "must be GBP, the shop's currency".to_owned(),
            }],
        }
    }
}

/// Import a file
///
/// Products as JSON Lines or CSV; policies, FAQ entries and promotions as JSON Lines, or one of
/// them as Markdown with front matter; customers and orders as JSON Lines. Records that exist are
/// replaced. All records of one file take effect together or, after a wrong line under
/// `on_error=abort`, not at all. One import into a shop runs at a time; a second one is answered 409.
#[utoipa::path(
    post,
    path = "/v1/shops/{shop}/import/{kind}",
    tag = "import",
    params(ImportPath, ImportQuery),
    request_body(description = "the file", content(
        (String = "application/x-ndjson"),
        (String = "text/csv"),
        (String = "text/markdown"),
    )),
    responses((status = 200, description = "what was imported and what was left out", body = ImportReport)),
    security(("admin_key" = ["import:write"])),
)]
pub(crate) async fn import_file(
    State(admin): State<Admin>,
    caller: Caller,
    PathParams(path): PathParams<ImportPath>,
    QueryParams(query): QueryParams<ImportQuery>,
    headers: HeaderMap,
    file: Bytes,
) -> Result<Json<ImportReport>, Problem> {
    let upload = upload_of(path.kind, &headers)?;
    if file.is_empty() {
        return Err(Problem::malformed("", "the file is empty"));
    }
    if std::str::from_utf8(&file).is_err() {
        return Err(Problem::malformed("", "the file must be UTF-8"));
    }
    let on_error = match query.on_error {
        OnError::Abort => mercer_import::OnError::Abort,
        OnError::Skip => mercer_import::OnError::Skip,
    };
    let shop = caller.shop_id();
    match import_upload(upload, file, &admin.store, shop, on_error).await {
        Ok(report) => {
            let counts = report.counts;
            let imported = counts.products + counts.documents + counts.customers + counts.orders;
            let errors = report.skipped.first().iter();
            Ok(Json(ImportReport {
                imported: imported as u64,
                skipped: report.skipped.count(),
                errors: errors.map(ImportLineError::from).collect(),
            }))
        }
        Err(Error::Broken(faults)) => {
            let named = faults.first().iter().take(LINES_NAMED_MAX);
            let named = named.map(|error| FieldError::from(&ImportLineError::from(error)));
            Err(Problem::invalid(named.collect()))
        }
        Err(Error::Store(error) | Error::Import(ImportError::Store(error))) => Err(error.into()),
        Err(Error::Import(busy @ (ImportError::Busy | ImportError::GivenUp))) => {
            Err(Problem::new(Kind::Conflict, busy.to_string()))
        }
        Err(error) => {
            tracing::error!(%error, shop.id = %shop, "import failed");
            Err(Problem::internal())
        }
    }
}

/// Reads the format from the media type. One that is read for other kinds of records only is a
/// broken rule, not an unknown media type.
fn upload_of(kind: ImportKind, headers: &HeaderMap) -> Result<Upload, Problem> {
    const JSON_LINES: [&str; 2] = ["application/x-ndjson", "application/jsonl"];
    const CSV: &str = "text/csv";
    const MARKDOWN: &str = "text/markdown";
    let [ndjson, jsonl] = JSON_LINES;
    require_media_type(headers, &[ndjson, jsonl, CSV, MARKDOWN])?;
    let format = media_type(headers).to_ascii_lowercase();
    match (kind, format.as_str()) {
        (ImportKind::Products, CSV) => Ok(Upload::ProductsCsv),
        (ImportKind::Documents, MARKDOWN) => Ok(Upload::Document),
        (_, CSV | MARKDOWN) | (ImportKind::Documents, _) => {
            let message = "records of this kind are not read in this format";
            Err(Problem::invalid(vec![FieldError::new(
                "Content-Type",
                message,
            )]))
        }
        (ImportKind::Products, _) => Ok(Upload::Products),
        (ImportKind::Customers, _) => Ok(Upload::Customers),
        (ImportKind::Orders, _) => Ok(Upload::Orders),
    }
}
