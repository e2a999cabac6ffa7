//! Policies, FAQ entries and promotions: texts with a validity that replies may quote.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod put;

use mercer_schemas::{Document, DocumentId, DocumentKind, ShopId};
use mercer_store::Versioned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::answer::Sample;
use crate::products::key;

/// Path of one document.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DocumentPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
    /// The retailer's key of the document.
    #[param(value_type = String, example = "returns")]
    pub(crate) document: DocumentId,
}

/// A document with its version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DocumentRecord {
    /// The document.
    document: Document,
    /// Rises with every change; the `ETag` of the record.
    pub(crate) version: i64,
    /// Time of the last change, UTC milliseconds.
    updated_at_ms: i64,
}

impl From<Versioned<Document>> for DocumentRecord {
    fn from(stored: Versioned<Document>) -> Self {
        Self {
            document: stored.value,
            version: stored.version,
            updated_at_ms: stored.updated_at_ms,
        }
    }
}

/// What may be patched of a document. Fields left out stay.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentPatch {
    /// What kind of text it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<DocumentKind>,
    /// Title as shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Markdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// First moment of validity, UTC milliseconds; `null` means always.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_from_ms: Option<i64>,
    /// First moment after validity, UTC milliseconds; `null` means open end.
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to_ms: Option<i64>,
    /// Voucher code of a promotion; `null` removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

impl Sample for Document {
    const SCHEMA: &'static str = "Document";

    fn sample() -> Self {
        Self {
            id: key("returns", DocumentId::new),
            kind: DocumentKind::Policy,
            title: "Returns".to_owned(),
            body: "## How long\n\nYou can send most items back within 30 days of delivery."
                .to_owned(),
            valid_from_ms: Some(1_767_225_600_000),
            valid_to_ms: None,
            code: None,
        }
    }
}

impl Sample for DocumentRecord {
    const SCHEMA: &'static str = "DocumentRecord";

    fn sample() -> Self {
        Self {
            document: Document::sample(),
            version: 2,
            updated_at_ms: 1_790_000_000_000,
        }
    }
}

impl Sample for DocumentPatch {
    const SCHEMA: &'static str = "DocumentPatch";

    fn sample() -> Self {
        Self {
            kind: None,
            title: Some("Returns and refunds".to_owned()),
            body: None,
            valid_from_ms: None,
            valid_to_ms: Some(1_798_761_600_000),
            code: None,
        }
    }
}
