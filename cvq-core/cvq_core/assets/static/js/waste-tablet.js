/**
 * The attendant of a waste centre: who comes, what they bring, what it costs, and the slip; with a network or without.
 *
 * A deposit is on this machine's disk before anything is sent. With the network the core decides; without it the list
 * does, and the deposit goes home later as the fact that it is, any number of times, under one id.
 */

import { ask, enrol, isEnrolled, isLineDown, keepPages, onCard, Refused, showTrouble } from "./tablet-device.js";
import { drop, put, showWaiting, upload, waiting } from "./tablet-queue.js";
import { WasteList } from "./waste-list.js";

/**
 * @typedef {import("./waste-list.js").Person} Person
 * @typedef {import("./waste-list.js").Coming} Coming
 * @typedef {import("./waste-list.js").Standing} Standing
 * @typedef {import("./waste-list.js").Found} Found
 * @typedef {import("./tablet-queue.js").Entry} Entry
 *
 * @typedef {object} Visit
 * @property {string} id
 * @property {Person | null} person null for a card that is not on the list
 * @property {string} cardUid
 * @property {Standing | null} standing
 * @property {Map<string, number>} loads litres by category
 * @property {string} category what is chosen now
 * @property {Said | null} said what the core says of it, null while it has not
 * @property {boolean} refused whether the core refuses it
 *
 * @typedef {object} Said
 * @property {string} name
 * @property {Standing} standing
 * @property {number} visit
 * @property {number | null} quota
 * @property {boolean} overrun
 * @property {number} amount_cents
 * @property {{ category: string, label: string, litres: number, amount_cents: number }[]} loads
 */

const BEAT_MS = 30_000;
const LIST_EVERY_MS = 1_800_000;
const FOUND_MAX = 6;
const LITRES_MAX = 20_000;
const LINES_MAX = 12;

const list = new WasteList();
/** @type {Visit | null} */
let visit = null;
let isDown = false;
let listAt = 0;
let asking = 0;

/** @param {string} id */
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

/**
 * @param {string} name
 * @param {Record<string, string | number | null>} values
 */
function filled(name, values) {
  return sentence(name).replace(/\{(\w+)\}/g, (_, key) => String(values[key] ?? ""));
}

/** @param {number} cents */
function euros(cents) {
  return new Intl.NumberFormat("fr-FR", { style: "currency", currency: "EUR" }).format(cents / 100);
}

/** @param {number} litres */
function volume(litres) {
  return `${new Intl.NumberFormat("fr-FR", { maximumFractionDigits: 2 }).format(litres / 1000)} m³`;
}

/** @param {Person} person */
function nameOf(person) {
  return `${person.family_name.toLocaleUpperCase("fr")} ${person.given_name}`;
}

/** The name of who comes, with the company whose waste it is. @param {Visit} now */
function whoIs(now) {
  if (now.said) {
    return now.said.name;
  }
  if (!now.person) {
    return now.cardUid ? `${sentence("card")} …${now.cardUid.slice(-4)}` : "";
  }
  const coming = comingOf(now);
  return [nameOf(now.person), coming?.standing === "professional" ? coming.company : ""].filter(Boolean).join(", ");
}

/** @param {"enrol" | "who" | "load" | "done"} name */
function turnTo(name) {
  for (const each of ["enrol", "who", "load", "done"]) {
    part(each).hidden = each !== name;
  }
  part(name).querySelector("h2")?.focus();
}

// ---- who comes

function askWho() {
  visit = null;
  const asked = /** @type {HTMLInputElement} */ (part("asked"));
  asked.value = "";
  showTrouble(null);
  showFound();
  turnTo("who");
}

function showFound() {
  const asked = /** @type {HTMLInputElement} */ (part("asked"));
  const found = list.find(asked.value, FOUND_MAX);
  const rows = found.map((each) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain found";
    const name = document.createElement("strong");
    name.textContent = nameOf(each.person);
    const more = document.createElement("span");
    more.textContent = [each.plate, each.person.told_apart, ...each.person.coming.map(companyOf)]
      .filter(Boolean)
      .join(" · ");
    button.append(name, more);
    button.addEventListener("click", () => begin(each.person, "", each.standing));
    return button;
  });
  part("found").replaceChildren(...rows);
  part("nobody").hidden = rows.length > 0 || asked.value.length < 2;
}

/** @param {Coming} coming */
function companyOf(coming) {
  return coming.standing === "professional" ? coming.company || sentence("professional") : sentence("household");
}

