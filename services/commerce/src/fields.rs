//! The fields of records that evidence offers and replies refer to.
//!
//! Evidence, the live join and the evaluation all use these functions; how a value is worded, its type
//! says ([`Value::text`]).

use mercer_schemas::evidence::{field, field_name};
use mercer_schemas::{Field, Order, Product, Stock, Value, Variant};

/// Returns what a product costs: one amount, or the lowest where variants differ.
fn price(product: &Product) -> Value {
    let Some(from) = product.price_from() else {
        return "not for sale".into();
    };
    let mut sold = product
        .variants
        .iter()
        .filter(|v| v.stock > 0 || !product.in_stock());
    if sold.any(|variant| variant.price != from) {
        Value::MoneyFrom(from)
    } else {
        Value::Money(from)
    }
}

/// Returns a product's fields: name, price, stock, then its options.
pub fn product_fields(product: &Product) -> Vec<Field> {
    let most = product.variants.iter().map(|variant| variant.stock).max();
    let units = most.unwrap_or(0);
    let stock = if product.variants.len() == 1 || units == 0 {
        Stock::Units(units)
    } else {
        Stock::Some
    };
    let mut fields = vec![
        Field::new(field::NAME, product.title.clone()),
        Field::new(field::PRICE, price(product)),
        Field::new(field::STOCK, Value::Stock(stock)),
    ];
    for (name, values) in product.option_values() {
        fields.push(Field::new(&name, Value::List(values)));
    }
    fields
}

/// Returns a variant's fields: name with its options, price, stock.
pub fn variant_fields(product: &Product, variant: &Variant) -> Vec<Field> {
    vec![
        Field::new(field::NAME, variant.name(product)),
        Field::new(field::PRICE, Value::Money(variant.price)),
        Field::new(field::STOCK, Value::Stock(Stock::Units(variant.stock))),
    ]
}

/// Returns the value of an attribute by its name in references.
pub fn attribute_value<'a>(product: &'a Product, field: &str) -> Option<&'a str> {
    product
        .attributes
        .iter()
        .find(|(name, _)| field_name(name) == field)
        .map(|(_, value)| value.as_str())
}

/// Returns an order's fields; what is not known is left out.
pub fn order_fields(order: &Order) -> Vec<Field> {
    let items: Vec<String> = order
        .lines
        .iter()
        .map(|line| {
            if line.quantity == 1 {
                line.title.clone()
            } else {
                format!("{} × {}", line.quantity, line.title)
            }
        })
        .collect();
    let mut fields = vec![
        Field::new(field::NUMBER, order.number.to_string()),
        Field::new(field::STATUS, Value::Status(order.status)),
    ];
    let optional = [
        (field::CARRIER, order.carrier.clone().map(Value::from)),
        (field::TRACKING, order.tracking.clone().map(Value::from)),
        (field::ETA, order.eta.clone().map(Value::Date)),
    ];
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some(Field::new(name, value?))),
    );
    fields.push(Field::new(field::ITEMS, items.join(", ")));
    fields
}
