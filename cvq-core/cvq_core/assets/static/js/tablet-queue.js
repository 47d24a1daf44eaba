/**
 * What was done without a network and is not at the server yet: on the disk before anything else, sent again and again
 * until the server has answered, each under an id of its own.
 */

import { inStore, isLineDown, Refused } from "./tablet-device.js";

/**
 * @typedef {object} Entry
 * @property {string} id
 * @property {string} kind
 * @property {string} at when it was done (ISO 8601)
 * @property {any} body
 * @property {string} [account] whose visit it is, at a waste centre
 * @property {string} [refused] why the server does not take it: it is kept for somebody to look at
 */

/** @param {Entry} entry */
export function put(entry) {
  return inStore("queue", "readwrite", (store) => store.put(entry, entry.id));
}

/** @param {string} id */
export function drop(id) {
  return inStore("queue", "readwrite", (store) => store.delete(id));
}

/** @returns {Promise<Entry[]>} the oldest first */
export async function waiting() {
  const all = await inStore("queue", "readonly", (store) => store.getAll());
  return all.sort((one, other) => one.at.localeCompare(other.at));
}

/** Shows how many wait to be sent, and how many the server does not take: nothing is thrown away in silence. */
export async function showWaiting() {
  const all = await waiting();
  const refused = all.filter((entry) => entry.refused).length;
  for (const [id, number] of Object.entries({ waiting: all.length - refused, "not-taken": refused })) {
    const line = document.getElementById(id);
    const place = line?.querySelector(`[data-${id}]`);
    if (line && place) {
      line.hidden = number === 0;
      place.textContent = String(number);
    }
  }
}

/** @type {Promise<void> | null} */
let underWay = null;

/**
 * Sends what waits, one after the other; two calls at once are one.
 *
 * @param {(entry: Entry) => Promise<void>} send throws what the line or the server says
 * @returns {Promise<void>} rejected when the line is down or the tablet is not known any more: all that is left waits
 */
export function upload(send) {
  underWay ??= sendAll(send).finally(() => {
    underWay = null;
  });
  return underWay;
}

/** @param {(entry: Entry) => Promise<void>} send */
async function sendAll(send) {
  let trouble = null;
  for (const entry of await waiting()) {
    if (entry.refused) {
      continue;
    }
    try {
      await send(entry);
      await drop(entry.id);
    } catch (error) {
      if (isLineDown(error) || !(error instanceof Refused) || error.status === 401 || error.status === 429) {
        throw error;
      }
      // One that is refused, or that the server stumbles over, must not keep the others from coming in.
      if (error.status >= 500) {
        trouble = error;
      } else {
        await put({ ...entry, refused: error.problem.slug });
      }
    }
  }
  if (trouble) {
    throw trouble;
  }
}
