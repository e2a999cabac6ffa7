//! `mercer doctor`: this machine and the settings, with what to mend.

mod machine;
mod memory;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use mercer_inference::devices::devices;
use mercer_inference::{
    ChatMessage, ChatModel, Embedder, GenerateRequest, PoolWatch, Priority, Reranker, Role,
    WorkerRow, WorkerState,
};
use mercer_schemas::worker::TextModelState;

use self::memory::Room;
use crate::compose::{OwnModels, load_chat, open_store};
use crate::config::{Config, ModelPlace};

/// Long enough for a few heartbeats of each worker.
const LISTEN: Duration = Duration::from_millis(1_100);

/// Checks every part and says what to mend.
///
/// # Errors
/// Never because of a finding; findings are printed and the exit status is 1.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut sound = true;
    let mut report = |name: &str, found: anyhow::Result<String>| match found {
        Ok(text) => println!("ok     {name:<11} {text}"),
        Err(error) => {
            sound = false;
            println!("MEND   {name:<11} {error:#}");
        }
    };
    report("machine", Ok(machine::cores()));
    report("kernels", machine::kernels());
    match devices() {
        Ok(devices) => devices
            .iter()
            .for_each(|device| report("device", Ok(machine::device(device)))),
        Err(error) => report("device", Err(error.into())),
    }
    let memory = memory::room_for_models(config);
    let fits = !matches!(memory, Ok(Room::Lacking(_)));
    report("memory", memory.and_then(Room::finding));
    let own = OwnModels::load(config).await;
    let nothing = OwnModels::default();
    let own_models = own.as_ref().unwrap_or(&nothing);
    report("chat", chat(config, fits, own_models).await);
    if !config.nats.url.is_empty() {
        report("pool", pool(config).await);
    }
    match &own {
        Ok(own) => {
            report("embedder", embedder(config, own).await);
            report("reranker", reranker(config, own).await);
        }
        Err(error) => report("models", Err(anyhow::anyhow!("{error:#}"))),
    }
    report("store", store(config).await);
    report("channels", channels(config).await);
    report("admin keys", admin_keys(config).await);
    report("index", index(config));
    report("inbox", inbox(config).await);
    let port = tokio::net::TcpListener::bind(&config.http.listen).await;
    report(
        "port",
        port.map(|_| config.http.listen.clone())
            .map_err(|error| anyhow::anyhow!("http.listen {}: {error}", config.http.listen)),
    );
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn chat(config: &Config, fits: bool, own: &OwnModels) -> anyhow::Result<String> {
    if !fits {
        return Err(memory::not_loaded(&config.models.chat));
    }
    let model = load_chat(config, own).await?;
    let request = GenerateRequest {
        request_id: "doctor".to_owned(),
        conversation_key: String::new(),
        adapter: None,
        messages: vec![
            ChatMessage::new(Role::System, "Say hello."),
            ChatMessage::new(Role::User, "hello"),
        ],
        resume: Vec::new(),
        grammar: None,
        max_tokens: 8,
        temperature: 0.0,
        top_p: 1.0,
        deadline: Duration::from_secs(30),
        priority: Priority::Interactive,
    };
    let completion = model.generate(request).await?.complete().await?;
    let info = model.info();
    let (threads, batch_threads) = model.threads();
    let threads = match threads == batch_threads {
        true => format!("{threads}"),
        false => format!("{threads} ({batch_threads} for prompts)"),
    };
    Ok(format!(
        "{} with {:.1} M parameters, context {}, prompt {}, threads {threads}, decodes {} tokens in {:.0} ms",
        info.label(),
        info.n_params as f64 / 1e6,
        info.n_ctx,
        info.prompt_style,
        completion.usage.output_tokens,
        completion.timings.prefill_ms + completion.timings.decode_ms
    ))
}

/// Listens to the pool that the settings name.
async fn rows(config: &Config) -> anyhow::Result<Vec<WorkerRow>> {
    let mut watch = PoolWatch::connect(&config.nats.url, &config.pool.name).await?;
    let rows = watch.rows(LISTEN).await;
    match watch.problem() {
        Some(problem) => anyhow::bail!("nats.url {problem}"),
        None => Ok(rows),
    }
}

/// The pool that the settings name has a worker that takes requests.
async fn pool(config: &Config) -> anyhow::Result<String> {
    let rows = rows(config).await?;
    let name = &config.pool.name;
    let ready: Vec<&WorkerRow> = rows
        .iter()
        .filter(|row| row.state == WorkerState::Ready)
        .collect();
    if let Some(row) = rows.iter().find(|row| row.state == WorkerState::Twin) {
        anyhow::bail!(
            "two workers of pool {name} share the name {}; set worker.name of one of them to another",
            row.heartbeat.worker
        );
    }
    let Some(first) = ready.first() else {
        anyhow::bail!(
            "pool {name} has no worker that is ready; start one with `mercer serve --roles worker`"
        );
    };
    let of_style =
        |row: &&&WorkerRow| row.heartbeat.model.prompt_style == first.heartbeat.model.prompt_style;
    if ready.iter().filter(of_style).count() < ready.len() {
        anyhow::bail!(
            "workers of pool {name} have models for prompts of different styles; a caller uses those of one style only"
        );
    }
    Ok(format!("{name} with {} workers ready", ready.len()))
}

