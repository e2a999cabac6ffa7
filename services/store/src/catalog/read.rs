//! Finding products.

use std::collections::{BTreeSet, HashMap};

use mercer_schemas::{Product, ProductId, ShopId, Sku};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect,
};

use super::rows::{load, with_variants};
use super::{Catalog, ProductFilter, normalise_code};
use crate::Versioned;
use crate::entity::{product, variant};
use crate::error::Error;
use crate::imports::select_now;
use crate::page::{Page, page_size, parse_cursor};
use crate::text::is_storable;

impl Catalog {
    /// Returns a product.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get(
        &self,
        shop: &ShopId,
        id: &ProductId,
    ) -> Result<Option<Versioned<Product>>, Error> {
        Ok(self.get_many(shop, std::slice::from_ref(id)).await?.pop())
    }

    /// Returns those of the products that exist, in the order asked for: the live join.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn get_many(
        &self,
        shop: &ShopId,
        ids: &[ProductId],
    ) -> Result<Vec<Versioned<Product>>, Error> {
        let shop = shop.to_string();
        let wanted: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let found = self
            .db
            .read_snapshot(move |c| Box::pin(async move { load(c, &shop, &wanted).await }));
        let mut by_id: HashMap<ProductId, Versioned<Product>> = found
            .await?
            .into_iter()
            .map(|found| (found.value.id.clone(), found))
            .collect();
        Ok(ids.iter().filter_map(|id| by_id.remove(id)).collect())
    }

    /// Returns the product that a variant belongs to.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn by_sku(
        &self,
        shop: &ShopId,
        sku: &Sku,
    ) -> Result<Option<Versioned<Product>>, Error> {
        let (shop, sku) = (shop.to_string(), sku.to_string());
        let found = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let row = variant::Entity::find_by_id((shop.clone(), sku))
                    .one(c)
                    .await?;
                match row {
                    Some(row) => load(c, &shop, &[row.product_id]).await,
                    None => Ok(Vec::new()),
                }
            })
        });
        Ok(found.await?.pop())
    }

    /// Returns the products with this SKU, EAN or id, hidden ones too. Case, `-`, `_`, `.` and
    /// spaces do not count.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn by_code(&self, shop: &ShopId, code: &str) -> Result<Vec<ProductId>, Error> {
        let code = normalise_code(code);
        if code.is_empty() || !is_storable(&code) {
            return Ok(Vec::new());
        }
        let shop = shop.to_string();
        let found = self.db.read(move |c| async move {
            let products: Vec<String> = product::Entity::find()
                .select_only()
                .column(product::Column::Id)
                .filter(product::Column::Shop.eq(shop.as_str()))
                .filter(product::Column::Code.eq(code.as_str()))
                .into_tuple()
                .all(&c)
                .await?;
            let either = Condition::any()
                .add(variant::Column::SkuCode.eq(code.as_str()))
                .add(variant::Column::EanCode.eq(code.as_str()));
            let owners: Vec<String> = variant::Entity::find()
                .select_only()
                .column(variant::Column::ProductId)
                .filter(variant::Column::Shop.eq(shop.as_str()))
                .filter(either)
                .into_tuple()
                .all(&c)
                .await?;
            Ok(products
                .into_iter()
                .chain(owners)
                .collect::<BTreeSet<String>>())
        });
        let ids = found.await?.into_iter();
        ids.map(|id| ProductId::new(id.clone()).map_err(|_| Error::corrupt("product.id", id)))
            .collect()
    }

    /// Returns a page of products by id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cursor of another list; [`Error::Unavailable`], [`Error::Corrupt`].
    pub async fn list(
        &self,
        shop: &ShopId,
        filter: &ProductFilter,
        cursor: Option<&str>,
        limit: u64,
    ) -> Result<Page<Versioned<Product>>, Error> {
        let after: Option<String> = parse_cursor(cursor)?;
        let limit = page_size(limit);
        let shop = shop.to_string();
        let mut conditions = conditions(&shop, filter);
        if let Some(after) = after {
            conditions = conditions.add(product::Column::Id.gt(after));
        }
        let found = self.db.read_snapshot(move |c| {
            Box::pin(async move {
                let rows = select_now::<product::Entity, _>(c, &shop)
                    .await?
                    .filter(conditions)
                    .order_by_asc(product::Column::Id)
                    .limit(limit + 1)
                    .all(c)
                    .await?;
                with_variants(c, &shop, rows).await
            })
        });
        Ok(Page::cut(found.await?, limit, |item| {
            item.value.id.to_string()
        }))
    }
}

fn conditions(shop: &str, filter: &ProductFilter) -> Condition {
    let mut all = Condition::all().add(product::Column::Shop.eq(shop));
    if let Some(category) = &filter.category_prefix {
        let below = format!("{} > ", category.trim_end_matches([' ', '>']));
        let top = below.trim_end_matches(" > ").to_owned();
        // Not LIKE: it would ignore case on one database only.
        let head = Func::cust("substr").args([
            product::Column::Category.into_simple_expr(),
            Expr::val(1_i32),
            Expr::val(below.chars().count() as i32),
        ]);
        all = all.add(
            Condition::any()
                .add(product::Column::Category.eq(top))
                .add(Expr::from(head).eq(below)),
        );
    }
    if let Some(visible) = filter.visible {
        all = all.add(product::Column::Visible.eq(visible));
    }
    if let Some(in_stock) = filter.in_stock {
        let stocked = Query::select()
            .column(variant::Column::ProductId)
            .from(variant::Entity)
            .and_where(variant::Column::Shop.eq(shop))
            .and_where(variant::Column::Stock.gt(0))
            .to_owned();
        all = all.add(if in_stock {
            product::Column::Id.in_subquery(stocked)
        } else {
            product::Column::Id.not_in_subquery(stocked)
        });
    }
    if let Some(text) = &filter.text {
        let mut pattern = String::from("%");
        for c in text.trim().to_lowercase().chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        all = all.add(product::Column::SearchText.like(LikeExpr::new(pattern).escape('\\')));
    }
    all
}