/** @param {string} uid */
async function cardRead(uid) {
  if (!part("enrol").hidden || !part("load").hidden) {
    return;
  }
  begin(await list.byCard(uid), uid, null);
}

/**
 * @param {Person | null} person
 * @param {string} cardUid
 * @param {Standing | null} standing
 */
function begin(person, cardUid, standing) {
  const only = person?.coming.length === 1 ? (person.coming[0]?.standing ?? null) : null;
  visit = {
    id: crypto.randomUUID(),
    person,
    cardUid,
    standing: standing ?? only,
    loads: new Map(),
    category: "",
    said: null,
    refused: false,
  };
  showTrouble(null);
  showVisit();
  turnTo("load");
}

// ---- what they bring

/** @param {Visit} now */
function comingOf(now) {
  return now.person?.coming.find((each) => each.standing === now.standing) ?? null;
}

/**
 * What the list says that a load costs; null where it does not know.
 *
 * @param {Visit} now
 * @param {string} category
 * @param {number} litres
 */
function centsOf(now, category, litres) {
  const known = list.list?.categories.find((each) => each.code === category);
  if (!known || known.price_code === null || now.standing === "household") {
    return now.standing === null && known?.price_code !== null ? null : 0;
  }
  const cents = comingOf(now)?.cents?.[category];
  // Half a cent up, in whole numbers, as the tariff counts.
  return cents === undefined ? null : Math.floor((2 * cents * litres + 1000) / 2000);
}

/**
 * Each load with its price, the core's where it has said one.
 *
 * @param {Visit} now
 * @returns {{ category: string, label: string, litres: number, cents: number | null }[]}
 */
function linesOf(now) {
  return [...now.loads].map(([category, litres]) => ({
    category,
    label: list.list?.categories.find((each) => each.code === category)?.label ?? category,
    litres,
    cents: now.said
      ? (now.said.loads.find((each) => each.category === category)?.amount_cents ?? 0)
      : centsOf(now, category, litres),
  }));
}

/**
 * @param {Visit} now
 * @returns {number | null}
 */
function totalOf(now) {
  const cents = linesOf(now).map((each) => each.cents);
  return cents.includes(null) ? null : cents.reduce((sum, each) => /** @type {number} */ (sum) + (each ?? 0), 0);
}

/** @param {Visit} now */
function visitsOf(now) {
  const coming = comingOf(now);
  if (now.said) {
    return { visit: now.said.visit, quota: now.said.quota };
  }
  return coming ? { visit: list.nextVisit(coming), quota: list.list?.visits_a_year ?? null } : null;
}

/** @param {Visit} now */
function visitWords(now) {
  if ((now.said?.standing ?? now.standing) !== "household") {
    return "";
  }
  const found = visitsOf(now);
  if (!found || found.quota === null) {
    return found ? filled("visit", { visit: found.visit }) : "";
  }
  const left = Math.max(found.quota - found.visit, 0);
  return filled(found.visit > found.quota ? "no-visit-left" : "visits-left", { ...found, left });
}

/** Whether the year's visits are over, as far as this tablet knows. @param {Visit} now */
function isOver(now) {
  const found = now.standing === "household" ? visitsOf(now) : null;
  return found !== null && found.quota !== null && found.visit > found.quota;
}

function showVisit() {
  const now = visit;
  if (!now) {
    return;
  }
  part("name").textContent = now.person || now.said ? whoIs(now) : sentence("card-not-listed");
  part("visits").textContent = visitWords(now);
  const both = (now.person?.coming.length ?? 2) > 1 && !now.said;
  part("standing").hidden = !both;
  for (const button of part("standing").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset["standing"] === now.standing));
  }
  for (const button of part("categories").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset["category"] === now.category));
  }
  for (const button of part("volumes").querySelectorAll("button")) {
    button.disabled = now.category === "";
  }
  showLines(now);
}

/** @param {Visit} now */
function showLines(now) {
  const rows = linesOf(now).map((line) => {
    const row = /** @type {HTMLElement} */ (
      /** @type {HTMLTemplateElement} */ (part("line-mould")).content.firstElementChild?.cloneNode(true)
    );
    /** @type {HTMLElement} */ (row.querySelector(".what")).textContent = line.label;
    /** @type {HTMLElement} */ (row.querySelector(".much")).textContent =
      line.cents === null && !isDown ? volume(line.litres) : `${volume(line.litres)} · ${priceWords(line.cents)}`;
    const remove = /** @type {HTMLButtonElement} */ (row.querySelector("button"));
    /** @type {HTMLElement} */ (remove.querySelector(".unseen")).textContent = line.label;
    remove.addEventListener("click", () => {
      now.loads.delete(line.category);
      changed();
    });
    return row;
  });
  part("lines").replaceChildren(...rows);
  const total = totalOf(now);
  // With the network nobody agrees to a price that they have not seen.
  const isAwaited = total === null && !isDown;
  part("total").textContent = now.loads.size === 0 || isAwaited ? "" : priceWords(total);
  const confirm = /** @type {HTMLButtonElement} */ (part("confirm"));
  confirm.disabled =
    now.loads.size === 0 || isAwaited || now.refused || isOver(now) || (now.person !== null && !now.standing);
}

