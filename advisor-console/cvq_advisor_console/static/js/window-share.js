/** Showing one chosen window of the advisor's machine on screen 2. */

import { tokenHeaders } from "/static/js/forms.js";
import { openBoothPeer, readCall } from "./booth-peer.js";

/** @type {{ peer: import("/static/js/peer.js").Peer, close: () => void } | null} */
let line = null;
/** @type {MediaStream | null} */
let shared = null;

/** @param {boolean} on */
function showButtons(on) {
  for (const button of document.querySelectorAll("[data-window-share]")) {
    if (button instanceof HTMLElement) {
      button.hidden = (button.dataset["windowShare"] === "start") === on;
    }
  }
}

/** @param {string} visitId @param {boolean} on */
async function tell(visitId, on) {
  await fetch(`/api/v1/visits/${visitId}/window`, {
    method: "POST",
    headers: { ...tokenHeaders(), "Content-Type": "application/json" },
    body: JSON.stringify({ shared: on }),
  });
}

async function start() {
  const { visitId, iceServers } = readCall();
  if (!visitId || line) {
    return;
  }
  try {
    shared = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 8 } }, audio: false });
  } catch (error) {
    if (error instanceof DOMException) {
      return; // the advisor chose no window
    }
    throw error;
  }
  line = openBoothPeer("window", visitId, { iceServers });
  line.peer.addStream(shared);
  shared.getVideoTracks()[0]?.addEventListener("ended", () => void stop());
  showButtons(true);
  await tell(visitId, true);
}

async function stop() {
  const { visitId } = readCall();
  line?.close();
  line = null;
  for (const track of shared?.getTracks() ?? []) {
    track.stop();
  }
  shared = null;
  showButtons(false);
  if (visitId) {
    await tell(visitId, false);
  }
}

/** Starts the window's part of this page. */
export function startWindowShare() {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-window-share]") : null;
    if (button instanceof HTMLElement) {
      void (button.dataset["windowShare"] === "start" ? start() : stop());
    }
  });
}
