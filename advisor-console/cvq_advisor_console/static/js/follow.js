/**
 * Regions that follow what is typed or chosen, fetched from the server as HTML and morphed into place.
 *
 * `data-follow="#found"` on a search field sends what is typed to its `data-follow-url`. `data-refreshes="#when"` on a
 * control sends its whole form, by GET, to the region's `data-follow-url` when the choice changes. An answer that comes
 * after a newer question is thrown away.
 */

import { Idiomorph } from "/static/vendor/idiomorph.esm.js";

const PAUSE_MS = 180;

/** @type {Map<string, AbortController>} the question under way for each region */
const asking = new Map();

/**
 * @param {string} region selector of the region
 * @param {string} url
 * @param {URLSearchParams} question
 * @returns {Promise<boolean>} whether the region shows the answer
 */
async function ask(region, url, question) {
  asking.get(region)?.abort();
  const call = new AbortController();
  asking.set(region, call);
  const place = document.querySelector(region);
  place?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`${url}?${question}`, { headers: { Accept: "text/html" }, signal: call.signal });
    if (!answer.ok || !place) {
      return false;
    }
    const html = await answer.text();
    if (call.signal.aborted) {
      return false;
    }
    Idiomorph.morph(place, html, { morphStyle: "outerHTML", ignoreActiveValue: true });
    return true;
  } catch (error) {
    if (call.signal.aborted || error instanceof TypeError) {
      return false;
    }
    throw error;
  } finally {
    if (asking.get(region) === call) {
      asking.delete(region);
      document.querySelector(region)?.removeAttribute("aria-busy");
    }
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {URLSearchParams} what the form holds, without its token and its files
 */
function contentOf(form) {
  const content = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && name !== "csrf_token") {
      content.append(name, value);
    }
  }
  return content;
}

/** @param {HTMLInputElement} field */
function startSearch(field) {
  const region = field.dataset["follow"] ?? "";
  const url = field.dataset["followUrl"] ?? "";
  let timer = 0;
  const search = () => ask(region, url, new URLSearchParams({ q: field.value }));
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(search, PAUSE_MS);
  });
  field.form?.addEventListener("submit", async (event) => {
    if (!event.submitter?.hasAttribute("data-search")) {
      return;
    }
    event.preventDefault();
    clearTimeout(timer);
    if ((await search()) && document.activeElement === field) {
      // A card on the reader ends with Enter: where it names one person, the next field is at hand.
      const found = document.querySelectorAll(`${region} input[type="radio"][value]:not([value=""])`);
      const next = found.length === 1 ? field.form?.querySelector("select") : found[0];
      if (next instanceof HTMLElement) {
        next.focus();
      }
    }
  });
}

/** Start following on this page. */
export function startFollowing() {
  for (const field of document.querySelectorAll("input[data-follow]")) {
    if (field instanceof HTMLInputElement) {
      startSearch(field);
    }
  }
  document.addEventListener("change", (event) => {
    const control = event.target;
    if (!(control instanceof HTMLSelectElement || control instanceof HTMLInputElement) || !control.form) {
      return;
    }
    const region = control.dataset["refreshes"];
    const url = region && document.querySelector(region)?.getAttribute("data-follow-url");
    if (region && url) {
      ask(region, url, contentOf(control.form));
    }
  });
}
