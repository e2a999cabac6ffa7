//! What proves who writes, on both databases. On SQLite each topic is a test; on PostgreSQL one test
//! runs them all, since each test process starts a server of its own.

use mercer_schemas::{
    Channel, Currency, Customer, CustomerId, Identity, Money, Order, OrderLine, OrderNumber,
    OrderStatus, Personal, ShopId, Sku,
};
use mercer_store::{Store, StoreConfig, Versioned};
use mercer_testing::{PostgresServer, sqlite_url};

use super::{Finding, Outcome, Question, look_up, look_up_own};

/// 2026-11-23, UTC milliseconds.
const NOW_MS: i64 = 1_795_392_000_000;
const MINUTE_MS: i64 = 60_000;

struct Env {
    store: Store,
    url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Env {
    async fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let url = sqlite_url(folder.path());
        let store = Store::open(&StoreConfig::new(&url)).await.expect("store");
        Self {
            store,
            url,
            _folder: Some(folder),
        }
    }

    async fn postgres() -> Self {
        let server = PostgresServer::shared().expect("a PostgreSQL server");
        let url = server.create_database().await.expect("a database");
        let store = Store::open(&StoreConfig::new(&url)).await.expect("store");
        Self {
            store,
            url,
            _folder: None,
        }
    }
}

macro_rules! topics {
    ($($topic:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $topic() {
                    super::$topic(super::Env::sqlite().await).await;
                }
            )+
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres_tells_orders_in_the_same_way() {
            $(
                println!("{}", stringify!($topic));
                $topic(Env::postgres().await).await;
            )+
        }
    };
}

topics![
    any_countrys_codes_prove,
    order_numbers_of_any_shape_prove,
    a_postcode_of_five_digits_is_no_order_number,
    wrong_and_half_right_proofs_are_answered_alike,
    details_may_come_one_by_one_in_any_order,
    a_conversation_remembers_what_a_proof_needs_and_no_more,
    a_wrong_detail_is_not_carried_into_later_messages,
    the_sixth_wrong_proof_goes_to_a_person,
    an_address_has_ten_wrong_proofs_an_hour_over_all_conversations,
    a_record_has_ten_wrong_proofs_an_hour_over_all_addresses,
    tries_at_the_same_moment_do_not_pass_the_limit_together,
    a_try_that_runs_again_counts_once,
    trying_a_thousand_numbers_reveals_nothing,
    a_proof_ends_with_the_records_contact_data,
    a_number_that_changed_hands_is_its_new_owners,
    a_known_customer_is_told_their_own_orders_only,
    an_id_of_the_platform_is_no_phone,
    only_who_is_known_is_told_orders_without_asking,
];

fn shop() -> ShopId {
    ShopId::new("highbarn").expect("key")
}

fn customer(id: &str, email: &str, postcode: &str, phone: Option<&str>) -> Customer {
    Customer {
        id: CustomerId::new(id).expect("key"),
        name: "Ann Example".into(),
        email: email.into(),
        postcode: postcode.into(),
        phone: phone.map(Into::into),
    }
}

fn order(number: &str, customer: &str) -> Order {
    let price = Money {
        minor: 4_599,
        currency: "GBP".parse::<Currency>().expect("currency"),
    };
    Order {
        number: OrderNumber::new(number).expect("key"),
        customer_id: CustomerId::new(customer).expect("key"),
        placed_at: "2026-10-01T10:00:00Z".to_owned(),
        status: OrderStatus::Shipped,
        lines: vec![OrderLine {
            sku: Sku::new("HB-1").expect("key"),
            title: "Kettle".to_owned(),
            quantity: 1,
            unit_price: price,
        }],
        carrier: None,
        tracking: None,
        eta: None,
        total: price,
    }
}

async fn fill(store: &Store, customers: Vec<Customer>, orders: Vec<Order>) {
    store
        .customers()
        .put_many(&shop(), customers)
        .await
        .expect("customers");
    store
        .orders()
        .put_many(&shop(), orders)
        .await
        .expect("orders");
}

