/**
 * Who may come to the waste centre: the list that the tablet keeps for some days, and how somebody is found in it.
 *
 * It expires: then names and plates are gone from this machine, and a card alone is taken, as a fact for later.
 */

import { ask, cardDigest, forget, keep, kept } from "./tablet-device.js";

/**
 * @typedef {"household" | "professional"} Standing
 * @typedef {{ code: string, label: string, price_code: string | null }} Category
 *
 * @typedef {object} Coming
 * @property {Standing} standing
 * @property {string} account_id
 * @property {number} visits
 * @property {string} company
 * @property {Record<string, number> | null} cents what a cubic metre costs, by category
 *
 * @typedef {object} Person
 * @property {string} person_id
 * @property {string} family_name
 * @property {string} given_name
 * @property {string} told_apart
 * @property {Coming[]} coming
 * @property {[string, Standing][]} plates
 * @property {string[]} cards
 *
 * @typedef {object} List
 * @property {string} site
 * @property {string} made_at
 * @property {string} expires_at
 * @property {number | null} visits_a_year
 * @property {Category[]} categories
 * @property {Person[]} people
 *
 * @typedef {{ person: Person, standing: Standing | null, plate: string }} Found
 */

const LIST = "waste-list";
const SINCE = "waste-since";
const PLATE = /^(?=.*\d)[A-Z0-9]{3,}$/;
const ANSWER_MS = 30_000;

export class WasteList {
  /** @type {List | null} */
  #list = null;
  /** Visits taken here that the list does not count yet, by account. @type {Record<string, number>} */
  #since = {};
  /** @type {Map<string, Person>} */
  #byCard = new Map();
  /** @type {{ words: string[], person: Person }[]} */
  #byName = [];
  /** @type {Found[]} */
  #byPlate = [];

  get list() {
    return this.#list;
  }

  /** Whether people are known by name here. */
  get holds() {
    return this.#list !== null && this.#list.people.length > 0;
  }

  async load() {
    this.#since = (await kept(SINCE)) ?? {};
    this.#take((await kept(LIST)) ?? null);
    await this.expire();
  }

  /** Forgets the people of a list that is too old; what is taken, and what it costs, stays. */
  async expire() {
    if (this.#list && this.#list.people.length > 0 && Date.parse(this.#list.expires_at) <= Date.now()) {
      this.#take({ ...this.#list, people: [] });
      await keep(LIST, this.#list);
    }
  }

  async wipe() {
    this.#take(null);
    await forget(LIST);
  }

  /**
   * Fetches the list whole; the old one stands until the new one is there.
   *
   * @param {Record<string, number>} unsent visits that the server does not know yet, by account
   */
  async refresh(unsent) {
    /** @type {Person[]} */
    const people = [];
    let after = "";
    for (;;) {
      const path = `/api/v1/waste/people${after && `?after=${after}`}`;
      const part = await ask("GET", path, undefined, ANSWER_MS);
      people.push(...part.people);
      if (!part.following) {
        const { people: _, following: __, ...rest } = part;
        this.#take({ ...rest, people });
        break;
      }
      after = part.following;
    }
    this.#since = { ...unsent };
    await keep(LIST, this.#list);
    await keep(SINCE, this.#since);
  }

  /** @param {List | null} list */
  #take(list) {
    this.#list = list;
    this.#byCard = new Map();
    this.#byName = [];
    this.#byPlate = [];
    for (const person of list?.people ?? []) {
      for (const card of person.cards) {
        this.#byCard.set(card, person);
      }
      this.#byName.push({ words: wordsOf(`${person.family_name} ${person.given_name}`), person });
      for (const [plate, standing] of person.plates) {
        this.#byPlate.push({ person, standing, plate });
      }
    }
  }

  /** @param {string} uid */
  async byCard(uid) {
    return this.#byCard.get(await cardDigest(uid)) ?? null;
  }

  /**
   * @param {string} typed a part of a plate, or beginnings of names in any order
   * @param {number} most
   * @returns {Found[]}
   */
  find(typed, most) {
    const plate = typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
    const vehicles = PLATE.test(plate) ? this.#byPlate.filter((each) => each.plate.startsWith(plate)) : [];
    const asked = wordsOf(typed);
    const named =
      plate.length < 2
        ? []
        : this.#byName.filter(({ words }) => asked.every((part) => words.some((word) => word.startsWith(part))));
    const people = named.map(({ person }) => ({ person, standing: null, plate: "" }));
    return [...vehicles, ...people].slice(0, most);
  }

  /**
   * The number of a household's next visit.
   *
   * @param {Coming} coming
   */
  nextVisit(coming) {
    // A list of December says nothing of January.
    const isOfThisYear = this.#list !== null && yearOf(Date.parse(this.#list.made_at)) === yearOf(Date.now());
    return (isOfThisYear ? coming.visits : 0) + (this.#since[coming.account_id] ?? 0) + 1;
  }

  /** @param {string} accountId */
  async count(accountId) {
    this.#since[accountId] = (this.#since[accountId] ?? 0) + 1;
    await keep(SINCE, this.#since);
  }
}

/** The year in which an instant lies here. @param {number} at */
function yearOf(at) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Paris", year: "numeric" }).format(at);
}

/** @param {string} text */
function wordsOf(text) {
  return text
    .toLocaleLowerCase("fr")
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .replaceAll("œ", "oe")
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}
