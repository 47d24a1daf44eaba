/**
 * The page's one line to the server: a WebSocket that tells what changed, and carries the page's own messages.
 *
 * It opens where the page has `<… id="line" data-live="/api/v1/live">`, and writes the line's state into that element's
 * `data-line`. A line that is silent for three seconds is taken for dead and opened again; each topic is then resumed
 * after the last event that was seen, so nothing is lost. A topic that is new to this page begins with a `reset`: what
 * happened between the making of the page and now is unknown, so its parts are fetched anew.
 *
 * The server's side, and what the messages look like, is `cvq_core/web/live_socket.py`.
 */

/** @typedef {"ok" | "stale" | "offline"} LineState */

/**
 * One change of a topic. `reset` as its kind: something was missed that cannot be told any more.
 *
 * @typedef {object} LiveEvent
 * @property {string} topic
 * @property {string} kind
 * @property {number} sequence
 * @property {Record<string, any>} payload
 */

/** @typedef {Record<string, any> & { type: string }} LiveMessage */

const BEAT_MS = 1000;
const DEAD_AFTER_MS = 3000;
const CONNECT_MS = 5000;

// A restart of the server takes a second or two: the page says nothing of it, and little more for ten.
const STALE_AFTER_MS = 1500;
const OFFLINE_AFTER_MS = 10_000;
const RETRY_MS = 250;
const RETRY_MS_MAX = 5000;
const NEVER_SEEN = -1;

const place = document.getElementById("line");

/** @type {Map<string, number>} the last sequence seen of each topic */
const seen = new Map();
/** @type {Map<string, Set<(event: LiveEvent) => void>>} */
const listeners = new Map();
/** @type {Map<string, Set<(message: LiveMessage) => void>>} */
const messageListeners = new Map();
/** @type {Set<(state: LineState) => void>} */
const lineListeners = new Set();

/** @type {WebSocket | null} */
let socket = null;
let openedAt = 0;
let attempts = 0;
/** @type {number | null} when the ping was sent that has no answer yet */
let unansweredSince = null;
/** @type {number | null} since when there is no line */
let brokenSince = performance.now();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
let retryAt = 0;
/** @type {LineState} */
let state = "ok";
let leaving = false;

/** @returns {LineState} how the line is */
export function lineState() {
  return state;
}

/**
 * Watches topics, now and after every reconnection.
 *
 * @param {Iterable<string>} topics
 */
export function watch(topics) {
  for (const topic of topics) {
    if (!seen.has(topic)) {
      seen.set(topic, NEVER_SEEN);
      sayWatch(topic);
    }
  }
}

/**
 * Calls back for each event of a topic, and watches it.
 *
 * @param {string} topic
 * @param {(event: LiveEvent) => void} callback
 * @returns {() => void} ends the calls
 */
export function on(topic, callback) {
  const end = add(listeners, topic, callback);
  watch([topic]);
  return end;
}

/**
 * Calls back for each message of a type: those of the components, `problem` and `reset`.
 *
 * @param {string} type
 * @param {(message: LiveMessage) => void} callback
 * @returns {() => void} ends the calls
 */
export function onMessage(type, callback) {
  return add(messageListeners, type, callback);
}

/**
 * Calls back whenever the line's state changes.
 *
 * @param {(state: LineState) => void} callback
 * @returns {() => void} ends the calls
 */
export function onLine(callback) {
  lineListeners.add(callback);
  return () => lineListeners.delete(callback);
}

/**
 * Sends a message of the page.
 *
 * @param {LiveMessage} message
 * @returns {boolean} false while there is no line: nothing is kept for later
 */
export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) {
    return false;
  }
  socket.send(JSON.stringify(message));
  return true;
}

/**
 * @template T
 * @param {Map<string, Set<T>>} map
 * @param {string} key
 * @param {T} callback
 * @returns {() => void}
 */
function add(map, key, callback) {
  const callbacks = map.get(key) ?? new Set();
  map.set(key, callbacks.add(callback));
  return () => callbacks.delete(callback);
}

/**
 * @template T
 * @param {Iterable<(value: T) => void> | undefined} callbacks
 * @param {T} value
 */
function callAll(callbacks, value) {
  for (const callback of callbacks ?? []) {
    try {
      callback(value);
    } catch (error) {
      reportError(error);
    }
  }
}

/** @param {string} topic */
function sayWatch(topic) {
  // One message a topic: a topic that is refused must not take the others along.
  send({ type: "watch", topics: { [topic]: seen.get(topic) ?? NEVER_SEEN } });
}