/// Ann with one order, and Bob with another.
async fn two_customers(store: &Store) {
    let customers = vec![
        customer("C-1", "ann@example.com", "BS1 4DJ", None),
        customer("C-2", "bob@example.com", "M1 1AE", Some("+447700900124")),
    ];
    fill(
        store,
        customers,
        vec![order("HB-70417", "C-1"), order("HB-70418", "C-2")],
    )
    .await;
}

/// A conversation, remembering what the core would.
struct Talk<'a> {
    store: &'a Store,
    channel: Channel,
    address: String,
    name: String,
    said: u32,
    at_ms: i64,
    customer: Option<CustomerId>,
    identity: Identity,
}

impl<'a> Talk<'a> {
    fn new(store: &'a Store, name: &str) -> Self {
        Self {
            store,
            channel: Channel::Webchat,
            address: format!("visitor-{name}"),
            name: name.to_owned(),
            said: 0,
            at_ms: NOW_MS,
            customer: None,
            identity: Identity::default(),
        }
    }

    fn from(mut self, address: &str) -> Self {
        self.address = address.to_owned();
        self
    }

    fn phone(mut self, address: &str) -> Self {
        self.channel = Channel::Whatsapp;
        self.from(address)
    }

    async fn says(&mut self, words: &str) -> String {
        self.means(words, None).await
    }

    /// Says something; the plan names an order.
    async fn means(&mut self, words: &str, order: Option<&str>) -> String {
        let answer = self.ask(words, order, false).await.expect("an answer");
        if answer.proof.ended {
            self.customer = None;
        }
        self.identity.wrong += u32::from(answer.proof.wrong);
        self.identity.given = answer.proof.given;
        match answer.outcome {
            Outcome::IdentityNeeded => "identity needed".to_owned(),
            Outcome::NotFound => "not found".to_owned(),
            Outcome::Person => "a person".to_owned(),
            Outcome::Orders(customer, orders) => {
                self.customer = Some(customer);
                self.identity.stamp = answer.proof.stamp;
                numbers(&orders)
            }
        }
    }

    /// Returns the orders that are told unasked when the customer says something.
    async fn is_told(&mut self, words: &str, order: Option<&str>) -> Option<String> {
        match self.ask(words, order, true).await?.outcome {
            Outcome::Orders(_, orders) => Some(numbers(&orders)),
            _ => None,
        }
    }

    async fn ask(&mut self, words: &str, order: Option<&str>, is_own: bool) -> Option<Finding> {
        self.said += 1;
        let attempt = format!("{}/{}", self.name, self.said);
        let (words, address) = (
            Personal::new(words.to_owned()),
            Personal::new(self.address.clone()),
        );
        let question = Question {
            order,
            words: &words,
            customer: self.customer.as_ref(),
            identity: &self.identity,
            attempt: &attempt,
            channel: self.channel,
            address: &address,
            at_ms: self.at_ms,
            latest: if is_own { 2 } else { 1 },
        };
        if is_own {
            let found = look_up_own(self.store, &shop(), &question).await;
            return found.expect("an answer");
        }
        let answer = look_up(self.store, &shop(), &question).await;
        Some(answer.expect("an answer"))
    }
}

fn numbers(orders: &[Versioned<Order>]) -> String {
    let numbers: Vec<&str> = orders.iter().map(|o| o.value.number.as_str()).collect();
    numbers.join(" ")
}

