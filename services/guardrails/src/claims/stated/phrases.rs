//! Words that open or close an excuse. Notation: see [`find`](crate::words::find).

/// First words of a clause that asks, where its sentence ends with a question mark.
pub(super) const ASKING: &[&str] = &[
    "any", "anything", "are", "by", "can", "could", "did", "do", "does", "for", "has", "have",
    "how", "in", "is", "may", "might", "need", "shall", "should", "to", "want", "was", "were",
    "what", "what's", "when", "where", "which", "who", "why", "will", "would",
];
/// Who a question is about.
pub(super) const ASKED_OF: &[&str] = &[
    "he", "i", "it", "she", "that", "there", "they", "this", "we", "you",
];
/// How far behind its first word: "by when do you need it".
pub(super) const SUBJECT_WORDS_MAX: usize = 3;
/// Words after which a clause belongs to what came before.
pub(super) const SUBORDINATING: &[&str] = &[
    "after",
    "anything",
    "as",
    "because",
    "before",
    "day",
    "everything",
    "how",
    "if",
    "latest",
    "most",
    "nothing",
    "once",
    "since",
    "something",
    "than",
    "that",
    "till",
    "unless",
    "until",
    "what",
    "what's",
    "when",
    "where",
    "whether",
    "which",
    "while",
    "who",
    "whose",
    "why",
];
/// Before "that": it stands for something and opens no clause.
pub(super) const BEFORE_THAT: &[&str] = &[
    "about", "do", "for", "from", "in", "like", "of", "on", "to", "with",
];
/// Words that a clause belongs to with nothing between: "I cannot say it arrives".
pub(super) const OPENING: &[&str] = &[
    "believe",
    "certain",
    "check",
    "confirm",
    "find",
    "guarantee",
    "hear",
    "know",
    "mean",
    "mention",
    "promise",
    "read",
    "say",
    "see",
    "sure",
    "tell",
    "think",
];
/// Second words with which these do not ask: "when it arrives", "have it tomorrow".
pub(super) const NOT_ASKING: &[&str] = &[
    "when it",
    "when it's",
    "when we",
    "when you",
    "when the",
    "when your",
    "where we",
    "why wait",
    "why not",
    "have it",
    "have them",
    "for only",
    "for just",
    "in fact",
    "to be",
];
/// Questions that take for granted what they seem to ask.
pub(super) const PRESUPPOSING: &[&str] = &[
    "did|do you know that|it|we|there|our|this",
    "did you hear|see|notice",
    "can|could|would you believe|imagine",
    "who can|could|would|wouldn't",
    "how|what about a|an|our|some",
    "now that",
    "we have",
    "we've",
];
/// Questions in which the speaker offers to do something.
pub(super) const PROPOSING: &[&str] = &[
    "shall|should|can|could|may|might i|we",
    "want|like me|us to",
];
/// Questions in which the speaker proposes a day.
pub(super) const PROPOSED: &[&str] = &[
    "ok|okay|alright|fine|good|convenient|suitable|suit|suits|work|works",
    "all right",
];
/// What a speaker may offer to do; anything else the shop may not keep.
pub(super) const LOOKING: &[&str] = &[
    "answer", "ask", "bring", "call", "check", "connect", "do", "explain", "find", "forward",
    "get", "go", "have", "help", "hand", "look", "note", "pass", "put", "repeat", "search", "see",
    "show", "suggest", "take", "tell", "transfer",
];
/// Beginnings of a clause that asks the customer for something or says where to look.
pub(super) const REQUESTING: &[&str] = &[
    "ask", "check", "choose", "confirm", "contact", "enter", "give", "provide", "reply", "send",
    "share", "tell", "write",
];
/// Beginnings that only look like a request.
pub(super) const NOT_REQUESTING: &[&str] = &["ask|give|send|show|tell|write you"];
/// What a customer gets for what was requested: "confirm today to get it tomorrow".
pub(super) const GAINING: &[&str] = &["enjoy", "get", "have", "own", "receive"];
/// Before "to": what was requested is about it, "ask to have it", "tell me when you want to get it".
pub(super) const BEFORE_TO: &[&str] = &[
    "able", "ask", "expect", "going", "hope", "how", "like", "love", "need", "needed", "plan",
    "prefer", "want", "wanted", "when", "where", "wish",
];
/// What "let me" may go on with to state nothing.
pub(super) const LETTING: &[&str] =
    &["let me|us know|check|look|see|ask|find|help|get|pass|search|hand|connect"];
