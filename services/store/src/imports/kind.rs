//! The kinds of records that an import brings, as far as its SQL has to know them.

use sea_orm::{EntityTrait, IdenStatic, Iterable};

use super::pace::units_of;
use crate::entity::{customer, document, order, product, variant};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Customer,
    Product,
    Document,
    Order,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Customer, Self::Product, Self::Document, Self::Order];

    /// The table; its staged records and its view are named after it.
    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Product => "product",
            Self::Document => "document",
            Self::Order => "shop_order",
        }
    }

    /// The column that, with the shop, names a record.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Customer | Self::Product | Self::Document => "id",
            Self::Order => "number_key",
        }
    }

    /// All columns.
    pub(super) fn columns(self) -> Vec<&'static str> {
        match self {
            Self::Customer => names::<customer::Entity>(),
            Self::Product => names::<product::Entity>(),
            Self::Document => names::<document::Entity>(),
            Self::Order => names::<order::Entity>(),
        }
    }

    /// SQL of the version that a staged record `s` gets, where its kind has versions.
    pub(super) fn version(self) -> Option<String> {
        let (table, key) = (self.table(), self.key());
        let stored = format!(
            "(SELECT t.version FROM {table} t WHERE t.shop = s.shop AND t.{key} = s.{key})"
        );
        let buried = |prefix: &str| {
            format!(
                "1 + COALESCE({stored}, (SELECT g.version FROM tombstone g \
                 WHERE g.shop = s.shop AND g.record = '{prefix}' || s.{key}), 0)"
            )
        };
        match self {
            Self::Customer => None,
            Self::Product => Some(buried("product:")),
            Self::Document => Some(buried("policy:")),
            Self::Order => Some(format!("1 + COALESCE({stored}, 0)")),
        }
    }

    /// SQL of the units of a staged record `s`: its rows and its long texts.
    pub(super) fn units(self) -> String {
        match self {
            Self::Customer => "1".to_owned(),
            Self::Product => format!(
                "1 + {} + {} + (SELECT count(*) FROM staged_variant v \
                 WHERE v.shop = s.shop AND v.product_id = s.id)",
                units_of("s.description"),
                units_of("s.attributes")
            ),
            Self::Document | Self::Order => format!("1 + {}", units_of("s.body")),
        }
    }
}

/// The columns of variants, which come and go with their product.
pub(super) fn variant_columns() -> Vec<&'static str> {
    names::<variant::Entity>()
}

fn names<E: EntityTrait>() -> Vec<&'static str> {
    E::Column::iter().map(|column| column.as_str()).collect()
}
