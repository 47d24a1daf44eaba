/**
 * Imports: every answer about a pair has its key, and every step of taking balances over.
 *
 * The next pair comes by itself, so that a key pressed twice would answer for people whom nobody has looked at: a form
 * `data-look-first` takes its answer only after a moment, and one answer each time that the page is shown.
 */

import "/static/js/forms.js";
import { startShortcuts } from "./shortcuts.js";

const LOOK_MS = 600;

/** @param {HTMLFormElement} form */
function lookFirst(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset["ready"] === undefined) {
      event.preventDefault();
      return;
    }
    delete form.dataset["ready"];
  });
  const open = () =>
    setTimeout(() => {
      form.dataset["ready"] = "";
    }, LOOK_MS);
  // Also when one comes back to the page by the browser's own button.
  window.addEventListener("pageshow", open);
}

for (const form of document.querySelectorAll("form[data-look-first]")) {
  if (form instanceof HTMLFormElement) {
    lookFirst(form);
  }
}
startShortcuts();
