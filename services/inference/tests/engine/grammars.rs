//! Odd and hostile grammars: each ends its own request at most, never the process.

use futures::{StreamExt, stream};
use mercer_inference::{Error, Finish, GenerateRequest};

use super::*;

const ODD_GRAMMARS: usize = 1_000;

/// Lark sources that are wrong, extreme, or just strange.
fn odd_grammars() -> Vec<String> {
    let mut out: Vec<String> = [
        "",
        " ",
        "start",
        "start:",
        "start: ",
        "start: a",
        "start: start",
        "start: start \"a\"",
        "start: \"a\" start",
        "start: \"\"",
        "start: /a*/",
        "start: /(/",
        "start: /[/",
        "start: /a{999999999}/",
        "start: /(a{1000}){1000}/",
        "start: \"a\"{0,100000}",
        "start: \"\u{1F600}\"",
        "start: \"\\xff\"",
        "start: \"\u{0}\"",
        "start: \"<|end|>\"",
        "start: <|end|>",
        "start: <|user|>",
        "start: <nothing>",
        "start: <[0]>",
        "start: <[99999999]>",
        "start: /.*/",
        "start: /(?s:.*)/",
        "start: /\\p{L}+/",
        "start: /[^a]/",
        "start: /(?!a)b/",
        "start: /(?=a)a/",
        "start: ~\"a\"",
        "start: x\nx: y\ny: x",
        "start: (x|)* \nx: (\"a\"|)*",
        "start: x x x x x x x x\nx: x x | \"\"",
        "start: A\nA: B\nB: A",
        "start: \"a\" | \"b\" | ",
        "start: %json {\"type\":\"object\"}",
        "start: %json {\"type\":",
        "start: %json false",
        "%llguidance {}\nstart: \"x\"",
        "%llguidance {\"no_forcing\": true}\nstart: \"x\"",
        "%ignore /.*/\nstart: \"x\"",
        "start[max_tokens=0]: \"x\"",
        "start[temperature=9]: \"x\"",
        "start[capture]: \"x\"",
        "start: t\nt[max_tokens=2]: /.*/",
        "start: t \"!\"\nt[stop=\"b\"]: /.*/",
        "start: @other",
        "start: %regex {\"substring_words\":\"a b c\"}",
        "START: \"x\"",
        "start: \"a\"..\"z\"",
        "start: \"z\"..\"a\"",
        "start: \"a\" // note",
        "import x",
        "%import common.WORD\nstart: WORD",
        "%declare X\nstart: X",
        "start: \"a\"i",
        "start: \"a\"?\"b\"*\"c\"+",
        "start: \"a\"~3",
        "start: /a/ /a/ /a/",
        "\u{FEFF}start: \"a\"",
        "start: \"unclosed",
        "start: 'x'",
        "start: x\nx.2: \"a\"\n",
        "start: -> alias",
        "start: \"a\" -> b",
        "{}",
        "{\"grammars\":[]}",
    ]
    .map(str::to_owned)
    .to_vec();
    for size in [10, 100, 199, 201, 3000] {
        out.push(format!(
            "start: {}\"a\"{}",
            "(".repeat(size),
            ")".repeat(size)
        ));
        out.push(format!(
            "start: /{}a{}/",
            "(".repeat(size),
            ")".repeat(size)
        ));
        out.push(format!("start: \"{}\"", "(".repeat(size)));
        out.push(format!(
            "start: /\"/ {}\"a\"{}",
            "(".repeat(size),
            ")".repeat(size)
        ));
        out.push(format!("start: {}", vec!["\"ab\""; size].join(" | ")));
        let chain: String = (0..size).map(|n| format!("r{n}: r{}\n", n + 1)).collect();
        out.push(format!("start: r0\n{chain}r{size}: \"end\""));
        let terminals: String = (0..size)
            .map(|n| format!("T{n}: T{} \"x\"\n", n + 1))
            .collect();
        out.push(format!("start: T0\n{terminals}T{size}: \"end\""));
        out.push(format!("start: /{}/", "a?".repeat(size)));
        out.push(format!("start: /(a|aa)+{}/", "b".repeat(size)));
    }
    // Noise, grammars with a few characters changed, and grammars that may be anything but wrong, made from a fixed rule
    // so that a failure repeats.
    let alphabet: Vec<char> = "start:x|()[]{}*+?\"/\\\n ~<>%@.0az-é\u{200B}"
        .chars()
        .collect();
    let whole: Vec<Vec<char>> = out
        .iter()
        .filter(|source| (10..400).contains(&source.len()))
        .map(|source| source.chars().collect())
        .collect();
    let mut state = 7u64;
    let mut draw = |options: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % options
    };
    while out.len() < ODD_GRAMMARS {
        match out.len() % 4 {
            0 => {
                let noise: String = (0..40).map(|_| alphabet[draw(alphabet.len())]).collect();
                out.push(format!("start: \"a\" {noise}"));
                continue;
            }
            1 => {}
            _ => {
                out.push(format!("start: {}", expression(4, &mut draw)));
                continue;
            }
        }
        let mut source = whole[draw(whole.len())].clone();
        for _ in 0..1 + draw(3) {
            let at = draw(source.len());
            match draw(3) {
                0 => source[at] = alphabet[draw(alphabet.len())],
                1 => source.insert(at, alphabet[draw(alphabet.len())]),
                _ => {
                    source.remove(at);
                }
            }
        }
        out.push(source.into_iter().collect());
    }
    out
}