async fn any_countrys_codes_prove(env: Env) {
    let written: &[(&str, &[&str])] = &[
        (
            "SW1A 1AA",
            &["SW1A 1AA", "sw1a1aa", "it is sw1a 1aa, London"],
        ),
        ("10115", &["10115", "10115 Berlin", "D-10115 Berlin"]),
        ("1234 AB", &["1234 AB", "1234ab", "in 1234 ab Utrecht"]),
        ("94103", &["94103", "CA 94103", "zip is 94103-1234"]),
        ("94103-1234", &["94103-1234", "941031234", "94103 1234"]),
        (
            "D02 AF30",
            &["D02 AF30", "d02af30", "my eircode's D02 AF30."],
        ),
        ("1000-205", &["1000-205", "1000 205 Lisboa", "1000205"]),
        (
            "100-0001",
            &["100-0001", "〒100-0001", "〒１００－０００１", "1000001"],
        ),
        ("110001", &["110001", "110 001", "New Delhi 110 001 please"]),
    ];
    for (place, (postcode, forms)) in written.iter().enumerate() {
        let id = format!("C-{place}");
        let email = format!("ann{place}@example.com");
        let number = format!("HB-7041{place}");
        fill(
            &env.store,
            vec![customer(&id, &email, postcode, None)],
            vec![order(&number, &id)],
        )
        .await;
        for (at, form) in forms.iter().enumerate() {
            let mut talk = Talk::new(&env.store, &format!("{place}-{at}"));
            let words = format!("Where is {number}? My e-mail is {email}, {form}");
            assert_eq!(talk.says(&words).await, number, "{words}");
            let mut talk = Talk::new(&env.store, &format!("{place}-{at}-later"));
            talk.says(&format!("Where is {number}? {email}")).await;
            assert_eq!(talk.says(form).await, number, "{form} alone");
        }
    }
}

async fn order_numbers_of_any_shape_prove(env: Env) {
    let written: &[(&str, &[&str])] = &[
        ("#A-2291", &["#A-2291", "a2291", "order A 2291"]),
        (
            "2024/00017",
            &["2024/00017", "2024-00017", "number 202400017."],
        ),
        (
            "ORD 55 12",
            &["ORD 55 12", "ord-5512", "my order ord 55 12 please"],
        ),
        ("17", &["17", "order no. 17"]),
        ("W#1203", &["W#1203", "w1203"]),
        ("INVOICE-2026-9", &["invoice-2026-9"]),
    ];
    let ann = customer("C-1", "ann@example.com", "94103", None);
    let orders = written
        .iter()
        .map(|(number, _)| order(number, "C-1"))
        .collect();
    fill(&env.store, vec![ann], orders).await;
    for (number, forms) in written {
        for form in *forms {
            let mut talk = Talk::new(&env.store, form);
            let words = format!("where is {form}\n94103, Ann@Example.com");
            assert_eq!(talk.says(&words).await, *number, "{words}");
        }
    }
}

async fn a_postcode_of_five_digits_is_no_order_number(env: Env) {
    let ann = customer("C-1", "ann@example.com", "10115", Some("+4915112345678"));
    fill(&env.store, vec![ann], vec![order("70417", "C-1")]).await;
    let mut stranger = Talk::new(&env.store, "a");
    assert_eq!(
        stranger
            .means("where is my order? 10115", Some("10115"))
            .await,
        "identity needed"
    );
    assert_eq!(
        stranger
            .means("ann@example.com, 70417", Some("70417"))
            .await,
        "70417"
    );
    let mut known = Talk::new(&env.store, "b").phone("4915112345678");
    let words = "where is my order? I live in 10115 Berlin";
    assert_eq!(known.means(words, Some("10115")).await, "70417");
    assert_eq!(known.means("and 70499?", Some("70499")).await, "not found");
}

async fn wrong_and_half_right_proofs_are_answered_alike(env: Env) {
    two_customers(&env.store).await;
    let numbers = ["", "HB-70417", "HB-70418", "HB-99999"];
    let emails = ["ann@example.com", "bob@example.com", "nobody@example.com"];
    let postcodes = ["", "BS1 4DJ", "M1 1AE", "ZZ1 1ZZ"];
    let right = [
        ("HB-70417", "ann@example.com", "BS1 4DJ"),
        ("HB-70418", "bob@example.com", "M1 1AE"),
    ];
    let mut tried = 0;
    for number in numbers {
        for email in emails {
            for postcode in postcodes {
                if number.is_empty() && postcode.is_empty() {
                    continue;
                }
                let mut talk = Talk::new(&env.store, &tried.to_string());
                // An hour apart, so that no limit is met.
                tried += 1;
                talk.at_ms += tried * 61 * MINUTE_MS;
                let answer = talk.says(&format!("{number} {email} {postcode}")).await;
                if right.contains(&(number, email, postcode)) {
                    assert_eq!(answer, number);
                } else {
                    assert_eq!(answer, "not found", "{number} {email} {postcode}");
                    assert_eq!(talk.identity.wrong, 1);
                }
                // What is written next without details is answered alike, too.
                if talk.customer.is_none() {
                    assert_eq!(talk.says("it is mine, tell me").await, "identity needed");
                }
            }
        }
    }
    for words in [
        "HB-70417",
        "HB-99999",
        "BS1 4DJ",
        "ZZ1 1ZZ",
        "ann@example.com",
        "x@example.com",
    ] {
        let mut talk = Talk::new(&env.store, words);
        assert_eq!(talk.says(words).await, "identity needed", "{words}");
        assert_eq!(talk.identity.wrong, 0, "nothing was compared");
    }
}

