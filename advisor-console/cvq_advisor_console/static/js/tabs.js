/**
 * Tabs: `data-tabs` on a tablist whose tabs name their panels by `aria-controls`. The arrow keys walk them; the one
 * chosen comes back after a reload. Without this module the panels follow each other on the page.
 */

/** @param {HTMLElement} list */
function startTabs(list) {
  const key = `tab:${location.pathname}`;
  /** @type {NodeListOf<HTMLElement>} */
  const found = list.querySelectorAll('[role="tab"]');
  const tabs = [...found];

  /**
   * @param {HTMLElement} chosen
   * @param {boolean} focus
   */
  function choose(chosen, focus) {
    for (const tab of tabs) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (panel) {
        panel.hidden = !selected;
      }
    }
    sessionStorage.setItem(key, chosen.id);
    if (focus) {
      chosen.focus();
    }
  }

  list.addEventListener("click", (event) => {
    const tab = tabs.find((one) => event.target instanceof Node && one.contains(event.target));
    if (tab) {
      choose(tab, false);
    }
  });
  list.addEventListener("keydown", (event) => {
    const now = tabs.findIndex((tab) => tab.contains(document.activeElement));
    const last = tabs.length - 1;
    const next = { ArrowRight: now < last ? now + 1 : 0, ArrowLeft: now > 0 ? now - 1 : last, Home: 0, End: last };
    const place = next[/** @type {keyof typeof next} */ (event.key)];
    const tab = now < 0 || place === undefined ? undefined : tabs[place];
    if (tab) {
      event.preventDefault();
      choose(tab, true);
    }
  });
  const before = tabs.find((tab) => tab.id === sessionStorage.getItem(key));
  const first = before ?? tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0];
  if (first) {
    choose(first, false);
  }
}

/** Start all tabs of this page. */
export function startAllTabs() {
  for (const list of document.querySelectorAll("[data-tabs]")) {
    if (list instanceof HTMLElement) {
      startTabs(list);
    }
  }
}
