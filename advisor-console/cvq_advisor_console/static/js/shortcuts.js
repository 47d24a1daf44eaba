/**
 * Keys for buttons. A control carries `data-shortcut="p"` (or `"ctrl+enter"`) and shows its key; a control inside a row
 * carries `data-row-key`, and works while the row has the focus. Outside a field the letter alone is enough, unless
 * the person switched that off; inside a field it takes Alt, so that writing never presses a button.
 */

const SINGLE_KEYS = "single-keys";
const TEXT_TYPES = new Set(["button", "checkbox", "file", "radio", "range", "reset", "submit"]);

/**
 * @param {EventTarget | null} target
 * @returns {boolean} whether letters typed there are text, or choose an option
 */
function takesLetters(target) {
  if (target instanceof HTMLInputElement) {
    return !TEXT_TYPES.has(target.type);
  }
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

/** @returns {boolean} */
function singleKeysActive() {
  return localStorage.getItem(SINGLE_KEYS) !== "off";
}

/**
 * @param {string} selector
 * @param {ParentNode} within
 * @returns {HTMLElement | undefined} the first such control that can be seen and pressed
 */
function usable(selector, within) {
  /** @type {NodeListOf<HTMLElement>} */
  const found = within.querySelectorAll(selector);
  return [...found].find((control) => !control.matches(":disabled") && control.checkVisibility());
}

/**
 * @param {string} key
 * @returns {HTMLElement | undefined}
 */
function controlFor(key) {
  const name = CSS.escape(key);
  const row = document.activeElement?.closest("[data-row]");
  return (row && usable(`[data-row-key="${name}"]`, row)) || usable(`[data-shortcut="${name}"]`, document);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.isComposing || event.metaKey || event.defaultPrevented || event.repeat) {
    return;
  }
  let key = event.key.toLowerCase();
  if (event.ctrlKey) {
    key = `ctrl+${key}`;
  } else if (!event.altKey && (takesLetters(event.target) || !singleKeysActive())) {
    return;
  }
  if (key.length > 1 && !key.startsWith("ctrl+")) {
    return;
  }
  const control = controlFor(key);
  if (control) {
    event.preventDefault();
    control.focus();
    control.click();
  }
}

/**
 * @param {HTMLElement} control
 * @returns {string} the control's words, without its key
 */
function wordsOf(control) {
  const named = control.dataset["shortcutLabel"] ?? control.getAttribute("aria-label");
  if (named) {
    return named;
  }
  const copy = /** @type {HTMLElement} */ (control.cloneNode(true));
  for (const cap of copy.querySelectorAll("kbd")) {
    cap.remove();
  }
  return (copy.textContent ?? "").trim();
}

/** @param {HTMLElement} panel */
function fillList(panel) {
  const list = panel.querySelector("[data-shortcut-list]");
  const pattern = panel.querySelector("template[data-shortcut-item]");
  if (!list || !(pattern instanceof HTMLTemplateElement)) {
    return;
  }
  for (const old of list.querySelectorAll("[data-found]")) {
    old.remove();
  }
  const seen = new Set(["?"]);
  for (const control of document.querySelectorAll("[data-shortcut], [data-row-key]")) {
    if (!(control instanceof HTMLElement) || !control.checkVisibility()) {
      continue;
    }
    const key = control.dataset["shortcut"] ?? control.dataset["rowKey"] ?? "";
    if (seen.has(key)) {
      continue;
    }
    seen.add(key);
    const item = /** @type {DocumentFragment} */ (pattern.content.cloneNode(true));
    const line = item.querySelector("li");
    const cap = item.querySelector("kbd");
    const words = item.querySelector("span");
    if (line && cap && words) {
      line.dataset["found"] = "";
      cap.textContent = key.toUpperCase().replace("ENTER", "⏎");
      words.textContent = wordsOf(control);
      list.append(item);
    }
  }
}

/** Start listening for keys on this page. */
export function startShortcuts() {
  document.addEventListener("keydown", onKey);
  const panel = document.getElementById("shortcuts");
  panel?.addEventListener("beforetoggle", () => fillList(panel));
  const choice = panel?.querySelector("[data-single-keys]");
  if (choice instanceof HTMLInputElement) {
    choice.checked = singleKeysActive();
    choice.addEventListener("change", () => localStorage.setItem(SINGLE_KEYS, choice.checked ? "on" : "off"));
  }
}