async fn details_may_come_one_by_one_in_any_order(env: Env) {
    two_customers(&env.store).await;
    let details = ["hb 70417", "Ann@example.com", "bs14dj"];
    for (first, second, third) in [
        (0, 1, 2),
        (0, 2, 1),
        (1, 0, 2),
        (1, 2, 0),
        (2, 0, 1),
        (2, 1, 0),
    ] {
        let mut talk = Talk::new(&env.store, &format!("{first}{second}{third}"));
        talk.at_ms += (first * 10 + second) as i64 * 61 * MINUTE_MS;
        assert_eq!(talk.says("where is my order?").await, "identity needed");
        talk.says(details[first]).await;
        talk.says(details[second]).await;
        assert_eq!(talk.says(details[third]).await, "HB-70417");
        assert!(
            talk.identity.given.is_empty(),
            "nothing is kept of a proof that is made"
        );
    }
}

async fn a_conversation_remembers_what_a_proof_needs_and_no_more(env: Env) {
    two_customers(&env.store).await;
    let mut talk = Talk::new(&env.store, "a");
    let guesses: Vec<String> = (10_000..10_011).map(|code| code.to_string()).collect();
    talk.says(&format!("ann@example.com {}", guesses.join(" ")))
        .await;
    let is_email = |detail: &&mercer_schemas::Detail| detail.key.expose().contains('@');
    let given = &talk.identity.given;
    assert_eq!(given.len(), mercer_conversation::bounds::PROOF_DETAILS_MAX);
    assert_eq!(given.iter().filter(is_email).count(), 1);
}

async fn a_wrong_detail_is_not_carried_into_later_messages(env: Env) {
    two_customers(&env.store).await;
    let mut talk = Talk::new(&env.store, "a");
    assert_eq!(talk.says("HB-70500, ann@example.com").await, "not found");
    // The number becomes right only now; it was wrong when it was given.
    fill(&env.store, Vec::new(), vec![order("HB-70500", "C-1")]).await;
    assert_eq!(talk.says("BS1 4DJ").await, "not found");
    assert_eq!(talk.says("HB-70500").await, "HB-70500");
}

async fn the_sixth_wrong_proof_goes_to_a_person(env: Env) {
    two_customers(&env.store).await;
    let mut talk = Talk::new(&env.store, "a");
    for guess in 1..=5 {
        let words = format!("HB-70417 ann@example.com ZZ{guess} 1ZZ");
        assert_eq!(talk.says(&words).await, "not found");
    }
    assert_eq!(
        talk.says("HB-70417 ann@example.com ZZ6 1ZZ").await,
        "a person"
    );
    let right = "HB-70417 ann@example.com BS1 4DJ";
    assert_eq!(
        talk.says(right).await,
        "a person",
        "a right one is not compared either"
    );
    assert_eq!(talk.identity.wrong, 5);
    assert_eq!(Talk::new(&env.store, "b").says(right).await, "HB-70417");
}

