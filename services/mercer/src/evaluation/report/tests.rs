//! What a report sums up, and how it is written.

use mercer_schemas::Plan;

use super::*;

fn turn(dialogue: &str, number: usize, kind: &str, fault: Option<&str>) -> TurnResult {
    TurnResult {
        dialogue: dialogue.to_owned(),
        turn: number,
        kind: (!kind.is_empty()).then(|| kind.to_owned()),
        customer: format!("{dialogue} asks <b>{number}</b> & more"),
        right: fault.is_none(),
        grounded: true,
        faults: fault.into_iter().map(str::to_owned).collect(),
        tools: Vec::new(),
        plan: Plan::default(),
        intents: Vec::new(),
        found: Vec::new(),
        blocked: Vec::new(),
        replies: vec!["\"Yes\"\u{1}".to_owned()],
        handed_over: false,
        ms: 1_200,
    }
}

fn report() -> Report {
    let good = vec![turn("good", 1, "price", None), turn("good", 2, "", None)];
    let bad = vec![
        turn("bad", 1, "price", None),
        turn(
            "bad",
            2,
            "policy",
            Some("contains: the reply lacks `<free>`"),
        ),
    ];
    Report::of(vec![good, bad], "small".to_owned())
}

#[test]
fn turns_and_whole_dialogues_are_counted() {
    let report = report();
    assert_eq!((report.dialogues_right, report.dialogues), (1, 2));
    assert_eq!((report.turns_right, report.turns), (3, 4));
    let text = report.text();
    assert!(
        text.contains("1 of 2 dialogues right throughout (50.0 %)"),
        "{text}"
    );
    assert!(text.contains("3 of 4 turns right (75.0 %)"), "{text}");
}

#[test]
fn a_kind_has_its_rate_and_interval() {
    let report = report();
    let rates: Vec<_> = report
        .kinds
        .iter()
        .map(|rate| (rate.kind.as_str(), rate.right, rate.turns))
        .collect();
    assert_eq!(rates, [("policy", 0, 1), ("price", 2, 2)]);
}

#[test]
fn intervals_are_wilsons() {
    let rounded = |right, all| {
        let (low, high) = wilson(right, all);
        ((low * 1e4).round() / 1e4, (high * 1e4).round() / 1e4)
    };
    // Values of an independent calculation.
    assert_eq!(rounded(0, 0), (0.0, 1.0));
    assert_eq!(rounded(0, 10), (0.0, 0.2775));
    assert_eq!(rounded(10, 10), (0.7225, 1.0));
    assert_eq!(rounded(5, 10), (0.2366, 0.7634));
    assert_eq!(rounded(99, 127), (0.6998, 0.8428));
}

#[test]
fn the_page_shows_failures_first_and_needs_nothing_else() {
    let page = report().html();
    let place = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| panic!("{text} in {page}"))
    };
    assert!(place("<h3>bad</h3>") < place("By kind"));
    assert!(place("By kind") < place("<h3>good</h3>"));
    assert!(page.contains("the reply lacks `&lt;free&gt;`"));
    assert!(page.contains("bad asks &lt;b&gt;2&lt;/b&gt; &amp; more"));
    assert!(page.contains("1 of 2 (50.0 %)") && page.contains("3 of 4 (75.0 %)"));
    for outside in ["<script", "<link", "http:", "https:", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn junit_has_a_suite_for_each_dialogue_and_a_case_for_each_turn() {
    let xml = report().junit();
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mercer eval dialogues\" tests=\"4\" failures=\"1\" errors=\"0\" time=\"4.800\">"), "{xml}");
    assert!(xml.contains("<testsuite name=\"bad\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"2.400\">"), "{xml}");
    assert!(
        xml.contains("<testcase classname=\"good\" name=\"turn 1 (price)\" time=\"1.200\"/>"),
        "{xml}"
    );
    assert!(
        xml.contains(
            "<failure type=\"expectation\" message=\"contains: the reply lacks `&lt;free&gt;`\">"
        ),
        "{xml}"
    );
    assert_eq!(xml.matches("<testsuite ").count(), 2);
    assert_eq!(xml.matches("<testcase ").count(), 4);
    assert_eq!(xml.matches("</testcase>").count(), 1);
    assert!(!xml.contains('\u{1}'));
}
