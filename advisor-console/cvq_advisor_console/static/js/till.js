/**
 * Sums for the eye at the counter: the total of the amounts, the change, and the count of a drawer. The server computes
 * all of them again. Everything is in whole cents.
 */

const LANGUAGE = document.documentElement.lang || "fr";
const EUROS = new Intl.NumberFormat(LANGUAGE, { style: "currency", currency: "EUR" });

/**
 * @param {number} cents
 * @returns {string}
 */
export function money(cents) {
  return EUROS.format(cents / 100);
}

/**
 * @param {string} text an amount as people type it: "12", "12,5", "12.50", "1 200 €"
 * @returns {number | null} cents, 0 for nothing written, null for what is no amount
 */
export function centsOf(text) {
  const plain = text.replace(/[\s\u00a0\u202f€]/g, "").replace(",", ".");
  if (!plain) {
    return 0;
  }
  return /^\d{1,6}(\.\d{0,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : null;
}

/**
 * @param {number} cents
 * @returns {string} as it stands in a field: "12,50"
 */
function written(cents) {
  return (cents / 100).toFixed(2).replace(".", LANGUAGE === "fr" ? "," : ".");
}

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
 * Marks what cannot be read as a number; a mark that the server made stays until the field is written again.
 *
 * @param {HTMLInputElement} field
 * @param {boolean} unclear
 */
function markUnclear(field, unclear) {
  if (unclear) {
    field.setAttribute("aria-invalid", "true");
    field.dataset["unclear"] = "";
  } else if (field.dataset["unclear"] !== undefined) {
    field.removeAttribute("aria-invalid");
    delete field.dataset["unclear"];
  }
}

/**
 * @param {HTMLFormElement} form
 * @returns {number} what the vouchers are worth that were counted, in cents
 */
function vouchers(form) {
  let total = 0;
  for (const field of form.querySelectorAll("input[data-till-number]")) {
    const number = /** @type {HTMLInputElement} */ (field);
    const face = form.querySelector(`input[data-till-face="${number.dataset["tillNumber"]}"]`);
    if (face instanceof HTMLInputElement && /^\d{1,4}$/.test(number.value.trim())) {
      total += (centsOf(face.value) ?? 0) * Number(number.value.trim());
    }
  }
  return total;
}

/** @param {HTMLFormElement} form */
function startTill(form) {
  const tendered = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-till-tendered]"));
  const amounts = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[data-till-amount]")]);

  const total = () => amounts.reduce((sum, field) => sum + (centsOf(field.value) ?? 0), 0);

  function show() {
    for (const field of [...amounts, ...(tendered ? [tendered] : [])]) {
      markUnclear(field, centsOf(field.value) === null);
    }
    const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-till-means]:checked"))?.value;
    const cash = chosen === "cash";
    for (const part of form.querySelectorAll("[data-till-when]")) {
      if (part instanceof HTMLElement) {
        part.hidden = !chosen || !part.dataset["tillWhen"]?.split(" ").includes(chosen);
      }
    }
    write(form, "[data-till-vouchers]", money(vouchers(form)));
    const given = tendered?.value ? (centsOf(tendered.value) ?? 0) : total();
    const short = cash && given < total();
    form.toggleAttribute("data-till-short", short);
    for (const word of form.querySelectorAll("[data-till-word]")) {
      if (word instanceof HTMLElement) {
        word.hidden = (word.dataset["tillWord"] === "missing") !== short;
      }
    }
    write(form, "[data-till-total]", money(total()));
    write(form, "[data-till-change]", money(Math.abs(given - total())));
  }

  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const field = amounts.find(({ id }) => id === button?.dataset["tillFor"]);
    if (field && button?.dataset["tillAdd"]) {
      field.value = written((centsOf(field.value) ?? 0) + Number(button.dataset["tillAdd"]));
    } else if (field && button?.dataset["tillSet"]) {
      field.value = written(Number(button.dataset["tillSet"]));
    } else if (tendered && button?.matches("[data-till-exact]")) {
      tendered.value = written(total());
    }
    show();
  });
  show();
}

/** @param {HTMLElement} form a form, or one of several counts in it */
function startCounter(form) {
  const fields = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input[data-count]")]);
  function show() {
    let total = 0;
    for (const field of fields) {
      const cents = Number(field.dataset["count"]);
      const fits = /^\d{0,5}$/.test(field.value.trim());
      const line = fits ? cents * Number(field.value.trim() || 0) : 0;
      markUnclear(field, !fits);
      write(form, `[data-count-line="${cents}"]`, money(line));
      total += line;
    }
    write(form, "[data-count-total]", money(total));
  }
  form.addEventListener("input", show);
  show();
}

/** Start summing on this page. */
export function startTills() {
  for (const form of document.querySelectorAll("form[data-till]")) {
    startTill(/** @type {HTMLFormElement} */ (form));
  }
  for (const count of document.querySelectorAll("[data-counter]")) {
    startCounter(/** @type {HTMLElement} */ (count));
  }
}
