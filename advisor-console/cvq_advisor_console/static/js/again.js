/**
 * Regions that are fetched anew every few seconds, while somebody looks: what passes at a door is told by no event, for a
 * tap must not wait for the pages that watch it.
 *
 * `data-again-s="3"` on a live region says how often.
 */

import { refresh } from "/static/js/fragments.js";

for (const region of document.querySelectorAll("[data-again-s][data-fragment]")) {
  const seconds = Number(region.getAttribute("data-again-s"));
  window.setInterval(() => {
    if (!document.hidden) {
      refresh(region.id);
    }
  }, seconds * 1000);
}
