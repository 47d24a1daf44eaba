/**
 * Forms that send themselves without leaving the page: `<form data-act>` or `<form data-quiet>`.
 *
 * Without this module they are ordinary forms, and their handlers answer with a redirection or a page. With it they go
 * by fetch, with the session's token and an idempotency key. The key stays the same until an answer has come, so that a
 * request whose answer was lost is sent again without being done twice; the handlers' routes are idempotent.
 *
 * What may come back: nothing (204), fragments of HTML (`apply` of fragments.js puts them into the page), a
 * redirection (to this very page: its regions are drawn anew; elsewhere: the browser goes there), JSON (for whoever
 * listens), or a problem, whose sentences stand at the fields and in `#status`.
 *
 * On the form: `cvq:done` with `{ status, json }` as its detail, or `cvq:refused` with the problem; both bubble.
 */

import { apply } from "./fragments.js";
import { onLine, onMessage } from "./live.js";

/**
 * RFC 9457, as `cvq_core/web/problems.py` writes it.
 *
 * @typedef {object} Problem
 * @property {string} slug
 * @property {string} title
 * @property {number} status
 * @property {string} [detail]
 * @property {Record<string, string>} [fields]
 */

const RETRY_MS = 500;
const GIVE_UP_MS = 20_000;
const ANSWER_MS = 30_000;
const PROXY_TROUBLE = [502, 503, 504];

/** @type {WeakMap<HTMLFormElement, string>} */
const keys = new WeakMap();

/** @returns {Record<string, string>} the headers that every request of this page's modules needs to change anything */
export function tokenHeaders() {
  const token = document.querySelector("meta[name='csrf-token']")?.getAttribute("content") ?? "";
  return { "X-CSRF-Token": token, Accept: "*/*" };
}

/**
 * Shows a problem's sentences in `#status`, where they are read aloud.
 *
 * @param {Problem} problem
 */
export function showProblem(problem) {
  const place = document.getElementById("status");
  if (!place) {
    return;
  }
  const line = document.createElement("p");
  line.className = "problem";
  line.dataset["slug"] = problem.slug;
  line.append(problem.title);
  if (problem.detail && problem.status === 401) {
    const link = document.createElement("a");
    link.href = `/connexion?next=${encodeURIComponent(location.pathname)}`;
    link.append(problem.detail);
    line.append(" ", link);
  } else if (problem.detail) {
    line.append(` ${problem.detail}`);
  }
  place.replaceChildren(line);
}

/** @param {string} name a `<template data-sentence="name">` of the page */
function showSentence(name) {
  const sentence = document.querySelector(`template[data-sentence="${name}"]`);
  if (sentence instanceof HTMLTemplateElement) {
    document.getElementById("status")?.replaceChildren(sentence.content.cloneNode(true));
  }
}

/**
 * Sends a form.
 *
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} [submitter] the button that was pressed
 */
export async function submitQuietly(form, submitter = null) {
  if (form.dataset["sending"] !== undefined) {
    return;
  }
  form.dataset["sending"] = "";
  form.setAttribute("aria-busy", "true");
  clearErrors(form);
  try {
    const answer = await sendUntilAnswered(form, submitter);
    if (answer) {
      keys.delete(form);
      await take(form, answer);
    } else {
      showSentence("not-sent");
    }
  } finally {
    delete form.dataset["sending"];
    form.removeAttribute("aria-busy");
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement | null} submitter
 * @returns {Promise<Response | null>} null when no answer came in time; the form keeps its key
 */
async function sendUntilAnswered(form, submitter) {
  const url = submitter?.getAttribute("formaction") || form.getAttribute("action") || location.href;
  const content = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) {
    if (typeof value === "string") {
      content.append(name, value);
    }
  }
  const key = keys.get(form) ?? newKey();
  keys.set(form, key);
  const headers = { ...tokenHeaders(), "Idempotency-Key": key };
  const until = performance.now() + GIVE_UP_MS;
  for (let pause_ms = RETRY_MS; ; pause_ms *= 2) {
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers,
        body: content,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (!PROXY_TROUBLE.includes(answer.status)) {
        return answer;
      }
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof DOMException)) {
        throw error;
      }
    }
    if (performance.now() + pause_ms > until) {
      return null;
    }
    await lineOr(pause_ms);
  }
}

