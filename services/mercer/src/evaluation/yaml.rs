//! Where something stands in a dialogue file, and how a wrong one is told: file, line, turn and field.

use std::fmt;
use std::path::Path;

use anyhow::anyhow;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Makes a type be read from a YAML scalar by a function from text to it, whose error says what is wrong.
///
/// `#[serde(try_from)]` would do, but its errors come too late to know the scalar's line.
macro_rules! scalar {
    ($type:ty, $expected:literal, $parse:expr) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let parse: fn(&str) -> Result<Self, String> = $parse;
                deserializer.deserialize_str($crate::evaluation::yaml::Scalar {
                    expected: $expected,
                    parse,
                })
            }
        }
    };
}

pub(crate) use scalar;

/// Reads a scalar.
pub(crate) struct Scalar<T> {
    /// What it is.
    pub(crate) expected: &'static str,
    /// Makes the value of the text, or says what is wrong.
    pub(crate) parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

/// A step down into a file.
#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// To the value of a key.
    Key(&'static str),
    /// To an item of a list, from 0.
    Item(usize),
}

/// Words what is wrong with a file, for a person who mends it: `a.yaml:7:13: turn 2: expect.facts[0]: …`.
pub(crate) fn wrong(file: &Path, error: &serde_norway::Error) -> anyhow::Error {
    let place = error.location();
    let mut message = error.to_string();
    if let Some(at) = &place {
        let tail = format!(" at line {} column {}", at.line(), at.column());
        message = message.replacen(&tail, "", 1);
    }
    let message = with_turn(&message);
    match place {
        Some(at) => anyhow!(
            "{}:{}:{}: {message}",
            file.display(),
            at.line(),
            at.column()
        ),
        None => anyhow!("{}: {message}", file.display()),
    }
}

/// Words what is wrong at a place of a file that could be read.
pub(crate) fn wrong_at(file: &Path, path: &[Step], message: &str) -> anyhow::Error {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    wrong_in(file, &text, path, message)
}

fn wrong_in(file: &Path, text: &str, path: &[Step], message: &str) -> anyhow::Error {
    let seed = Find { path, message };
    match seed.deserialize(serde_norway::Deserializer::from_str(text)) {
        Err(error) => wrong(file, &error),
        // The file has changed since it was read.
        Ok(()) => anyhow!("{}: {message}", file.display()),
    }
}

/// Writes `turns[0].expect: …` as `turn 1: expect: …`: people count from 1.
fn with_turn(message: &str) -> String {
    let parts = message
        .strip_prefix("turns[")
        .and_then(|rest| rest.split_once(']'));
    match parts.and_then(|(number, rest)| Some((number.parse::<usize>().ok()?, rest))) {
        Some((number, rest)) => {
            let rest = rest.trim_start_matches([':', '.', ' ']);
            format!("turn {}: {rest}", number + 1)
        }
        None => message.to_owned(),
    }
}

/// Goes down a path and fails at its end, so that the error knows the line.
#[derive(Clone, Copy)]
struct Find<'a> {
    path: &'a [Step],
    message: &'a str,
}

impl<'de> DeserializeSeed<'de> for Find<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.path {
            [] => deserializer.deserialize_any(self),
            [Step::Key(_), ..] => deserializer.deserialize_map(self),
            [Step::Item(_), ..] => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Find<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Err(E::custom(self.message))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let [Step::Key(wanted), rest @ ..] = self.path else {
            return Err(A::Error::custom(self.message));
        };
        while let Some(key) = map.next_key::<String>()? {
            if key == *wanted {
                map.next_value_seed(Self { path: rest, ..self })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let [Step::Item(wanted), rest @ ..] = self.path else {
            return Err(A::Error::custom(self.message));
        };
        for _ in 0..*wanted {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Self { path: rest, ..self })?;
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
