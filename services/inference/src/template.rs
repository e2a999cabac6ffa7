//! Renders a conversation with the chat template that the model file carries.
//!
//! The template is run with a mark in the place of each message's content and cut at the marks, so that contents
//! never pass through it: they are tokenized as plain text, and only the template's own markup may hold special
//! tokens. What a template cannot say (a tool role, a system role, two messages of one role in a row) is found by
//! trying it once, and said in another way.
//!
//! Not here: tokenizing (`prompt`).

use minijinja::{Environment, ErrorKind, Value, context, syntax::SyntaxConfig};
use sha2::{Digest, Sha256};

use crate::{ChatMessage, Error, Role};

/// Starts a mark; ASCII letters only, so that no filter of a template changes it.
const MARK: &str = "qZ7mSlot";
const MARK_END: char = 'x';
/// Introduces evidence where the template has no tool role.
const EVIDENCE: &str = "Evidence:\n";
const NAME: &str = "chat";

/// A piece of a rendered prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The template's own text; special tokens in it count.
    Markup(String),
    /// A message's content; nothing in it counts as a special token.
    Content(String),
}

/// What a template was found to be able to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// It has a role for evidence; else evidence becomes a user message.
    pub tool_role: bool,
    /// It has a role for rules; else they go in front of the first user message.
    pub system_role: bool,
    /// It takes two messages of one role in a row; else they are merged.
    pub repeated_roles: bool,
    /// It strips white space around contents, so contents are stripped before they are put in.
    pub trims: bool,
}

/// A chat template, ready to render.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    abilities: Abilities,
    sha256: String,
}

impl ChatTemplate {
    /// Compiles a template and tries out what it can say.
    ///
    /// `special_tokens` counts the special tokens in a piece of markup; `bos` and `eos` are the texts that the
    /// template may print for them.
    ///
    /// # Errors
    /// [`Error::Template`] when the template does not compile, or cannot render one user message.
    pub fn new(
        source: &str,
        bos: &str,
        eos: &str,
        special_tokens: &dyn Fn(&str) -> usize,
    ) -> Result<Self, Error> {
        if source.contains(MARK) {
            return Err(Error::Template(format!("its source contains {MARK}")));
        }
        let syntax = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
            .map_err(|error| Error::Template(error.to_string()))?;
        let mut environment = Environment::new();
        // As the reference renderer of chat templates sets them.
        environment.set_syntax(syntax);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |text: String| -> Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, text))
            },
        );
        environment
            .add_template_owned(NAME, without_training_marks(source))
            .map_err(|error| Error::Template(format!("it does not compile: {error:#}")))?;
        let mut template = Self {
            environment,
            bos: bos.to_owned(),
            eos: eos.to_owned(),
            abilities: Abilities {
                tool_role: true,
                system_role: true,
                repeated_roles: true,
                trims: false,
            },
            sha256: hex::encode(Sha256::digest(source.as_bytes())),
        };
        template.abilities = template.try_out(source, special_tokens)?;
        Ok(template)
    }

    /// Returns the SHA-256 of the template's source, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns what the template was found to be able to say.
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Renders messages as pieces, with the opening of the assistant's next message if asked for.
    ///
    /// # Errors
    /// [`Error::Template`] when the template refuses the messages or leaves one out.
    pub fn render(
        &self,
        messages: &[ChatMessage],
        generation_prompt: bool,
    ) -> Result<Vec<Piece>, Error> {
        let sayable = self.sayable(messages);
        let roles: Vec<&str> = sayable.iter().map(|(role, _)| role.as_str()).collect();
        let rendered = self
            .run(&roles, generation_prompt)
            .map_err(Error::Template)?;
        let mut contents: Vec<&str> = sayable
            .iter()
            .map(|(_, content)| content.as_str())
            .collect();
        if self.abilities.trims {
            contents
                .iter_mut()
                .for_each(|content| *content = content.trim());
        }
        cut(&rendered, &contents).map_err(|index| {
            Error::Template(format!(
                "it leaves out message {index} of role {}",
                roles[index]
            ))
        })
    }

    /// Turns messages into ones that the template can say.
    fn sayable(&self, messages: &[ChatMessage]) -> Vec<(Role, String)> {
        let mut out: Vec<(Role, String)> = Vec::with_capacity(messages.len());
        let mut rules: Option<String> = None;
        for message in messages {
            let (role, mut content) = match message.role {
                Role::Tool if !self.abilities.tool_role => {
                    (Role::User, format!("{EVIDENCE}{}", message.content))
                }
                Role::System if !self.abilities.system_role => {
                    let held = rules.get_or_insert_default();
                    append_paragraph(held, &message.content);
                    continue;
                }
                role => (role, message.content.clone()),
            };
            if role == Role::User
                && let Some(rules) = rules.take()
            {
                content = format!("{rules}\n\n{content}");
            }
            match out.last_mut() {
                Some((last, text)) if *last == role && !self.abilities.repeated_roles => {
                    append_paragraph(text, &content);
                }
                _ => out.push((role, content)),
            }
        }
        if let Some(rules) = rules {
            out.push((Role::User, rules));
        }
        out
    }

    /// Runs the template over messages whose contents are marks. The error is the template's own, without contents.
    fn run(&self, roles: &[&str], generation_prompt: bool) -> Result<String, String> {
        let contents = (0..roles.len()).map(mark).collect();
        self.run_with(roles, contents, generation_prompt)
    }

    fn run_with(
        &self,
        roles: &[&str],
        contents: Vec<String>,
        generation_prompt: bool,
    ) -> Result<String, String> {
        let messages: Vec<Value> = roles
            .iter()
            .zip(contents)
            .map(|(&role, content)| context! { role => role, content => content })
            .collect();
        self.environment
            .get_template(NAME)
            .and_then(|template| {
                template.render(context! {
                    messages => messages,
                    add_generation_prompt => generation_prompt,
                    bos_token => self.bos.as_str(),
                    eos_token => self.eos.as_str(),
                })
            })
            .map_err(|error| format!("{error:#}"))
    }

    fn try_out(
        &self,
        source: &str,
        special_tokens: &dyn Fn(&str) -> usize,
    ) -> Result<Abilities, Error> {
        let user = self.run(&["user"], true).map_err(Error::Template)?;
        if !user.contains(&mark(0)) {
            return Err(Error::Template("it leaves out a user message".to_owned()));
        }
        let says = |roles: &[&str]| {
            self.run(roles, true)
                .ok()
                .filter(|rendered| (0..roles.len()).all(|index| rendered.contains(&mark(index))))
        };
        // A template that prints any role's name does not know tools; one that spells `tool` out does, and so does
        // one in whose markup the word `tool` becomes a special token, which a made-up word does not.
        let opening = |role: &str| {
            says(&["user", "assistant", role])
                .and_then(|rendered| rendered.split(&mark(1)).nth(1).map(str::to_owned))
                .and_then(|rest| rest.split(&mark(2)).next().map(special_tokens))
        };
        let tool_role = match (opening("tool"), opening("qzxv")) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(tool), Some(unknown)) => {
                source.contains("\"tool\"") || source.contains("'tool'") || tool > unknown
            }
        };
        let padded = format!(" {} ", mark(0));
        let trims = self
            .run_with(&["user"], vec![padded.clone()], true)
            .is_ok_and(|rendered| !rendered.contains(&padded));
        Ok(Abilities {
            tool_role,
            system_role: says(&["system", "user"]).is_some(),
            repeated_roles: says(&["user", "user"]).is_some(),
            trims,
        })
    }
}

