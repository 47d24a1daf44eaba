/**
 * The console's end of the data channel `papers`: strips, pages, stills and notes from the booth, put together again
 * (see the end of `cvq_desk/wire.py`). Pages are believed only when their hash is right; those that are missing or
 * damaged are asked for again.
 */

export { GrowingPage } from "./growing-page.js";

/** @typedef {import("./growing-page.js").BandPlace & { type: "band", bytes: number }} BandHead */

/**
 * @typedef {object} PageHead
 * @property {"page"} type
 * @property {string} command_id
 * @property {string} page_id
 * @property {number} page
 * @property {number} width
 * @property {number} height
 * @property {number} resolution_dpi
 * @property {string} media_type
 * @property {string} sha256 hexadecimal
 * @property {boolean} blank
 * @property {number} bytes
 */

/**
 * @typedef {object} StillHead
 * @property {"still"} type
 * @property {string} command_id
 * @property {string} media_type
 * @property {number} width
 * @property {number} height
 * @property {number} bytes
 */

/**
 * @typedef {object} DeviceNote
 * @property {"device_note"} type
 * @property {string | null} command_id
 * @property {string} state
 * @property {Record<string, unknown>} detail
 */

/**
 * `damaged`: the page came, more than once, with other bytes than it should have. `nonsense`: the booth said something
 * that this page does not understand, and the channel was closed.
 *
 * @typedef {"damaged" | "nonsense"} PapersTrouble
 */

/**
 * @typedef {object} PapersOptions
 * @property {(head: BandHead, jpeg: Uint8Array<ArrayBuffer>) => void} [onBand]
 * @property {(head: PageHead, image: Blob) => void} [onPage] each page once
 * @property {(head: PageHead, received: number) => void} [onProgress] bytes of a page that is still coming
 * @property {(head: StillHead, image: Blob) => void} [onStill]
 * @property {(note: DeviceNote) => void} [onNote]
 * @property {(pageIds: string[]) => void} [onHeld] what the booth still holds, in its order
 * @property {(pageId: string) => boolean} [wants] whether a held page is of use here; all are by default
 * @property {(trouble: PapersTrouble, pageId?: string) => void} [onTrouble]
 */

/**
 * @typedef {object} Incoming
 * @property {BandHead | PageHead | StillHead} head
 * @property {Uint8Array<ArrayBuffer>} bytes
 * @property {number} received
 */

const PAPERS_LABEL = "papers";
const MIB = 1024 * 1024;

/** @type {Readonly<Record<string, number>>} */
const BYTES_MAX = { band: MIB, still: 8 * MIB, page: 32 * MIB };

// Note, band, still and page may interrupt one another in this order, so no more than these can be open at once.
const OPEN_MAX = 3;
const UNKNOWN_BYTES_MAX = 8 * MIB;
const PAGES_MAX = 512;
const ASKS_MAX = 3;
const TEXT_CHARACTERS_MAX = 64 * 1024;
const REPORT_BYTES = 4 * 1024;
const REPORT_GAP_MS = 20;

const encoder = new TextEncoder();

class Nonsense extends Error {}

export class PapersChannel {
  #options;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** @type {Incoming[]} */
  #open = [];
  /** @type {Set<string>} */
  #had = new Set();
  /** @type {Map<string, number>} */
  #asked = new Map();
  #received = 0;
  #reported = 0;
  #reportedAt = 0;

  /** @param {PapersOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Takes a peer's channel, also the next one after the connection was built again: give it to `Peer` as `onChannel`.
   *
   * @param {RTCDataChannel} channel
   */
  attach(channel) {
    if (channel.label !== PAPERS_LABEL) return;
    this.#forget();
    this.#channel = channel;
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({ data }) => {
      if (channel === this.#channel) this.#receive(data);
    };
    channel.onclose = () => {
      if (channel === this.#channel) this.#forget();
    };
  }

  /**
   * Asks the booth for a page again, although it was had.
   *
   * @param {string} pageId
   */
  want(pageId) {
    this.#had.delete(pageId);
    this.#asked.delete(pageId);
    this.#ask(pageId);
  }

  close() {
    this.#channel?.close();
    this.#forget();
  }

  #forget() {
    this.#channel = null;
    this.#open = [];
    this.#asked.clear();
    this.#received = 0;
    this.#reported = 0;
  }

  /** @param {string | ArrayBuffer} data */
  #receive(data) {
    try {
      if (typeof data === "string") this.#receiveHead(data);
      else this.#receiveBytes(new Uint8Array(data));
    } catch (error) {
      if (!(error instanceof Nonsense)) throw error;
      this.#options.onTrouble?.("nonsense");
      this.close();
      return;
    }
    this.#report();
  }