/// Draws what a rule may say: letters, choices, options and repetitions inside one another.
fn expression(depth: usize, draw: &mut dyn FnMut(usize) -> usize) -> String {
    if depth == 0 {
        let parts = [
            "\"a\"",
            "\"ab\"",
            "/[a-z]+/",
            "/[^b]/",
            "/\\d{1,3}/",
            "\"\u{1F600}\"",
            "\"\"",
            "/(a|ab)*c/",
        ];
        return parts[draw(parts.len())].to_owned();
    }
    let one = expression(depth - 1, draw);
    match draw(6) {
        0 => format!("({one})?"),
        1 => format!("({one})*"),
        2 => format!("({one})+"),
        3 => format!("({one}){{0,{}}}", draw(40)),
        4 => format!("({one} | {})", expression(depth - 1, draw)),
        _ => format!("{one} {}", expression(depth - 1, draw)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_odd_grammars_with_random_cancels_leave_the_engine_alive() {
    let fixture = engine();
    let outcomes: Vec<&str> = stream::iter(odd_grammars().into_iter().enumerate())
        .map(|(n, source)| outcome(&fixture.engine, n, source))
        // Fewer at once than the engine's queue holds, so that none is turned away.
        .buffer_unordered(8)
        .collect()
        .await;
    let count = |wanted: &str| {
        outcomes
            .iter()
            .filter(|&&outcome| outcome == wanted)
            .count()
    };
    assert_eq!(outcomes.len(), ODD_GRAMMARS);
    assert!(
        count("refused") > 200 && count("ended") > 300 && count("dropped") > 100,
        "{} refused, {} dropped, {} ended, {} failed",
        count("refused"),
        count("dropped"),
        count("ended"),
        count("failed")
    );
    assert_plan(
        &complete(
            &fixture.engine,
            planned("after", conversation("still there?")),
        )
        .await
        .text,
    );
}

/// Writes under a grammar; some are cancelled or dropped on the way.
async fn outcome(engine: &LlamaEngine, n: usize, source: String) -> &'static str {
    let request = GenerateRequest {
        grammar: Some(Grammar::Lark(source)),
        temperature: (n % 3) as f32,
        ..request(&format!("odd{n}"), conversation("what now"))
    };
    let generation = match engine.generate(request).await {
        Ok(generation) => generation,
        Err(Error::Grammar(_)) => return "refused",
        Err(error) => panic!("{n}: {error:?}"),
    };
    if n.is_multiple_of(5) {
        return "dropped";
    }
    if n.is_multiple_of(7) {
        generation.cancel_handle().cancel();
    }
    match generation.complete().await {
        Ok(_) => "ended",
        Err(Error::Matcher { .. }) => "failed",
        Err(error) => panic!("{n}: {error:?}"),
    }
}

#[tokio::test]
async fn a_grammar_that_does_not_compile_is_refused_at_submission_without_its_text() {
    let fixture = engine();
    let request = GenerateRequest {
        grammar: Some(Grammar::Lark("start: jane@example.org".to_owned())),
        ..request("bad", conversation("x"))
    };
    let error = fixture.engine.generate(request).await.unwrap_err();
    assert!(matches!(error, Error::Grammar(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("jane"));
}

#[tokio::test]
async fn a_json_schema_shapes_the_output() {
    let fixture = engine();
    let schema = r#"{"type":"object","properties":{"size":{"type":"integer","minimum":1,"maximum":9},"colour":{"enum":["red","blue"]}},
        "required":["size","colour"],"additionalProperties":false}"#;
    let request = GenerateRequest {
        grammar: Some(Grammar::JsonSchema(schema.to_owned())),
        max_tokens: 200,
        temperature: 1.0,
        ..request("schema", conversation("x"))
    };
    let done = complete(&fixture.engine, request).await;
    if done.finish == Finish::Stop {
        let value: serde_json::Value = serde_json::from_str(&done.text).unwrap();
        assert!((1..=9).contains(&value["size"].as_i64().unwrap()));
        assert!(["red", "blue"].contains(&value["colour"].as_str().unwrap()));
    } else {
        // A random model may fill the white space that JSON allows: even then the text has no wrong start.
        assert!(done.text.starts_with('{'));
    }
}

#[tokio::test]
async fn characters_of_several_bytes_arrive_whole() {
    let fixture = engine();
    let request = GenerateRequest {
        grammar: Some(Grammar::Lark("start: \"naïve – 東京 😀\"".to_owned())),
        max_tokens: 60,
        ..request("utf8", conversation("x"))
    };
    let done = complete(&fixture.engine, request).await;
    assert_eq!(
        (done.text.as_str(), done.finish),
        ("naïve – 東京 😀", Finish::Stop)
    );
}

#[tokio::test]
async fn free_text_never_holds_markup() {
    let fixture = engine();
    for n in 0..6 {
        let request = GenerateRequest {
            temperature: 2.0,
            max_tokens: 80,
            ..request(&format!("free{n}"), conversation("x"))
        };
        let done = complete(&fixture.engine, request).await;
        assert!(
            !fixture.engine.text_of(&done.tokens).contains("<|"),
            "a special token was sampled"
        );
    }
}
