//! Calls that say only what a model can know when it writes them: what it has read, and what the customer wrote.
//!
//! Whoever wrote a conversation knew the shop: its categories beyond those that a prompt has room for, the exact wording
//! of values that nothing has shown, the name of what will be found. A model that is taught to write such things learns
//! to guess.

use mercer_conversation::Effect;
use mercer_corpus::written::{Call, Details, OneOrMore, Search, Turn};
use mercer_schemas::evidence::{field, field_name};

use super::missing::references;
use super::reply;
use super::stage::Stage;

/// Words of a name that say what something is; shorter ones stand everywhere.
const NAME_WORD_CHARS_MIN: usize = 4;

impl Stage<'_> {
    /// Leaves out of a call what stands nowhere before it. How many there are, which is first and that there is none depends
    /// on every filter, so such searches stay as they are.
    pub(super) fn known(&self, turn: &Turn, call: &Call) -> Call {
        match call {
            Call::Search(search) if search.sort.is_none() && names_product(turn) => {
                Call::Search(self.known_search(search))
            }
            Call::Details(details) => Call::Details(Details {
                about: self.known_fields(&details.about),
                ..details.clone()
            }),
            other => other.clone(),
        }
    }

    fn known_search(&self, search: &Search) -> Search {
        let read = self.read();
        let is_read = |text: &str| read.contains(&plain(text));
        let values_are_read =
            |values: &OneOrMore| values.texts().iter().all(|value| is_read(value));
        // Brands are in no list that a prompt prints, and a search takes them all the same.
        let is_name = |name: &str| name == "brand" || is_read(name);
        let mut known = search.clone();
        known.category = search.category.as_deref().and_then(|category| {
            let paths = self.school.terms.categories.iter();
            let is_it =
                |path: &&String| *path == category || path.ends_with(&format!("> {category}"));
            let paths: Vec<&String> = paths.filter(is_it).collect();
            match paths.as_slice() {
                [path] if is_read(path) => Some((*path).clone()),
                // A level that several have.
                [_, _, ..] if is_read(category) => Some(category.to_owned()),
                _ => None,
            }
        });
        known.brand = search.brand.clone().filter(|brand| is_read(brand));
        known
            .with
            .retain(|name, values| is_name(name) && values_are_read(values));
        known
            .without
            .retain(|name, values| is_name(name) && values_are_read(values));
        let is_filtered =
            known.category.is_some() || known.brand.is_some() || !known.with.is_empty();
        if known.query.is_empty() && !is_filtered {
            // What was chosen from the shop's lists is said in words.
            let level = search
                .category
                .iter()
                .filter_map(|path| path.rsplit("> ").next());
            let values = search.with.values().flat_map(OneOrMore::texts);
            let words: Vec<String> = level.map(str::to_owned).chain(values).collect();
            known.query = words.join(" ").to_lowercase();
        }
        known
    }

    /// Returns names of fields as prompts write them, without those that every find tells.
    pub(super) fn known_fields(&self, about: &[String]) -> Vec<String> {
        let read = self.read();
        let is_head =
            |name: &String| [field::NAME, field::PRICE, field::STOCK].contains(&name.as_str());
        let mut out: Vec<String> = Vec::new();
        for name in about.iter().map(|about| field_name(about)) {
            let is_field = self
                .school
                .terms
                .fields
                .iter()
                .any(|field| field.name == name);
            if is_field && !is_head(&name) && read.contains(&plain(&name)) && !out.contains(&name) {
                out.push(name);
            }
        }
        out
    }

    /// Returns what is asked of a product with the names of options in place of their values.
    pub(super) fn fields_of(&self, product: &str, asked: &[String]) -> Vec<String> {
        let product = self.school.product(product);
        let name = |asked: &String| {
            let mut variants = product.iter().flat_map(|product| &product.variants);
            let option = variants
                .find_map(|variant| variant.options.iter().find(|(_, value)| *value == asked));
            option.map_or_else(|| asked.clone(), |(name, _)| name.clone())
        };
        asked.iter().map(name).collect()
    }

    /// Returns the words of a product's name that the model has read, or the customer has written; none where they say
    /// nothing.
    pub(super) fn known_name(&self, title: &str) -> Option<String> {
        let read = self.read();
        let is_read = |word: &&str| {
            let word = plain(word);
            let one = word
                .trim_end()
                .strip_suffix('s')
                .map(|one| format!("{one} "));
            let is_read = read.contains(&word) || one.is_some_and(|one| read.contains(&one));
            word.trim().chars().count() >= NAME_WORD_CHARS_MIN && is_read
        };
        let words: Vec<&str> = title.split_whitespace().filter(is_read).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Counts what the reply refers to and the turn's evidence lacks.
    pub(super) fn lacking(&self, turn: &Turn) -> usize {
        let evidence = self.evidence();
        let lacks = |written: &&str| !reply::is_told(written, turn, &evidence);
        references(&turn.reply).filter(lacks).count()
    }

    /// Returns all that the model has read, as [`plain`] writes it.
    fn read(&self) -> String {
        match self.wanted() {
            Some(Effect::Generate { prompt, .. }) => {
                let texts: Vec<String> = prompt.into_iter().map(|m| m.content).collect();
                plain(&texts.join("\n"))
            }
            _ => String::new(),
        }
    }
}

/// Says whether a reply refers to something that is sold.
fn names_product(turn: &Turn) -> bool {
    references(&turn.reply).any(|of| of.starts_with("product:") || of.starts_with("variant:"))
        && !turn.reply.contains("{{search.")
}

/// Writes a text as words in lower case with a space before and behind each, so that one text is found in another by whole
/// words.
fn plain(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    format!(" {} ", words.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_whole_words() {
        let read = plain("Fields: folded_size, red\np1 Bag; £19.99; size=UK 9");
        for (text, is_read) in [
            ("folded_size", true),
            ("UK 9", true),
            ("9", true),
            ("19", true),
            ("re", false),
            ("UK 99", false),
        ] {
            assert_eq!(read.contains(&plain(text)), is_read, "{text}");
        }
    }
}