  /** @param {string} text */
  #receiveHead(text) {
    this.#received += encoder.encode(text).byteLength;
    const head = parseHead(text);
    if (head.type === "device_note") this.#options.onNote?.(/** @type {any} */ (head));
    else if (head.type === "pages_held") this.#receiveHeld(head.page_ids);
    // What a newer booth says without bytes is passed over; what it says with bytes is swallowed with them.
    else if (head.bytes !== undefined) this.#begin(/** @type {any} */ (head));
  }

  /** @param {BandHead | PageHead | StillHead} head */
  #begin(head) {
    const most = BYTES_MAX[head.type] ?? UNKNOWN_BYTES_MAX;
    if (!Number.isInteger(head.bytes) || head.bytes < 1 || head.bytes > most) throw new Nonsense("size");
    if (this.#open.length >= OPEN_MAX) throw new Nonsense("nesting");
    this.#open.push({ head, bytes: new Uint8Array(head.bytes), received: 0 });
  }

  /** @param {Uint8Array<ArrayBuffer>} chunk */
  #receiveBytes(chunk) {
    this.#received += chunk.byteLength;
    const item = this.#open.at(-1);
    if (!item || item.received + chunk.byteLength > item.head.bytes) throw new Nonsense("bytes of nothing");
    item.bytes.set(chunk, item.received);
    item.received += chunk.byteLength;
    if (item.received === item.head.bytes) {
      this.#open.pop();
      this.#finish(item);
    } else if (item.head.type === "page") this.#options.onProgress?.(item.head, item.received);
  }

  /** @param {Incoming} item */
  #finish({ head, bytes }) {
    if (head.type === "band") this.#options.onBand?.(head, bytes);
    else if (head.type === "still") this.#options.onStill?.(head, new Blob([bytes], { type: head.media_type }));
    else if (head.type === "page") this.#finishPage(head, bytes);
  }

  /**
   * @param {PageHead} head
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  async #finishPage(head, bytes) {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const hex = Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (this.#had.has(head.page_id)) return;
    if (hex !== head.sha256) {
      this.#ask(head.page_id);
      return;
    }
    if (this.#had.size < PAGES_MAX) this.#had.add(head.page_id);
    this.#asked.delete(head.page_id);
    this.#options.onPage?.(head, new Blob([bytes], { type: head.media_type }));
  }

  /** @param {unknown} pageIds */
  #receiveHeld(pageIds) {
    if (!Array.isArray(pageIds)) throw new Nonsense("held");
    const ids = pageIds.slice(0, PAGES_MAX).map(String);
    this.#options.onHeld?.(ids);
    for (const id of ids) {
      if (!this.#had.has(id) && (this.#options.wants?.(id) ?? true)) this.#ask(id);
    }
  }

  /** @param {string} pageId */
  #ask(pageId) {
    const asked = this.#asked.get(pageId) ?? 0;
    if (asked >= ASKS_MAX) {
      this.#options.onTrouble?.("damaged", pageId);
      return;
    }
    this.#asked.set(pageId, asked + 1);
    this.#send({ type: "page_wanted", page_id: pageId });
  }

  /** Tells the booth what has arrived; it paces itself by how long that took. */
  #report() {
    const now = performance.now();
    const often = this.#received - this.#reported < REPORT_BYTES || now - this.#reportedAt < REPORT_GAP_MS;
    if (this.#open.length > 0 && often) return;
    this.#reported = this.#received;
    this.#reportedAt = now;
    this.#send({ type: "bytes_received", bytes: this.#received });
  }

  /** @param {object} message */
  #send(message) {
    if (this.#channel?.readyState === "open") this.#channel.send(JSON.stringify(message));
  }
}

/**
 * @param {string} text
 * @returns {Record<string, unknown> & { type: string }}
 */
function parseHead(text) {
  if (text.length > TEXT_CHARACTERS_MAX) throw new Nonsense("length");
  let head;
  try {
    head = JSON.parse(text);
  } catch {
    throw new Nonsense("syntax");
  }
  if (typeof head?.type !== "string") throw new Nonsense("type");
  return head;
}
