/**
 * Sums of what is ticked, for the eye; the server adds everything up again. `data-cents` on a box is its amount.
 *
 * `<form data-tally>`: `data-tally-count` and `data-tally-sum` show how many are ticked, and how much.
 * `<form data-keep>`: each ticked box takes its `data-kept` off `data-kept-total`, the sum of all, which
 * `data-kept-count` and `data-kept-sum` begin with.
 * `<form data-balance>`: `data-balance-of="line"` shows what is ticked on that side (`data-side` of the boxes), and
 * `data-balance-difference` what is between two sides; until it is nothing the form bears `data-balance-wrong`.
 */

import { money } from "./till.js";

/**
 * @param {ParentNode} within
 * @param {string} selector
 * @param {string} text
 */
function write(within, selector, text) {
  const place = within.querySelector(selector);
  if (place) {
    place.textContent = text;
  }
}

/**
 * @param {HTMLFormElement} form
 * @param {string} [side]
 * @returns {HTMLInputElement[]} the boxes that are ticked
 */
function ticked(form, side) {
  const boxes = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[data-cents]:checked")]);
  return side ? boxes.filter((box) => box.dataset["side"] === side) : boxes;
}

/**
 * @param {HTMLInputElement[]} boxes
 * @returns {number} cents
 */
function sum(boxes) {
  return boxes.reduce((cents, box) => cents + Number(box.dataset["cents"]), 0);
}

/** @param {HTMLFormElement} form */
function showKept(form) {
  const total = /** @type {HTMLElement | null} */ (form.querySelector("[data-kept-total]"));
  const count = /** @type {HTMLElement | null} */ (form.querySelector("[data-kept-count]"));
  if (!total || !count) {
    return;
  }
  const kept = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[data-kept]:checked")]);
  const cents = kept.reduce((sum, box) => sum + Number(box.dataset["kept"]), 0);
  const left = Number(total.dataset["keptTotal"]) - cents;
  count.textContent = String(Number(count.dataset["keptCount"]) - kept.length);
  write(form, "[data-kept-sum]", money(left));
}

/** @param {HTMLFormElement} form */
function show(form) {
  if (form.matches("[data-keep]")) {
    showKept(form);
    return;
  }
  if (form.matches("[data-tally]")) {
    write(form, "[data-tally-count]", String(ticked(form).length));
    write(form, "[data-tally-sum]", money(sum(ticked(form))));
    return;
  }
  const [lines, items] = [sum(ticked(form, "line")), sum(ticked(form, "item"))];
  write(form, '[data-balance-of="line"]', money(lines));
  write(form, '[data-balance-of="item"]', money(items));
  write(form, "[data-balance-difference]", money(lines - items));
  form.toggleAttribute("data-balance-wrong", lines !== items);
}

/** Start adding up; forms that come later into the page are added up too. */
export function startTallies() {
  document.addEventListener("change", (event) => {
    const form =
      event.target instanceof Element
        ? event.target.closest("form:is([data-tally], [data-balance], [data-keep])")
        : null;
    if (form instanceof HTMLFormElement) {
      show(form);
    }
  });
}
