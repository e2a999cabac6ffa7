//! Customers and orders. Messages about customers name fields, never values.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use mercer_schemas::{Currency, Customer, Order, Personal};

use crate::dates::{date_ms, is_time};
use crate::lines::{File, json_lines};
use crate::report::{LineError, OnError, Parsed};

/// Longest name, e-mail address or postcode, in characters.
const PERSONAL_CHARS_MAX: usize = 320;

/// Most lines of an order.
const ORDER_LINES_MAX: usize = 500;

/// Reads customers, one JSON object a line.
pub(crate) fn customers(
    reader: impl BufRead,
    file: &str,
    on_error: OnError,
) -> std::io::Result<Parsed<Customer>> {
    let file = File {
        name: file,
        quote_values: false,
    };
    let mut ids: HashMap<String, u64> = HashMap::new();
    let mut phones: HashMap<String, u64> = HashMap::new();
    json_lines(reader, file, on_error, |line, customer: &Customer| {
        let mut errors = Vec::new();
        let mut fault = |field: &str, message: &str, fix: &str| {
            errors.push(file.error(line, field, message, fix))
        };
        if let Some(first) = ids.insert(customer.id.to_string(), line) {
            fault(
                "id",
                &format!("the id of line {first} is used again"),
                "give each customer an id of their own",
            );
        }
        let is_blank = |value: &Personal<String>| value.expose().trim().is_empty();
        // Who writes from a phone on file needs no other proof.
        let is_phone_only =
            customer.phone.is_some() && is_blank(&customer.email) && is_blank(&customer.postcode);
        for (field, value) in [
            ("name", &customer.name),
            ("email", &customer.email),
            ("postcode", &customer.postcode),
        ] {
            let may_be_empty = is_phone_only && field != "name";
            let value = value.expose();
            if value.trim().is_empty() && may_be_empty {
                continue;
            }
            if value.trim().is_empty() {
                fault(
                    field,
                    "is empty",
                    "write the value; identity checks need it",
                );
            } else if value.chars().count() > PERSONAL_CHARS_MAX {
                fault(
                    field,
                    &format!("is longer than {PERSONAL_CHARS_MAX} characters"),
                    "shorten it",
                );
            }
        }
        if !is_phone_only && !customer.email.expose().contains('@') {
            fault(
                "email",
                "is not an e-mail address",
                "write for instance name@example.com",
            );
        }
        if let Some(phone) = &customer.phone {
            let digits: String = phone
                .expose()
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            let has_letters = phone.expose().contains(char::is_alphabetic);
            if !phone.expose().starts_with('+') || has_letters || !(7..=15).contains(&digits.len())
            {
                fault(
                    "phone",
                    "is not in international form",
                    "write for instance +447700900123, or null",
                );
            } else if let Some(first) = phones.insert(digits, line) {
                fault(
                    "phone",
                    &format!("the number of line {first} is used again"),
                    "a number identifies one customer",
                );
            }
        }
        errors
    })
}

/// Reads orders, one JSON object a line. `known` are the customers of the shop.
pub(crate) fn orders(
    reader: impl BufRead,
    file: &str,
    currency: Currency,
    known: &HashSet<String>,
    on_error: OnError,
) -> std::io::Result<Parsed<Order>> {
    let file = File {
        name: file,
        quote_values: true,
    };
    let mut numbers: HashMap<String, u64> = HashMap::new();
    json_lines(reader, file, on_error, |line, order: &Order| {
        let mut errors: Vec<LineError> = Vec::new();
        let mut fault = |field: &str, message: String, fix: &str| {
            errors.push(file.error(line, field, message, fix))
        };
        if let Some(first) = numbers.insert(order.number.as_str().to_lowercase(), line) {
            let message = format!("`{}` was used in line {first} already", order.number);
            fault("number", message, "give each order a number of its own");
        }
        if !known.contains(order.customer_id.as_str()) {
            let message = format!("there is no customer `{}`", order.customer_id);
            fault(
                "customer_id",
                message,
                "add the customer to customers.jsonl",
            );
        }
        if !is_time(&order.placed_at) {
            fault(
                "placed_at",
                "is not a time".to_owned(),
                "write for instance 2026-10-01T10:00:00Z",
            );
        }
        if order
            .eta
            .as_deref()
            .is_some_and(|eta| date_ms(eta).is_none())
        {
            fault(
                "eta",
                "is not a date".to_owned(),
                "write for instance 2026-10-05, or null",
            );
        }
        if order.lines.is_empty() || order.lines.len() > ORDER_LINES_MAX {
            let message = format!("an order has 1 to {ORDER_LINES_MAX} lines");
            fault("lines", message, "write what was ordered");
        }
        let mut money = |field: String, amount: mercer_schemas::Money| {
            if amount.currency != currency {
                let message = format!(
                    "is in {}, the shop's currency is {}",
                    amount.currency.code(),
                    currency.code()
                );
                fault(&field, message, "write the amount in the shop's currency");
            } else if amount.minor < 0 {
                fault(
                    &field,
                    "is negative".to_owned(),
                    "write the amount in minor units, 0 or more",
                );
            }
        };
        money("total".to_owned(), order.total);
        for (number, item) in order.lines.iter().enumerate() {
            money(format!("lines[{number}].unit_price"), item.unit_price);
        }
        for (number, item) in order.lines.iter().enumerate() {
            if item.quantity == 0 {
                fault(
                    &format!("lines[{number}].quantity"),
                    "is 0".to_owned(),
                    "write how many were ordered",
                );
            }
        }
        errors
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_may_be_known_by_the_phone_alone() {
        let lines = [
            r#"{"id":"C-1","name":"Ann","phone":"+447700900123"}"#,
            r#"{"id":"C-2","name":"Bob","email":"","postcode":"","phone":"+447700900124"}"#,
            r#"{"id":"C-3","name":"Cy","postcode":"10115","phone":"+447700900125"}"#,
            r#"{"id":"C-4","name":"Di"}"#,
            r#"{"id":"C-5","name":"Ed","phone":"CO.104712345678"}"#,
        ];
        let parsed = customers(lines.join("\n").as_bytes(), "c.jsonl").expect("read");
        let sound: Vec<u64> = parsed.records.iter().map(|(line, _)| *line).collect();
        assert_eq!(sound, [1, 2]);
        let faults: Vec<(u64, &str)> = parsed
            .errors
            .iter()
            .map(|error| (error.line, error.field.as_str()))
            .collect();
        assert!(faults.contains(&(3, "email")), "{faults:?}");
        assert!(faults.contains(&(4, "email")) && faults.contains(&(4, "postcode")));
        assert!(faults.contains(&(5, "phone")));
    }
}
