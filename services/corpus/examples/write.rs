//! Writes a corpus: `cargo run -p mercer-corpus --example write -- DIR DIALOGUES HELDOUT SEED`.

use std::path::PathBuf;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().unwrap_or_else(|| "corpus".to_owned()));
    let dialogues = args.next().map_or(Ok(60_000), |n| n.parse())?;
    let heldout = args.next().map_or(Ok(1_500), |n| n.parse())?;
    let seed = args.next().map_or(Ok(20_261_123), |n| n.parse())?;
    let summary = mercer_corpus::write(&out, dialogues, seed, heldout)?;
    println!("{}", serde_json::to_string_pretty(&summary)?);
    Ok(())
}
