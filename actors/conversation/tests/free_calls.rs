//! Calls of a conversation that has the shop's names: free words where nothing can be harmed.

use mercer_conversation::tools::NO_BRAND;
use mercer_conversation::{Effect, Lookup, Phase, State, decide, evolve, invariants, wanted};
use mercer_schemas::terms::TERMS_MAX;
use mercer_schemas::{
    ActionBy, Channel, ChatMessage, Content, CustomerId, EffectId, Event, Evidence, Field,
    FieldTerms, Generated, Handle, InboundMessage, Input, MessageId, Meta, OrderNumber, ProductId,
    PromptStyle, Proof, RecordKey, RenderedReply, Role, Settings, ShopTerms,
};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn meta(at: u64) -> Meta {
    Meta {
        at_ms: 1_000 + at as i64,
        entropy: at,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Shop,
            history_chars_max: 6_000,
            output_tokens_max: 64,
            introduction: None,
            locale: "en-GB".to_owned(),
            hints: true,
        },
    }
}

fn terms() -> ShopTerms {
    let field = |name: &str, values: &[&str]| FieldTerms {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    ShopTerms {
        categories: vec!["Bags > Dry".into()],
        brands: vec!["Orn".into()],
        fields: vec![field("colour", &["red", "blue"]), field("weight", &[])],
    }
}

fn record(key: RecordKey, number: usize, fields: &[(&str, &str)]) -> Evidence {
    Evidence::Record {
        handle: Handle::new(&key, number),
        key,
        version: 1,
        role: None,
        tool: None,
        fields: fields
            .iter()
            .map(|(name, value)| Field::new(name, *value))
            .collect(),
    }
}

fn bag(number: usize) -> Evidence {
    let key = RecordKey::Product(ProductId::new(format!("B-{number}")).expect("key"));
    record(
        key,
        number,
        &[("name", "Bag"), ("price", "£5"), ("stock", "in stock")],
    )
}

fn message(id: u64, words: &str) -> InboundMessage {
    InboundMessage {
        id: MessageId::from_parts(1, u128::from(id)),
        provider_id: format!("m{id}"),
        sent_at_ms: 1,
        cut_from_chars: None,
        content: Content::Text { text: words.into() },
    }
}

#[derive(Default)]
struct Talk {
    state: State,
    at: u64,
}

impl Talk {
    fn when(&mut self, input: Input) -> Vec<Event> {
        self.at += 1;
        let events = decide(&self.state, &input, &meta(self.at)).expect("not refused");
        for event in &events {
            self.state = evolve(std::mem::take(&mut self.state), event);
            invariants::check(&self.state).expect("invariants hold");
        }
        events
    }

    /// Hears words, on which the stores hold nothing.
    fn says(&mut self, words: &str, terms: Option<ShopTerms>) -> Vec<Event> {
        let events = self.hears(words, terms);
        self.finds(vec![]);
        events
    }

    fn hears(&mut self, words: &str, terms: Option<ShopTerms>) -> Vec<Event> {
        let id = self.at + 1;
        self.when(Input::ReceiveMessages {
            channel: Channel::Whatsapp,
            address: "447700900001".into(),
            messages: vec![message(id, words)],
            terms,
        })
    }

    fn effect(&self) -> EffectId {
        let effect = wanted(&self.state, &meta(0).settings).expect("an effect");
        effect.id().clone()
    }

    fn writes(&mut self, text: &str) -> Vec<Event> {
        let effect = self.effect();
        self.when(Input::Generated {
            effect,
            output: Generated {
                text: text.into(),
                model: "m".into(),
                prompt_sha256: String::new(),
                prompt_tokens: 1,
                cached_tokens: 0,
                output_tokens: 1,
                first_token_ms: 1,
                total_ms: 1,
            },
            intents: vec![],
        })
    }

    fn finds(&mut self, evidence: Vec<Evidence>) {
        let effect = self.effect();
        self.when(Input::ToolsAnswered {
            effect,
            evidence,
            identified: None,
            proof: None,
        });
    }

    /// Finds things of a customer who is known by the address.
    fn finds_of_known(&mut self, evidence: Vec<Evidence>) -> Vec<Event> {
        let effect = self.effect();
        self.when(Input::ToolsAnswered {
            effect,
            evidence,
            identified: Some(CustomerId::new("C-1").expect("key")),
            proof: Some(Proof {
                stamp: Some("a".into()),
                ..Proof::default()
            }),
        })
    }

    /// Returns what the last message of tools holds.
    fn found(&self) -> String {
        let (prompt, _) = self.writing();
        let found = prompt.iter().rfind(|message| message.role == Role::Tool);
        found.map_or(String::new(), |message| message.content.clone())
    }

    fn replies(&mut self, text: &str) {
        self.writes(text);
        let effect = self.effect();
        self.when(Input::ReplyChecked {
            effect,
            verdicts: vec![],
            reply: Some(RenderedReply {
                text: "So it is.".into(),
                cards: vec![],
                claims: vec![],
            }),
        });
    }

    fn looking(&self) -> Lookup {
        match wanted(&self.state, &meta(0).settings) {
            Some(Effect::CallTools { lookup, .. }) => lookup,
            _ => panic!("no tools are called"),
        }
    }

    fn writing(&self) -> (Vec<ChatMessage>, String) {
        match wanted(&self.state, &meta(0).settings) {
            Some(Effect::Generate {
                prompt, grammar, ..
            }) => (prompt, grammar.lark(&[])),
            _ => panic!("nothing is to be written"),
        }
    }

    /// Says whether a call is run as it was written.
    fn admits(&self, call: &str) -> bool {
        let mut talk = Talk {
            state: self.state.clone(),
            at: self.at,
        };
        let line = format!("{{\"calls\":[{call}]}}");
        talk.writes(&line);
        matches!(&talk.state.phase, Phase::Gathering { plan, .. } if plan.to_line() == line)
    }
}

/// A conversation that has been shown a bag, and asks again.
fn shown() -> Talk {
    let mut talk = Talk::default();
    talk.says("a bag", Some(terms()));
    talk.writes(r#"{"calls":[{"tool":"search_catalog","query":"waterproof sack"}]}"#);
    talk.finds(vec![bag(1)]);
    talk.replies("{{p1.name}}.");
    talk.says("how heavy is it", Some(ShopTerms::default()));
    talk
}

#[test]
fn names_are_learnt_once_and_stand_in_front() {
    let mut talk = Talk::default();
    let learnt = |events: &[Event]| {
        events
            .iter()
            .any(|e| matches!(e, Event::TermsLearnt { .. }))
    };
    assert!(learnt(&talk.says("hello", Some(terms()))));
    let (first, _) = talk.writing();
    assert_eq!(
        first[0].content,
        "You answer customers of Shop. Call tools, then reply from what they found.\n\
         Categories: Bags > Dry\nFields: colour, weight"
    );
    talk.replies("Hello!");
    assert!(!learnt(&talk.says("a bag", Some(ShopTerms::default()))));
    let (second, _) = talk.writing();
    assert_eq!(second[..first.len()], first[..]);
    assert_eq!(
        second.len(),
        first.len() + 3,
        "small talk is one message, and what was looked up another"
    );
}

#[test]
fn a_turn_begins_with_what_the_stores_hold_on_the_words() {
    let first = r#"{"calls":[{"tool":"look_up"}]}"#;
    let mut talk = Talk::default();
    talk.hears("a bag", Some(terms()));
    assert_eq!(talk.looking().plan.to_line(), first);
    // Words that come in meanwhile are looked up with the others.
    talk.hears("a red one", None);
    let looking = talk.looking();
    assert_eq!(looking.plan.to_line(), first);
    assert_eq!(looking.words.expose(), "a bag\na red one");
    assert!(looking.told.is_empty());
    talk.finds(vec![bag(1), bag(2)]);
    let (prompt, _) = talk.writing();
    let [.., words, found] = prompt.as_slice() else {
        panic!("a prompt");
    };
    assert!(words.role == Role::User && found.role == Role::Tool);
    assert!(
        found.content == "p1 Bag; £5; in stock\np2 Bag; £5; in stock",
        "{found:?}"
    );
    // No model calls it.
    assert!(!talk.admits(r#"{"tool":"look_up"}"#));
    let (_, grammar) = talk.writing();
    assert!(!grammar.contains("look_up"), "{grammar}");
    // The next turn may mean what was told.
    talk.replies("{{p2.name}} or {{p1.name}}, both {{p1.price}}.");
    talk.hears("the second", None);
    let told: Vec<String> = talk
        .looking()
        .told
        .iter()
        .map(|(handle, _)| handle.to_string())
        .collect();
    assert_eq!(told, ["p2", "p1"]);
    // A model that was not taught the shop's names begins by writing.
    let mut other = meta(9);
    other.settings.prompt_style = PromptStyle::Compact;
    let input = Input::ReceiveMessages {
        channel: Channel::Whatsapp,
        address: "447700900002".into(),
        messages: vec![message(1, "a bag")],
        terms: Some(terms()),
    };
    let events = decide(&State::default(), &input, &other).expect("taken");
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Event::PlanMade { .. }))
    );
}

#[test]
fn an_order_that_was_looked_up_is_told_once_and_leaves_with_the_identity() {
    let order = || {
        let key = RecordKey::Order(OrderNumber::new("HB-70417").expect("key"));
        record(key, 1, &[("number", "HB-70417"), ("status", "shipped")])
    };
    let identified = |events: &[Event]| {
        let mut events = events.iter();
        events.any(|event| matches!(event, Event::CustomerIdentified { .. }))
    };
    let mut talk = Talk::default();
    talk.hears("a bag", Some(terms()));
    assert!(identified(&talk.finds_of_known(vec![order(), bag(1)])));
    assert_eq!(
        talk.found(),
        "o1 number=HB-70417; status=shipped\np1 Bag; £5; in stock"
    );
    talk.replies("{{p1.name}}, and your parcel comes on Friday.");
    talk.hears("and my parcel?", None);
    assert!(!identified(&talk.finds_of_known(vec![order()])));
    assert_eq!(talk.found(), "o1 number; status");
    talk.replies("{{o1.status}}.");
    talk.hears("when?", None);
    let told: Vec<String> = talk
        .looking()
        .told
        .iter()
        .map(|(handle, _)| handle.to_string())
        .collect();
    assert_eq!(told, ["o1", "p1"]);
    talk.finds_of_known(vec![order()]);
    talk.replies("Ask away.");
    // Whoever writes a day later may be somebody else: only the bag stays, without a word.
    talk.at += 2 * DAY_MS;
    talk.hears("hello", None);
    assert_eq!(talk.state.past.len(), 1);
    talk.finds(vec![]);
    let (prompt, _) = talk.writing();
    let told: Vec<&str> = prompt[1..].iter().map(|m| m.content.as_str()).collect();
    assert_eq!(
        told,
        ["p1 Bag; £5; in stock", "{{p1.name}}", "hello", "none"]
    );
    // Where no model writes, nobody has read whether an order was asked for.
    talk.replies("Hello!");
    talk.hears("hm", None);
    talk.finds_of_known(vec![order()]);
    let effect = talk.effect();
    let failed = talk.when(Input::EffectFailed {
        effect,
        cause: "no worker".into(),
    });
    let draft = failed.iter().find_map(|event| match event {
        Event::ReplyDrafted { draft, .. } => Some(draft.expose().clone()),
        _ => None,
    });
    let draft = draft.expect("a template");
    assert!(!draft.contains("{{o1"), "{draft}");
}

#[test]
fn a_sentence_is_told_once_and_its_passage_known_by_its_handle() {
    let passage = |second: &str| {
        let key: RecordKey = "policy:returns".parse().expect("key");
        let fields = [("title", "Returns"), ("a", "Send it back."), ("b", second)];
        record(key, 1, &fields)
    };
    let mut talk = Talk::default();
    talk.hears("can i return a bag", Some(terms()));
    assert!(talk.looking().passages.is_empty());
    talk.finds(vec![passage("Postage is free."), bag(1)]);
    let first = "d1 Returns: [a] Send it back. [b] Postage is free.\np1 Bag; £5; in stock";
    assert_eq!(talk.found(), first);
    talk.replies("{{d1.a}}");
    talk.hears("who pays", None);
    let looking = talk.looking();
    let [known] = looking.passages.as_slice() else {
        panic!("a passage");
    };
    assert_eq!(
        (
            known.handle.as_str(),
            known.title.as_str(),
            known.first.as_str()
        ),
        ("d1", "Returns", "Send it back.")
    );
    // Of what was looked up, what the reply quoted was spoken of.
    let spoken_of: Vec<&str> = looking.spoken_of.iter().map(|id| id.as_str()).collect();
    assert_eq!(spoken_of, ["returns"]);
    talk.finds(vec![passage("Postage is free.")]);
    assert_eq!(talk.found(), "d1 Returns: [a] [b]");
    talk.replies("We do.");
    // A policy that has changed meanwhile is told anew.
    talk.hears("sure", None);
    assert!(talk.looking().spoken_of.is_empty());
    talk.finds(vec![passage("You pay.")]);
    assert_eq!(talk.found(), "d1 Returns: [a] [b] You pay.");
}

#[test]
fn names_are_learnt_anew_after_a_day_without_a_turn() {
    let learnt = |events: &[Event]| {
        events
            .iter()
            .any(|e| matches!(e, Event::TermsLearnt { .. }))
    };
    let mut renewed = terms();
    renewed.brands.push("Fell".into());
    let mut talk = Talk::default();
    talk.says("a bag", Some(terms()));
    // A turn goes on with the names that it began with, however long it takes.
    talk.at += DAY_MS;
    assert!(!learnt(&talk.says("a red one", Some(renewed.clone()))));
    talk.replies("Hello!");
    talk.at += DAY_MS - 10;
    assert!(!learnt(&talk.says("hello?", Some(renewed.clone()))));
    talk.replies("Hello!");
    talk.at += DAY_MS;
    assert!(!learnt(&talk.says("the same", Some(terms()))));
    talk.replies("Hello!");
    talk.at += DAY_MS;
    assert!(!learnt(&talk.says("none are sent", None)));
    talk.replies("Hello!");
    talk.at += DAY_MS;
    assert!(learnt(&talk.says("a bag of Fell", Some(renewed.clone()))));
    assert!(talk.state.terms == Some(renewed.clone()));
    let (_, grammar) = talk.writing();
    assert!(grammar.contains("BRAND: \"Orn\" | \"Fell\"\n"), "{grammar}");
    talk.replies("Hello!");
    // What a person writes is a message too.
    let by = || ActionBy {
        key_id: "key_1".into(),
    };
    talk.at += DAY_MS;
    talk.when(Input::TakeOver { by: by() });
    let text = "Ann here.".into();
    talk.when(Input::AnswerAsPerson { by: by(), text });
    talk.when(Input::HandBack { by: by() });
    assert!(!learnt(&talk.says("a bag", Some(terms()))));
}

#[test]
fn a_search_has_free_words_and_the_shops_names() {
    let talk = shown();
    for good in [
        r#"{"tool":"search_catalog","query":"featherweight"}"#,
        r#"{"tool":"search_catalog","category":"Bags > Dry","brand":"Orn","where":{"colour":["red","blue"]},"without":{"weight":"2 kg"},"min_price":"5","max_price":"7.50","in_stock":true,"sort":"weight_asc","limit":9}"#,
        r#"{"tool":"search_catalog","category":"Bags","without":{"brand":"Orn"}}"#,
        r#"{"tool":"search_catalog","query":"dry bag","about":["weight","does it fold"]}"#,
        r#"{"tool":"search_policies","query":"can it be sent back"}"#,
        r#"{"tool":"product_details","products":["p1"],"about":["weight","colour"]}"#,
    ] {
        assert!(talk.admits(good), "{good}");
    }
    let long = "x".repeat(81);
    for bad in [
        format!(r#"{{"tool":"search_catalog","query":"{long}"}}"#),
        r#"{"tool":"search_catalog","query":"{{p1.price}}"}"#.to_owned(),
        r#"{"tool":"search_catalog","max_price":"cheap"}"#.to_owned(),
        r#"{"tool":"search_catalog","limit":10}"#.to_owned(),
        r#"{"tool":"search_catalog","about":["{{p1.name}}"]}"#.to_owned(),
        r#"{"tool":"search_catalog","about":["1","2","3","4","5","6","7","8","9"]}"#.to_owned(),
        r#"{"tool":"search_catalog","category":"Shoes"}"#.to_owned(),
        r#"{"tool":"search_catalog","where":{"size":"5"}}"#.to_owned(),
        r#"{"tool":"search_catalog","sort":"size_asc"}"#.to_owned(),
        r#"{"tool":"search_catalog","where":{"a":"1","b":"1","c":"1","d":"1","e":"1"}}"#.to_owned(),
        r#"{"tool":"product_details","products":[]}"#.to_owned(),
        r#"{"tool":"product_details","products":["p2"]}"#.to_owned(),
        r#"{"tool":"order_status","order":"HB-70417"}"#.to_owned(),
    ] {
        assert!(!talk.admits(&bad), "{bad}");
    }
}

#[test]
fn the_grammar_offers_the_shops_lists_and_the_reply() {
    let (_, grammar) = shown().writing();
    assert!(grammar.starts_with("start: calls | reply\n"), "{grammar}");
    for line in [
        "CATEGORY: \"Bags\" | \"Bags > Dry\" | \"Dry\"\n",
        "BRAND: \"Orn\"\n",
        "VALUE0: \"red\" | \"blue\"\n",
        "SORT: \"price_asc\" | \"price_desc\" | \"colour_asc\" | \"colour_desc\" | \"weight_asc\" | \"weight_desc\"\n",
        "unwish: wish | \"\\\"brand\\\":\" brands\n",
        "HANDLE: \"p1\"\n",
    ] {
        assert!(grammar.contains(line), "{line}{grammar}");
    }
    // A customer's own words do not bind it, and nothing is called for them.
    assert!(!grammar.contains("PHRASE"), "{grammar}");
}

#[test]
fn another_kind_of_model_is_bound_to_the_customers_words() {
    let talk = shown();
    let mut settings = meta(0).settings;
    settings.prompt_style = PromptStyle::Compact;
    let Some(Effect::Generate {
        prompt, grammar, ..
    }) = wanted(&talk.state, &settings)
    else {
        panic!("something is to be written");
    };
    assert!(
        !prompt[0].content.contains("Categories"),
        "{:?}",
        prompt[0].content
    );
    let grammar = grammar.lark(&[]);
    assert!(
        grammar.contains("PHRASE") && !grammar.contains("WORDS"),
        "{grammar}"
    );
}

#[test]
fn an_attribute_named_as_a_sentence_is_no_policy() {
    let mut talk = Talk::default();
    talk.says("jeans", Some(terms()));
    talk.writes(r#"{"calls":[{"tool":"search_catalog","query":"jeans"}]}"#);
    let key = RecordKey::Product(ProductId::new("J-1").expect("key"));
    talk.finds(vec![record(key, 1, &[("name", "Jeans"), ("w", "30, 32")])]);
    let (prompt, _) = talk.writing();
    assert_eq!(
        prompt.last().expect("evidence").content,
        "p1 Jeans; w=30, 32"
    );
}

#[test]
fn with_more_brands_than_a_list_holds_a_brand_is_free_words() {
    let mut many = terms();
    many.brands = (0..TERMS_MAX).map(|n| format!("Brand {n}")).collect();
    let mut talk = Talk::default();
    talk.says("a bag of fell", Some(many));
    assert!(talk.admits(r#"{"tool":"search_catalog","query":"bag","brand":"fell"}"#));
    talk.writes(r#"{"calls":[{"tool":"search_catalog","query":"bag","brand":"fell"}]}"#);
    talk.finds(vec![
        Evidence::Outcome {
            tool: "search_catalog".into(),
            outcome: NO_BRAND.into(),
        },
        bag(1),
    ]);
    let (prompt, grammar) = talk.writing();
    assert!(!grammar.contains("BRAND"), "{grammar}");
    assert!(
        prompt
            .last()
            .expect("evidence")
            .content
            .starts_with("search: no such brand, any brand\np1 Bag;"),
    );
}

#[test]
fn a_handle_stays_its_records_and_a_reply_needs_no_reference() {
    let mut talk = shown();
    talk.writes(r#"{"calls":[{"tool":"search_catalog","query":"sack"}]}"#);
    let Some(Effect::CallTools { lookup, .. }) = wanted(&talk.state, &meta(0).settings) else {
        panic!("tools are called");
    };
    assert!(lookup.is_open && !lookup.hints);
    assert_eq!(lookup.found.len(), 1, "p1 is taken");
    talk.finds(vec![bag(2)]);
    assert_eq!(talk.state.known().len(), 2);
    assert!(talk.admits(r#"{"tool":"product_details","products":["p1","p2"]}"#));
    let (_, grammar) = talk.writing();
    assert!(grammar.contains("reply: TEXT | TEXT? REF"), "{grammar}");
    assert!(
        !grammar.contains("{{p1."),
        "the turn before is not told anew"
    );
}

#[test]
fn what_a_prompt_has_told_of_a_product_it_does_not_tell_again() {
    let pack = |number: usize, fields: &[(&str, &str)]| {
        let key = RecordKey::Product(ProductId::new("P").expect("key"));
        record(key, number, fields)
    };
    let size = |number: usize, fields: &[(&str, &str)]| {
        let key = RecordKey::Variant(format!("P-{number}").parse().expect("sku"));
        record(key, number, fields)
    };
    let told = |talk: &Talk| {
        let (prompt, _) = talk.writing();
        prompt.last().expect("evidence").content.clone()
    };
    let head = [
        ("name", "Pack"),
        ("price", "from £5"),
        ("stock", "in stock"),
    ];
    let all = [head.as_slice(), &[("weight", "1 kg"), ("size", "S, L")]].concat();
    let mut talk = Talk::default();
    talk.hears("a pack", Some(terms()));
    talk.finds(vec![
        pack(1, &all),
        size(
            1,
            &[("name", "S"), ("price", "from £5"), ("stock", "in stock")],
        ),
        size(2, &[("name", "L"), ("price", "£7"), ("stock", "in stock")]),
    ]);
    assert_eq!(
        told(&talk),
        "p1 Pack; from £5; in stock; weight=1 kg; size=S, L\nv1 S; in stock\nv2 L; £7; in stock"
    );
    talk.replies("{{p1.name}}.");
    talk.hears("how heavy is it", None);
    let now = [head.as_slice(), &[("weight", "2 kg"), ("size", "S, L")]].concat();
    talk.finds(vec![pack(1, &now)]);
    assert_eq!(told(&talk), "p1 Pack; from £5; in stock; weight=2 kg; size");
    // A reply may refer to what is not told again.
    let (_, grammar) = talk.writing();
    assert!(grammar.contains("{{p1.size}}"), "{grammar}");
}
