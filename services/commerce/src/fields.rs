//! Records as customers read them: the fields that evidence offers and replies refer to.
//!
//! Evidence, the live join and the evaluation all use these functions, so a value is worded in
//! one way only.

use mercer_schemas::evidence::field_name;
use mercer_schemas::{Field, Order, Product, Variant};

/// From this many units on, stock is simply "in stock". Below it customers read the number.
const STOCK_LOW_MAX: u32 = 5;

/// Words a stock level.
pub fn stock_text(units: u32) -> String {
    match units {
        0 => "out of stock".to_owned(),
        1..=STOCK_LOW_MAX => format!("only {units} left"),
        _ => "in stock".to_owned(),
    }
}

/// Words a product's price for a shop's locale: one amount, or `from …` where variants differ.
pub fn price_text(product: &Product, locale: &str) -> String {
    let Some(from) = product.price_from() else {
        return "not for sale".to_owned();
    };
    let sold = product
        .variants
        .iter()
        .filter(|v| v.stock > 0 || !product.in_stock());
    if sold.clone().any(|variant| variant.price != from) {
        format!("from {}", from.text(locale))
    } else {
        from.text(locale)
    }
}

/// Returns a product's fields: name, price, stock, then its options.
pub fn product_fields(product: &Product, locale: &str) -> Vec<Field> {
    let units = product
        .variants
        .iter()
        .map(|variant| variant.stock)
        .max()
        .unwrap_or(0);
    let stock = if product.variants.len() == 1 || units == 0 {
        stock_text(units)
    } else {
        "in stock".to_owned()
    };
    let mut fields = vec![
        Field::new("name", product.title.clone()),
        Field::new("price", price_text(product, locale)),
        Field::new("stock", stock),
    ];
    for (name, values) in product.option_values() {
        fields.push(Field::new(&name, values.join(", ")));
    }
    fields
}

/// Returns a variant's fields: name with its options, price, stock.
pub fn variant_fields(product: &Product, variant: &Variant, locale: &str) -> Vec<Field> {
    vec![
        Field::new("name", variant.name(product)),
        Field::new("price", variant.price.text(locale)),
        Field::new("stock", stock_text(variant.stock)),
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
        Field::new("number", order.number.to_string()),
        Field::new("status", order.status.label()),
    ];
    let optional = [
        ("carrier", order.carrier.clone()),
        ("tracking", order.tracking.clone()),
        ("eta", order.eta.as_deref().map(date_text)),
    ];
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some(Field::new(name, value?))),
    );
    fields.push(Field::new("items", items.join(", ")));
    fields
}

/// Words an ISO date as `5 October 2026`; anything else stays as it is.
fn date_text(iso: &str) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let parts: Vec<&str> = iso.split('-').collect();
    let [year, month, day] = parts[..] else {
        return iso.to_owned();
    };
    let (Ok(month), Ok(day)) = (month.parse::<usize>(), day.parse::<u32>()) else {
        return iso.to_owned();
    };
    match month.checked_sub(1).and_then(|index| MONTHS.get(index)) {
        Some(name) => format!("{day} {name} {year}"),
        None => iso.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_and_dates_are_worded_for_customers() {
        assert_eq!(
            [0, 3, 60].map(stock_text),
            ["out of stock", "only 3 left", "in stock"]
        );
        assert_eq!(date_text("2026-10-05"), "5 October 2026");
        assert_eq!(date_text("soon"), "soon");
        assert_eq!(date_text("2026-13-05"), "2026-13-05");
    }
}
