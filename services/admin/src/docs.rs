//! The API description. Operations describe themselves beside their handlers; what is the same for
//! many (errors, `Idempotency-Key`, key patterns, examples) is added here, so that it is the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use crate::answer::Sample;
use crate::auth::SCHEME;
use crate::problem::{FieldError, Kind, PROBLEM_JSON, Problem, ProblemBody};
use crate::{
    check, conversations, documents, health, keys, products, seams, variants, webhooks, workers,
};

/// A retailer's key: 1 to 128 characters, none of them a control character, no space at the ends.
const KEY_PATTERN: &str =
    r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";
/// A conversation's id: its prefix and a ULID.
const CONVERSATION_PATTERN: &str = "^conv_[0-7][0-9A-HJKMNP-TV-Z]{25}$";
/// A delivery's id: its prefix and a ULID.
const DELIVERY_PATTERN: &str = "^dlv_[0-7][0-9A-HJKMNP-TV-Z]{25}$";
/// One line of text without control characters, not blank.
const LINE_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$";
/// As [`LINE_PATTERN`], may be empty.
const LINE_OR_EMPTY_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// Text of many lines: no control characters but tab and line breaks.
const TEXT_PATTERN: &str = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Mercer admin API",
        description = "Everything a retailer sets up and looks at in Mercer: catalog, policies and promotions, \
            imports, conversations, keys.\n\n\
            - Send a key as `Authorization: Bearer mrc_live_…`. A key has a role; each operation names the scopes it needs.\n\
            - Every error is `application/problem+json`; `errors` names the fields that are wrong.\n\
            - Records have a version, sent as `ETag`. With `If-Match` a change is made to that version only.\n\
            - With `Idempotency-Key` a change that is sent again is answered again and not carried out again.\n\
            - Lists have pages: repeat the request with `cursor` set to `next` until `next` is null.\n\
            - Times are UTC milliseconds; money is whole minor units and an ISO 4217 currency.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody, FieldError)),
    tags(
        (name = "products", description = "What the shop sells"),
        (name = "variants", description = "The sellable forms of products, with price and stock"),
        (name = "documents", description = "Policies, FAQ entries and promotions"),
        (name = "import", description = "Many records in one file"),
        (name = "conversations", description = "What customers and Mercer said, and stepping in"),
        (name = "webhooks", description = "What the retailer's systems and people were told"),
        (name = "keys", description = "Keys of this API"),
        (name = "workers", description = "The pool that writes the answers"),
        (name = "health", description = "For load balancers"),
    ),
)]
struct Outline;

/// Returns the part of the description that no operation owns.
pub(crate) fn outline() -> OpenApi {
    Outline::openapi()
}

/// Returns every operation as path, method in lower case and description.
pub(crate) fn operations(api: &OpenApi) -> Vec<(String, String, Value)> {
    let api = serde_json::to_value(api).unwrap_or_default();
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            found.push((path.clone(), method.clone(), operation.clone()));
        }
    }
    found
}

/// Adds what operations share.
///
/// # Panics
/// Never with what this crate contains: the description is ours from end to end, and a test reads
/// every part of it back.
pub(crate) fn complete(api: &OpenApi) -> OpenApi {
    serde_json::from_value(completed(api))
        .expect("the completed description is an OpenAPI document")
}

fn completed(api: &OpenApi) -> Value {
    let mut value = serde_json::to_value(api).unwrap_or_default();
    let samples = samples();
    if let Some(paths) = value["paths"].as_object_mut() {
        let operations = paths
            .values_mut()
            .filter_map(Value::as_object_mut)
            .flat_map(|item| item.iter_mut());
        for (method, operation) in operations {
            add_errors(method, operation);
            constrain_parameters(operation);
            add_examples(operation, &samples);
        }
    }
    let components = &mut value["components"];
    components["responses"] = error_responses();
    components["securitySchemes"] = json!({ SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "description": "A key made by `mercer admin key create` or the operation \"Make a key\".",
    }});
    constrain_schemas(&mut components["schemas"]);
    value
}

/// Errors that an operation may answer, by status, with the kind of problem.
const ERRORS: [(&str, Kind); 11] = [
    ("400", Kind::Malformed),
    ("401", Kind::Unauthenticated),
    ("403", Kind::Forbidden),
    ("404", Kind::NotFound),
    ("409", Kind::Conflict),
    ("412", Kind::VersionMismatch),
    ("413", Kind::TooLarge),
    ("415", Kind::MediaType),
    ("422", Kind::Invalid),
    ("500", Kind::Internal),
    ("503", Kind::Unavailable),
];

