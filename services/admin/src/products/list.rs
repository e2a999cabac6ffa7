//! `GET /v1/shops/{shop}/products`.

use axum::Json;
use axum::extract::State;
use mercer_schemas::ShopId;
use mercer_store::ProductFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ProductRecord;
use crate::Admin;
use crate::answer::{PageItems, Sample, page_items};
use crate::auth::Caller;
use crate::check::Findings;
use crate::extract::QueryParams;
use crate::problem::Problem;

/// Path of a shop's collection.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ShopPath {
    /// The shop.
    #[param(value_type = String, example = "highbarn")]
    #[expect(dead_code, reason = "the gate has read it")]
    shop: ShopId,
}

/// Filters of a product list; all given ones must hold.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductQuery {
    /// A category with everything below it, for instance `Kitchen`.
    category: Option<String>,
    /// Only visible, or only hidden products.
    visible: Option<bool>,
    /// Only products with, or only without, a variant in stock.
    in_stock: Option<bool>,
    /// Part of title, brand, category or key, case ignored.
    text: Option<String>,
    /// Where to continue: `next` of the page before.
    cursor: Option<String>,
    /// Items of the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<PageItems>,
}

/// A page of products.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ProductPage {
    /// Products, in the order of their keys.
    items: Vec<ProductRecord>,
    /// Cursor of the next page, or null at the end.
    next: Option<String>,
}

impl Sample for ProductPage {
    const SCHEMA: &'static str = "ProductPage";

    fn sample() -> Self {
        Self {
            items: vec![ProductRecord::sample()],
            next: None,
        }
    }
}

/// List products
///
/// Pages hold every product exactly once, also while others are added or removed.
#[utoipa::path(
    get,
    path = "/v1/shops/{shop}/products",
    tag = "products",
    params(ShopPath, ProductQuery),
    responses((status = 200, description = "a page of products", body = ProductPage)),
    security(("admin_key" = ["catalog:read"])),
)]
pub(crate) async fn list_products(
    State(admin): State<Admin>,
    caller: Caller,
    QueryParams(query): QueryParams<ProductQuery>,
) -> Result<Json<ProductPage>, Problem> {
    let mut findings = Findings::default();
    findings.line("category", query.category.as_deref().unwrap_or(""), false);
    findings.line("text", query.text.as_deref().unwrap_or(""), false);
    findings.end_as_malformed()?;
    let filter = ProductFilter {
        category_prefix: query.category,
        visible: query.visible,
        in_stock: query.in_stock,
        text: query.text,
    };
    let limit = page_items(query.limit);
    let page = admin
        .store
        .catalog()
        .list(caller.shop_id(), &filter, query.cursor.as_deref(), limit)
        .await?;
    Ok(Json(ProductPage {
        items: page.items.into_iter().map(ProductRecord::from).collect(),
        next: page.next,
    }))
}
