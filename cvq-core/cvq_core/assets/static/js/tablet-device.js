/**
 * A tablet as a machine: its key and its tokens, what it keeps for days without a network, and its pages.
 *
 * The tablet proves itself as every reader does: an Ed25519 key that never leaves the browser signs a challenge for a
 * token of an hour.
 */

/**
 * @typedef {{ device_id: string, keys: CryptoKeyPair }} Identity
 * @typedef {{ slug: string, title: string, detail?: string }} Problem
 * @typedef {"identity" | "kept" | "queue"} StoreName
 */

const SIGNED_PREFIX = "cvq-device-token:";
const TOKEN_SPARE_MS = 60_000;
const DATABASE = "cvq-tablet";
const VERSION = 2;
/** @type {StoreName[]} */
const STORES = ["identity", "kept", "queue"];
const DIGEST_CHARACTERS = 32;

/** How long somebody at a gate waits for the network before the tablet goes on by itself. */
export const ANSWER_MS = 4_000;

/** A problem that the server explained. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {Problem} problem
   */
  constructor(status, problem) {
    super(problem.slug);
    this.status = status;
    this.problem = problem;
  }
}

/** @type {Identity | null} */
let identity = null;
let token = "";
let tokenUntil = 0;

/** @param {Uint8Array} bytes */
function toText(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @param {string} text */
function toBytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

/**
 * Opens the browser's own store and does one thing in it; resolved once it is on the disk.
 *
 * @template T
 * @param {StoreName} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>}
 */
export function inStore(name, mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(DATABASE, VERSION);
    opening.onupgradeneeded = () => {
      for (const each of STORES.filter((store) => !opening.result.objectStoreNames.contains(store))) {
        opening.result.createObjectStore(each);
      }
    };
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      // Another window of a newer version need not wait for this one.
      database.onversionchange = () => database.close();
      const transaction = database.transaction(name, mode, { durability: "strict" });
      const request = act(transaction.objectStore(name));
      transaction.oncomplete = () => {
        database.close();
        resolve(request.result);
      };
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => {
        database.close();
        reject(transaction.error);
      };
    };
  });
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function keep(name, value) {
  return inStore("kept", "readwrite", (store) => store.put(value, name));
}

/**
 * @param {string} name
 * @returns {Promise<any>}
 */
export function kept(name) {
  return inStore("kept", "readonly", (store) => store.get(name));
}

/** @param {string} name */
export function forget(name) {
  return inStore("kept", "readwrite", (store) => store.delete(name));
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 * @param {number} [answerMs]
 * @returns {Promise<any>} the answer, null for none
 */
async function send(method, path, body, headers = {}, answerMs = ANSWER_MS) {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
    signal: AbortSignal.timeout(answerMs),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) {
    throw new Refused(response.status, await problemOf(response));
  }
  return response.status === 204 ? null : response.json();
}

/**
 * What a server says; a proxy in between that says something else is a line that is down.
 *
 * @param {Response} response
 * @returns {Promise<Problem>}
 */
async function problemOf(response) {
  if (response.headers.get("Content-Type")?.includes("json")) {
    return response.json();
  }
  throw new TypeError(`not our server: ${response.status}`);
}

/** @param {Identity} mine */
async function freshToken(mine) {
  if (Date.now() < tokenUntil) {
    return token;
  }
  const { challenge } = await send("POST", "/api/v1/devices/challenge", { device_id: mine.device_id });
  const signed = new Uint8Array([...new TextEncoder().encode(SIGNED_PREFIX), ...toBytes(challenge)]);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", mine.keys.privateKey, signed));
  const proof = { device_id: mine.device_id, challenge, signature: toText(signature) };
  const given = await send("POST", "/api/v1/devices/token", proof);
  token = given.token;
  tokenUntil = Date.now() + given.expires_in_s * 1000 - TOKEN_SPARE_MS;
  return token;
}

/**
 * Asks as this tablet; a token that ended early is renewed once.
 *
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {number} [answerMs]
 */