fn append_paragraph(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn mark(index: usize) -> String {
    format!("{MARK}{index}{MARK_END}")
}

/// Cuts rendered text at its marks. The error is the index of a content whose mark is missing.
fn cut(rendered: &str, contents: &[&str]) -> Result<Vec<Piece>, usize> {
    let mut seen = vec![false; contents.len()];
    let mut pieces = Vec::with_capacity(2 * contents.len() + 1);
    let mut parts = rendered.split(MARK);
    push_markup(&mut pieces, parts.next().unwrap_or_default());
    for part in parts {
        let (index, rest) = part.split_once(MARK_END).unwrap_or((part, ""));
        if let Ok(index) = index.parse::<usize>()
            && let Some(content) = contents.get(index)
        {
            seen[index] = true;
            pieces.push(Piece::Content((*content).to_owned()));
        }
        push_markup(&mut pieces, rest);
    }
    match seen.iter().position(|seen| !seen) {
        Some(lost) => Err(lost),
        None => Ok(pieces),
    }
}

fn push_markup(pieces: &mut Vec<Piece>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Markup(text.to_owned()));
    }
}

/// Replaces the block that some templates put around assistant texts for training, which says nothing here.
fn without_training_marks(source: &str) -> String {
    let mut out = source.to_owned();
    for open in ["{%", "{%-"] {
        for close in ["%}", "-%}"] {
            for (from, to) in [("generation", "if true"), ("endgeneration", "endif")] {
                out = out.replace(
                    &format!("{open} {from} {close}"),
                    &format!("{open} {to} {close}"),
                );
            }
        }
    }
    out
}
