/**
 * A form that is saved and mirrored at the booth as it is typed. Each field has one request under way at most; what was
 * typed meanwhile follows it. What could not be sent waits in this tab, survives its reload, and leaves with the line.
 */

import { showProblem, tokenHeaders } from "/static/js/forms.js";
import { onLine } from "/static/js/live.js";

/**
 * @typedef {object} Pending
 * @property {string} url
 * @property {string[]} values
 * @property {number} revision
 */

const RETRY_MS = 2000;
const SETTLE_MS = 40;
/** Signed out, too slow, too often: what was typed is not to blame, and is sent again. */
const NOT_NOW = new Set([401, 408, 429]);

/** @type {Map<string, Pending>} what is not saved yet, by dossier and field */
const pending = new Map();
/** @type {Set<string>} */
const sending = new Set();
let lastRevision = 0;

/** @param {Event} event */
function formOf(event) {
  const form = event.target instanceof Element ? event.target.closest("form[data-draft-url]") : null;
  return form instanceof HTMLFormElement && form.dataset["draftUrl"] ? form : null;
}

/** @returns {number} the hour in milliseconds, never the same twice: a later key wins whenever it arrives */
function nextRevision() {
  lastRevision = Math.max(Date.now(), lastRevision + 1);
  return lastRevision;
}

/** @param {HTMLFormElement} form @param {string} state */
function showSave(form, state) {
  form.dataset["save"] = state;
}

/** @param {HTMLFormElement} form @param {string} name */
function valuesOf(form, name) {
  return new FormData(form).getAll(name).filter((value) => typeof value === "string");
}

/** @param {HTMLFormElement} form @param {string} name */
function save(form, name) {
  const key = `${form.dataset["form"]} ${name}`;
  pending.set(key, {
    url: form.dataset["draftUrl"] ?? "",
    values: /** @type {string[]} */ (valuesOf(form, name)),
    revision: nextRevision(),
  });
  keep();
  showSave(form, "saving");
  void flush(key);
}

function keep() {
  sessionStorage.setItem("drafts", JSON.stringify([...pending]));
}

/** @param {string} key */
async function flush(key) {
  const [dossier = "", name = ""] = key.split(" ");
  const form = document.querySelector(`form[data-form="${CSS.escape(dossier)}"]`);
  const draft = pending.get(key);
  if (!draft || sending.has(key)) {
    return;
  }
  sending.add(key);
  try {
    const answer = await fetch(draft.url, {
      method: "POST",
      headers: { ...tokenHeaders(), "Content-Type": "application/json" },
      body: JSON.stringify({ field: name, values: draft.values, revision: draft.revision }),
    });
    if (answer.status === 401) {
      showProblem(await answer.json());
    }
    if (answer.status >= 500 || NOT_NOW.has(answer.status)) {
      throw new TypeError("the server does not take it now");
    }
    if (pending.get(key) === draft) {
      pending.delete(key);
      keep();
    }
    const body = await answer.json();
    if (form instanceof HTMLFormElement) {
      if (answer.ok) {
        showTrouble(form, name, body.trouble);
      } else {
        showTrouble(form, name, body.title);
        showProblem(body);
      }
      showSave(form, answer.ok ? (pending.size ? "saving" : "saved") : "refused");
    }
  } catch (error) {
    if (!(error instanceof TypeError)) {
      throw error;
    }
    if (form instanceof HTMLFormElement) {
      showSave(form, "waiting");
    }
    setTimeout(() => void flush(key), RETRY_MS);
    return;
  } finally {
    sending.delete(key);
  }
  if (pending.has(key)) {
    void flush(key);
  }
}

/** @param {HTMLFormElement} form @param {string} name @param {string} sentence */
function showTrouble(form, name, sentence) {
  const field = form.querySelector(`.field[data-field="${CSS.escape(name)}"]`);
  const control = field?.querySelector("input, textarea, select");
  if (!field || !control) {
    return;
  }
  const id = `f-${name}-error`;
  let place = document.getElementById(id);
  if (!sentence) {
    place?.remove();
    control.removeAttribute("aria-invalid");
    return;
  }
  if (!place) {
    place = document.createElement("p");
    place.id = id;
    place.className = "error";
    field.append(place);
  }
  place.textContent = sentence;
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", id);
}

/** @param {HTMLFormElement} form @param {string} name */
function markCurrent(form, name) {
  for (const field of form.querySelectorAll(".field[data-field]")) {
    field.classList.toggle("current", field.getAttribute("data-field") === name);
  }
}

/** Resolves when everything that was typed is saved. */
async function allSaved() {
  while (pending.size) {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  }
}

/**
 * What is asked of a form while its last words are on their way waits for them.
 *
 * @param {SubmitEvent} event
 */
function holdBack(event) {
  const form = event.target;
  if (pending.size && form instanceof HTMLFormElement && form.closest("#form")) {
    const submitter = event.submitter;
    event.preventDefault();
    event.stopImmediatePropagation();
    void allSaved().then(() => form.isConnected && form.requestSubmit(submitter));
  }
}

/** Starts saving the forms of this page. */
export function startDrafts() {
  document.addEventListener("submit", holdBack, { capture: true });
  const kept = /** @type {[string, Pending][]} */ (JSON.parse(sessionStorage.getItem("drafts") ?? "[]"));
  for (const [key, draft] of kept) {
    pending.set(key, draft);
    lastRevision = Math.max(lastRevision, draft.revision);
    void flush(key);
  }
  document.addEventListener("input", (event) => {
    const form = formOf(event);
    const name = event.target instanceof Element ? event.target.getAttribute("name") : null;
    if (form && name) {
      save(form, name);
    }
  });
  document.addEventListener("focusin", (event) => {
    const form = formOf(event);
    const name = event.target instanceof Element ? event.target.getAttribute("name") : null;
    if (form && name) {
      markCurrent(form, name);
      save(form, name);
    }
  });
  document.addEventListener("submit", (event) => {
    // Enter in a field must not send the sheet anywhere; its buttons send themselves.
    if (formOf(event) && event instanceof SubmitEvent && !event.submitter?.hasAttribute("data-section-act")) {
      event.preventDefault();
    }
  });
  onLine((state) => {
    if (state === "ok") {
      for (const key of pending.keys()) {
        void flush(key);
      }
    }
  });
}
