/**
 * Live regions: parts of the page that the server draws, fetched anew when something in them may have changed.
 *
 * A region is `<… id="today" data-fragment="/address" data-topics="topic topic">`, as the `live` macro writes it. When
 * one of its topics changes or resets, its address is fetched and the answer morphed into the page: what is the same
 * stays the same element, so the focus, a selection, an open list and what somebody has typed stay too.
 *
 * `data-kinds="kind kind"` on a region narrows it to those kinds of events. Without it all kinds make it old except
 * `field`: a form's field carries its value along, and a page must not fetch a form at each letter.
 *
 * Inside a region, an element with `data-keep` is never touched (a canvas, a video); attributes named in `data-local`
 * belong to the page and are left alone.
 */

import { Idiomorph } from "/static/vendor/idiomorph.esm.js";
import { on, onLine } from "./live.js";

const GATHER_MS = 30;
const RETRY_MS = 2000;
const FETCH_MS = 15_000;
const CARRIED_KIND = "field";

// What modules write on elements that the server draws; its absence in a new drawing means nothing.
const LOCAL_ATTRIBUTES = new Set(["open", "data-names-shown", "data-sending", "aria-busy"]);

/** @type {Map<string, { again: boolean }>} regions that are being fetched, by id */
const fetching = new Map();
/** @type {Map<string, ReturnType<typeof setTimeout>>} regions that will be, by id */
const due = new Map();
/** @type {Set<string>} */
const watched = new Set();

/**
 * Fetches a region anew, soon; several wishes at once are one.
 *
 * @param {Element | string} region the element, or its id
 */
export function refresh(region) {
  const id = typeof region === "string" ? region : region.id;
  plan(id, GATHER_MS);
}

/**
 * Puts the server's HTML into the page: each of its outermost elements with an `id` takes the place of the page's
 * element of that `id`. Of a whole page, the live regions, `#status` and what carries `data-fresh` are taken.
 *
 * @param {string} html
 * @param {{ keepTyped?: boolean }} [options] keepTyped: leave what somebody typed and has not sent (the default)
 * @returns {Element[]} the page's elements that were drawn anew
 */
export function apply(html, { keepTyped = true } = {}) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const isPage = parsed.getElementById("main") !== null;
  const parts = isPage
    ? parsed.querySelectorAll("[data-fragment][id], [data-fresh][id], #status")
    : parsed.body.querySelectorAll(":scope > [id]");
  /** @type {Element[]} */
  const drawn = [];
  for (const part of parts) {
    const target = document.getElementById(part.id);
    if (target) {
      morph(target, part, keepTyped);
      const now = document.getElementById(part.id);
      if (now) {
        drawn.push(now);
      }
    }
  }
  watchRegions();
  for (const element of drawn) {
    element.dispatchEvent(new CustomEvent("cvq:drawn", { bubbles: true }));
  }
  return drawn;
}

/**
 * @param {Element} target
 * @param {Element} part
 * @param {boolean} keepTyped
 */
function morph(target, part, keepTyped) {
  Idiomorph.morph(target, part, {
    morphStyle: "outerHTML",
    // Of an active element nothing is touched then: right for a field in which somebody writes, wrong for the words of
    // a button, and for a choice, which could stand beside another label afterwards.
    ignoreActiveValue:
      keepTyped && document.activeElement?.matches("input:not([type=radio], [type=checkbox]), textarea, select"),
    restoreFocus: true,
    callbacks: {
      beforeNodeMorphed: (/** @type {Node} */ old, /** @type {Node} */ fresh) => {
        if (old instanceof Element && old.hasAttribute("data-keep")) {
          return false;
        }
        forgetOther(old, fresh);
        return true;
      },
      beforeAttributeUpdated: (
        /** @type {string} */ name,
        /** @type {Element} */ element,
        /** @type {"update" | "remove"} */ how,
      ) => {
        const local = element.getAttribute("data-local")?.split(" ").includes(name) ?? false;
        if (local || (how === "remove" && LOCAL_ATTRIBUTES.has(name))) {
          return false;
        }
        return !(keepTyped && holdsTyped(element, name) && isTyped(element));
      },
    },
  });
}

/**
 * Takes back what somebody did to a control that is about to become another one: the tick beside one name must never
 * end up beside the name that takes its place.
 *
 * @param {Node} old
 * @param {Node} fresh
 */
function forgetOther(old, fresh) {
  if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement) {
    const choice = old.type === "radio" || old.type === "checkbox";
    if (old.name !== fresh.name || (choice && old.value !== fresh.value)) {
      old.checked = old.defaultChecked;
      if (!choice && old.type !== "file") {
        old.value = old.defaultValue;
      }
    }
  } else if (old instanceof HTMLOptionElement && fresh instanceof HTMLOptionElement && old.value !== fresh.value) {
    old.selected = old.defaultSelected;
  } else if (old instanceof HTMLTextAreaElement && fresh instanceof HTMLTextAreaElement && old.name !== fresh.name) {
    old.value = old.defaultValue;
  }
}

