// The chat page. The server's log is the truth: every numbered event of the stream is shown once,
// in order; what was written here and is not yet in that log is kept and sent again.
"use strict";
(() => {
  const TEXT_CHARS_MAX = 4000;
  // The server speaks at least every 15 s, so this long a silence means a dead connection.
  const SILENCE_MS_MAX = 40000;
  const TYPING_MS_MAX = 30000;
  const shop = document.body.dataset.shop;
  const base = "/chat/" + encodeURIComponent(shop);
  const el = (id) => document.getElementById(id);
  const scroll = el("scroll"), log = el("log"), typing = el("typing"), composer = el("composer");
  const message = el("message"), problem = el("problem"), count = el("count"), connection = el("connection");

  // Storage may be forbidden; the chat then lives as long as the page.
  const memory = {};
  const store = {
    get(name) { try { return localStorage.getItem("mercer." + shop + "." + name); } catch { return memory[name] ?? null; } },
    set(name, value) { memory[name] = value; try { localStorage.setItem("mercer." + shop + "." + name, value); } catch { /* kept in memory */ } },
    drop(name) { delete memory[name]; try { localStorage.removeItem("mercer." + shop + "." + name); } catch { /* nothing kept */ } },
  };
  let token = store.get("token");
  let pending = readPending();
  let lastId = 0, generation = 0, failures = 0, flushing = false, ready = false, typingTimer = 0, reconnectTimer = 0;
  let abort = null;

  function readPending() {
    try {
      const dayAgo = Date.now() - 86400000;
      return JSON.parse(store.get("pending") || "[]").filter((p) => p.at > dayAgo);
    } catch { return []; }
  }
  const savePending = () => store.set("pending", JSON.stringify(pending));
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const pause = (n) => Math.min(8000, 500 * 2 ** n) * (0.75 + Math.random() / 2);

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  }

  // ---- showing ---------------------------------------------------------------------------

  function show(state, text) {
    if (connection.dataset.state === state) return;
    connection.dataset.state = state;
    connection.textContent = text;
  }

  function make(tag, name, text) {
    const node = document.createElement(tag);
    if (name) node.className = name;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  // Where a word leads that is an address as a whole; nothing where readers could disagree on that:
  // a name before the host, a quote or a second address inside, a host in letters that only look alike.
  function address(word) {
    if (!/^https?:\/\/[^\s"'<>\\^`{|}]+$/i.test(word) || word.split("://").length > 2) return null;
    try {
      const url = new URL(word);
      const plain = !url.username && !url.password && word.toLowerCase().includes("://" + url.host);
      return plain ? url.href : null;
    } catch { return null; }
  }

  function words(text) {
    const bubble = make("div", "bubble");
    for (const part of text.split(/(\s+)/)) {
      const [, before, word, after] = part.match(/^([(["'*]*)(.*?)([)\]"'*.,;:!?]*)$/s);
      const href = address(word);
      if (!href) { bubble.append(part); continue; }
      const link = make("a", "", word);
      link.href = href; link.rel = "noopener noreferrer"; link.target = "_blank";
      bubble.append(before, link, after);
    }
    bubble.normalize();
    return bubble;
  }

  function clock(atMs) {
    const at = new Date(atMs), time = make("time");
    const today = at.toDateString() === new Date().toDateString();
    time.dateTime = at.toISOString();
    time.textContent = today
      ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
      : at.toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    return time;
  }

  function meta(item, atMs, note) {
    let line = item.querySelector(".meta");
    if (!line) { line = make("p", "meta"); item.append(line); }
    line.replaceChildren(clock(atMs));
    if (note) line.append(" · " + note);
  }

  // Messages that the server does not have in its log yet stay below all others.
  function place(item) {
    const near = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 160;
    log.insertBefore(item, log.querySelector("li[data-pending]"));
    if (near || item.classList.contains("customer")) toEnd();
  }
  const toEnd = () => { scroll.scrollTop = scroll.scrollHeight; };

  function showTyping(on) {
    clearTimeout(typingTimer);
    typing.hidden = !on;
    if (on) { typingTimer = setTimeout(() => showTyping(false), TYPING_MS_MAX); toEnd(); }
  }

  function cardOf(card) {
    const box = make("article", "card");
    box.dataset.product = card.product_id;
    box.append(make("h2", "", card.name), make("p", "price", card.price), make("p", "stock", card.stock));
    if (card.options.length) {
      const list = make("ul", "options");
      for (const option of card.options) list.append(make("li", "", option));
      box.append(list);
    }
    return box;
  }

  const pendingItem = (id) => Array.from(log.querySelectorAll("li[data-pending]")).find((li) => li.dataset.pending === id);

  function showPending(entry) {
    const item = make("li", "customer");
    item.dataset.pending = entry.id;
    item.dataset.state = "sending";
    item.append(words(entry.text));
    meta(item, entry.at, "sending…");
    log.append(item);
    toEnd();
  }

  function dropProvisional(turn) {
    for (const item of log.querySelectorAll("li[data-state=provisional]")) {
      if (!turn || item.dataset.turn === turn) item.remove();
    }
  }

  // ---- what the server says --------------------------------------------------------------

  const NOTICES = {
    handed_over: "A person will join this chat.",
    taken_over: "A person has joined this chat.",
    handed_back: "The assistant is back.",
  };

  const on = {
    customer(data) {
      const known = data.id && pendingItem(data.id);
      if (known) { known.remove(); pending = pending.filter((p) => p.id !== data.id); savePending(); }
      const item = make("li", "customer");
      item.dataset.state = "final";
      item.append(words(data.text));
      meta(item, data.at_ms);
      place(item);
    },
    message(data) {
      showTyping(false);
      dropProvisional(data.turn);
      const item = make("li", "shop");
      item.dataset.state = "final";
      item.dataset.message = data.message;
      item.append(words(data.text));
      if (data.cards.length) {
        const cards = make("div", "cards");
        cards.append(...data.cards.map(cardOf));
        item.append(cards);
      }
      meta(item, data.at_ms, data.person ? "from a person" : "");
      place(item);
    },
    notice(data) {
      showTyping(false);
      const item = make("li", "notice", NOTICES[data.kind] || data.kind);
      item.dataset.kind = data.kind;
      place(item);
    },
    typing() { showTyping(true); },
    sentence(data) {
      let item = log.querySelector("li[data-state=provisional]");
      if (item && item.dataset.turn !== data.turn) { item.remove(); item = null; }
      if (!item) {
        item = make("li", "shop");
        item.dataset.state = "provisional";
        item.dataset.turn = data.turn;
        // Read aloud once, when it is final.
        item.setAttribute("aria-hidden", "true");
        item.append(make("div", "bubble"));
        place(item);
      }
      const bubble = item.querySelector(".bubble");
      bubble.textContent += (bubble.textContent ? " " : "") + data.text;
      toEnd();
    },
    restarted() { dropProvisional(""); showTyping(true); },
    ready() {
      ready = true; failures = 0;
      show("online", "Connected");
      scroll.setAttribute("aria-live", "polite");
      toEnd();
      flush();
    },
  };

  function take(block) {
    let id = "", name = "message", data = "";
    for (const line of block.split(/\r\n|\r|\n/)) {
      const colon = line.indexOf(":");
      if (colon < 1) continue;
      const value = line.slice(colon + 1).replace(/^ /, "");
      if (line.startsWith("id:")) id = value;
      else if (line.startsWith("event:")) name = value;
      else if (line.startsWith("data:")) data += value;
    }
    if (!data) return;
    if (id) {
      const seq = Number(id);
      if (seq <= lastId) return;
      lastId = seq;
    }
    const handler = on[name];
    if (handler) handler(JSON.parse(data));
  }

  // ---- talking to the server -------------------------------------------------------------

  async function ensureToken() {
    if (token) return;
    const answer = await fetch(base + "/session", { method: "POST" });
    if (!answer.ok) throw new Error("no session");
    token = (await answer.json()).token;
    store.set("token", token);
  }

  function forgetToken() { token = null; store.drop("token"); }

  async function connect() {
    const mine = ++generation;
    clearTimeout(reconnectTimer);
    if (abort) abort.abort();
    const controller = abort = new AbortController();
    let watchdog = 0;
    const alive = () => { clearTimeout(watchdog); watchdog = setTimeout(() => controller.abort(), SILENCE_MS_MAX); };
    try {
      await ensureToken();
      if (mine !== generation) return;
      alive();
      const answer = await fetch(base + "/events", {
        headers: { Authorization: "Bearer " + token, "Last-Event-ID": String(lastId), Accept: "text/event-stream" },
        cache: "no-store", signal: controller.signal,
      });
      if (answer.status === 401) forgetToken();
      if (!answer.ok) throw new Error("no stream");
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done || mine !== generation) break;
        alive();
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        blocks.forEach(take);
      }
    } catch { /* the line below says it */ }
    clearTimeout(watchdog);
    if (mine !== generation) return;
    ready = false;
    // Sentences that were under way come again, whole, from the log.
    dropProvisional("");
    showTyping(false);
    show("offline", navigator.onLine ? "Reconnecting…" : "You are offline");
    reconnectTimer = setTimeout(connect, pause(failures++));
  }

  async function flush() {
    if (flushing) return;
    flushing = true;
    try {
      for (let tries = 0; ;) {
        const entry = pending.find((p) => !p.sent);
        if (!entry) break;
        const done = await post(entry);
        if (done) { tries = 0; continue; }
        show("offline", navigator.onLine ? "Reconnecting…" : "You are offline");
        if (++tries > 5) break;
        await wait(pause(tries));
      }
    } finally { flushing = false; }
    if (ready) show("online", "Connected");
  }

  async function post(entry) {
    let answer;
    try {
      await ensureToken();
      answer = await fetch(base + "/messages", {
        method: "POST",
        headers: { Authorization: "Bearer " + token, "Content-Type": "application/json" },
        body: JSON.stringify({ id: entry.id, text: entry.text }),
      });
    } catch { return false; }
    const item = pendingItem(entry.id);
    if (answer.ok) {
      entry.sent = true;
      if (item) { item.dataset.state = "sent"; meta(item, entry.at, "sent"); }
      return true;
    }
    if (answer.status === 401) { forgetToken(); return false; }
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) return false;
    pending = pending.filter((p) => p !== entry);
    savePending();
    let why = "This message could not be sent.";
    try { why = (await answer.json()).detail || why; } catch { /* keep the sentence above */ }
    if (item) { delete item.dataset.pending; item.dataset.state = "failed"; meta(item, entry.at, "not sent"); }
    complain(why);
    return true;
  }

  // ---- writing ---------------------------------------------------------------------------

  function complain(text) {
    problem.textContent = text;
    message.setAttribute("aria-invalid", String(text !== ""));
  }

  function grow() {
    message.style.height = "auto";
    message.style.height = Math.min(message.scrollHeight + 2, 144) + "px";
    const length = Array.from(message.value).length;
    count.textContent = length > TEXT_CHARS_MAX * 0.9 ? length + " of " + TEXT_CHARS_MAX : "";
    if (length <= TEXT_CHARS_MAX) complain("");
  }

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = message.value.trim();
    message.focus();
    if (!text) return;
    const length = Array.from(text).length;
    if (length > TEXT_CHARS_MAX) {
      complain("A message can have at most " + TEXT_CHARS_MAX + " characters; this one has " + length + ".");
      return;
    }
    const entry = { id: newId(), text, at: Date.now() };
    pending.push(entry);
    savePending();
    message.value = "";
    grow();
    showPending(entry);
    flush();
  });
  message.addEventListener("input", grow);
  message.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    composer.requestSubmit();
  });
  el("new").addEventListener("click", () => {
    if (!confirm("Start a new chat? This browser then forgets the present one.")) return;
    forgetToken();
    pending = []; savePending();
    log.replaceChildren();
    lastId = 0; ready = false;
    scroll.setAttribute("aria-live", "off");
    complain("");
    connect();
    message.focus();
  });
  addEventListener("online", () => { failures = 0; connect(); });
  addEventListener("offline", () => show("offline", "You are offline"));

  pending.forEach((entry) => { entry.sent = false; showPending(entry); });
  connect();
  if (matchMedia("(pointer: fine)").matches) message.focus();
})();
