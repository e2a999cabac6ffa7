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

/// Returns an order's fields that replies can refer to; what is not known is left out.
///
/// They are lines of the small model's prompts: one more changes what it has learnt to read.
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

/// Returns all that is known of an order: [`order_fields`], then what no reply can refer to yet, its total and the day
/// it was placed, as its record's own offset counts days.
pub fn order_record(order: &Order) -> Vec<Field> {
    let mut fields = order_fields(order);
    let day = order.placed_at.split(['T', 't', ' ']).next();
    let placed_at = Value::Date(day.unwrap_or_default().to_owned());
    fields.push(Field::new(field::TOTAL, Value::Money(order.total)));
    fields.push(Field::new(field::PLACED_AT, placed_at));
    fields
}

#[cfg(test)]
mod tests {
    use mercer_schemas::{CustomerId, Money, OrderNumber, OrderStatus};

    use super::*;

    fn order() -> Order {
        Order {
            number: OrderNumber::new("HB-1").expect("a number"),
            customer_id: CustomerId::new("C-1").expect("a customer"),
            placed_at: "2026-10-01T23:30:00+01:00".to_owned(),
            status: OrderStatus::Shipped,
            lines: Vec::new(),
            carrier: None,
            tracking: None,
            eta: None,
            total: Money {
                minor: 4_599,
                currency: "GBP".parse().expect("a currency"),
            },
        }
    }

    #[test]
    fn an_orders_record_tells_its_total_and_the_day_it_was_placed() {
        let text = |name| {
            let fields = order_record(&order());
            mercer_schemas::evidence::value_of(&fields, name).map(|value| value.text("en-GB"))
        };
        assert_eq!(text(field::TOTAL).as_deref(), Some("£45.99"));
        assert_eq!(text(field::PLACED_AT).as_deref(), Some("1 October 2026"));
        assert_eq!(text(field::NUMBER).as_deref(), Some("HB-1"));
    }

    #[test]
    fn what_replies_can_refer_to_of_an_order_stays_what_the_small_model_has_learnt() {
        let fields = order_fields(&order());
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, [field::NUMBER, field::STATUS, field::ITEMS]);
    }
}