async fn an_address_has_ten_wrong_proofs_an_hour_over_all_conversations(env: Env) {
    two_customers(&env.store).await;
    let wrong = |at: i32| format!("HB-8{at:04} a{at}@example.com");
    for at in 0..10 {
        let mut talk = Talk::new(&env.store, &format!("a{at}")).from("one");
        talk.at_ms += i64::from(at) * MINUTE_MS;
        assert_eq!(talk.says(&wrong(at)).await, "not found");
    }
    // The count outlives the process and is the same for every node.
    let again = Store::open(&StoreConfig::new(&env.url))
        .await
        .expect("store");
    let right = "HB-70417 ann@example.com BS1 4DJ";
    let mut talk = Talk::new(&again, "b").from("one");
    talk.at_ms += 10 * MINUTE_MS;
    assert_eq!(talk.says(right).await, "a person");
    let mut other = Talk::new(&again, "c").from("two");
    other.at_ms = talk.at_ms;
    assert_eq!(
        other.says(right).await,
        "HB-70417",
        "another address is free"
    );
    let mut later = Talk::new(&again, "d").from("one");
    later.at_ms += 61 * MINUTE_MS;
    assert_eq!(
        later.says(right).await,
        "HB-70417",
        "an hour after the first one"
    );
}

async fn a_record_has_ten_wrong_proofs_an_hour_over_all_addresses(env: Env) {
    two_customers(&env.store).await;
    let attack = async |name: &str, number: &str| {
        let mut answers = Vec::new();
        for at in 0..12 {
            let mut talk = Talk::new(&env.store, &format!("{name}{at}"));
            // The number first, the guess in a message of its own.
            answers.push(talk.says(&format!("where is {number}?")).await);
            answers.push(talk.says(&format!("{name}{at}@example.com BS1 4DJ")).await);
        }
        answers
    };
    let of_real = attack("r", "HB-70417").await;
    let of_none = attack("n", "HB-99999").await;
    assert_eq!(
        of_real, of_none,
        "the limit does not tell which number is real"
    );
    assert_eq!(
        of_real
            .iter()
            .filter(|answer| *answer == "not found")
            .count(),
        10
    );
    assert_eq!(of_real.last().map(String::as_str), Some("a person"));
    // The same for a customer whose e-mail address is known.
    let mut answers = Vec::new();
    for at in 0..12 {
        let mut talk = Talk::new(&env.store, &format!("e{at}"));
        answers.push(
            talk.says(&format!("bob@example.com HB-6{at:04} M1 1AE"))
                .await,
        );
    }
    assert_eq!(
        answers
            .iter()
            .filter(|answer| *answer == "not found")
            .count(),
        10
    );
    assert_eq!(answers.last().map(String::as_str), Some("a person"));
    // Neighbours share a postcode, and are not locked out with each other.
    let ann = Talk::new(&env.store, "ann")
        .says("where is it? BS1 4DJ")
        .await;
    assert_eq!(ann, "identity needed");
    let carol = customer("C-3", "carol@example.com", "M1 1AE", None);
    fill(&env.store, vec![carol], vec![order("HB-70419", "C-3")]).await;
    let told = Talk::new(&env.store, "carol")
        .says("HB-70419 carol@example.com M1 1AE")
        .await;
    assert_eq!(told, "HB-70419");
}

async fn tries_at_the_same_moment_do_not_pass_the_limit_together(env: Env) {
    two_customers(&env.store).await;
    let tries = (0..30).map(|at| {
        let store = env.store.clone();
        tokio::spawn(async move {
            let mut talk = Talk::new(&store, &format!("t{at}")).from("one");
            talk.says(&format!("HB-8{at:04} a{at}@example.com")).await
        })
    });
    let tries: Vec<_> = tries.collect();
    let mut wrong = 0;
    for answer in tries {
        wrong += u32::from(answer.await.expect("answer") == "not found");
    }
    assert_eq!(wrong, 10);
}

async fn a_try_that_runs_again_counts_once(env: Env) {
    two_customers(&env.store).await;
    for _ in 0..20 {
        // A new conversation under the same name: the same attempt, as after a crash.
        let mut talk = Talk::new(&env.store, "a");
        assert_eq!(
            talk.says("HB-70417 ann@example.com ZZ1 1ZZ").await,
            "not found"
        );
    }
}

