/**
 * A list whose rows are walked with the arrow keys: `data-rows` on the list, `data-row` on each row. And the veil over
 * names: `data-veil-toggle="#list"` on a button lifts it or puts it back.
 */

/** @param {KeyboardEvent} event */
function onArrow(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = document.activeElement?.closest("[data-row]");
  const list = row?.closest("[data-rows]");
  if (!step || !row || !list || document.activeElement?.matches("input, select, textarea")) {
    return;
  }
  const rows = [...list.querySelectorAll("[data-row]")];
  for (let place = rows.indexOf(row) + step; place >= 0 && place < rows.length; place += step) {
    const control = rows[place]?.querySelector("button:enabled, a[href]");
    if (control instanceof HTMLElement) {
      event.preventDefault();
      control.focus();
      return;
    }
  }
}

/** @param {Element} button */
function toggleVeil(button) {
  const list = document.querySelector(button.getAttribute("data-veil-toggle") ?? "");
  const lifted = button.getAttribute("aria-pressed") !== "true";
  list?.toggleAttribute("data-names-shown", lifted);
  button.setAttribute("aria-pressed", String(lifted));
}

/** Start walking rows and lifting veils on this page. */
export function startRows() {
  document.addEventListener("keydown", onArrow);
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-veil-toggle]") : null;
    if (button) {
      toggleVeil(button);
    }
  });
}
