//! Addresses, however they are written, and text that only looks like one.

use proptest::prelude::*;

use crate::{broken, everything};

#[test]
fn tricks_with_addresses_are_seen() {
    for trick in [
        "https://evil.example/x",
        "http://evil.example",
        "HTTPS://EVIL.EXAMPLE",
        "https://shop.example.evil.example",
        "https://shop.example:x@evil.example/",
        "https://shop.example@evil.example/",
        "https://user:secret@shop.example/",
        "https://shop.example:8443/",
        "https://shop.example/\"https://evil.example/x",
        "https://shop.example/<https://evil.example/x>",
        "https://shop.example/https://evil.example/x",
        "https://shop.example/?to=https://evil.example",
        "https://shop.example/?to=evil.example",
        "https://shop.example/?to=www.evil.example",
        "https://shop.example/?to=%2f%2fevil.example",
        "https://shop.example\\@evil.example/",
        "https://evil.example\\@shop.example/",
        "https:\\\\evil.example",
        "https:/evil.example",
        "https:evil.example",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "https://evil.example#@shop.example",
        "https://evil.example?shop.example",
        "https://evil.example.",
        "https://evil%2eexample/",
        "https://еvil.example/",
        "https://shop.examplе/",
        "https://shор.example/",
        "https://xn--shp-tlc.example/",
        "https://ｅｖｉｌ.example/",
        "https://evil。example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://3221225985/",
        "https://localhost/",
        "https://shop.example{{p1.name}}/",
        "https://{{p1.name}}.evil.example/",
        "see:https://shop.example",
        "shop.example,https://evil.example",
        "evil.example",
        "evil.example/x",
        "Evil.Example",
        "evil.example.",
        "(evil.example)",
        "*evil.example*",
        "\"evil.example\"",
        "evil\u{200b}.example",
        "ev\u{ad}il.example",
        "evil\u{2060}.exam\u{feff}ple",
        "evil。example",
        "ｅｖｉｌ．ｅｘａｍｐｌｅ",
        "evil.examplе",
        "bit.ly/x",
        "t.co/abc",
        "evil.com",
        "www.evil",
        "www.evil.example",
        "WWW.evil.example",
        "evil.xn--p1ai",
        "кто.рф",
        "evil.co.uk:8080/x",
        "shop.example.evil.com",
        "shop-example.com",
        "help@evil.example",
        "shop.example@evil.example",
        "mailto:help@evil.example",
        "tel:+447700900001",
        "sms:+447700900001",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\u{200b}script:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "whatsapp://send?x",
        "intent://x",
        "[here](evil)",
        "![x](y)",
        "[shop](https://shop.example)",
    ] {
        for text in [
            format!("See {trick}"),
            format!("{trick}"),
            format!("Go: {trick} now"),
        ] {
            let rules = broken(&text, &everything(), "");
            assert!(
                rules.contains(&"link_not_allowed".to_owned()),
                "{text}: {rules:?}"
            );
        }
    }
}

#[test]
fn ordinary_text_is_no_address() {
    for text in [
        "See https://shop.example/kettles?colour=red#top.",
        "See (https://shop.example/kettles).",
        "See HTTPS://Shop.Example.",
        "See http://help.shop.example/a-b_c/",
        "See shop.example, or www.shop.example/x!",
        "Write to help@shop.example.",
        "I found nothing for ann@mail.example.",
        "It is for tea, e.g. green, i.e. no coffee, etc. and so on.",
        "It is Arden Ltd.The kettle holds 1.7 l.",
        "Read the manual.pdf, it is short.",
        "A. B. Smith, Ph.D. said so at noon... or not.",
        "Note: this one; and/or that one - the {{p1.name}}.",
        "Price:{{p1.price}}",
        "Hm...well.",
        "U.K. and U.S.A. plugs",
        "Emoji 👩‍👩‍👧 ❤️ too.",
    ] {
        let rules = broken(text, &everything(), "my address is Ann@mail.example");
        assert!(
            !rules.contains(&"link_not_allowed".to_owned()),
            "{text}: {rules:?}"
        );
    }
}

proptest! {
    #[test]
    fn no_host_but_the_shops_is_linked(
        scheme in prop::sample::select(vec!["https://", "http://", "//", "www.", ""]),
        user in prop::sample::select(vec!["", "shop.example@", "shop.example:x@", "a:b@"]),
        host in "[a-z]{1,8}(\\.shop)?\\.(example|com|io|co\\.uk)",
        tail in "[/?#][a-z.]{0,6}",
    ) {
        let text = format!("See {scheme}{user}{host}{tail}");
        prop_assume!(host != "shop.example" && !host.ends_with(".shop.example"));
        let rules = broken(&text, &[], "");
        prop_assert!(rules.contains(&"link_not_allowed".to_owned()), "{}", text);
    }
}