async fn trying_a_thousand_numbers_reveals_nothing(env: Env) {
    let ann = customer("C-1", "ann@example.com", "BS1 4DJ", None);
    let numbers: Vec<String> = (0..1_000).map(|at| format!("HB-7{at:04}")).collect();
    let attack = async |name: &str| {
        let mut answers = Vec::new();
        for (at, some) in numbers.chunks(4).enumerate() {
            // The attacker changes conversation and address at will, and knows the postcode.
            let mut talk = Talk::new(&env.store, &format!("{name}{at}"));
            answers.push(talk.says(&some.join(", ")).await);
            let words = format!("{} mallory{at}@example.com BS1 4DJ", some.join(", "));
            answers.push(talk.says(&words).await);
        }
        answers
    };
    fill(&env.store, vec![ann], Vec::new()).await;
    let of_none = attack("a").await;
    let orders = numbers
        .iter()
        .step_by(2)
        .map(|number| order(number, "C-1"))
        .collect();
    fill(&env.store, Vec::new(), orders).await;
    assert_eq!(attack("b").await, of_none);
}

async fn a_proof_ends_with_the_records_contact_data(env: Env) {
    let ann = |email: &str, postcode: &str, phone| vec![customer("C-1", email, postcode, phone)];
    fill(
        &env.store,
        ann("ann@example.com", "BS1 4DJ", None),
        vec![order("HB-70417", "C-1")],
    )
    .await;
    let right = "HB-70417 ann@example.com BS1 4DJ";
    let changes = [
        ann("ann@example.org", "BS1 4DJ", None),
        ann("ann@example.com", "BS1 4DK", None),
        ann("ann@example.com", "BS1 4DJ", Some("+447700900199")),
    ];
    for (at, changed) in changes.into_iter().enumerate() {
        fill(
            &env.store,
            ann("ann@example.com", "BS1 4DJ", None),
            Vec::new(),
        )
        .await;
        let mut talk = Talk::new(&env.store, &format!("a{at}"));
        assert_eq!(talk.says(right).await, "HB-70417");
        assert_eq!(talk.says("and when does it come?").await, "HB-70417");
        fill(&env.store, changed, Vec::new()).await;
        assert_eq!(talk.says("and now?").await, "identity needed");
        assert_eq!(talk.customer, None);
    }
}

async fn a_number_that_changed_hands_is_its_new_owners(env: Env) {
    two_customers(&env.store).await;
    let mut talk = Talk::new(&env.store, "a").phone("447700900124");
    assert_eq!(talk.says("where is my order?").await, "HB-70418");
    let customers = vec![
        customer("C-1", "ann@example.com", "BS1 4DJ", Some("+447700900124")),
        customer("C-2", "bob@example.com", "M1 1AE", None),
    ];
    fill(&env.store, customers, Vec::new()).await;
    assert_eq!(
        talk.means("and HB-70418?", Some("HB-70418")).await,
        "not found"
    );
    assert_eq!(talk.says("where is my order?").await, "HB-70417");
    // A number that nobody has any more proves nothing, and what it proved is over.
    let customers = vec![customer("C-1", "ann@example.com", "BS1 4DJ", None)];
    fill(&env.store, customers, Vec::new()).await;
    assert_eq!(talk.says("where is my order?").await, "identity needed");
}

async fn a_known_customer_is_told_their_own_orders_only(env: Env) {
    two_customers(&env.store).await;
    fill(&env.store, Vec::new(), vec![order("HB-70420", "C-2")]).await;
    let mut bob = Talk::new(&env.store, "a").phone("447700900124");
    assert_eq!(
        bob.means("where is HB-70418?", Some("HB-70418")).await,
        "HB-70418"
    );
    assert_eq!(
        bob.means("who brings it?", Some("HB-70418")).await,
        "HB-70418"
    );
    for others in ["HB-70417", "HB-99999"] {
        let words = format!("my neighbour's order {others}?");
        assert_eq!(bob.means(&words, Some(others)).await, "not found");
    }
    assert_eq!(
        bob.identity.wrong, 0,
        "naming a number proves nothing, right or wrong"
    );
    assert_eq!(
        bob.says("bob@example.com, M1 1AE: HB-70420?").await,
        "HB-70420"
    );
    // Somebody else's details count, whoever writes.
    assert_eq!(
        bob.says("HB-70417 ann@example.com M1 1AE").await,
        "not found"
    );
    assert_eq!(
        bob.says("HB-70417 ann@example.com BS1 4DJ").await,
        "HB-70417"
    );
}

