/**
 * The face-to-face call: pictures and voices both ways, and its keys. While it rings, camera and microphone are made
 * ready; the booth opens its own when the ring is over, and the connection is made then.
 */

import { openMedia } from "/static/js/peer.js";
import { onCall, openBoothPeer, readCall } from "./booth-peer.js";

/** @typedef {import("/static/js/peer.js").Peer} Peer */

const QUALITY_EVERY_MS = 2000;
const WEAK_LOSS = 0.05;
const WEAK_FPS = 8;

/** @type {{ peer: Peer, close: () => void } | null} */
let line = null;
let lineVisit = "";
/** @type {Promise<MediaStream> | null} */
let media = null;
let last = { received: 0, lost: 0, frames: 0 };

/** @param {string} id */
function video(id) {
  return /** @type {HTMLVideoElement | null} */ (document.getElementById(id));
}

/** @param {string} state none, ringing, live, hung_up or lost */
function showFace(state) {
  const face = document.getElementById("face");
  if (face) {
    face.dataset["face"] = state;
  }
}

/** @param {("camera" | "microphone")[]} missing */
function showLacks(missing) {
  const lacks = missing.length === 2 ? "both" : (missing[0] ?? "");
  for (const sentence of document.querySelectorAll("[data-lacks]")) {
    if (sentence instanceof HTMLElement) {
      sentence.hidden = sentence.dataset["lacks"] !== lacks;
    }
  }
}

/** @returns {Promise<MediaStream>} what this machine has of camera and microphone */
function ownMedia() {
  media ??= openMedia().then(({ stream, missing }) => {
    showLacks(missing);
    const self = video("face-self");
    if (self) {
      self.srcObject = stream;
    }
    return stream;
  });
  return media;
}

function stopMedia() {
  void media?.then((stream) => {
    for (const track of stream.getTracks()) {
      track.stop();
    }
  });
  media = null;
  for (const id of ["face-self", "face-remote"]) {
    const element = video(id);
    if (element) {
      element.srcObject = null;
    }
  }
}

/** @param {ReturnType<typeof readCall>} call */
async function open(call) {
  if (line && lineVisit === call.visitId) {
    return;
  }
  line?.close();
  lineVisit = call.visitId;
  const opened = openBoothPeer("face", call.visitId, {
    iceServers: call.iceServers,
    receive: ["audio", "video"],
    onTrack(_track, stream) {
      const remote = video("face-remote");
      if (remote && remote.srcObject !== stream) {
        remote.srcObject = stream;
      }
    },
    onState(state) {
      const { state: wanted } = readCall();
      if (wanted === "live") {
        showFace(state === "connected" ? "live" : "lost");
      }
    },
  });
  line = opened;
  const stream = await ownMedia();
  if (line === opened) {
    opened.peer.addStream(stream);
    applySwitches();
  }
}

function close() {
  line?.close();
  line = null;
  lineVisit = "";
  stopMedia();
}

/** @param {string} key */
function pressed(key) {
  return document.querySelector(`[data-call="${key}"]`)?.getAttribute("aria-pressed") !== "false";
}

function applySwitches() {
  line?.peer.setMicrophone(pressed("microphone"));
  line?.peer.setCamera(pressed("camera"));
  video("face-self")?.toggleAttribute("hidden", !pressed("self-view"));
}

async function tellQuality() {
  const place = document.getElementById("line-quality");
  if (!place) {
    return;
  }
  if (!line) {
    place.dataset["quality"] = "unknown";
    return;
  }
  if (line.peer.state !== "connected") {
    place.dataset["quality"] = readCall().state === "live" ? "lost" : "unknown";
    return;
  }
  const { audio, video: picture } = await line.peer.stats();
  const [received, lost] = [audio.packetsReceived - last.received, audio.packetsLost - last.lost];
  const frames = picture.framesDecoded - last.frames;
  const slow = picture.framesDecoded > 0 && frames < (WEAK_FPS * QUALITY_EVERY_MS) / 1000;
  place.dataset["quality"] = lost > WEAK_LOSS * (received + lost) || slow ? "weak" : "good";
  last = { received: audio.packetsReceived, lost: audio.packetsLost, frames: picture.framesDecoded };
}

/** Starts the call's part of this page. */
export function startFace() {
  onCall((call) => {
    const callable = call.visitId && (call.state === "ringing" || call.state === "live");
    if (callable) {
      showFace(call.state === "live" ? (line?.peer.state === "connected" ? "live" : "lost") : "ringing");
      void open(call);
    } else {
      close();
      showFace(call.state === "hung_up" ? "hung_up" : "none");
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-call][aria-pressed]") : null;
    if (button) {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") === "false" ? "true" : "false");
      applySwitches();
    }
  });
  setInterval(() => void tellQuality(), QUALITY_EVERY_MS);
}
