/**
 * The roll call on a tablet: enrols the browser once, then lists who is expected and notes who came.
 *
 * The tablet proves itself as every reader does: an Ed25519 key that never leaves the browser signs a challenge for a
 * token of an hour. A touch keeps its identifier until the server has answered, so that touching again after a lost
 * line counts once.
 */

/**
 * @typedef {{ device_id: string, keys: CryptoKeyPair }} Identity
 * @typedef {object} Expected
 * @property {string} person_id
 * @property {string} family_name
 * @property {string} given_name
 * @property {string} told_apart what tells somebody from another of the same name, else empty
 * @property {"present" | "absent" | null} status
 *
 * @typedef {{ allowed: boolean, display_short: string, display_long: string }} Answer
 * @typedef {{ slug: string, title: string, detail?: string }} Problem
 */

const SIGNED_PREFIX = "cvq-device-token:";
const REFRESH_MS = 30_000;
const TOKEN_SPARE_MS = 60_000;
const ANSWER_MS = 15_000;

/** A problem that the server explained. */
class Refused extends Error {
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

/** Identifiers of touches without an answer yet, by person. @type {Map<string, { id: string, at: string }>} */
const underWay = new Map();

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function part(id) {
  const found = document.getElementById(id);
  if (!found) {
    throw new Error(`the page has no #${id}`);
  }
  return found;
}

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
 * Opens the browser's own store and does one thing in it.
 *
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>}
 */
function inStore(mode, act) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("cvq-tablet", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("identity");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("identity", mode);
      const request = act(transaction.objectStore("identity"));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(request.result);
      };
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    };
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {object} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<any>} the answer, null for none
 */
async function send(method, path, body, headers = {}) {
  const response = await fetch(path, {
    method,
    headers: { ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
    signal: AbortSignal.timeout(ANSWER_MS),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) {
    throw new Refused(response.status, await response.json());
  }
  return response.status === 204 ? null : response.json();
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
 */
async function ask(method, path, body) {
  if (!identity) {
    throw new Error("not enrolled");
  }
  for (let attempt = 1; ; attempt += 1) {
    const bearer = await freshToken(identity);
    try {
      return await send(method, path, body, { Authorization: `Bearer ${bearer}` });
    } catch (error) {
      if (!(error instanceof Refused && error.status === 401) || attempt > 1) {
        throw error;
      }
      tokenUntil = 0;
    }
  }
}

/** @param {string} code */
async function enrol(code) {
  const keys = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  const body = { code, kind: "reader", public_key: toText(raw) };
  const { device_id } = await send("POST", "/api/v1/devices/enrol", body);
  identity = { device_id, keys };
  await inStore("readwrite", (store) => store.put(identity, "mine"));
}

/** @param {unknown} error */
function show(error) {
  const place = part("trouble");
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
  const isLine = error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
  const name = isLine ? "offline" : error instanceof DOMException ? "no-key" : "trouble";
  const sentence = document.querySelector(`template[data-sentence="${name}"]`);
  if (sentence instanceof HTMLTemplateElement) {
    place.append(sentence.content.cloneNode(true));
  }
}

/**
 * @param {HTMLElement} row
 * @param {Expected["status"]} status
 */
function mark(row, status) {
  if (status) {
    row.dataset["status"] = status;
  } else {
    delete row.dataset["status"];
  }
  count();
}

function count() {
  const rows = part("people").querySelectorAll(".person");
  const present = part("people").querySelectorAll('.person[data-status="present"]');
  const total = part("count");
  /** @type {HTMLElement} */ (total.querySelector("[data-present]")).textContent = String(present.length);
  /** @type {HTMLElement} */ (total.querySelector("[data-expected]")).textContent = String(rows.length);
  part("nobody").hidden = rows.length > 0;
}

/** @param {Expected} person */
function nameOf(person) {
  return `${person.given_name} ${person.family_name.toLocaleUpperCase("fr")}`;
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 */
async function tick(row, person) {
  const touch = underWay.get(person.person_id) ?? { id: crypto.randomUUID(), at: new Date().toISOString() };
  underWay.set(person.person_id, touch);
  const body = { id: touch.id, person_id: person.person_id, ticked_at: touch.at };
  /** @type {Answer} */
  const answer = await ask("POST", "/api/v1/attendances", body);
  underWay.delete(person.person_id);
  if (answer.allowed) {
    mark(row, "present");
  }
  const said = document.createElement("p");
  said.textContent = `${nameOf(person)} : ${answer.allowed ? answer.display_short : answer.display_long}`;
  part("status").replaceChildren(said);
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 */
async function noteAbsent(row, person) {
  await ask("POST", "/api/v1/absences", { person_id: person.person_id });
  mark(row, "absent");
}

/**
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} act
 */
function whenTouched(button, act) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") {
      return;
    }
    button.setAttribute("aria-busy", "true");
    try {
      await act();
      show(null);
    } catch (error) {
      show(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/** @param {Expected} person */
function rowFor(person) {
  const mould = /** @type {HTMLTemplateElement} */ (part("person"));
  const row = /** @type {HTMLElement} */ (
    /** @type {DocumentFragment} */ (mould.content.cloneNode(true)).querySelector(".person")
  );
  row.dataset["person"] = person.person_id;
  /** @type {HTMLElement} */ (row.querySelector(".name")).textContent = nameOf(person);
  const apart = /** @type {HTMLElement} */ (row.querySelector(".told-apart"));
  apart.textContent = person.told_apart;
  apart.hidden = person.told_apart === "";
  /** @type {HTMLElement} */ (row.querySelector("[data-absent] .unseen")).textContent = ` : ${nameOf(person)}`;
  whenTouched(/** @type {HTMLButtonElement} */ (row.querySelector("[data-tick]")), () => tick(row, person));
  whenTouched(/** @type {HTMLButtonElement} */ (row.querySelector("[data-absent]")), () => noteAbsent(row, person));
  return row;
}

/** Draws who is on the list now; rows that are there already stay where the finger expects them. */
async function refresh() {
  /** @type {{ place: string, expected: Expected[] }} */
  const { place, expected } = await ask("GET", "/api/v1/attendances/expected");
  /** @type {HTMLElement} */ (part("count").querySelector("[data-place]")).textContent = place;
  const list = part("people");
  const there = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset["person"], row]));
  for (const person of expected) {
    const known = there.get(person.person_id);
    const row = known instanceof HTMLElement ? known : rowFor(person);
    there.delete(person.person_id);
    if (!known) {
      list.append(row);
    }
    mark(row, person.status);
  }
  for (const gone of there.values()) {
    gone.remove();
  }
  count();
}

async function keepFresh() {
  try {
    await refresh();
    show(null);
    part("roll-call").hidden = false;
  } catch (error) {
    show(error);
    if (error instanceof Refused && error.status === 401) {
      part("roll-call").hidden = true;
      part("enrol").hidden = false;
    }
  }
}

async function start() {
  const form = /** @type {HTMLFormElement} */ (part("enrol-form"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await enrol(String(new FormData(form).get("code") ?? ""));
      form.reset();
      part("enrol").hidden = true;
      await keepFresh();
    } catch (error) {
      show(error);
    }
  });
  identity = (await inStore("readonly", (store) => store.get("mine"))) ?? null;
  if (identity) {
    await keepFresh();
  } else {
    part("enrol").hidden = false;
  }
  setInterval(() => {
    if (identity && !document.hidden && part("enrol").hidden) {
      void keepFresh();
    }
  }, REFRESH_MS);
}

start().catch(show);
