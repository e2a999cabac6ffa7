//! Opens model files and says what is wrong with one in words that help.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use llama_cpp_2::{
    model::{LlamaModel, params::LlamaModelParams},
    token::LlamaToken,
};
use sha2::{Digest, Sha256};

use crate::{
    Error,
    backend::{backend, creation_lock},
    devices::devices,
    hardware::Hardware,
    template::ChatTemplate,
};

const MAGIC: &[u8; 4] = b"GGUF";
/// Versions that llama.cpp reads.
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;

/// A loaded model and the hash of its file.
pub(crate) struct ModelFile {
    pub(crate) model: LlamaModel,
    pub(crate) name: String,
    pub(crate) sha256: String,
}

/// Loads a model after checking its file and what it is to compute on.
pub(crate) fn load(path: &Path, hardware: &Hardware) -> Result<ModelFile, Error> {
    hardware.check()?;
    hardware.check_devices(&devices()?)?;
    let (head, file) = check(path)?;
    let sha256 = hash(path, &head, file)?;
    let model = open(path, &hardware.model_params())?;
    let name = model
        .meta_val_str("general.name")
        .ok()
        .filter(|name| !name.is_empty())
        .or_else(|| {
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        })
        .unwrap_or_else(|| "model".to_owned());
    Ok(ModelFile {
        model,
        name,
        sha256,
    })
}

/// Loads a model's metadata and vocabulary without its weights; such a model can compute nothing.
pub(crate) fn load_vocabulary(path: &Path) -> Result<LlamaModel, Error> {
    check(path)?;
    open(path, &LlamaModelParams::default().with_vocab_only(true))
}

/// Compiles the model's chat template. The error is what is wrong and what to do.
pub(crate) fn chat_template(model: &LlamaModel) -> Result<ChatTemplate, (String, &'static str)> {
    const OTHER: &str = "choose an instruction-tuned chat model in GGUF format";
    let architecture = model
        .meta_val_str("general.architecture")
        .unwrap_or_default();
    if architecture.contains("bert") || architecture.contains("embedding") {
        return Err((
            format!("it is an embedding model ({architecture}), not a chat model"),
            OTHER,
        ));
    }
    let vocab = model.vocab();
    if vocab.eot().0 < 0 && vocab.eos().0 < 0 {
        return Err(("its vocabulary has no end token".to_owned(), OTHER));
    }
    let source = model.meta_val_str("tokenizer.chat_template").map_err(|_| {
        (
            "it has no chat template (tokenizer.chat_template)".to_owned(),
            OTHER,
        )
    })?;
    let text = |token: LlamaToken| {
        if token.0 < 0 {
            return String::new();
        }
        String::from_utf8_lossy(&vocab.token_to_piece(token, true, None)).into_owned()
    };
    let special_tokens = |markup: &str| {
        vocab
            .tokenize(markup.as_bytes(), false, true)
            .into_iter()
            .filter(|&token| vocab.is_control(token))
            .count()
    };
    ChatTemplate::new(
        &source,
        &text(vocab.bos()),
        &text(vocab.eos()),
        &special_tokens,
    )
    .map_err(|error| (error.to_string(), OTHER))
}

/// Makes the error for a file that cannot be used.
pub(crate) fn fault(path: &Path, problem: impl Into<String>, fix: &str) -> Error {
    Error::ModelFile {
        path: path.to_owned(),
        problem: problem.into(),
        fix: fix.to_owned(),
    }
}

fn open(path: &Path, params: &LlamaModelParams) -> Result<LlamaModel, Error> {
    let backend = backend()?;
    let _guard = creation_lock();
    LlamaModel::load_from_file(backend, path, params).map_err(|error| {
        fault(
            path,
            format!("llama.cpp does not load it ({error})"),
            "check that the download is complete and that this llama.cpp knows the architecture",
        )
    })
}

/// Checks what a file begins with, and returns that and the file behind it.
pub(crate) fn check(path: &Path) -> Result<(Vec<u8>, File), Error> {
    const FETCH: &str = "set the path to a GGUF file, or fetch the file again";
    if path.is_dir() {
        return Err(fault(path, "it is a directory", FETCH));
    }
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => fault(path, "there is no such file", FETCH),
        _ => fault(
            path,
            format!("it cannot be opened: {error}"),
            "check its permissions",
        ),
    })?;
    let mut head = Vec::with_capacity(8);
    (&mut file)
        .take(8)
        .read_to_end(&mut head)
        .map_err(|error| unreadable(path, &error))?;
    let Some((magic, version)) = head.split_at_checked(4) else {
        return Err(fault(path, "it is too short for a model", FETCH));
    };
    if magic != MAGIC {
        let problem = if head.starts_with(b"vers") {
            "it is a Git LFS pointer, not the model itself"
        } else {
            "it does not start with GGUF"
        };
        return Err(fault(path, problem, FETCH));
    }
    let version = <[u8; 4]>::try_from(version).map_or(0, u32::from_le_bytes);
    if !VERSIONS.contains(&version) {
        return Err(fault(
            path,
            format!("its GGUF version is {version}"),
            "convert it to version 3",
        ));
    }
    Ok((head, file))
}

fn hash(path: &Path, head: &[u8], mut file: File) -> Result<String, Error> {
    let mut hash = Sha256::new();
    hash.update(head);
    let mut block = vec![0; 1 << 20];
    loop {
        match file
            .read(&mut block)
            .map_err(|error| unreadable(path, &error))?
        {
            0 => return Ok(hex::encode(hash.finalize())),
            read => hash.update(&block[..read]),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    fault(
        path,
        format!("it cannot be read: {error}"),
        "check the disk",
    )
}
