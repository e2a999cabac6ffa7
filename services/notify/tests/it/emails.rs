//! E-mails against a real mail server (`apt-get install python3-aiosmtpd`).

use std::path::Path;
use std::process::{Child, Command, Stdio};

use mercer_notify::{EmailConfig, NotifyConfig};
use mercer_schemas::notice::{FoundRecord, Open, Summary, Who};
use mercer_schemas::{Channel, HandoffReason, Notice, ProductId, RecordKey};
use mercer_testing::{free_port, until};

use crate::world::{World, shop};

/// A mail server that keeps what it gets in a folder; it ends with the test.
struct MailServer {
    port: u16,
    folder: tempfile::TempDir,
    process: Child,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl MailServer {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let port = free_port();
        // Debian's own Python: the package belongs to it.
        let process = Command::new("/usr/bin/python3")
            .args(["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox"])
            .args(["-l", &format!("127.0.0.1:{port}")])
            .arg(folder.path().join("mails"))
            .stdout(Stdio::null())
            .spawn()
            .expect("a mail server: apt-get install python3-aiosmtpd");
        until("the mail server listens", async || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        })
        .await;
        Self {
            port,
            folder,
            process,
        }
    }

    fn mails(&self) -> Vec<String> {
        read_all(&self.folder.path().join("mails/new"))
    }

    fn config(&self) -> NotifyConfig {
        NotifyConfig {
            smtp: format!("smtp://127.0.0.1:{}", self.port),
            from: "Mercer <mercer@shop.example>".to_owned(),
            emails: vec![EmailConfig {
                shop: shop(),
                name: "support".to_owned(),
                to: vec!["ann@shop.example".to_owned(), "bo@shop.example".to_owned()],
                events: Vec::new(),
            }],
            ..NotifyConfig::default()
        }
    }
}

fn read_all(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path()).ok())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_called_by_mail_with_a_summary() {
    let world = World::start().await;
    let server = MailServer::start().await;
    let stream = world.conversation("447700900001").await;
    let product = RecordKey::Product(ProductId::new("HB-1042").expect("key"));
    let summary = Summary {
        who: Who {
            channel: Channel::Whatsapp,
            address: "447700900001".into(),
            customer: None,
        },
        asked: "Can I speak to somebody about the kettle?".into(),
        found: vec![FoundRecord {
            record: product,
            name: Some("Copper kettle".into()),
        }],
        open: Open::SpeakToPerson,
    };
    world
        .tell_notice(
            &stream,
            Notice::HandedOver {
                shop: shop(),
                conversation: stream.conversation.clone(),
                reason: HandoffReason::Asked,
                summary,
            },
        )
        .await;
    // People are not told of every further message.
    world.tell(&stream, "hello?").await;
    let _running = world.run(&server.config());
    until("a mail", async || !server.mails().is_empty()).await;
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    for part in [
        "From: Mercer <mercer@shop.example>",
        "To: ann@shop.example, bo@shop.example",
        "Subject: highbarn: a customer asks for a person",
        "Message-ID: <evt_",
        "447700900001 on whatsapp, identity not proven",
        "Asked: Can I speak to somebody about the kettle?",
        "Found: product:HB-1042 Copper kettle",
        "Open: The customer waits for a person to write.",
        stream.conversation.as_str(),
    ] {
        assert!(mail.contains(part), "{part} is missing in\n{mail}");
    }
    let subject = mail.lines().find(|line| line.starts_with("Subject"));
    assert!(!subject.expect("a subject").contains("kettle"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_is_not_there_is_said_by_a_trial() {
    let world = World::start().await;
    let mut config = {
        let server = MailServer::start().await;
        let notifier = world.notifier(&server.config());
        let worked = notifier.try_out(&shop(), "support").await;
        assert_eq!(worked.expect("a target").expect("taken").status, Some(250));
        server.config()
    };
    let notifier = world.notifier(&config);
    let failed = notifier.try_out(&shop(), "support").await;
    let outcome = failed.expect("a target").expect_err("nobody is there");
    assert_eq!(outcome.cause.as_deref(), Some("not_reached"));
    config.smtp = "mail.example".to_owned();
    let error = config.check().expect_err("no URL").to_string();
    assert!(error.starts_with("notify.smtp"), "{error}");
}
