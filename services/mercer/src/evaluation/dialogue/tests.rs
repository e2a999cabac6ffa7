//! Reading dialogue files, and what is said of wrong ones.

use super::*;

fn read_text(text: &str) -> anyhow::Result<Dialogue> {
    parse(Path::new("a.yaml"), text)
}

#[test]
fn a_file_of_before_reads_as_it_did() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/dialogues");
    let dialogues = read(&fixtures).expect("dialogues");
    assert!(dialogues.len() > 100, "{}", dialogues.len());
    let kinds = dialogues.iter().flat_map(|dialogue| &dialogue.turns);
    assert!(kinds.filter(|turn| turn.kind.is_some()).count() == 0);
}

#[test]
fn a_file_may_say_all_that_can_be_expected() {
    let dialogue = read_text(
        "name: all
customer: { whatsapp: '+447700900123' }
turns:
  - customer: Can I return it?
    kind: policy_more
    expect:
      tools: [search_policies]
      evidence: [policy:returns]
      facts: [policy:returns.text]
      quotes: [{ policy: returns, sentence: Sending it back is free. }]
      handoff: false
      reply: true
      contains: [free, /label|box/]
      not_contains: [/£\\d/]
      forbid: ['28 days']
      any_of: [{ contains: [a] }, { contains: [b] }]
",
    )
    .expect("a dialogue");
    let turn = &dialogue.turns[0];
    assert_eq!(
        turn.kind.as_ref().map(|kind| kind.0.as_str()),
        Some("policy_more")
    );
    assert_eq!(turn.expect.any_of.len(), 2);
    assert!(matches!(
        turn.expect.contains[..],
        [Wording::Text(_), Wording::Pattern(_)]
    ));
    assert!(!turn.expect.is_empty());
}

#[test]
fn what_is_wrong_is_named_with_file_line_turn_and_field() {
    let two = |turn: &str| format!("name: a\nturns:\n  - customer: hi\n  - customer: ho\n{turn}");
    for (turn, told) in [
        (
            "    expect:\n      facts:\n        - product:K-1.price\n        - K-1.price\n",
            "a.yaml:8:11: turn 2: expect.facts[1]: `K-1.price`: expected product:ID,",
        ),
        (
            "    expect:\n      facts: [product]\n",
            "a.yaml:6:15: turn 2: expect.facts[0]: `product`: expected RECORD.FIELD",
        ),
        (
            "    expect:\n      evidence: [thing:1]\n",
            "a.yaml:6:18: turn 2: expect.evidence[0]: `thing:1`: expected product:ID,",
        ),
        (
            "    expect:\n      contains: [yes, /(/]\n",
            "a.yaml:6:23: turn 2: expect.contains[1]: `/(/`: error: unclosed group",
        ),
        (
            "    expect:\n      fact: [a]\n",
            "a.yaml:6:7: turn 2: expect: unknown field `fact`, expected one of `tools`",
        ),
        (
            "    expect:\n      handoff: perhaps\n",
            "a.yaml:6:16: turn 2: expect.handoff: invalid type",
        ),
        (
            "    kind: Two Words\n",
            "a.yaml:5:11: turn 2: kind: `Two Words`: expected 1 to 40 of a-z",
        ),
        (
            "    expect:\n      any_of: []\n",
            "a.yaml:6:15: turn 2: expect.any_of: expected at least one alternative",
        ),
        (
            "    expect:\n      any_of: [{ reply: true }, {}]\n",
            "a.yaml:6:15: turn 2: expect.any_of: alternative 2 expects nothing",
        ),
        (
            "    expect:\n      any_of: [{ any_of: [{ reply: true }] }]\n",
            "a.yaml:6:15: turn 2: expect.any_of: alternative 1: any_of cannot stand in any_of",
        ),
        (
            "    expect:\n      quotes: [{ policy: returns }]\n",
            "a.yaml:6:16: turn 2: expect.quotes[0]: missing field `sentence`",
        ),
    ] {
        let error = read_text(&two(turn)).err().expect("an error").to_string();
        assert!(error.starts_with(told), "{turn}\n{error}");
    }
}

#[test]
fn a_dialogue_without_turns_is_refused() {
    let error = read_text("name: a\nturns: []\n").err().expect("an error");
    assert_eq!(
        error.to_string(),
        "a.yaml: turns: a dialogue needs at least one"
    );
}