/// Where a model is not in this process, a worker of the pool serves it, or there is none.
async fn elsewhere(
    config: &Config,
    key: &str,
    place: ModelPlace<'_>,
    told: impl Fn(&WorkerRow) -> Option<&TextModelState>,
) -> anyhow::Result<Option<String>> {
    if place != ModelPlace::Pool {
        return Ok(None);
    }
    let rows = rows(config).await?;
    let mut served = BTreeMap::<&str, usize>::new();
    for row in rows.iter().filter(|row| row.state == WorkerState::Ready) {
        if let Some(model) = told(row) {
            *served.entry(&model.id).or_default() += 1;
        }
    }
    let name = &config.pool.name;
    let mut models = served
        .iter()
        .map(|(id, workers)| format!("{id} on {workers} workers"));
    match (models.next(), models.next()) {
        (Some(model), None) => Ok(Some(format!("in pool {name}: {model}"))),
        (Some(one), Some(other)) => anyhow::bail!(
            "workers of pool {name} have different ones ({one}, {other}); a caller uses those with one of them only"
        ),
        (None, _) => anyhow::bail!(
            "no worker of pool {name} that is ready serves one; set models.{key} of the workers to a file"
        ),
    }
}

async fn reranker(config: &Config, own: &OwnModels) -> anyhow::Result<String> {
    let Some(reranker) = &own.reranker else {
        let place = config.models.reranker();
        let found = elsewhere(config, "reranker", place, |row| {
            row.heartbeat.reranker.as_ref()
        })
        .await?;
        return Ok(found.unwrap_or_else(|| "none configured: the first order stays".to_owned()));
    };
    let documents = vec!["a water boiler".to_owned(), "a bicycle".to_owned()];
    let scores = reranker.scores("a kettle", documents).await?;
    Ok(format!(
        "{}, threads {}; for kettle, boiler scores {:.2} and bicycle {:.2}",
        reranker.id(),
        reranker.threads(),
        scores[0],
        scores[1]
    ))
}

async fn embedder(config: &Config, own: &OwnModels) -> anyhow::Result<String> {
    let Some(embedder) = &own.embedder else {
        let place = config.models.embedder();
        let found = elsewhere(config, "embedder", place, |row| {
            row.heartbeat.embedder.as_ref()
        })
        .await?;
        return Ok(found.unwrap_or_else(|| "none configured: search by words alone".to_owned()));
    };
    let vectors = embedder
        .embed(vec![
            "a kettle".into(),
            "a water boiler".into(),
            "a bicycle".into(),
        ])
        .await?;
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    Ok(format!(
        "{} with {} numbers, threads {}; kettle is {:.2} near to boiler, {:.2} to bicycle",
        embedder.info().id,
        embedder.info().dim,
        embedder.threads(),
        cosine(&vectors[0], &vectors[1]),
        cosine(&vectors[0], &vectors[2])
    ))
}

/// Every configured channel belongs to a shop that is in the store.
async fn channels(config: &Config) -> anyhow::Result<String> {
    let gateway = config.gateway()?;
    let store = open_store(config).await?;
    let mut found = Vec::new();
    let numbers = gateway
        .whatsapp
        .iter()
        .map(|number| ("WhatsApp", &number.shop));
    let pages = gateway.webchat.iter().map(|page| ("chat page", &page.shop));
    for (channel, shop) in numbers.chain(pages) {
        if store.shops().get(shop).await?.is_none() {
            anyhow::bail!(
                "{channel} of shop `{shop}`: no such shop in the store; run `mercer import FOLDER`"
            );
        }
        found.push(format!("{channel} of {shop}"));
    }
    Ok(if found.is_empty() {
        "none configured: set [webchat] or [[whatsapp]] in mercer.toml".to_owned()
    } else {
        found.join(", ")
    })
}

async fn admin_keys(config: &Config) -> anyhow::Result<String> {
    let keys = open_store(config).await?.keys().list(None).await?.len();
    Ok(if keys == 0 {
        "none: make one with `mercer admin key create NAME --role operator --shop SHOP`".to_owned()
    } else {
        format!("{keys}")
    })
}

/// The indexes are rebuilt where they are missing, so nothing here needs mending.
fn index(config: &Config) -> anyhow::Result<String> {
    let folder = config.data.join("index");
    Ok(if folder.is_dir() {
        format!("{}", folder.display())
    } else {
        format!("{}: not there yet, built at start", folder.display())
    })
}

/// Messages that wait for longer than a minute mean that nobody answers.
async fn inbox(config: &Config) -> anyhow::Result<String> {
    let age_ms = open_store(config)
        .await?
        .inbox()
        .oldest_open_age_ms()
        .await?;
    match age_ms {
        None => Ok("nothing waits".to_owned()),
        Some(age_ms) if age_ms < 60_000 => Ok(format!("oldest waits for {age_ms} ms")),
        Some(age_ms) => anyhow::bail!(
            "a message has waited for {} s; is `mercer serve` running?",
            age_ms / 1_000
        ),
    }
}

async fn store(config: &Config) -> anyhow::Result<String> {
    let store = open_store(config).await?;
    store.ready().await?;
    let shops: Vec<String> = store
        .shops()
        .list()
        .await?
        .into_iter()
        .map(|shop| shop.id.to_string())
        .collect();
    Ok(if shops.is_empty() {
        "writable; no shop yet: run `mercer import FOLDER`".to_owned()
    } else {
        format!("writable; shops {}", shops.join(", "))
    })
}