export async function ask(method, path, body, answerMs = ANSWER_MS) {
  if (!identity) {
    throw new Error("not enrolled");
  }
  for (let attempt = 1; ; attempt += 1) {
    const bearer = await freshToken(identity);
    try {
      return await send(method, path, body, { Authorization: `Bearer ${bearer}` }, answerMs);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401) || attempt > 1) {
        throw error;
      }
      tokenUntil = 0;
    }
  }
}

/** Whether this browser has enrolled. */
export async function isEnrolled() {
  identity = (await inStore("identity", "readonly", (store) => store.get("mine"))) ?? null;
  return identity !== null;
}

/** @param {string} code */
export async function enrol(code) {
  const keys = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  const { device_id } = await send("POST", "/api/v1/devices/enrol", { code, kind: "reader", public_key: toText(raw) });
  identity = { device_id, keys };
  await inStore("identity", "readwrite", (store) => store.put(identity, "mine"));
}

/**
 * Under what this tablet's lists know a card.
 *
 * @param {string} uid hexadecimal digits
 */
export async function cardDigest(uid) {
  if (!identity) {
    throw new Error("not enrolled");
  }
  const salt = Uint8Array.from(identity.device_id.replaceAll("-", "").match(/../g) ?? [], (two) =>
    Number.parseInt(two, 16),
  );
  const key = await crypto.subtle.importKey("raw", salt, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const digest = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(uid.toUpperCase())));
  return [...digest]
    .map((each) => each.toString(16).padStart(2, "0"))
    .join("")
    .slice(0, DIGEST_CHARACTERS);
}

/**
 * Whether an error means that the line is down: nothing came back, or too late, or from somebody in between.
 *
 * @param {unknown} error
 */
export function isLineDown(error) {
  return (
    error instanceof TypeError ||
    (error instanceof DOMException && error.name === "TimeoutError") ||
    (error instanceof Refused && error.status >= 502)
  );
}

/**
 * Shows what went wrong in the page's own words; nothing for null.
 *
 * @param {unknown} error
 */
export function showTrouble(error) {
  const place = document.getElementById("trouble");
  if (!place) {
    return;
  }
  place.replaceChildren();
  if (error === null) {
    return;
  }
  if (error instanceof Refused) {
    const line = document.createElement("p");
    line.className = "problem";
    line.dataset["slug"] = error.problem.slug;
    line.textContent = [error.problem.title, error.problem.detail].filter(Boolean).join(" ");
    place.append(line);
    return;
  }
  const name = isLineDown(error) ? "offline" : error instanceof DOMException ? "no-key" : "trouble";
  const sentence = document.querySelector(`template[data-sentence="${name}"]`);
  if (sentence instanceof HTMLTemplateElement) {
    place.append(sentence.content.cloneNode(true));
  }
}

/** Keeps the pages for when the line is cut, and asks the browser never to throw away what is not sent yet. */
export async function keepPages() {
  await navigator.storage?.persist?.();
  // A browser that keeps no pages goes on while this one is open.
  await navigator.serviceWorker?.register("/tablette/worker.js", { scope: "/tablette" }).catch(() => {});
}

/**
 * Hears a card reader that types like a keyboard: digits in quick succession and a final Enter.
 *
 * @param {(uid: string) => void} read
 */
export function onCard(read) {
  let typed = "";
  let last = 0;
  document.addEventListener(
    "keydown",
    (event) => {
      const now = event.timeStamp;
      typed = now - last < WEDGE_MS ? typed : "";
      last = now;
      if (/^[0-9a-fA-F]$/.test(event.key)) {
        typed += event.key.toUpperCase();
      } else if (event.key === "Enter" && CARD_UID.test(typed)) {
        event.preventDefault();
        event.stopPropagation();
        const uid = typed;
        typed = "";
        read(uid);
      } else {
        typed = "";
      }
    },
    { capture: true },
  );
}

/** Nobody types two digits faster, and a slow reader types them no slower. */
const WEDGE_MS = 100;
const CARD_UID = /^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})$/;
