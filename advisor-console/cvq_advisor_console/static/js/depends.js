/**
 * Choices that depend on another choice: inside `data-depends-on="#organisation"` only the groups whose `data-for` is
 * the value chosen there can be picked; inside `data-shown-by="#reason"` only the part whose `data-for` is the value
 * chosen is shown. Without this module everything is offered, each group under its name.
 */

/**
 * @param {Element} dependent
 * @param {string} value
 */
function narrow(dependent, value) {
  for (const group of dependent.querySelectorAll("optgroup[data-for]")) {
    if (group instanceof HTMLOptGroupElement) {
      const fits = !value || group.dataset["for"] === value;
      group.hidden = !fits;
      group.disabled = !fits;
    }
  }
  if (dependent instanceof HTMLSelectElement) {
    const group = dependent.selectedOptions[0]?.closest("optgroup");
    if (group?.disabled) {
      dependent.value = "";
      dependent.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
}

/**
 * @param {Element} place
 * @param {string} value
 */
function showOnly(place, value) {
  for (const part of place.querySelectorAll("[data-for]")) {
    if (part instanceof HTMLElement) {
      part.hidden = part.dataset["for"] !== value;
    }
  }
}

/**
 * @param {string} attribute
 * @param {(place: Element, value: string) => void} apply
 */
function follow(attribute, apply) {
  for (const place of document.querySelectorAll(`[${attribute}]`)) {
    const source = document.querySelector(place.getAttribute(attribute) ?? "");
    if (source instanceof HTMLSelectElement || source instanceof HTMLInputElement) {
      const now = () => apply(place, source.value);
      source.addEventListener("change", now);
      source.form?.addEventListener("reset", () => setTimeout(now));
      now();
    }
  }
}

/** Start narrowing the choices of this page. */
export function startDepending() {
  follow("data-depends-on", narrow);
  follow("data-shown-by", showOnly);
}