function connect() {
  clearTimeout(retry);
  if (!place?.dataset["live"] || socket || leaving) {
    return;
  }
  const url = new URL(place.dataset["live"], location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  openedAt = performance.now();
  socket.addEventListener("open", onOpen);
  socket.addEventListener("message", onFrame);
  socket.addEventListener("close", onClose);
}

/** @param {Event} event */
function onOpen(event) {
  if (event.target !== socket) {
    return;
  }
  attempts = 0;
  brokenSince = null;
  unansweredSince = null;
  for (const topic of seen.keys()) {
    sayWatch(topic);
  }
  showState();
}

/** @param {Event} event */
function onClose(event) {
  if (event.target === socket) {
    drop();
  }
}

function drop() {
  const old = socket;
  const neverOpened = brokenSince !== null;
  socket = null;
  // A socket whose network is gone waits long for the other end's goodbye; it is not waited for.
  old?.close();
  brokenSince ??= unansweredSince ?? performance.now();
  unansweredSince = null;
  attempts += 1;
  if (!leaving) {
    // All pages of a territory lose the same server at once; they come back spread out.
    const pause_ms = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (attempts - 1)) * (0.75 + Math.random() / 2);
    retryAt = performance.now() + pause_ms;
    retry = setTimeout(connect, pause_ms);
    if (neverOpened && attempts % 3 === 0) {
      void askWhy();
    }
  }
  showState();
}

/** A browser does not tell why a WebSocket was refused; the same address, asked plainly, does. */
async function askWhy() {
  try {
    const answer = await fetch(place?.dataset["live"] ?? "", { headers: { Accept: "application/problem+json" } });
    if (answer.status === 401 || answer.status === 403) {
      const problem = await answer.json();
      callAll(messageListeners.get("problem"), { type: "problem", of: "live", problem });
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) {
      throw error;
    }
  }
}

/** @param {MessageEvent} frame */
function onFrame(frame) {
  if (frame.target !== socket) {
    return;
  }
  unansweredSince = null;
  /** @type {LiveMessage} */
  const message = JSON.parse(frame.data);
  if (message.type === "events") {
    takeEvents(message);
  } else if (message.type === "reset") {
    seen.set(message["topic"], message["sequence"]);
    const { topic, sequence } = message;
    callAll(listeners.get(message["topic"]), { topic, sequence, kind: "reset", payload: {} });
  }
  callAll(messageListeners.get(message.type), message);
}

/** @param {LiveMessage} message */
function takeEvents(message) {
  /** @type {string} */
  const topic = message["topic"];
  /** @type {LiveEvent[]} */
  const events = message["events"];
  for (const event of events) {
    if (event.sequence > (seen.get(topic) ?? NEVER_SEEN)) {
      seen.set(topic, event.sequence);
      callAll(listeners.get(topic), { ...event, topic });
    }
  }
}

function beat() {
  const now = performance.now();
  if (!socket) {
    // The timer of the next try may sleep in a page that is in the background; this beat does not.
    if (now > retryAt) {
      connect();
    }
  } else if (socket.readyState !== WebSocket.OPEN) {
    if (now - openedAt > CONNECT_MS) {
      drop();
    }
  } else if (unansweredSince !== null && now - unansweredSince > DEAD_AFTER_MS) {
    drop();
  } else {
    unansweredSince ??= now;
    send({ type: "ping" });
  }
  showState();
}

function showState() {
  const broken_ms = brokenSince === null ? 0 : performance.now() - brokenSince;
  const now = broken_ms < STALE_AFTER_MS ? "ok" : broken_ms < OFFLINE_AFTER_MS ? "stale" : "offline";
  if (now !== state && place) {
    state = now;
    place.dataset["line"] = state;
    callAll(lineListeners, state);
  }
}

/** Connects at once, where something says that it may work now. */
function hurry() {
  if (!leaving && !socket) {
    attempts = 0;
    connect();
  }
}

function startBeat() {
  // Browsers let the timers of a page in the background sleep up to a minute, but not those of a worker: an alert
  // must reach a page that is behind another window.
  const worker = new Worker(new URL("./live-beat.js", import.meta.url), { type: "module" });
  worker.addEventListener("message", beat);
  worker.addEventListener("error", () => setInterval(beat, BEAT_MS), { once: true });
  worker.postMessage(BEAT_MS);
}

if (place?.dataset["live"]) {
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hurry());
  addEventListener("pagehide", () => {
    leaving = true;
    socket?.close();
    socket = null;
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      leaving = false;
      hurry();
    }
  });
  connect();
  startBeat();
}
