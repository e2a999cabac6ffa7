//! Every written promise of Mercer: ids, money, the shop's records, events and inputs.
//!
//! This crate holds data and its wire form only. Behaviour lives in `actors/` and `services/`.

pub mod back_off;
pub mod channel;
pub mod chat;
pub mod conversation;
pub mod evidence;
pub mod identity;
pub mod ids;
pub mod money;
pub mod nodes;
pub mod notice;
pub mod personal;
pub mod plan;
pub mod shop;
pub mod terms;
pub mod value;
pub mod worker;

pub use back_off::BackOff;
pub use channel::{
    Capabilities, Channel, Content, DeliveryStatus, InboundMessage, OutboundMessage, ProductCard,
    UnknownChannel,
};
pub use chat::{ChatMessage, Role};
pub use conversation::{
    ActionBy, DraftSource, Event, Generated, HandoffReason, Input, LogBody, LogRecord, Meta,
    PromptStyle, Sender, Settings, Stream,
};
pub use evidence::{
    Claim, Evidence, EvidenceRole, Field, Handle, RecordKey, RecordKind, RenderedReply, Verdict,
};
pub use identity::{Detail, Identity, IdentityEnd, Proof};
pub use ids::{
    ConversationId, CustomerId, DeliveryId, DocumentId, EffectId, MessageId, NoticeId, OrderNumber,
    ProductId, ShopId, Sku, TurnId, partition_of,
};
pub use money::{Currency, Money};
pub use notice::{Notice, NoticeKind};
pub use personal::Personal;
pub use plan::{Intent, Plan, ToolCall};
pub use shop::{
    Customer, Document, DocumentKind, Order, OrderLine, OrderStatus, Product, Shop, Variant,
};
pub use terms::{FieldTerms, ShopTerms};
pub use value::{Stock, Value};
