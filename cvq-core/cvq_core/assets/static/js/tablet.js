/**
 * The roll call on a tablet: enrols the browser once, then lists who is expected and notes who came: an adult touches
 * the names of the small ones, the bigger ones present their card.
 *
 * Without a network it goes on by the lists that it keeps for a week. A touch keeps its identifier until the server has
 * answered, however it gets there, so that it counts once.
 */

import {
  ask,
  cardDigest,
  enrol,
  forget,
  isEnrolled,
  isLineDown,
  keep,
  keepPages,
  kept,
  onCard,
  Refused,
  showTrouble,
} from "./tablet-device.js";
import { put, showWaiting, upload, waiting } from "./tablet-queue.js";

/**
 * @typedef {object} Expected
 * @property {string} person_id
 * @property {string} family_name
 * @property {string} given_name
 * @property {string} told_apart what tells somebody from another of the same name, else empty
 * @property {"present" | "absent" | null} status
 * @property {string[]} cards digests of their cards
 *
 * @typedef {{ point_id: string, place: string, day: string, expected: Expected[] }} RollCall
 * @typedef {{ allowed: boolean, reason: string, display_short: string, display_long: string }} Answer
 * @typedef {import("./tablet-queue.js").Entry} Entry
 */

const REFRESH_MS = 30_000;
/** How long a line that was down is not tried for a touch: nobody waits twice. */
const DOWN_MS = 20_000;
const DAY_MS = 86_400_000;
const DAYS_AHEAD = 6;
const AHEAD_EVERY_MS = 3_600_000;
const LIST = "roll-calls";

/** The lists by day. @type {Record<string, RollCall>} */
let lists = {};
let downUntil = 0;
let aheadAt = 0;

/** Identifiers of touches without an answer yet, by person. @type {Map<string, { id: string, at: string }>} */
const underWay = new Map();

/** By how many days this machine's clock is behind the server's. */
let daysBehind = 0;

/** The civil day, as the server writes it. @param {number} [ahead] */
function dayHere(ahead = 0) {
  const at = Date.now() + (ahead + daysBehind) * DAY_MS;
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Paris" }).format(at);
}

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

/** @param {string} name */
function sentence(name) {
  const mould = document.querySelector(`template[data-sentence="${name}"]`);
  return mould instanceof HTMLTemplateElement ? (mould.content.textContent ?? "").trim() : "";
}