/// Words before a request.
pub(super) const FILLERS: &[&str] = &[
    "please", "just", "kindly", "simply", "and", "but", "or", "so", "also", "then", "first",
    "feel", "free", "to",
];
/// How far before a topic it may be wondered about.
pub(super) const WONDERING_WORDS_MAX: usize = 5;
/// Before a topic: what follows is not stated but wondered about, or the customer's to say.
pub(super) const WONDERING: &[&str] = &[
    "if",
    "whether",
    "unless",
    "check",
    "ask",
    "asking",
    "asked",
    "look up",
    "look into",
    "find out",
    "to know",
    "you need|needed|want|wanted it|them|this|that",
    "questions",
    "question",
    "sorry for",
    "apologies for",
    "apologise|apologize for",
];
/// The same, for what will be so at an unknown time; a day or date behind them is fixed after all.
pub(super) const AWAITING: &[&str] = &["until", "once", "when"];
/// How far behind "about" its topic stands.
pub(super) const ABOUT_WORDS_MAX: usize = 3;
/// "Nothing to worry about" reassures, it names no topic.
pub(super) const REASSURING: &[&str] = &[
    "worry",
    "worries",
    "worried",
    "worrying",
    "concern",
    "concerned",
];
/// Before "if": the speaker does not wonder at all.
pub(super) const SURE: &[&str] = &["surprised|amazed|shocked|astonished"];
/// What customers said has happened to them.
pub(super) const REGRETTING: &[&str] = &["sorry to hear|read|learn"];
/// Says that the shop cannot, or does not know.
pub(super) const ADMITTING: &[&str] = &[
    "cannot",
    "can't",
    "can|could not",
    "couldn't",
    "unable",
    "not able|allowed|sure|certain|know|find|mention|say",
    "not in a position",
    "not have any|enough",
    "not have information|details|records",
    "don't|doesn't|didn't know|see|find|mention|say",
    "don't have any|enough|information|details|records|access",
    "no delivery|shipping|arrival|expected|estimated date|time|estimate|information",
    "not up to me|us",
    "do|does not see",
    "no record|records|information|details|way|idea|means",
    "nothing about|on",
    "found nothing",
    "say|says|said nothing",
    "find|found|know|see of no",
    "find|found|see no",
    "not in our records|policies",
    "won't guess|promise",
    "not|aren't|isn't something i|we can|could",
    "nobody|none of us here can",
];
/// Beginnings that look like one and praise or reassure.
pub(super) const IDIOMS: &[&str] = &[
    "can't|cannot wait|complain|beat|fail|lie|deny|stress|lose|miss|imagine|believe|recommend",
    "can't|cannot go wrong",
    "find|found|see|know no|of delay*|problem*|reason*|issue*|trouble|shortage*|hold*|risk|need",
    "find|found|know of no delay*|problem*|reason*|issue*|shortage*",
    "not|don't|couldn't|can't|cannot find|see any|a|better cheaper|better|delay*|problem*|reason*|issue*",
    "can't|cannot|couldn't|don't find|see a better",
    "can't|cannot|couldn't find anything cheaper|better",
];
/// Who admits it. "It can't cost more" is a claim.
pub(super) const SPEAKERS: &[&str] = &[
    "i", "i'm", "i'd", "i've", "we", "we're", "we've", "there", "there's", "that", "policy",
    "policies", "record", "records", "sorry", "nobody", "none",
];
/// Others of whom a clause may speak.
pub(super) const OTHERS: &[&str] = &[
    "it", "it's", "it'll", "you", "you'll", "you'd", "they", "they'll", "he", "she", "this",
];
/// Beginnings of what is only named: "when it arrives I cannot say".
pub(super) const NAMING: &[&str] = &[
    "when",
    "whether",
    "if",
    "what",
    "how",
    "which",
    "where",
    "about",
    "regarding",
    "who",
];
/// Before a speaker who admits something of what the clause named: "something that I cannot change".
pub(super) const NAMED: &[&str] = &[
    "something",
    "nothing",
    "anything",
    "question",
    "what",
    "thing",
];
/// Offers of help, after which topics are only named: "I can help with products, prices and stock".
pub(in crate::claims) const OFFERING: &[&str] = &[
    "help with",
    "help you with|find",
    "ask about",
    "ask me about",
    "question|questions about",
    "tell me about",
    "know about",
    "know more about",
    "information about|on",
    "details on|of|about",
    "look up",
];
/// Wishes, in which a day is none of the shop's.
pub(super) const WISHING: &[&str] = &[
    "have|wish*|enjoy a|an|you|your nice|lovely|great|good|wonderful|pleasant|relaxing|happy",
    "have a|an",
    "enjoy your|the",
    "happy|merry|good",
];