fn add_errors(method: &str, operation: &mut Value) {
    let secured = operation["security"][0][SCHEME].is_array();
    let changes = secured && matches!(method, "post" | "put" | "patch" | "delete");
    let has_body = operation["requestBody"].is_object();
    if changes {
        let parameter = json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "a value of your own; a repeated request with it is answered, not carried out again",
            "required": false,
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
        });
        match operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
        {
            Some(parameters) => parameters.push(parameter),
            None => operation["parameters"] = json!([parameter]),
        }
    }
    let conditional = operation["parameters"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["name"] == "If-Match"));
    for (status, _) in ERRORS {
        let applies = match status {
            "503" => true,
            "409" | "413" | "422" => changes,
            "412" => conditional,
            "415" => has_body,
            _ => secured,
        };
        if applies {
            operation["responses"][status] =
                json!({ "$ref": format!("#/components/responses/{status}") });
        }
    }
}

fn error_responses() -> Value {
    let mut responses = Map::new();
    for (status, kind) in ERRORS {
        let (_, _, title) = kind.parts();
        let mut problem = Problem::new(kind, title);
        if kind == Kind::Invalid {
            problem = Problem::invalid(vec![FieldError::new(
                "variants[0].price.currency",
                "must be GBP, the shop's currency",
            )]);
        }
        let mut response = json!({
            "description": title,
            "content": { PROBLEM_JSON: {
                "schema": { "$ref": "#/components/schemas/Problem" },
                "example": problem.body(),
            }},
        });
        let header = match kind {
            Kind::Unauthenticated => Some(("WWW-Authenticate", "how to send a key")),
            Kind::Unavailable | Kind::Conflict => Some((
                "Retry-After",
                "seconds after which to try again, where that helps",
            )),
            _ => None,
        };
        if let Some((name, description)) = header {
            response["headers"] =
                json!({ name: { "description": description, "schema": { "type": "string" } } });
        }
        responses.insert(status.to_owned(), response);
    }
    Value::Object(responses)
}

fn key_schema(example: Option<Value>) -> Value {
    let mut schema = json!({
        "type": "string", "minLength": 1, "maxLength": 128, "pattern": KEY_PATTERN,
    });
    if let Some(example) = example {
        schema["example"] = example;
    }
    schema
}

fn constrain_parameters(operation: &mut Value) {
    let parameters = operation.get_mut("parameters");
    let parameters = parameters.and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("shop" | "product" | "sku" | "document") => {
                parameter["schema"] = key_schema(None);
            }
            Some("category" | "text" | "phase") => {
                parameter["schema"] = json!({
                    "type": "string",
                    "maxLength": check::LINE_CHARS_MAX,
                    "pattern": LINE_OR_EMPTY_PATTERN,
                });
            }
            Some("conversation") => {
                parameter["schema"] = json!({ "type": "string", "pattern": CONVERSATION_PATTERN });
            }
            Some("delivery") => {
                parameter["schema"] = json!({ "type": "string", "pattern": DELIVERY_PATTERN });
            }
            _ => {}
        }
    }
}

/// Writes the rules of [`check`] into the schemas, as far as a schema can say them.
fn constrain_schemas(schemas: &mut Value) {
    let keys = [
        ("Product", "id"),
        ("Variant", "sku"),
        ("Document", "id"),
        ("VariantRecord", "product_id"),
    ];
    for (schema, field) in keys {
        let property = &mut schemas[schema]["properties"][field];
        let example = property.get("example").cloned();
        let description = property["description"].take();
        *property = key_schema(example);
        property["description"] = description;
    }
    let line = |required: bool| {
        let pattern = if required {
            LINE_PATTERN
        } else {
            LINE_OR_EMPTY_PATTERN
        };
        json!({ "maxLength": check::LINE_CHARS_MAX, "pattern": pattern })
    };
    let mut name = line(true);
    name["type"] = json!("string");
    let named = json!({
        "maxProperties": check::NAMED_VALUES_MAX,
        "propertyNames": name,
    });
    let text = json!({ "maxLength": check::TEXT_CHARS_MAX, "pattern": TEXT_PATTERN });
    let time = json!({ "minimum": 0, "maximum": check::TIME_MS_MAX });
    let variants = json!({ "minItems": 1, "maxItems": check::VARIANTS_MAX });
    let ean = json!({ "pattern": "^([0-9]{8}|[0-9]{12,14})$" });
    let stock = json!({ "maximum": check::STOCK_MAX });
    let minor = json!({ "minimum": 0, "maximum": check::PRICE_MINOR_MAX });
    for (schema, field, rule) in [
        ("Product", "title", &line(true)),
        ("Product", "brand", &line(false)),
        ("Product", "category", &line(false)),
        ("Product", "description", &text),
        ("Product", "attributes", &named),
        ("Product", "variants", &variants),
        ("ProductPatch", "title", &line(true)),
        ("ProductPatch", "brand", &line(false)),
        ("ProductPatch", "category", &line(false)),
        ("ProductPatch", "description", &text),
        ("ProductPatch", "attributes", &named),
        ("ProductPatch", "variants", &variants),
        ("Variant", "ean", &ean),
        ("Variant", "options", &named),
        ("Variant", "stock", &stock),
        ("VariantPatch", "ean", &ean),
        ("VariantPatch", "options", &named),
        ("VariantPatch", "stock", &stock),
        ("Money", "minor", &minor),
        ("MoneyPatch", "minor", &minor),
        ("Document", "title", &line(true)),
        ("Document", "body", &text),
        ("Document", "valid_from_ms", &time),
        ("Document", "valid_to_ms", &time),
        ("Document", "code", &line(true)),
        ("DocumentPatch", "title", &line(true)),
        ("DocumentPatch", "body", &text),
        ("DocumentPatch", "valid_from_ms", &time),
        ("DocumentPatch", "valid_to_ms", &time),
        ("DocumentPatch", "code", &line(true)),
        ("KeyBody", "name", &line(true)),
        ("KeyBody", "expires_at_ms", &time),
    ] {
        let property = &mut schemas[schema]["properties"][field];
        for (name, value) in rule.as_object().into_iter().flatten() {
            property[name] = value.clone();
        }
        if rule.get("propertyNames").is_some() && property["additionalProperties"].is_object() {
            for (name, value) in line(true).as_object().into_iter().flatten() {
                property["additionalProperties"][name] = value.clone();
            }
        }
    }
    if schemas["Currency"].is_object() {
        schemas["Currency"]["pattern"] = json!("^[A-Z]{3}$");
    }
}