/** @returns {string} */
function newKey() {
  // `crypto.randomUUID` is missing where a page came without TLS from elsewhere than this machine.
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Waits some time, or until the line is back.
 *
 * @param {number} pause_ms
 * @returns {Promise<void>}
 */
function lineOr(pause_ms) {
  return new Promise((resolve) => {
    const end = onLine((state) => state === "ok" && done());
    const timer = setTimeout(done, pause_ms);
    function done() {
      clearTimeout(timer);
      end();
      resolve();
    }
  });
}

/**
 * @param {HTMLFormElement} form
 * @param {Response} answer
 */
async function take(form, answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  if (!answer.ok) {
    refuse(form, await problemOf(answer));
    return;
  }
  if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
    location.assign(answer.url);
    return;
  }
  document.getElementById("status")?.replaceChildren();
  let json = null;
  if (type.startsWith("application/json")) {
    json = await answer.json();
  } else if (type.startsWith("text/html")) {
    apply(await answer.text(), { keepTyped: false });
  }
  form.dispatchEvent(new CustomEvent("cvq:done", { bubbles: true, detail: { status: answer.status, json } }));
}

/**
 * @param {Response} answer
 * @returns {Promise<Problem>}
 */
async function problemOf(answer) {
  try {
    return await answer.json();
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    // Something between us and the server answered in its own words.
    return { slug: "unreadable", title: `${answer.status} ${answer.statusText}`, status: answer.status };
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {Problem} problem
 */
function refuse(form, problem) {
  showProblem(problem);
  /** @type {HTMLElement | null} */
  let first = null;
  for (const [name, sentence] of Object.entries(problem.fields ?? {})) {
    const control = form.elements.namedItem(name);
    const field = control instanceof RadioNodeList ? control[0] : control;
    if (field instanceof HTMLElement) {
      markField(field, sentence);
      first ??= field;
    }
  }
  first?.focus();
  form.dispatchEvent(new CustomEvent("cvq:refused", { bubbles: true, detail: problem }));
}

/**
 * @param {HTMLElement} field
 * @param {string} sentence
 */
function markField(field, sentence) {
  const id = `${field.id || field.getAttribute("name")}-error`;
  const error = document.createElement("p");
  error.className = "error";
  error.id = id;
  error.dataset["quietError"] = "";
  error.append(sentence);
  document.getElementById(id)?.remove();
  (field.closest(".field, fieldset") ?? field).append(error);
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${id}`.trim());
}

/** @param {HTMLFormElement} form */
function clearErrors(form) {
  for (const error of form.querySelectorAll("[data-quiet-error]")) {
    for (const field of form.querySelectorAll(`[aria-describedby~="${CSS.escape(error.id)}"]`)) {
      const others = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id !== error.id);
      field.removeAttribute("aria-invalid");
      if (others.length > 0) {
        field.setAttribute("aria-describedby", others.join(" "));
      } else {
        field.removeAttribute("aria-describedby");
      }
    }
    error.remove();
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement) || !form.matches("[data-act], [data-quiet]")) {
    return;
  }
  const method = event.submitter?.getAttribute("formmethod") ?? form.method;
  if (method.toLowerCase() === "post") {
    event.preventDefault();
    void submitQuietly(form, event.submitter);
  }
});
document.addEventListener("cvq:problem", (event) => {
  if (event instanceof CustomEvent) {
    showProblem(event.detail);
  }
});
onMessage("problem", (message) => showProblem(message["problem"]));