/** @param {string} words */
function say(words) {
  const said = document.createElement("p");
  said.textContent = words;
  part("status").replaceChildren(said);
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

/** Shows how many wait to be sent, and whether the line is down. */
async function showLine() {
  part("line-down").hidden = Date.now() >= downUntil;
  await showWaiting();
}

/**
 * Asks the server, unless the line has just been down.
 *
 * @template T
 * @param {() => Promise<T>} act
 * @returns {Promise<T | null>} null when the line is down
 */
async function overTheLine(act) {
  if (Date.now() < downUntil) {
    return null;
  }
  try {
    return await act();
  } catch (error) {
    if (!isLineDown(error)) {
      throw error;
    }
    downUntil = Date.now() + DOWN_MS;
    return null;
  }
}

/**
 * What the tablet decided by itself, as late taps come in.
 *
 * @param {string} id
 * @param {string} at
 * @param {{ card_uid: string } | { person_id: string }} whom
 * @param {boolean} allowed
 * @returns {Entry}
 */
function lateTap(id, at, whom, allowed) {
  const list = lists[dayHere()];
  const decided = {
    allowed,
    reason: allowed ? "served" : "unknown-card",
    display_short: sentence(allowed ? "noted" : "unknown-card").slice(0, 24),
    snapshot: list?.day,
  };
  return { id, kind: "tap", at, body: { id, point_id: list?.point_id, ...whom, tapped_at: at, decided } };
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 */
async function tick(row, person) {
  const touch = underWay.get(person.person_id) ?? { id: crypto.randomUUID(), at: new Date().toISOString() };
  underWay.set(person.person_id, touch);
  const { id, at } = touch;
  const body = { id, person_id: person.person_id, ticked_at: at };
  const answer = /** @type {Answer | null} */ (await overTheLine(() => ask("POST", "/api/v1/attendances", body)));
  if (answer === null && row.dataset["status"] !== "present") {
    await put(lateTap(id, at, { person_id: person.person_id }, true));
  }
  underWay.delete(person.person_id);
  await noted(row, person, answer);
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 * @param {Answer | null} answer null when it was noted here and is sent later
 */
async function noted(row, person, answer) {
  if (!answer || answer.allowed) {
    const again = answer?.reason === "already-counted" || (!answer && row.dataset["status"] === "present");
    mark(row, "present");
    // What a family owes is nobody's business at the table: served is served.
    say(`${nameOf(person)} : ${sentence(again ? "already" : "noted")}`);
  } else {
    say(`${nameOf(person)} : ${answer.display_long}`);
  }
  await remember(person, /** @type {Expected["status"]} */ (row.dataset["status"] ?? null));
  await showLine();
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 */
async function noteAbsent(row, person) {
  const body = { person_id: person.person_id, day: dayHere() };
  if ((await overTheLine(() => ask("POST", "/api/v1/absences", body).then(() => true))) === null) {
    await put({ id: `absent-${body.day}-${person.person_id}`, kind: "absence", at: new Date().toISOString(), body });
  }
  mark(row, "absent");
  await remember(person, "absent");
  await showLine();
}

/** @param {string} uid */
async function tapped(uid) {
  const id = crypto.randomUUID();
  const at = new Date().toISOString();
  const list = lists[dayHere()];
  const digest = await cardDigest(uid);
  const person = list?.expected.find((each) => each.cards.includes(digest));
  const row = person && part("people").querySelector(`[data-person="${person.person_id}"]`);
  const body = { id, card_uid: uid, tapped_at: at };
  const answer = /** @type {Answer | null} */ (await overTheLine(() => ask("POST", "/api/v1/taps", body)));
  if (answer === null && list && !(row instanceof HTMLElement && row.dataset["status"] === "present")) {
    await put(lateTap(id, at, { card_uid: uid }, row instanceof HTMLElement));
  }
  if (person && row instanceof HTMLElement) {
    await noted(row, person, answer);
  } else {
    say(answer ? (answer.allowed ? sentence("noted") : answer.display_long) : sentence("unknown-card-long"));
    await showLine();
  }
  greet(person && (!answer || answer.allowed) ? nameOf(person) : "");
}

/** Shows a child that their card was seen; nothing else is said aloud. @param {string} name */
function greet(name) {
  const place = part("greeting");
  place.textContent = name || (part("status").textContent ?? "");
  place.dataset["tone"] = name ? "ok" : "no";
  place.hidden = false;
  setTimeout(() => {
    place.hidden = true;
  }, GREETING_MS);
}

const GREETING_MS = 3_000;

/**
 * @param {Expected} person
 * @param {Expected["status"]} status
 */
async function remember(person, status) {
  person.status = status;
  await keep(LIST, { lists, daysBehind });
}

/** @param {Entry} entry */
async function sendLate(entry) {
  if (entry.kind === "absence") {
    try {
      await ask("POST", "/api/v1/absences", entry.body);
    } catch (error) {
      // Whoever came meanwhile, or is not expected any more, is not absent.
      if (!(error instanceof Refused && ["already-present", "not-expected"].includes(error.problem.slug))) {
        throw error;
      }
    }
    return;
  }
  const { taps } = await ask("POST", "/api/v1/taps/batch", { taps: [entry.body] });
  const slug = taps[0]?.refused;
  if (slug) {
    throw new Refused(409, { slug, title: slug });
  }
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
      showTrouble(null);
    } catch (error) {
      showTrouble(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/**
 * @param {HTMLElement} row
 * @param {Expected} person
 */
function write(row, person) {
  /** @type {HTMLElement} */ (row.querySelector(".name")).textContent = nameOf(person);
  const apart = /** @type {HTMLElement} */ (row.querySelector(".told-apart"));
  apart.textContent = person.told_apart;
  apart.hidden = person.told_apart === "";
  /** @type {HTMLElement} */ (row.querySelector("[data-absent] .unseen")).textContent = ` : ${nameOf(person)}`;
}

/** @param {Expected} person */
function rowFor(person) {
  const mould = /** @type {HTMLTemplateElement} */ (part("person"));
  const row = /** @type {HTMLElement} */ (
    /** @type {DocumentFragment} */ (mould.content.cloneNode(true)).querySelector(".person")
  );
  row.dataset["person"] = person.person_id;
  whenTouched(/** @type {HTMLButtonElement} */ (row.querySelector("[data-tick]")), () => tick(row, person));
  whenTouched(/** @type {HTMLButtonElement} */ (row.querySelector("[data-absent]")), () => noteAbsent(row, person));
  return row;
}

/** Days that are over are gone from this machine, with a network or without. */
async function prune() {
  const left = Object.entries(lists).filter(([day]) => day >= dayHere());
  if (left.length < Object.keys(lists).length) {
    lists = Object.fromEntries(left);
    await keep(LIST, { lists, daysBehind });
  }
}

/** Draws the list of the day; rows that are there already stay where the finger expects them. */
async function draw() {
  await prune();
  const list = lists[dayHere()];
  part("no-list").hidden = list !== undefined;
  part("roll-call").hidden = list === undefined;
  if (!list) {
    return;
  }
  const queued = await waiting();
  /** @type {HTMLElement} */ (part("count").querySelector("[data-place]")).textContent = list.place;
  const people = part("people");
  const there = new Map([...people.children].map((row) => [/** @type {HTMLElement} */ (row).dataset["person"], row]));
  for (const person of list.expected) {
    const known = there.get(person.person_id);
    const row = known instanceof HTMLElement ? known : rowFor(person);
    there.delete(person.person_id);
    write(row, person);
    if (!known) {
      people.append(row);
    }
    mark(row, statusHere(person, row, queued));
  }
  for (const gone of there.values()) {
    gone.remove();
  }
  count();
  await showLine();
}

/**
 * What the server says, but for what is not there yet.
 *
 * @param {Expected} person
 * @param {HTMLElement} row
 * @param {Entry[]} queued
 */
function statusHere(person, row, queued) {
  const own = queued.some((each) => each.body.person_id === person.person_id);
  const shown = /** @type {Expected["status"]} */ (row.dataset["status"] ?? null);
  return own ? (shown ?? person.status) : person.status;
}

/** Brings home what waits, then fetches the list of the day, and now and then those of the days to come. */
async function refresh() {
  await upload(sendLate);
  const fetched = await ask("GET", "/api/v1/attendances/expected");
  const today = fetched.day;
  daysBehind += Math.round((Date.parse(today) - Date.parse(dayHere())) / DAY_MS);
  const known = new Map(lists[today]?.expected.map((each) => [each.person_id, each]));
  // A row's own person goes on: what is touched now is remembered on it.
  fetched.expected = fetched.expected.map((/** @type {Expected} */ each) =>
    Object.assign(known.get(each.person_id) ?? {}, each),
  );
  lists = { ...lists, [today]: fetched };
  if (Date.now() > aheadAt) {
    for (let ahead = 1; ahead <= DAYS_AHEAD; ahead += 1) {
      const day = dayHere(ahead);
      lists[day] = await ask("GET", `/api/v1/attendances/expected?day=${day}`);
    }
    aheadAt = Date.now() + AHEAD_EVERY_MS;
  }
  await keep(LIST, { lists, daysBehind });
}

async function keepFresh() {
  try {
    await refresh();
    downUntil = 0;
    showTrouble(null);
  } catch (error) {
    if (isLineDown(error)) {
      downUntil = Date.now() + DOWN_MS;
    } else {
      showTrouble(error);
    }
    if (error instanceof Refused && error.status === 401) {
      await lockOut();
      return;
    }
  }
  await draw();
}

/** A tablet that is not known any more keeps no names; what it has not sent stays, for when it is installed again. */
async function lockOut() {
  lists = {};
  await forget(LIST);
  part("people").replaceChildren();
  part("roll-call").hidden = true;
  part("no-list").hidden = true;
  part("enrol").hidden = false;
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
      showTrouble(error);
    }
  });
  onCard((uid) => {
    if (part("enrol").hidden) {
      tapped(uid).catch(showTrouble);
    }
  });
  const enrolled = await isEnrolled();
  void keepPages();
  if (enrolled) {
    ({ lists, daysBehind } = (await kept(LIST)) ?? { lists, daysBehind });
    await draw();
    await keepFresh();
  } else {
    part("enrol").hidden = false;
  }
  const beat = () => {
    if (!document.hidden && part("enrol").hidden) {
      void keepFresh();
    }
  };
  setInterval(beat, REFRESH_MS);
  addEventListener("online", beat);
}

start().catch(showTrouble);
