/**
 * What both screens do with a scene: draw it without touching what lives in it, say its current thing, move its clock
 * and its countdowns, and hand on what is pressed. All words are in the HTML.
 */

import { Idiomorph } from "/static/vendor/idiomorph.esm.js";
import { AgentLine } from "./agent-line.js";

/** @typedef {import("./agent-line.js").LineListener} LineListener */

// Whatever came under a resting hand in the last moment was not meant.
const ARMED_AFTER_MS = 700;

/**
 * @typedef {object} ScreenParts
 * @property {1 | 2} screen
 * @property {Partial<LineListener>} listener
 * @property {() => void} [onDrawn] a new scene stands
 * @property {(what: string) => boolean} [onPress] true when the press was the page's own affair
 */

/**
 * Starts the screen.
 *
 * @param {ScreenParts} parts
 * @returns {AgentLine}
 */
export function startScreen({ screen, listener, onDrawn, onPress }) {
  const line = new AgentLine(`/screen/${screen}/live`, {
    ...listener,
    onScene(html, scene) {
      draw(html);
      document.body.dataset.scene = scene;
      say();
      tick();
      onDrawn?.();
    },
    onAgent(answers) {
      agentAnswers = answers;
      showCutOff();
      listener.onAgent?.(answers);
    },
    onTakenOver() {
      element("taken-over").hidden = false;
      listener.onTakenOver?.();
    },
  });
  const press = (/** @type {string} */ what) => {
    if (!onPress?.(what)) line.send({ type: "pressed", what });
  };
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-press]") : null;
    if (button instanceof HTMLElement && button.dataset.press) press(button.dataset.press);
  });
  document.addEventListener("keydown", (event) => {
    const what = { F12: "help", Escape: "curtain", F9: "curtain" }[event.key];
    if (!what) return;
    event.preventDefault();
    if (!event.repeat) press(what);
  });
  answerQuestions(line);
  // A long press must not open a menu with "Inspect" in it.
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  setInterval(tick, 250);
  say();
  tick();
  onDrawn?.();
  return line;
}

let agentAnswers = true;
let callStands = false;

/**
 * A call goes on while the agent is away; without one, the page says what it waits for.
 *
 * @param {boolean} stands
 */
export function noteCall(stands) {
  callStands = stands;
  showCutOff();
}

function showCutOff() {
  element("cut-off").hidden = agentAnswers || callStands;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} html */
function draw(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  Idiomorph.morph(element("scene"), [...parsed.body.children], {
    morphStyle: "innerHTML",
    callbacks: { beforeNodeMorphed: keepLive },
  });
}

/**
 * What a module writes into (a clock, a canvas) keeps its content; only what the server says of it changes.
 *
 * @param {Node} old
 * @param {Node} fresh
 */
function keepLive(old, fresh) {
  if (!(old instanceof HTMLElement && fresh instanceof HTMLElement && "live" in old.dataset)) return true;
  for (const name of Object.keys(old.dataset)) if (!(name in fresh.dataset)) delete old.dataset[name];
  Object.assign(old.dataset, fresh.dataset);
  old.hidden = fresh.hidden;
  return false;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let sayTimer;
let said = "";

/** Puts the words of the current thing where they are read aloud; what is being typed only once it rests. */
function say() {
  const current = document.querySelector("#scene [data-say]");
  const words = current?.textContent?.replace(/\s+/g, " ").trim() ?? "";
  if (words === said) return;
  clearTimeout(sayTimer);
  const afterMs = current instanceof HTMLElement ? Number(current.dataset.sayAfterMs ?? 0) : 0;
  sayTimer = setTimeout(() => {
    said = words;
    element("said").textContent = words;
  }, afterMs);
}

/** @type {WeakMap<HTMLElement, string>} */
const writtenHours = new WeakMap();

function tick() {
  for (const clock of document.querySelectorAll("[data-clock]")) {
    if (!(clock instanceof HTMLElement)) continue;
    const parts = new Intl.DateTimeFormat("fr", {
      hour: "numeric",
      minute: "2-digit",
      hourCycle: "h23",
      timeZone: clock.dataset.zone,
    }).formatToParts(Date.now() + Number(clock.dataset.aheadS ?? 0) * 1000);
    const numbers = parts.filter((part) => part.type !== "literal").map((part) => Number(part.value));
    // The server wrote the hour the way this language writes it; the numbers alone change.
    const written = writtenHours.get(clock) ?? clock.textContent ?? "";
    writtenHours.set(clock, written);
    const short = /^\d\d:/.test(written);
    let index = 0;
    const text = written.replace(/\d+/g, () => {
      const number = String(numbers[index++] ?? "");
      return index === 2 || short ? number.padStart(2, "0") : number;
    });
    if (clock.textContent !== text) clock.textContent = text;
  }
  for (const timed of document.querySelectorAll("[data-until]")) {
    if (!(timed instanceof HTMLElement)) continue;
    const left = Math.max(0, Number(timed.dataset.until) - Date.now());
    if (timed instanceof HTMLProgressElement) timed.value = left / 1000;
    const seconds = timed.querySelector("[data-seconds]");
    if (seconds) seconds.textContent = String(Math.ceil(left / 1000));
  }
}

/**
 * Yes and No: by touch, by their letters, or by arrows and Enter. Nothing is chosen beforehand.
 *
 * @param {AgentLine} line
 */
function answerQuestions(line) {
  /** @type {string | undefined} */
  let question;
  let armedAt = 0;
  const answers = () => {
    const box = document.querySelector("[data-question]");
    return box instanceof HTMLElement ? box : null;
  };
  const arm = () => {
    const id = answers()?.dataset.question;
    if (id !== question) armedAt = performance.now() + ARMED_AFTER_MS;
    question = id;
  };
  new MutationObserver(arm).observe(element("scene"), {
    childList: true,
    subtree: true,
    attributeFilter: ["data-question"],
  });
  arm();
  const answer = (/** @type {boolean} */ agreed, /** @type {"touch" | "key"} */ manner) => {
    const box = answers();
    if (!box || performance.now() < armedAt) return;
    line.send({ type: "answered", question_id: box.dataset.question, agreed, manner });
  };
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-agreed]") : null;
    // A click that no finger made comes from Enter or the space bar.
    if (button instanceof HTMLElement) answer(button.dataset.agreed === "true", event.detail === 0 ? "key" : "touch");
  });
  document.addEventListener("keydown", (event) => {
    const box = answers();
    if (!box || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    const buttons = [...box.querySelectorAll("button")];
    const letter = event.key.toLowerCase();
    const byKey = buttons.find((button) => button.dataset.key === letter || button.dataset.functionKey === event.key);
    if (byKey) {
      event.preventDefault();
      answer(byKey.dataset.agreed === "true", "key");
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      const here = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
      const towards = event.key === "ArrowDown" || event.key === "ArrowRight" ? 1 : -1;
      const next =
        here < 0 ? (towards > 0 ? 0 : buttons.length - 1) : (here + towards + buttons.length) % buttons.length;
      buttons[next]?.focus();
    }
  });
}
