// Keeps the panel true while machines change without a gesture here: a sheet comes out, somebody else lays a card.

const LOOK_MS = 1000;

const machines = /** @type {HTMLElement} */ (document.getElementById("machines"));
let last = "";

async function look() {
  const answer = await fetch("/machines");
  if (!answer.ok) return;
  const html = await answer.text();
  if (html === last) return;
  last = html;
  const focused = document.activeElement instanceof HTMLButtonElement ? document.activeElement.value : null;
  machines.innerHTML = html;
  if (!focused) return;
  const button = machines.querySelector(`button[value="${CSS.escape(focused)}"]`);
  if (button instanceof HTMLButtonElement) button.focus();
}

setInterval(() => look().catch(() => undefined), LOOK_MS);
