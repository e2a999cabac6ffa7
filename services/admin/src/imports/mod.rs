//! `POST /v1/shops/{shop}/import/{kind}`: many records in one file.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use mercer_schemas::ShopId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Admin;
use crate::answer::Sample;
use crate::auth::Caller;
use crate::extract::{PathParams, QueryParams, media_type, require_media_type};
use crate::problem::{FieldError, Kind, Problem};
use crate::seams::{ImportError, ImportFormat, ImportKind, ImportLineError, ImportReport, OnError};

/// Largest file, bytes: about 60,000 products. Larger ones go through the command line.
pub(crate) const FILE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Path of the operation, which alone may have a body of that size.
pub(crate) const PATH: &str = "/v1/shops/{shop}/import/{kind}";

/// Line errors named in a response to an import that came to nothing.
const LINES_NAMED_MAX: usize = 100;

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
    let format = format_of(path.kind, &headers)?;
    if file.is_empty() {
        return Err(Problem::malformed("", "the file is empty"));
    }
    if std::str::from_utf8(&file).is_err() {
        return Err(Problem::malformed("", "the file must be UTF-8"));
    }
    let imported = admin
        .importer
        .import(caller.shop_id(), path.kind, format, query.on_error, file)
        .await;
    let report = match imported {
        Ok(report) => report,
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(ImportError::Format) => {
            let error = FieldError::new("kind", ImportError::Format.to_string());
            return Err(Problem::invalid(vec![error]));
        }
        Err(ImportError::Busy(why)) => return Err(Problem::new(Kind::Conflict, why)),
        Err(ImportError::Other(cause)) => {
            tracing::error!(%cause, shop.id = %caller.shop_id(), "import failed");
            return Err(Problem::internal());
        }
    };
    if query.on_error == OnError::Abort && !report.errors.is_empty() {
        let named = report.errors.iter().take(LINES_NAMED_MAX);
        return Err(Problem::invalid(named.map(FieldError::from).collect()));
    }
    Ok(Json(report))
}

/// Reads the format from the media type. One that is read for other kinds of records only is a
/// broken rule, not an unknown media type.
fn format_of(kind: ImportKind, headers: &HeaderMap) -> Result<ImportFormat, Problem> {
    const JSON_LINES: [&str; 2] = ["application/x-ndjson", "application/jsonl"];
    const CSV: &str = "text/csv";
    const MARKDOWN: &str = "text/markdown";
    let [ndjson, jsonl] = JSON_LINES;
    require_media_type(headers, &[ndjson, jsonl, CSV, MARKDOWN])?;
    let format = match media_type(headers).to_ascii_lowercase().as_str() {
        CSV => ImportFormat::Csv,
        MARKDOWN => ImportFormat::Markdown,
        _ => ImportFormat::JsonLines,
    };
    let read = match format {
        ImportFormat::JsonLines => true,
        ImportFormat::Csv => kind == ImportKind::Products,
        ImportFormat::Markdown => kind == ImportKind::Documents,
    };
    if !read {
        let message = ImportError::Format.to_string();
        return Err(Problem::invalid(vec![FieldError::new(
            "Content-Type",
            message,
        )]));
    }
    Ok(format)
}
