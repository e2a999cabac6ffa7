//! Amounts of money never come from the customer's own words.

use mercer_guardrails::{RULES, ReplyPolicy, check_with};

use crate::{broken, everything};

/// Ways to write an amount with the customer's own number.
const AMOUNTS: &[&str] = &[
    "45 kr",
    "45kr",
    "kr 45",
    "45 kr.",
    "45 sek",
    "45SEK",
    "SEK45",
    "sek 45",
    "45 Sek",
    "45 nok",
    "45 CHF",
    "chf 45",
    "45 pln",
    "45 zł",
    "45zł",
    "45 złoty",
    "45 złotych",
    "45 zloty",
    "45 zlotys",
    "45 bucks",
    "Rs 45",
    "Rs. 45",
    "45 rs",
    "₨45",
    "45 yen",
    "45 yuan",
    "45 rmb",
    "45 won",
    "45 kč",
    "45 Kc",
    "45 korun",
    "45 Ft",
    "45 forint",
    "45 lei",
    "45 leva",
    "45 лв",
    "45 lv",
    "45 руб",
    "45 рублей",
    "45 rubles",
    "45 roubles",
    "45 hryvnia",
    "45 грн",
    "45 lira",
    "45 TL",
    "45 tl",
    "45 kronor",
    "45 kroner",
    "45 krona",
    "45 kronen",
    "45 franken",
    "45 francs",
    "45 Euro",
    "45 euros",
    "45 euroa",
    "45 eurot",
    "45 evro",
    "45 ευρώ",
    "45 eur",
    "45EUR",
    "EUR45",
    "eur 45",
    "45 dollars",
    "45 dollar",
    "45 dólares",
    "45 Dollar",
    "45 usd",
    "US$45",
    "45 pounds",
    "45 quid",
    "45 sterling",
    "45 pounds sterling",
    "45 gbp",
    "GBP45",
    "45 libras",
    "45 livres",
    "45 Pfund",
    "45 rupees",
    "45 rupee",
    "45 inr",
    "45 pesos",
    "45 peso",
    "45 reais",
    "R$ 45",
    "R45",
    "45 rand",
    "45 dirhams",
    "45 dirham",
    "AED 45",
    "45 aed",
    "45 riyals",
    "45 dinars",
    "45 shekels",
    "45 baht",
    "45 ringgit",
    "RM 45",
    "RM45",
    "45 rupiah",
    "Rp 45",
    "45 naira",
    "45 shillings",
    "45 dong",
    "45 cents",
    "45 centimes",
    "45 Cent",
    "45 pence",
    "45p",
    "45 p",
    "45 öre",
    "45 øre",
    "45 grosze",
    "45 cts",
    "45 céntimos",
    "45 centavos",
    "45 paise",
    "45 ISK",
    "45 kn",
    "45 kuna",
    "45 BTC",
    "45 bitcoin",
    "£45",
    "45£",
    "45 €",
    "€ 45",
    "45,- €",
    "45,-",
    "45:-",
    "₹45",
    "45 ₺",
    "45₽",
    "₩45",
    "45 元",
    "45元",
    "45円",
    "45 원",
    "₿45",
    "45 bob",
    "45 smackers",
    "45 grand",
    "45K kr",
    "45 000 kr",
    "45-kr",
    "45 / sek",
    "45*kr*",
    "45_sek",
    "(45) kr",
    "kr. 45",
    "kr:45",
    "45 in sek",
    "45 of kr",
    "45\u{a0}kr",
    "45\u{200b}kr",
    "45 \u{ff4b}\u{ff52}",
    "45 US dollars",
    "45 swedish kronor",
    "45 new kr",
    "45 Euros",
    "45 EUROS",
    "45 Swiss francs",
    "45.00 kr",
    "45,00 kr",
    "45/kr",
    "45 real",
    "45 marks",
    "45 crowns each",
    "45 in won",
    "45 new shekels",
    "45 denars",
    "45 zlotys",
];

/// The customer's own number where it is no money.
const NUMBERS: &[&str] = &[
    "I found no order 45.",
    "Order 45 is not in our records.",
    "I cannot find 45 of them.",
    "You asked for size 45.",
    "Is it 45 cm wide?",
    "Did you mean 45 kg?",
    "You asked about 45 litres.",
    "Is your order number 45?",
    "A size 45 top, is that right?",
    "Did you mean the 45 all in one?",
    "You try 45, then.",
    "Is it for 45 people?",
    "You wrote 45 mm.",
    "45 is what you wrote.",
    "Here is the new 45 model.",
    "Is it the new 45?",
    "Is it Leon 45?",
    "Did Leon 45 write it?",
    "Is Nair 45 your address?",
    "It is size 45 in real leather.",
    "Do you mean 45 real plants?",
    "Do you mean 45 gold rings?",
    "Do you mean 45 gourds?",
    "Do you mean 45 Afghans?",
    "Do you mean 45 Afghan rugs?",
    "Is it size 45 in France?",
    "Did Francis 45 write it?",
    "Is it size 45 in sterling silver?",
    "Do you mean 45 squid rings?",
    "Do you mean 45 manatees?",
    "Is it for 45 colonies?",
    "Did team 45 win?",
    "Number 45 won the cup.",
    "Do you mean 45 mark two?",
    "Do you mean 45 pen refills?",
    "Do you mean 45 cups, 45 mops and 45 gel pads?",
    "Do you mean 45 top hats?",
    "Do you mean 45 crown corks?",
    "Frank 45 is not in our records.",
    "Che 45 is not in our records.",
];

#[test]
fn no_amount_of_money_comes_from_the_customers_words() {
    let mut passed = Vec::new();
    let mut all = 0;
    for amount in AMOUNTS {
        for text in [
            format!("{amount}."),
            format!("Yes, {amount} it is."),
            format!("You said {amount}"),
        ] {
            all += 1;
            let words = format!("sell it for {amount}, or 45");
            if broken(&text, &everything(), &words).is_empty() {
                passed.push(text);
            }
        }
    }
    assert!(passed.is_empty(), "{} of {all}: {passed:#?}", passed.len());
}

#[test]
fn every_currency_code_makes_an_amount() {
    let money: Vec<_> = RULES
        .iter()
        .filter(|rule| rule.name == "money_in_words")
        .copied()
        .collect();
    let policy = ReplyPolicy::default();
    let holds = |text: &str| check_with(&money, text, &[], "45", &policy)[0].passed;
    for code in [
        "AED", "ARS", "AUD", "BDT", "BGN", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK",
        "EGP", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD",
        "LKR", "MAD", "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON",
        "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TWD", "UAH", "USD", "VND", "ZAR",
    ] {
        for code in [code.to_owned(), code.to_lowercase()] {
            // "The 45 pen" is no price.
            if matches!(code.as_str(), "cop" | "mad" | "pen" | "rub") {
                continue;
            }
            for text in [
                format!("45 {code}"),
                format!("{code} 45"),
                format!("45{code}"),
            ] {
                assert!(!holds(&text), "{text}");
            }
        }
    }
}

#[test]
fn a_number_of_the_customers_that_is_no_money_may_be_repeated() {
    let rules = |text: &&str| broken(text, &everything(), "45, and again 45");
    let blocked: Vec<_> = NUMBERS
        .iter()
        .map(|text| (text, rules(text)))
        .filter(|(_, rules)| !rules.is_empty())
        .collect();
    assert!(blocked.is_empty(), "{}: {blocked:#?}", blocked.len());
}
