//! The report as JUnit XML, which build servers show: a suite for each dialogue, a case for each turn.

use std::fmt::Write;

use crate::evaluation::judge::TurnResult;
use crate::evaluation::report::{Report, escaped};

impl Report {
    /// Writes the report as JUnit XML.
    pub(crate) fn junit(&self) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuites name=\"mercer eval dialogues\" tests=\"{}\" failures=\"{}\" errors=\"0\" time=\"{}\">\n",
            self.turns,
            self.turns - self.turns_right,
            seconds(&self.results)
        );
        for turns in self.by_dialogue() {
            let name = turns.first().map_or("", |turn| turn.dialogue.as_str());
            let name = escaped(name);
            let _ = writeln!(
                out,
                "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"0\" time=\"{}\">",
                turns.len(),
                turns.iter().filter(|turn| !turn.right).count(),
                seconds(turns)
            );
            turns
                .iter()
                .for_each(|turn| out.push_str(&case(&name, turn)));
            out.push_str("  </testsuite>\n");
        }
        out + "</testsuites>\n"
    }
}

fn case(dialogue: &str, result: &TurnResult) -> String {
    let kind = result.kind.as_ref().map(|kind| format!(" ({kind})"));
    let mut out = format!(
        "    <testcase classname=\"{dialogue}\" name=\"turn {}{}\" time=\"{}\"",
        result.turn,
        escaped(&kind.unwrap_or_default()),
        seconds(std::slice::from_ref(result))
    );
    if result.right {
        return out + "/>\n";
    }
    let mut said = result.faults.clone();
    said.push(format!("customer: {}", result.customer));
    said.extend(result.replies.iter().map(|reply| format!("reply: {reply}")));
    let first = result.faults.first().map_or("", String::as_str);
    let _ = writeln!(
        out,
        ">\n      <failure type=\"expectation\" message=\"{}\">{}</failure>\n    </testcase>",
        escaped(first),
        escaped(&said.join("\n"))
    );
    out
}

fn seconds(turns: &[TurnResult]) -> String {
    let ms: u64 = turns.iter().map(|turn| turn.ms).sum();
    format!("{}.{:03}", ms / 1000, ms % 1000)
}