/** @param {number | null} cents */
function priceWords(cents) {
  return cents === null ? sentence("price-later") : cents === 0 ? sentence("free") : euros(cents);
}

/** What is brought, or as whom, has changed: the core is asked again. */
function changed() {
  const now = visit;
  if (!now) {
    return;
  }
  now.said = null;
  now.refused = false;
  showTrouble(null);
  showVisit();
  void quote(now);
}

/** @param {Visit} now */
function bodyOf(now) {
  return {
    id: now.id,
    ...(now.cardUid ? { card_uid: now.cardUid } : { person_id: now.person?.person_id }),
    ...(now.standing ? { standing: now.standing } : {}),
    occurred_at: new Date().toISOString(),
    loads: [...now.loads].map(([category, litres]) => ({ category, litres })),
  };
}

/** Asks the core what it comes to; without a network the list's own reckoning stands. @param {Visit} now */
async function quote(now) {
  asking += 1;
  const mine = asking;
  if (isDown || now.loads.size === 0 || (now.person && !now.standing)) {
    return;
  }
  try {
    const said = /** @type {Said} */ (await ask("POST", "/api/v1/waste/quotes", bodyOf(now)));
    if (visit === now && mine === asking) {
      now.said = said;
      showVisit();
    }
  } catch (error) {
    if (isLineDown(error)) {
      await lineIs(true);
      showVisit();
    } else if (visit === now && mine === asking) {
      // Somebody who may come as both has only to say as whom.
      now.refused = !(error instanceof Refused && error.problem.slug === "waste-choose-standing");
      showTrouble(error);
      showVisit();
    }
  }
}

// ---- it is brought

async function confirm() {
  const now = visit;
  if (!now || now.loads.size === 0) {
    return;
  }
  const body = bodyOf(now);
  const who = whoIs(now);
  const cents = totalOf(now);
  /** @type {Entry} */
  const entry = {
    id: now.id,
    kind: "deposit",
    at: body.occurred_at,
    body: { ...body, who: who.slice(0, 200), ...(cents === null ? {} : { said_cents: cents }) },
  };
  const account = now.standing === "household" ? comingOf(now)?.account_id : undefined;
  await put({ ...entry, ...(account ? { account } : {}) });
  let taken = null;
  if (!isDown) {
    try {
      taken = /** @type {Said} */ (await ask("POST", "/api/v1/waste/deposits", body));
      await drop(now.id);
    } catch (error) {
      if (error instanceof Refused && !isLineDown(error)) {
        // The core says no, and nothing has been brought yet.
        await drop(now.id);
        now.refused = true;
        showTrouble(error);
        showVisit();
        return;
      }
      await lineIs(true);
    }
  }
  if (account) {
    await list.count(account);
  }
  showDone(now, taken, body.occurred_at, who);
  await showHeld();
}

/**
 * @param {Visit} now
 * @param {Said | null} taken
 * @param {string} at
 * @param {string} who
 */
function showDone(now, taken, at, who) {
  now.said = taken ?? now.said;
  const when = new Intl.DateTimeFormat("fr-FR", { dateStyle: "long", timeStyle: "short", timeZone: "Europe/Paris" });
  const standing = taken?.standing ?? now.standing;
  part("slip-site").textContent = list.list?.site ?? "";
  // « 10 h 30 », as every other paper writes an hour.
  part("slip-at").textContent = when.format(new Date(at)).replace(/(\d+):(\d+)$/, "$1\u00a0h\u00a0$2");
  part("slip-who").textContent = taken?.name ?? who;
  part("slip-standing").textContent = standing ? sentence(standing) : "";
  part("slip-lines").replaceChildren(
    ...linesOf(now).map((line) => {
      const row = document.createElement("tr");
      for (const [place, text] of [line.label, volume(line.litres), priceWords(line.cents)].entries()) {
        const cell = document.createElement(place ? "td" : "th");
        cell.textContent = text;
        row.append(cell);
      }
      return row;
    }),
  );
  part("slip-total").textContent = priceWords(totalOf(now));
  part("slip-visits").textContent = visitWords(now);
  part("slip-id").textContent = now.id;
  part("done-words").textContent = sentence(taken ? "taken" : "kept");
  turnTo("done");
}

