/**
 * Regions that follow what is typed or chosen, fetched from the server as HTML and morphed into place.
 *
 * `data-follow="#found"` on a search field sends what is typed to its `data-follow-url`, by POST: a name belongs into no
 * address, and every look is written down. `data-refreshes="#when"` on controls sends these controls, and what is chosen
 * in the region, by GET to the region's `data-follow-url` when one of them changes. An answer that comes after a newer
 * question, or to controls that say something else by now, is thrown away.
 */

import { tokenHeaders } from "/static/js/forms.js";
import { apply } from "/static/js/fragments.js";

const PAUSE_MS = 180;

/** @type {Map<string, AbortController>} the question under way for each region */
const asking = new Map();

/**
 * @param {string} region selector of the region
 * @param {string} url
 * @param {RequestInit} question
 * @param {() => boolean} [stillAsked] whether the page still asks this when the answer is there
 * @returns {Promise<boolean>} whether the region shows the answer
 */
async function ask(region, url, question, stillAsked = () => true) {
  asking.get(region)?.abort();
  const call = new AbortController();
  asking.set(region, call);
  document.querySelector(region)?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(url, { ...question, headers: tokenHeaders(), signal: call.signal });
    if (!answer.ok) {
      const detail = await answer.json();
      document.dispatchEvent(new CustomEvent("cvq:problem", { detail }));
      return false;
    }
    const html = await answer.text();
    if (call.signal.aborted || !stillAsked()) {
      return false;
    }
    return apply(html).length > 0;
  } catch (error) {
    if (call.signal.aborted || error instanceof TypeError || error instanceof SyntaxError) {
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
 * @param {string} region selector of the region
 * @returns {URLSearchParams} what the controls say by which the region is asked for
 */
function said(region) {
  const says = new URLSearchParams();
  for (const control of document.querySelectorAll(`[data-refreshes="${region}"]`)) {
    if (control instanceof HTMLSelectElement && control.value) {
      says.set(control.name, control.value);
    } else if (control instanceof HTMLInputElement && control.checked) {
      says.set(control.name, control.value);
    }
  }
  return says;
}

/**
 * Fetches a region anew for what its controls say now.
 *
 * @param {string} region selector of the region
 * @returns {Promise<boolean>} whether the region shows the answer
 */
export async function askAgain(region) {
  const place = document.querySelector(region);
  const url = place?.getAttribute("data-follow-url");
  if (!place || !url) {
    return false;
  }
  const question = said(region);
  const asked = question.toString();
  for (const choice of place.querySelectorAll("input")) {
    if (choice.checked) {
      question.set(choice.name, choice.value);
    }
  }
  // A booking is told to this page too, while its form is being emptied.
  return ask(region, `${url}?${question}`, {}, () => said(region).toString() === asked);
}

/** @param {HTMLInputElement} field */
function startSearch(field) {
  const region = field.dataset["follow"] ?? "";
  const url = field.dataset["followUrl"] ?? "";
  let timer = 0;
  const search = () => {
    clearTimeout(timer);
    return ask(region, url, { method: "POST", body: new URLSearchParams({ q: field.value }) });
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(search, PAUSE_MS);
  });
  field.form?.addEventListener("submit", async (event) => {
    if (!event.submitter?.hasAttribute("data-search")) {
      return;
    }
    event.preventDefault();
    if ((await search()) && document.activeElement === field) {
      // Where one person is named, by a card above all, the next field is at hand; otherwise one chooses.
      const found = [...document.querySelectorAll(`${region} input[type="radio"]`)];
      const people = found.filter((choice) => choice instanceof HTMLInputElement && choice.value !== "");
      const next = people.length === 1 ? field.form?.querySelector("select") : (people[0] ?? found[0]);
      if (next instanceof HTMLElement) {
        next.focus();
      }
    }
  });
  field.form?.addEventListener("reset", () => setTimeout(search));
}

/** Start following on this page. */
export function startFollowing() {
  for (const field of document.querySelectorAll("input[data-follow]")) {
    if (field instanceof HTMLInputElement) {
      startSearch(field);
    }
  }
  document.addEventListener("change", (event) => {
    const region = event.target instanceof HTMLElement && event.target.dataset["refreshes"];
    if (region) {
      void askAgain(region);
    }
  });
}