fn add_examples(operation: &mut Value, samples: &BTreeMap<&'static str, Value>) {
    let mut contents = Vec::new();
    if let Some(content) = operation.pointer_mut("/requestBody/content") {
        contents.extend(
            content
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut),
        );
    }
    for content in contents {
        if content["schema"]["type"] == "string" {
            content["schema"]["minLength"] = json!(1); // a file; an empty one is refused
        }
        add_example(content, samples);
    }
    let responses = operation["responses"].as_object_mut();
    for response in responses.into_iter().flat_map(Map::values_mut) {
        let content = response.get_mut("content").and_then(Value::as_object_mut);
        for content in content.into_iter().flat_map(Map::values_mut) {
            add_example(content, samples);
        }
    }
}

fn add_example(content: &mut Value, samples: &BTreeMap<&'static str, Value>) {
    let named = content["schema"]["$ref"].as_str();
    let name = named.and_then(|path| path.rsplit('/').next());
    if let Some(sample) = name.and_then(|name| samples.get(name)) {
        content["example"] = sample.clone();
    }
}

/// Builds the examples of all requests and answers from their types.
pub(crate) fn samples() -> BTreeMap<&'static str, Value> {
    fn add<T: Sample>(all: &mut BTreeMap<&'static str, Value>) {
        let value = serde_json::to_value(T::sample()).unwrap_or_default();
        all.insert(T::SCHEMA, value);
    }
    let mut all = BTreeMap::new();
    add::<mercer_schemas::Product>(&mut all);
    add::<products::ProductRecord>(&mut all);
    add::<products::ProductPatch>(&mut all);
    add::<products::list::ProductPage>(&mut all);
    add::<variants::VariantRecord>(&mut all);
    add::<variants::VariantPatch>(&mut all);
    add::<variants::list::VariantList>(&mut all);
    add::<variants::price::PriceBody>(&mut all);
    add::<variants::stock::StockBody>(&mut all);
    add::<mercer_schemas::Document>(&mut all);
    add::<documents::DocumentRecord>(&mut all);
    add::<documents::DocumentPatch>(&mut all);
    add::<documents::list::DocumentPage>(&mut all);
    add::<crate::imports::ImportReport>(&mut all);
    add::<conversations::list::ConversationPage>(&mut all);
    add::<conversations::get::ConversationDetail>(&mut all);
    add::<conversations::act::Accepted>(&mut all);
    add::<conversations::act::AnswerBody>(&mut all);
    add::<seams::ReplayReport>(&mut all);
    add::<ProblemBody>(&mut all);
    add::<webhooks::DeliveryRecord>(&mut all);
    add::<webhooks::list::DeliveryPage>(&mut all);
    add::<keys::list::KeyList>(&mut all);
    add::<keys::create::KeyBody>(&mut all);
    add::<keys::create::NewKey>(&mut all);
    add::<workers::WorkerList>(&mut all);
    add::<health::Liveness>(&mut all);
    add::<health::Readiness>(&mut all);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typed_form_of_the_description_loses_nothing() {
        let (_, raw) = crate::operations().split_for_parts();
        let wanted = completed(&raw);
        let typed = serde_json::to_value(complete(&raw)).expect("json");
        for (name, schema) in wanted["components"]["schemas"]
            .as_object()
            .expect("schemas")
        {
            assert_eq!(&typed["components"]["schemas"][name], schema, "{name}");
        }
        for (path, item) in wanted["paths"].as_object().expect("paths") {
            assert_eq!(&typed["paths"][path], item, "{path}");
        }
        assert_eq!(
            typed["components"]["responses"],
            wanted["components"]["responses"]
        );
    }
}