/**
 * @param {Element} element
 * @param {string} attribute
 * @returns {boolean} whether what somebody does to the element stands there: the value of a choice is the server's
 */
function holdsTyped(element, attribute) {
  const choice = element instanceof HTMLInputElement && (element.type === "radio" || element.type === "checkbox");
  if (choice || element instanceof HTMLOptionElement) {
    return attribute === "checked" || attribute === "selected";
  }
  return attribute === "value";
}

/**
 * @param {Element} element
 * @returns {boolean} whether somebody changed it since it was drawn
 */
function isTyped(element) {
  if (element instanceof HTMLInputElement) {
    const choice = element.type === "radio" || element.type === "checkbox";
    return choice ? choiceIsTyped(element) : element.value !== element.defaultValue;
  }
  if (element instanceof HTMLTextAreaElement) {
    return element.value !== element.defaultValue;
  }
  if (element instanceof HTMLOptionElement) {
    return listIsTyped([...(element.closest("select")?.options ?? [])]);
  }
  return false;
}

/**
 * @param {HTMLOptionElement[]} options
 * @returns {boolean}
 */
function listIsTyped(options) {
  // A list without a chosen option shows its first one.
  const drawnSo = options.filter((option) => option.defaultSelected);
  const drawn = drawnSo.length > 0 ? drawnSo : options.slice(0, 1);
  return options.some((option) => option.selected !== drawn.includes(option));
}

/**
 * @param {HTMLInputElement} choice
 * @returns {boolean}
 */
function choiceIsTyped(choice) {
  if (choice.type === "checkbox" || !choice.name) {
    return choice.checked !== choice.defaultChecked;
  }
  const group = (choice.form ?? document).querySelectorAll(`input[type="radio"][name="${CSS.escape(choice.name)}"]`);
  return [...group].some((one) => one instanceof HTMLInputElement && one.checked !== one.defaultChecked);
}

/**
 * @param {string} id
 * @param {number} pause_ms
 */
function plan(id, pause_ms) {
  const running = fetching.get(id);
  if (running) {
    // What is on its way may have been drawn before the change.
    running.again = true;
  } else if (!due.has(id)) {
    due.set(
      id,
      setTimeout(() => {
        due.delete(id);
        void draw(id);
      }, pause_ms),
    );
  }
}

/** @param {string} id */
async function draw(id) {
  const url = document.getElementById(id)?.dataset["fragment"];
  if (!url) {
    return;
  }
  const run = { again: false };
  let lost = false;
  fetching.set(id, run);
  try {
    const answer = await fetch(url, { headers: { Accept: "*/*" }, signal: AbortSignal.timeout(FETCH_MS) });
    lost = answer.status >= 500;
    if (answer.ok && answer.status !== 204) {
      apply(await answer.text());
    } else if (answer.status === 401) {
      document.dispatchEvent(new CustomEvent("cvq:problem", { detail: await answer.json() }));
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof DOMException || error instanceof SyntaxError)) {
      throw error;
    }
    lost = true;
  } finally {
    fetching.delete(id);
  }
  if (lost) {
    plan(id, RETRY_MS);
  } else if (run.again) {
    plan(id, 0);
  }
}

/** Watches the topics of all regions that are in the page now. */
function watchRegions() {
  for (const region of document.querySelectorAll("[data-fragment][data-topics]")) {
    for (const topic of topicsOf(region)) {
      if (!watched.has(topic)) {
        watched.add(topic);
        on(topic, (event) => makeOld(topic, event.kind));
      }
    }
  }
}

/**
 * @param {Element} region
 * @returns {string[]}
 */
function topicsOf(region) {
  return (region.getAttribute("data-topics") ?? "").split(" ").filter(Boolean);
}

/**
 * @param {string} topic
 * @param {string} kind
 */
function makeOld(topic, kind) {
  for (const region of document.querySelectorAll("[data-fragment][data-topics]")) {
    const kinds = region.getAttribute("data-kinds")?.split(" ");
    const concerned = kind === "reset" || (kinds ? kinds.includes(kind) : kind !== CARRIED_KIND);
    if (concerned && topicsOf(region).includes(topic)) {
      refresh(region);
    }
  }
}

onLine((state) => {
  if (state === "ok") {
    for (const id of [...due.keys()]) {
      clearTimeout(due.get(id));
      due.delete(id);
      plan(id, 0);
    }
  }
});
watchRegions();