async fn an_id_of_the_platform_is_no_phone(env: Env) {
    let no_phone = customer("C-1", "", "", Some("CO.104712345678"));
    let phone_only = customer("C-2", "", "", Some("+104712345678"));
    fill(
        &env.store,
        vec![no_phone, phone_only],
        vec![order("HB-1", "C-1"), order("HB-2", "C-2")],
    )
    .await;
    let mut by_id = Talk::new(&env.store, "a").phone("CO.104712345678");
    assert_eq!(by_id.says("where is my order?").await, "identity needed");
    let mut by_phone = Talk::new(&env.store, "b").phone("104712345678");
    assert_eq!(by_phone.says("where is my order?").await, "HB-2");
    // Nothing proves to be somebody of whom nothing is known.
    let mut stranger = Talk::new(&env.store, "c");
    for words in ["HB-2", "HB-2 x@example.com 1234", "HB-2 @ - ''"] {
        assert_ne!(stranger.says(words).await, "HB-2", "{words}");
    }
}

async fn only_who_is_known_is_told_orders_without_asking(env: Env) {
    two_customers(&env.store).await;
    fill(&env.store, Vec::new(), vec![order("HB-70420", "C-2")]).await;
    // By the address.
    let mut bob = Talk::new(&env.store, "a").phone("447700900124");
    let both = bob.is_told("a kettle of 2 litres", None).await;
    let both = both.expect("orders");
    assert_eq!(both.split(' ').count(), 2, "{both}");
    let one = bob.is_told("who brings HB-70418?", None).await;
    assert_eq!(one.as_deref(), Some("HB-70418"));
    // Of one that was told before, unless another is written.
    let told_before = bob.is_told("who brings it?", Some("HB-70418")).await;
    assert_eq!(told_before.as_deref(), Some("HB-70418"));
    assert_eq!(bob.is_told("and HB-70420?", Some("HB-70418")).await, None);
    let written = bob.is_told("and HB-70420?", None).await;
    assert_eq!(written.as_deref(), Some("HB-70420"));
    for others in ["HB-70417", "HB-99999", "70417"] {
        let words = format!("my neighbour's order {others}?");
        for told in [None, Some("HB-70418")] {
            assert_eq!(bob.is_told(&words, told).await, None, "{words}");
        }
    }
    assert_eq!(bob.is_told("ann@example.com here", None).await, None);
    // By a proof, and by nothing that could be one.
    let mut ann = Talk::new(&env.store, "b");
    let proof = "HB-70417 ann@example.com BS1 4DJ";
    assert_eq!(ann.is_told(proof, None).await, None);
    assert_eq!(ann.says(proof).await, "HB-70417");
    let known = ann.is_told("and now?", None).await;
    assert_eq!(known.as_deref(), Some("HB-70417"));
    // Who begins to prove to be somebody else goes on with that.
    assert_eq!(
        bob.says("ann@example.com HB-70417").await,
        "not found",
        "without the postcode"
    );
    assert_eq!(bob.is_told("do you have tents?", None).await, None);
    assert_eq!(bob.says("ann@example.com, BS1 4DJ").await, "HB-70417");
    // A proof that holds no more is found when the next message is looked up.
    let moved = customer("C-1", "ann@example.com", "M1 1AE", None);
    fill(&env.store, vec![moved], Vec::new()).await;
    let finding = ann.ask("and now?", None, true).await.expect("a finding");
    assert!(finding.proof.ended);
    assert!(matches!(finding.outcome, Outcome::IdentityNeeded));
}
