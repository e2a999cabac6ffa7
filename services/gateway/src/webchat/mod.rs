//! Web chat: a page, its session, its messages in, and its event stream out.
//!
//! A session is a token that the browser keeps; the server keeps nothing of it. The conversation's
//! address is the token's SHA-256, so whoever reads our tables cannot take a chat over.

mod deliver;
mod events;
mod messages;
mod page;
mod session;

pub use self::deliver::WebChatSender;
pub(crate) use self::events::stream_events;
pub use self::messages::provider_id;
pub(crate) use self::messages::receive_message;
pub(crate) use self::page::{default_page, shop_page};
pub(crate) use self::session::open_session;
pub use self::session::{SessionToken, new_token};