// ---- the line

/** @param {Entry} entry */
async function sendLate(entry) {
  await ask("POST", "/api/v1/waste/deposits/late", entry.body);
}

/** @param {boolean} down */
async function lineIs(down) {
  isDown = down;
  part("line").dataset["line"] = down ? "down" : "ok";
  await showHeld();
}

async function showHeld() {
  await showWaiting();
  part("not-held").hidden = list.holds || !part("enrol").hidden;
}

async function beat() {
  await list.expire();
  try {
    await upload(sendLate);
    if (Date.now() > listAt) {
      /** @type {Record<string, number>} */
      const unsent = {};
      for (const entry of await waiting()) {
        if (entry.account) {
          unsent[entry.account] = (unsent[entry.account] ?? 0) + 1;
        }
      }
      await list.refresh(unsent);
      listAt = Date.now() + LIST_EVERY_MS;
      showCategories();
      showFound();
    }
    await lineIs(false);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      await list.wipe();
      showTrouble(error);
      turnTo("enrol");
      return;
    }
    if (!isLineDown(error)) {
      showTrouble(error);
    }
    await lineIs(true);
  }
}

// ---- the page

function showCategories() {
  const shown = list.list?.categories ?? [];
  if (list.list) {
    part("place").textContent = list.list.site;
  }
  const tiles = shown.map((each) => {
    const tile = /** @type {HTMLElement} */ (
      /** @type {HTMLTemplateElement} */ (part("category-mould")).content.firstElementChild?.cloneNode(true)
    );
    tile.dataset["category"] = each.code;
    /** @type {HTMLElement} */ (tile.querySelector(".word")).textContent = each.label;
    const use = /** @type {SVGUseElement} */ (tile.querySelector("use"));
    const href = use.getAttribute("href") ?? "";
    const drawn = (part("categories").dataset["drawn"] ?? "").split(" ").includes(each.code);
    use.setAttribute("href", href.replace(/#.*/, `#${drawn ? each.code : "other"}`));
    tile.addEventListener("click", () => {
      if (visit) {
        visit.category = each.code;
        showVisit();
      }
    });
    return tile;
  });
  part("categories").replaceChildren(...tiles);
  showVisit();
}

function listen() {
  const asked = /** @type {HTMLInputElement} */ (part("asked"));
  asked.addEventListener("input", showFound);
  for (const key of part("keys").querySelectorAll("button")) {
    key.addEventListener("click", () => {
      const letter = key.dataset["key"] ?? "";
      asked.value = letter === "back" ? asked.value.slice(0, -1) : letter === "wipe" ? "" : asked.value + letter;
      showFound();
    });
  }
  for (const button of part("standing").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (visit) {
        visit.standing = /** @type {Standing} */ (button.dataset["standing"]);
        changed();
      }
    });
  }
  for (const button of part("volumes").querySelectorAll("button")) {
    button.addEventListener("click", () => {
      if (visit?.category && (visit.loads.has(visit.category) || visit.loads.size < LINES_MAX)) {
        const litres = (visit.loads.get(visit.category) ?? 0) + Number(button.dataset["litres"]);
        visit.loads.set(visit.category, Math.min(litres, LITRES_MAX));
        changed();
      }
    });
  }
  once("confirm", confirm);
  once("give-up", async () => askWho());
  once("next", async () => askWho());
  once("print", async () => print());
  onCard((uid) => void cardRead(uid).catch(showTrouble));
}

/**
 * A touch counts once while it is under way.
 *
 * @param {string} id
 * @param {() => Promise<void>} act
 */
function once(id, act) {
  const button = part(id);
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") {
      return;
    }
    button.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (error) {
      showTrouble(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

async function start() {
  listen();
  const form = /** @type {HTMLFormElement} */ (part("enrol-form"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await enrol(String(new FormData(form).get("code") ?? ""));
      form.reset();
      askWho();
      await beat();
    } catch (error) {
      showTrouble(error);
    }
  });
  const enrolled = await isEnrolled();
  void keepPages();
  if (enrolled) {
    await list.load();
    showCategories();
    askWho();
    await beat();
  } else {
    turnTo("enrol");
  }
  const again = () => {
    if (part("enrol").hidden) {
      void beat();
    }
  };
  setInterval(again, BEAT_MS);
  addEventListener("online", again);
}

start().catch(showTrouble);
