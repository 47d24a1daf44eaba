/**
 * A card reader that types: it sends a card's number as keys, faster than any hand, and Enter behind them.
 *
 * Wherever the focus is, except in another text field, the number goes into the field with `data-wedge`, alone, and is
 * looked up. No key of it may press a button: "a" and Enter mean something in the list of the day.
 */

const GAP_MS = 70;
const LENGTH_MIN = 8;
const NUMBER = /^[0-9A-F]$/i;

let burst = "";
let lastAt = Number.NEGATIVE_INFINITY;
/**
 * The first key, kept until the gap is over: nobody can tell yet whether a hand or a reader pressed it.
 *
 * @type {ReturnType<typeof setTimeout> | undefined}
 */
let kept;
/** @type {WeakSet<Event>} keys that were kept and turned out to be a hand's */
const released = new WeakSet();

/**
 * @param {EventTarget | null} target
 * @param {HTMLInputElement} field
 * @returns {boolean} whether somebody writes there
 */
function writesElsewhere(target, field) {
  if (target === field) {
    return false;
  }
  const types = new Set(["button", "checkbox", "radio", "reset", "submit"]);
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && !types.has(target.type));
}

/** @param {KeyboardEvent} event */
function keep(event) {
  event.preventDefault();
  event.stopPropagation();
  const again = new KeyboardEvent("keydown", { key: event.key, code: event.code, bubbles: true, cancelable: true });
  released.add(again);
  const target = event.target instanceof Node ? event.target : document.body;
  // The row with the focus may have been replaced meanwhile by what the server told.
  kept = setTimeout(() => (target.isConnected ? target : document.body).dispatchEvent(again), GAP_MS);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (released.has(event)) {
    return;
  }
  const field = document.querySelector("input[data-wedge]");
  if (!(field instanceof HTMLInputElement) || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  if (writesElsewhere(event.target, field)) {
    burst = "";
    return;
  }
  const quick = event.timeStamp - lastAt < GAP_MS;
  if (NUMBER.test(event.key)) {
    burst = quick ? burst + event.key : event.key;
    lastAt = event.timeStamp;
    if (quick) {
      clearTimeout(kept);
    }
    if (event.target === field) {
      return;
    }
    if (quick) {
      event.preventDefault();
      event.stopPropagation();
    } else {
      keep(event);
    }
  } else if (event.key === "Enter" && quick && burst.length >= LENGTH_MIN) {
    event.preventDefault();
    event.stopPropagation();
    field.value = burst;
    burst = "";
    field.focus();
    const search = field.form?.querySelector("button[data-search]");
    field.form?.requestSubmit(search instanceof HTMLElement ? search : null);
  } else {
    burst = "";
  }
}

/** Start listening to the reader on this page. */
export function startWedge() {
  document.addEventListener("keydown", onKey, { capture: true });
}
