//! How a conversation begins: the customer is told that an assistant answers.

use mercer_schemas::Shop;

/// The sentence by language; `{shop}` stands for the shop's name. Another language gets English.
const SENTENCES: &[(&str, &str)] = &[
    (
        "en",
        "You are chatting with the automated assistant of {shop}.",
    ),
    ("cs", "Píšete si s automatickým asistentem obchodu {shop}."),
    ("da", "Du chatter med den automatiske assistent hos {shop}."),
    (
        "de",
        "Hier antwortet der automatische Assistent von {shop}.",
    ),
    (
        "es",
        "Estás chateando con el asistente automático de {shop}.",
    ),
    (
        "fi",
        "Keskustelet kauppiaan {shop} automaattisen avustajan kanssa.",
    ),
    (
        "fr",
        "C’est l’assistant automatique de {shop} qui vous répond.",
    ),
    ("it", "Ti risponde l’assistente automatico di {shop}."),
    ("ja", "{shop}の自動アシスタントがお答えします。"),
    (
        "nb",
        "Du chatter med den automatiske assistenten hos {shop}.",
    ),
    ("nl", "U chat met de automatische assistent van {shop}."),
    (
        "no",
        "Du chatter med den automatiske assistenten hos {shop}.",
    ),
    ("pl", "Rozmawiasz z automatycznym asystentem sklepu {shop}."),
    (
        "pt",
        "Está a conversar com o assistente automático de {shop}.",
    ),
    (
        "sv",
        "Du chattar med den automatiska assistenten hos {shop}.",
    ),
];

/// Returns what the first reply of a shop's conversations begins with: the shop's own text, or a
/// sentence in its language. None where the shop wants none.
pub fn introduction(shop: &Shop) -> Option<String> {
    let text = match shop.introduction.as_deref().map(str::trim) {
        Some("") => return None,
        Some(own) => own,
        None => {
            let language = shop.locale.split(['-', '_']).next().unwrap_or_default();
            let known = SENTENCES
                .iter()
                .find(|(code, _)| code.eq_ignore_ascii_case(language));
            known.unwrap_or(&SENTENCES[0]).1
        }
    };
    Some(text.replace("{shop}", &shop.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(locale: &str, own: Option<&str>) -> Shop {
        Shop {
            id: mercer_schemas::ShopId::new("s").expect("key"),
            name: "Moulin".to_owned(),
            currency: "EUR".parse().expect("currency"),
            locale: locale.to_owned(),
            link_hosts: Vec::new(),
            greeting: String::new(),
            introduction: own.map(str::to_owned),
        }
    }

    #[test]
    fn a_shop_speaks_its_language_or_its_own_words_or_not_at_all() {
        let said = |locale, own| introduction(&shop(locale, own));
        let french = said("fr-BE", None).expect("a sentence");
        assert!(french.contains("Moulin") && french.contains("assistant automatique"));
        assert!(said("xx", None).is_some_and(|text| text.starts_with("You are chatting")));
        assert_eq!(
            said("de-DE", Some("Bot von {shop}.")).as_deref(),
            Some("Bot von Moulin.")
        );
        assert_eq!(said("de-DE", Some(" ")), None);
    }
}
