//! A SKU belongs to one product, also while an import brings products that nobody sees yet.
//!
//! A staged SKU is taken: who writes a product beside the import is refused it. So it is enough to
//! look once, after all is staged, whether a staged SKU belongs to a product that stays as it is.

use mercer_schemas::ShopId;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::ledger::{self, Phase};
use super::{ImportError, Task};
use crate::db::{get, one};
use crate::entity::{RecordTable, select_from, variant};
use crate::error::Error;

impl Task {
    /// Refuses the import where one of its SKUs belongs to a product that it does not replace.
    pub(super) async fn refuse_doubled_skus(&self) -> Result<(), ImportError> {
        let shop = self.shop.to_string();
        let taken = self.db.read(move |c| async move {
            let sql = "SELECT v.sku, v.product_id FROM staged_variant s \
                       JOIN variant v ON v.shop = s.shop AND v.sku = s.sku \
                       WHERE s.shop = $1 AND NOT EXISTS (SELECT 1 FROM staged_product p \
                       WHERE p.shop = v.shop AND p.id = v.product_id) LIMIT 1";
            one(&c, sql, [shop.into()])
                .await?
                .map(|row| {
                    Ok::<_, Error>((
                        get::<String>(&row, "sku")?,
                        get::<String>(&row, "product_id")?,
                    ))
                })
                .transpose()
        });
        match taken.await? {
            Some((sku, product)) => Err(taken_by(&sku, &product).into()),
            None => Ok(()),
        }
    }
}

/// Refuses variants that are to be stored while another product has their SKU, be it one that an
/// import is about to bring.
pub(crate) async fn refuse_taken<C: ConnectionTrait>(
    tx: &C,
    shop: &ShopId,
    rows: &[variant::ActiveModel],
) -> Result<(), Error> {
    let skus: Vec<&str> = rows.iter().map(|row| row.sku.as_ref().as_str()).collect();
    let stored = variant::Entity::find()
        .filter(variant::Column::Shop.eq(shop.as_str()))
        .filter(variant::Column::Sku.is_in(skus.iter().copied()))
        .one(tx)
        .await?;
    if let Some(row) = stored {
        return Err(taken_by(&row.sku, &row.product_id));
    }
    let staging = ledger::of(tx, shop).await?;
    if staging.is_none_or(|entry| entry.phase != Phase::Staging) {
        return Ok(());
    }
    let staged = select_from::<variant::Entity>(RecordTable::Staged)
        .filter(variant::Column::Shop.eq(shop.as_str()))
        .filter(variant::Column::Sku.is_in(skus))
        .all(tx)
        .await?;
    let foreign = staged.iter().find(|staged| {
        rows.iter().any(|row| {
            *row.sku.as_ref() == staged.sku && *row.product_id.as_ref() != staged.product_id
        })
    });
    match foreign {
        Some(row) => Err(taken_by(&row.sku, &row.product_id)),
        None => Ok(()),
    }
}

fn taken_by(sku: &str, product: &str) -> Error {
    Error::invalid("sku", format!("`{sku}` belongs to product `{product}`"))
}
