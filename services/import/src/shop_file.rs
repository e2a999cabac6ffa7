//! `shop.toml`.

use mercer_schemas::{Shop, ShopId};

use crate::lines::File;
use crate::report::LineError;

/// Longest introduction, characters: it stands before an answer in the same message.
const INTRODUCTION_CHARS_MAX: usize = 300;

/// Reads a shop's settings.
pub(crate) fn shop(bytes: &[u8], file: &str) -> Result<Shop, Vec<LineError>> {
    let file = File {
        name: file,
        quote_values: true,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| {
        vec![file.error(
            1,
            "",
            "the file is not UTF-8 text",
            "save the file as UTF-8",
        )]
    })?;
    let shop: Shop = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| {
            1 + text
                .bytes()
                .take(span.start)
                .filter(|byte| *byte == b'\n')
                .count() as u64
        });
        let field = text
            .lines()
            .nth(line as usize - 1)
            .and_then(|line| line.split_once('='))
            .map_or("", |(key, _)| key.trim());
        let fix = "write id, name, currency, locale and, where wanted, link_hosts, greeting and introduction";
        vec![file.error(line, field, error.message().trim(), fix)]
    })?;
    let mut errors = Vec::new();
    let mut fault = |field: &str, message: &str, fix: &str| {
        let line = text
            .lines()
            .position(|line| line.trim_start().starts_with(field))
            .map_or(1, |at| at as u64 + 1);
        errors.push(file.error(line, field, message, fix));
    };
    if !is_slug(&shop.id) {
        fault(
            "id",
            "is no slug",
            "write 1 to 64 lower-case letters, digits and dashes",
        );
    }
    if shop.name.trim().is_empty() {
        fault("name", "is empty", "write the name that customers know");
    }
    if shop
        .link_hosts
        .iter()
        .any(|host| host.is_empty() || host.contains(['/', ' ', ':']))
    {
        fault(
            "link_hosts",
            "holds something else than a host",
            "write for instance [\"www.example.com\"]",
        );
    }
    if shop
        .introduction
        .as_ref()
        .is_some_and(|text| text.chars().count() > INTRODUCTION_CHARS_MAX)
    {
        fault(
            "introduction",
            "is too long",
            &format!("write at most {INTRODUCTION_CHARS_MAX} characters, or nothing for none"),
        );
    }
    if errors.is_empty() {
        Ok(shop)
    } else {
        Err(errors)
    }
}

/// A shop's id is part of paths and index keys.
fn is_slug(id: &ShopId) -> bool {
    let id = id.as_str();
    id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}
