//! The report as one page that needs nothing else: failures first, then the table of kinds, then what is right.

use std::fmt::Write;

use crate::evaluation::judge::TurnResult;
use crate::evaluation::report::{Report, escaped, share};

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
table{border-collapse:collapse}th,td{padding:.25rem .75rem;border-bottom:1px solid #ddd;text-align:left}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
section.turn{border-left:4px solid #2e7d32;padding:.25rem 1rem;margin:.75rem 0}\
section.wrong{border-color:#b3261e;background:#fdf4f3}\
h4{margin:0}p{margin:.25rem 0;white-space:pre-line;overflow-wrap:anywhere}\
p b{font-weight:600;color:#555}ul{margin:.25rem 0;color:#b3261e}code{font-size:.85em;overflow-wrap:anywhere}";

impl Report {
    /// Writes the report as a page. It holds what the dialogues' customers said and were told, and no record of the shop.
    pub(crate) fn html(&self) -> String {
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>Dialogues: {} of {} turns right</title><style>{STYLE}</style></head><body>\n",
            self.turns_right, self.turns
        );
        page.push_str(&self.totals());
        let (right, wrong): (Vec<_>, Vec<_>) = self
            .by_dialogue()
            .partition(|turns| turns.iter().all(|turn| turn.right));
        if !wrong.is_empty() {
            page.push_str("<h2>Wrong</h2>\n");
        }
        wrong
            .iter()
            .for_each(|turns| page.push_str(&dialogue(turns)));
        page.push_str(&self.table());
        if !right.is_empty() {
            let _ = writeln!(
                page,
                "<details><summary>Right throughout: {} dialogues</summary>",
                right.len()
            );
            right
                .iter()
                .for_each(|turns| page.push_str(&dialogue(turns)));
            page.push_str("</details>\n");
        }
        page.push_str("</body></html>\n");
        page
    }

    fn totals(&self) -> String {
        let rows = [
            ("Turns right", rate(self.turns_right, self.turns)),
            (
                "Dialogues right throughout",
                rate(self.dialogues_right, self.dialogues),
            ),
            (
                "Turns with a figure that nothing backs",
                self.replies_ungrounded.to_string(),
            ),
            (
                "Time of a turn",
                format!("p50 {} ms, p95 {} ms", self.turn_ms_p50, self.turn_ms_p95),
            ),
            ("Model", self.model.clone()),
        ];
        let mut out = "<h1>Dialogues</h1>\n<table>\n".to_owned();
        for (name, value) in rows {
            let _ = writeln!(out, "<tr><th>{name}</th><td>{}</td></tr>", escaped(&value));
        }
        out + "</table>\n"
    }

    fn table(&self) -> String {
        if self.kinds.is_empty() {
            return String::new();
        }
        let mut out = "<h2>By kind</h2>\n<table>\n<tr><th>Kind</th><th>Right</th><th>Share</th>\
                       <th>95 % interval</th></tr>\n"
            .to_owned();
        for kind in &self.kinds {
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}/{}</td><td class=\"n\">{:.1} %</td>\
                 <td class=\"n\">{:.1} to {:.1} %</td></tr>",
                escaped(&kind.kind),
                kind.right,
                kind.turns,
                100.0 * share(kind.right, kind.turns),
                100.0 * kind.low,
                100.0 * kind.high
            );
        }
        out + "</table>\n"
    }
}

fn rate(right: usize, all: usize) -> String {
    format!("{right} of {all} ({:.1} %)", 100.0 * share(right, all))
}

fn dialogue(turns: &[TurnResult]) -> String {
    let name = turns.first().map_or("", |turn| turn.dialogue.as_str());
    let mut out = format!("<h3>{}</h3>\n", escaped(name));
    turns.iter().for_each(|result| out.push_str(&turn(result)));
    out
}

fn turn(result: &TurnResult) -> String {
    let class = if result.right { "turn" } else { "turn wrong" };
    let kind = result.kind.as_ref().map(|kind| format!(" · {kind}"));
    let mut out = format!(
        "<section class=\"{class}\"><h4>Turn {}{}</h4>\n<p><b>Customer</b> {}</p>\n",
        result.turn,
        escaped(&kind.unwrap_or_default()),
        escaped(&result.customer)
    );
    for reply in &result.replies {
        let _ = writeln!(out, "<p><b>Reply</b> {}</p>", escaped(reply));
    }
    if !result.right {
        out.push_str("<ul>");
        for fault in &result.faults {
            let _ = write!(out, "<li>{}</li>", escaped(fault));
        }
        out.push_str("</ul>\n");
        let course = [
            ("Plan", result.plan.to_line()),
            ("Found", result.found.join(", ")),
            ("Blocked by", result.blocked.join(", ")),
        ];
        for (name, value) in course.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = writeln!(out, "<p><b>{name}</b> <code>{}</code></p>", escaped(value));
        }
    }
    out + "</section>\n"
}
