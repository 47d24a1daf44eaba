/**
 * Papers from the booth: pages arrive over the data channel, grow in the strip, and are sent to the server only when
 * the advisor files them. After a reload the booth sends again what was neither filed nor thrown away.
 */

import { tokenHeaders } from "/static/js/forms.js";
import { refresh } from "/static/js/fragments.js";
import { GrowingPage, PapersChannel } from "/static/js/papers.js";
import { onCall, openBoothPeer } from "./booth-peer.js";
import { PageStrip } from "./strip.js";

/** @typedef {import("/static/js/papers.js").PageHead} PageHead */

const ATTEMPTS_MAX = 4;
const RETRY_MS = 1500;

/** @type {PageStrip | null} */
let strip = null;
/** @type {{ close: () => void } | null} */
let line = null;
let lineVisit = "";
/** @type {Map<string, { drawer: GrowingPage, canvas: HTMLCanvasElement }>} pages that are being scanned */
const growing = new Map();
/** @type {Map<string, PageHead>} */
const heads = new Map();

/** @returns {Set<string>} pages of this visit that were filed: only their numbers are kept */
function filedPages() {
  return new Set(JSON.parse(sessionStorage.getItem(`filed:${lineVisit}`) ?? "[]"));
}

/** @param {Iterable<string>} ids */
function noteFiled(ids) {
  sessionStorage.setItem(`filed:${lineVisit}`, JSON.stringify([...filedPages(), ...ids]));
}

/**
 * The number under which these pages are filed. It is kept, over a reload too, until an answer has come, so that pages
 * filed twice are filed once; other pages get another number, so that none is taken for filed that was not sent.
 *
 * @param {string[]} pageIds
 * @returns {string}
 */
function documentIdOf(pageIds) {
  const pages = [...pageIds].sort().join(" ");
  const kept = JSON.parse(sessionStorage.getItem(`filing:${lineVisit}`) ?? "{}");
  if (kept.pages === pages) {
    return kept.id;
  }
  const id = newId();
  sessionStorage.setItem(`filing:${lineVisit}`, JSON.stringify({ id, pages }));
  return id;
}

/** @param {string} visitId @param {RTCIceServer[]} iceServers */
function open(visitId, iceServers) {
  if (line && lineVisit === visitId) {
    return;
  }
  close();
  lineVisit = visitId;
  const channel = new PapersChannel({
    onBand(head, jpeg) {
      const key = `${head.command_id} ${head.page}`;
      let page = growing.get(key);
      if (!page && strip) {
        const canvas = strip.grow();
        page = { drawer: new GrowingPage(canvas), canvas };
        growing.set(key, page);
      }
      void page?.drawer.draw(head, jpeg);
    },
    onPage(head, image) {
      const key = `${head.command_id} ${head.page}`;
      heads.set(head.page_id, head);
      const canvas = growing.get(key)?.canvas;
      growing.delete(key);
      void strip?.add(head.page_id, image, canvas ? { blank: head.blank, canvas } : { blank: head.blank });
    },
    onStill(head, image) {
      void strip?.add(head.command_id, image);
    },
    onNote(note) {
      if (note.state === "failed" || note.state === "cancelled") {
        growing.clear();
        strip?.forgetUnfinished();
      }
    },
    wants: (pageId) => !filedPages().has(pageId),
  });
  line = openBoothPeer("devices", visitId, {
    iceServers,
    channels: ["papers"],
    onChannel: (opened) => channel.attach(opened),
  });
}

function close() {
  line?.close();
  line = null;
  growing.clear();
}

/** @param {string} title */
async function file(title) {
  const url = document.getElementById("papers")?.dataset["fileUrl"];
  const pages = strip?.pages() ?? [];
  if (!url || !strip || pages.length === 0) {
    return;
  }
  const pagesMax = Number(document.getElementById("papers")?.dataset["pagesMax"] ?? 20);
  if (pages.length > pagesMax) {
    strip.setTrouble("too_many");
    return;
  }
  const body = new FormData();
  body.append("document_id", documentIdOf(pages.map(({ id }) => id)));
  body.append("title", title);
  const edits = pages.map(({ id, turn_degrees, crop }) => ({
    turn_degrees,
    crop: isWhole(crop) ? null : crop,
    resolution_dpi: heads.get(id)?.resolution_dpi ?? 200,
  }));
  body.append("edits", JSON.stringify(edits));
  for (const page of pages) {
    body.append("page", page.blob, "page");
  }
  strip.setSending(true);
  const answer = await send(url, body);
  strip.setSending(false);
  if (answer?.ok) {
    sessionStorage.removeItem(`filing:${lineVisit}`);
    noteFiled(pages.map(({ id }) => id));
    strip.clear();
    const region = document.getElementById("papers");
    if (region) {
      refresh(region);
    }
  } else {
    strip.setTrouble(answer?.status === 413 ? "too_many" : "not_sent");
  }
}

/**
 * @param {string} url
 * @param {FormData} body
 * @returns {Promise<Response | null>} null when no answer came
 */
async function send(url, body) {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    try {
      return await fetch(url, { method: "POST", headers: tokenHeaders(), body });
    } catch (error) {
      if (!(error instanceof TypeError)) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * attempt));
    }
  }
  return null;
}

/** @param {readonly number[]} crop */
function isWhole([left = 0, top = 0, right = 1, bottom = 1]) {
  return left <= 0 && top <= 0 && right >= 1 && bottom >= 1;
}

/** @returns {string} a random identifier; `crypto.randomUUID` is missing on a page without TLS */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Starts the papers' part of this page. */
export function startPapers() {
  const root = document.getElementById("strip");
  if (!root) {
    return;
  }
  strip = new PageStrip(root);
  root.addEventListener("strip:file", (event) => {
    if (event instanceof CustomEvent) {
      void file(event.detail.title);
    }
  });
  onCall((call) => {
    if (call.visitId && (call.state === "live" || call.state === "hung_up")) {
      open(call.visitId, call.iceServers);
    } else if (call.state === "none") {
      close();
    }
  });
}
