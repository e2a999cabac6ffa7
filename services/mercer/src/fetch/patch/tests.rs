use std::collections::HashMap;
use std::path::PathBuf;

use safetensors::tensor::{Dtype, TensorView};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::fetch::bar;

/// A base of a header, two Q4_1 blocks of 0 to 31 (scale 2, least 0: the numbers are 0 to 30), and a patch that keeps the
/// header's start, writes two bytes of its own, and converts both blocks, with 1 added to each number of them.
struct Made {
    folder: tempfile::TempDir,
    model: Vec<u8>,
}

const STEPS: &str = r#"[{"copy":[0,4]},{"write":[0,2]},{"convert":"q4_1","from":6,"blocks":2,"add":"m"},
                        {"convert":"q4_1","from":26,"blocks":1}]"#;

impl Made {
    fn new() -> Self {
        Self::with(STEPS)
    }

    fn with(steps: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let mut base = b"GGUF--".to_vec();
        for _ in 0..2 {
            base.extend(f16::from_f32(2.0).to_le_bytes());
            base.extend(f16::from_f32(-15.0).to_le_bytes());
            base.extend((0..16u8).map(|number| number | ((15 - number) << 4)));
        }
        // A scale of 1, and 9 everywhere: 9 - 8 is 1.
        let mut difference = f16::from_f32(1.0).to_le_bytes().to_vec();
        difference.extend([0x99; 16]);
        let difference = difference.repeat(2);
        let mut model = b"GGUFxy".to_vec();
        let block = |more: f32| {
            let low = (0..16).map(|number| 2.0 * number as f32 - 15.0 + more);
            let high = (0..16).map(|number| 2.0 * (15 - number) as f32 - 15.0 + more);
            let values: Vec<f32> = low.chain(high).collect();
            q8_0(values.as_slice().try_into().expect("a block"))
        };
        model.extend(block(1.0));
        model.extend(block(1.0));
        model.extend(block(0.0));
        let sha256 = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let facts = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("base_sha256".to_owned(), sha256(&base)),
            ("sha256".to_owned(), sha256(&model)),
            ("bytes".to_owned(), model.len().to_string()),
            ("steps".to_owned(), steps.to_owned()),
        ]);
        let tensors = [
            (
                "m",
                TensorView::new(Dtype::U8, vec![2, Q4_0_BYTES], &difference),
            ),
            ("bytes", TensorView::new(Dtype::U8, vec![2], b"xy")),
        ]
        .map(|(name, view)| (name, view.expect("tensor")));
        let patch = safetensors::serialize(tensors, Some(facts)).expect("patch");
        std::fs::write(folder.path().join("patch.safetensors"), patch).expect("patch");
        std::fs::write(folder.path().join("base.gguf"), &base).expect("base");
        Self { folder, model }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn apply(&self) -> anyhow::Result<Fetched> {
        let base = self.path("base.gguf");
        let hasher = Sha256::new_with_prefix(std::fs::read(&base).expect("base"));
        apply(
            &Folder::new(self.path("models")),
            &self.path("patch.safetensors"),
            (&base, Digest::of(hasher)),
            &"made.gguf".parse().expect("name"),
            &bar(),
        )
        .await
    }

    async fn complaint(&self) -> String {
        let error = self.apply().await.expect_err("refused");
        let left = std::fs::read_dir(self.path("models"))
            .into_iter()
            .flatten()
            .flatten();
        let left: Vec<_> = left
            .map(|entry| entry.file_name())
            .filter(|name| name != ".lock")
            .collect();
        assert!(left.is_empty(), "{left:?}");
        format!("{error:#}")
    }
}

#[tokio::test]
async fn a_patch_makes_the_model_once() {
    let made = Made::new();
    let to = made.path("models/made.gguf");
    assert_eq!(
        made.apply().await.expect("made"),
        Fetched::Brought(to.clone())
    );
    assert_eq!(std::fs::read(&to).expect("model"), made.model);
    assert_eq!(
        made.apply().await.expect("there"),
        Fetched::AlreadyThere(to.clone())
    );
    std::fs::write(&to, "broken").expect("file");
    assert_eq!(made.apply().await.expect("again"), Fetched::Brought(to));
}

#[tokio::test]
async fn another_base_is_refused_and_named() {
    let made = Made::new();
    std::fs::write(made.path("base.gguf"), "GGUF another").expect("base");
    let complaint = made.complaint().await;
    assert!(complaint.contains("belongs to a base"), "{complaint}");
    assert!(complaint.contains("base.gguf"), "{complaint}");
}

#[tokio::test]
async fn steps_that_lead_nowhere_leave_nothing() {
    for (steps, word) in [
        (r#"[{"copy":[0,900]}]"#, "no bytes 0 to 900"),
        (r#"[{"copy":[9,3]}]"#, "no bytes 9 to 3"),
        (r#"[{"write":[0,3]}]"#, "no bytes 0 to 3"),
        (
            r#"[{"convert":"q4_1","from":6,"blocks":9223372036854775807}]"#,
            "more than there can be",
        ),
        (
            r#"[{"convert":"q4_1","from":6,"blocks":1,"add":"m"}]"#,
            "m has 36 bytes",
        ),
        (r#"[{"convert":"q4_1","from":6,"blocks":1,"add":"n"}]"#, "n"),
        (r#"[{"convert":"q2_k","from":6,"blocks":1}]"#, "its steps"),
        (r#"[{"leap":1}]"#, "its steps"),
        (r#"[{"copy":[0,4]}]"#, "SHA-256"),
    ] {
        let complaint = Made::with(steps).complaint().await;
        assert!(complaint.contains(word), "{steps}: {complaint}");
    }
}

#[tokio::test]
async fn what_is_no_patch_is_refused() {
    let made = Made::new();
    std::fs::write(made.path("patch.safetensors"), "no patch at all").expect("file");
    let complaint = made.complaint().await;
    assert!(complaint.contains("patch.safetensors"), "{complaint}");
}

/// Blocks of the base, differences, and what the Python package gguf (0.19) makes of them: numbers just between two (the first
/// two have the scale 1), below zero, and with differences.
const BY_GGUF: [(&str, &str, &str); 3] = [
    (
        "003878571fe42279f3bd068366a852c1bb9651f3",
        "",
        "003c7f7a797c797e7b797b7c79787d7b7879787f797b7f7d787c7b7d7a7e7d7c7a7f",
    ),
    (
        "0038f0d71f586bd64803f9426471fb1b63ea694c",
        "",
        "003c8885868485828582838186868286858781838487838188838484888184888483",
    ),
    (
        "4c2293adf8c2becf931aed15f5d3ef2d059d9f3c",
        "2a91ab47ad369479d717899b5eb468c065b7",
        "67120cb1697ec32d5ee0debd7860df647f4e7b513c511da169a67d5c6fae921b20bd",
    ),
];

#[test]
fn blocks_come_out_as_those_who_wrote_the_patch_make_them() {
    for (base, differences, made) in BY_GGUF.map(|(base, differences, made)| {
        let bytes = |text: &str| hex::decode(text).expect("hexadecimal");
        (bytes(base), bytes(differences), bytes(made))
    }) {
        let pieces = Pieces::Blocks {
            base: base.chunks(Q4_1_BYTES),
            add: (!differences.is_empty()).then(|| differences.chunks(Q4_0_BYTES)),
        };
        assert_eq!(pieces.flatten().collect::<Vec<u8>>(), made);
    }
}
