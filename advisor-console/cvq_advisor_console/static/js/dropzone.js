/**
 * Places that take a file: `data-drop-url` on the zone is where it is sent by POST, as it is, with its name in
 * `X-File-Name`; `data-drop-types` are the types taken. An input for files inside does the same by keyboard. What
 * happens is told by the zone's own sentences, `data-drop-when`: sending, wrong_type, too_large, not_sent. HTML that
 * comes back is put into the page; else the region around the zone is drawn anew. What the server says of a file that it
 * refuses stands in `data-drop-why`, where there is one.
 */

import { tokenHeaders } from "/static/js/forms.js";
import { apply, refresh } from "/static/js/fragments.js";

const BYTES_MAX = 20 * 1024 * 1024;

/**
 * @param {Element} zone
 * @param {string} state one of the zone's sentences, or nothing
 */
function say(zone, state) {
  for (const sentence of zone.querySelectorAll("[data-drop-when]")) {
    if (sentence instanceof HTMLElement) {
      sentence.hidden = sentence.dataset["dropWhen"] !== state;
    }
  }
}

/**
 * @param {HTMLElement} zone
 * @param {File} file
 */
async function send(zone, file) {
  const types = (zone.dataset["dropTypes"] ?? "").split(" ");
  if (!types.includes(file.type)) {
    say(zone, "wrong_type");
    return;
  }
  if (file.size > BYTES_MAX) {
    say(zone, "too_large");
    return;
  }
  say(zone, "sending");
  const headers = {
    ...tokenHeaders(),
    "Content-Type": file.type,
    "X-File-Name": encodeURIComponent(file.name.slice(0, 120)),
    // Dropped twice by a trembling hand, the same file prints once.
    "Idempotency-Key": await digest(file),
  };
  try {
    const answer = await fetch(zone.dataset["dropUrl"] ?? "", { method: "POST", headers, body: file });
    say(zone, answer.ok ? "" : "not_sent");
    const why = zone.querySelector("[data-drop-why]");
    if (why && answer.headers.get("Content-Type")?.startsWith("application/problem+json")) {
      const problem = /** @type {import("/static/js/forms.js").Problem} */ (await answer.json());
      why.textContent = [problem.title, problem.detail].filter(Boolean).join(" ");
    }
    if (answer.status === 413) {
      say(zone, "too_large");
    } else if (answer.status === 415) {
      say(zone, "wrong_type");
    }
    const region = zone.closest("[data-fragment]");
    if (answer.ok && answer.headers.get("Content-Type")?.startsWith("text/html")) {
      apply(await answer.text());
    } else if (answer.ok && region) {
      refresh(region);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) {
      throw error;
    }
    say(zone, "not_sent");
  }
}

/**
 * @param {File} file
 * @returns {Promise<string>} a key for this content within a minute: dropped again later, it is meant
 */
async function digest(file) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const minute = Math.floor(Date.now() / 60_000);
  return `${[...hash.slice(0, 12)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}-${minute}`;
}

/**
 * @param {Event} event
 * @returns {HTMLElement | null}
 */
function zoneOf(event) {
  const zone = event.target instanceof Element ? event.target.closest("[data-drop-url]") : null;
  return zone instanceof HTMLElement ? zone : null;
}

/** Start taking files on this page; a file dropped elsewhere is not opened in place of the page. */
export function startDropZones() {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) {
      return;
    }
    event.preventDefault();
    const zone = zoneOf(event);
    event.dataTransfer.dropEffect = zone ? "copy" : "none";
    zone?.setAttribute("data-over", "");
  });
  document.addEventListener("dragleave", (event) => zoneOf(event)?.removeAttribute("data-over"));
  document.addEventListener("drop", (event) => {
    const file = event.dataTransfer?.files[0];
    if (!file) {
      return;
    }
    event.preventDefault();
    const zone = zoneOf(event);
    zone?.removeAttribute("data-over");
    if (zone) {
      void send(zone, file);
    }
  });
  document.addEventListener("change", (event) => {
    const input = event.target;
    const zone = zoneOf(event);
    const file = input instanceof HTMLInputElement && input.type === "file" ? input.files?.[0] : undefined;
    if (zone && file && input instanceof HTMLInputElement) {
      void send(zone, file).then(() => {
        input.value = "";
      });
    }
  });
}
