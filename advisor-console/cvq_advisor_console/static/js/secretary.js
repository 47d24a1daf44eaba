/** The secretary's page: what its parts need to move, and how they move together. */

import "/static/js/forms.js";
import { on } from "/static/js/live.js";
import { startClocks } from "./clock.js";
import { startDepending } from "./depends.js";
import { askAgain, startFollowing } from "./follow.js";
import { startPrinting } from "./print.js";
import { startRows } from "./rows.js";
import { startShortcuts } from "./shortcuts.js";
import { startSounds } from "./sounds.js";
import { startWedge } from "./wedge.js";

const WHEN = "#when";

/** The free slots follow what others book meanwhile. */
function followSlots() {
  for (const topic of (document.getElementById("today")?.dataset["topics"] ?? "").split(" ").filter(Boolean)) {
    on(topic, (event) => {
      if (event.kind === "appointments" || event.kind === "reset") {
        void askAgain(WHEN);
      }
    });
  }
}

/** After a booking the next person is at hand; after a refusal the slots are shown as they are now. */
function followBookings() {
  document.addEventListener("cvq:done", (event) => {
    if (event.target instanceof HTMLFormElement && event.target.id === "booking") {
      document.getElementById("who")?.focus();
    }
  });
  document.addEventListener("cvq:refused", (event) => {
    if (event.target instanceof HTMLFormElement && event.target.id === "booking") {
      void askAgain(WHEN);
    }
  });
}

startFollowing();
startDepending();
startWedge();
startShortcuts();
startRows();
startClocks();
startPrinting();
startSounds();
followSlots();
followBookings();
