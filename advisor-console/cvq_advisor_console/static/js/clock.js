/**
 * Times that run. `data-since="…"` (an instant) shows minutes, put into `data-pattern` at `{n}` where there is one, or
 * minutes and seconds with `data-clock`; `data-until="…"` counts down in the same forms. They follow the server's
 * hour, which the page brought along, because a town hall's machine may be wrong.
 */

const served = document.querySelector("meta[name='server-now']")?.getAttribute("content");
const offset_ms = served ? Date.parse(served) - Date.now() : 0;

/** @param {Element} element */
function show(element) {
  const since = element.getAttribute("data-since");
  const until = element.getAttribute("data-until");
  const now = Date.now() + offset_ms;
  const span_ms = since ? now - Date.parse(since) : Date.parse(until ?? "") - now;
  if (Number.isNaN(span_ms)) {
    return;
  }
  const seconds = Math.max(0, since ? Math.floor(span_ms / 1000) : Math.ceil(span_ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const rest = String(seconds % 60).padStart(2, "0");
  const number = element.hasAttribute("data-clock") ? `${minutes}:${rest}` : String(until ? seconds : minutes);
  const text = (element.getAttribute("data-pattern") ?? "{n}").replace("{n}", number);
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function showAll() {
  for (const element of document.querySelectorAll("[data-since], [data-until]")) {
    show(element);
  }
}

/** Start all clocks of this page, those that come later included. */
export function startClocks() {
  showAll();
  setInterval(showAll, 1000);
  new MutationObserver(showAll).observe(document.body, { subtree: true, childList: true, characterData: true });
}
