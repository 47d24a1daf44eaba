/**
 * Screen 1: the advisor's face. The camera opens only when the agent says so, after the ring; it closes with the call.
 */

import { openMedia, Peer } from "/static/js/peer.js";
import { Ring } from "./ring.js";
import { element, noteCall, startScreen } from "./scene.js";

/** @typedef {import("./agent-line.js").CallOrder} CallOrder */

/**
 * @typedef {object} Call
 * @property {string} visitId
 * @property {Peer} peer
 * @property {MediaStream | null} media
 * @property {boolean} over
 */

const SILENT_AFTER_MS = 1500;

// Seen on a busy machine: pictures arrive and are decoded, and Chromium's player never begins. A page that is loaded
// anew is back in the call, so it is; but not again and again, where that does not help.
const BLACK_AFTER_MS = 6000;
const RELOAD_GAP_MS = 60_000;
const RELOADED_AT = "face-reloaded-at";

const ring = new Ring();
/** @type {Call | null} */
let call = null;
/** @type {CallOrder | null} */
let order = null;
/** The visit of which the agent knows that its ring is seen. */
let ringTold = "";

const face = /** @type {HTMLVideoElement} */ (element("face"));
const ownPicture = /** @type {HTMLVideoElement} */ (element("own-picture"));
document.body.dataset.self = "none";

const line = startScreen({
  screen: 1,
  listener: {
    onCall(next) {
      order = next;
      follow();
    },
    onSignal(visitId, peer, data) {
      if (peer === "face" && call?.visitId === visitId) call.peer.receive(data);
    },
    onDeskLine(up) {
      if (up) call?.peer.signallingBack();
    },
    onAgent(answers) {
      // The ring's seconds are counted in the agent; one that was started anew counts anew.
      ringTold = "";
      if (!answers) ring.stop();
    },
    onTakenOver: hangUp,
  },
  onDrawn: followRing,
  onPress(what) {
    if (what !== "self") return false;
    document.body.dataset.self = document.body.dataset.self === "hidden" ? "shown" : "hidden";
    return true;
  },
});

// A browser that waits for a touch before it makes a sound has it now.
document.addEventListener("pointerdown", () => {
  if (ring.rings && !ring.isHeard) {
    ring.stop();
    followRing();
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden && ringTold) line.send({ type: "ring_hidden", visit_id: ringTold });
  followRing();
});

function follow() {
  const wanted = order?.open ? order : null;
  if (call && call.visitId !== wanted?.visit_id) hangUp();
  if (wanted && !call) pickUp(wanted);
  if (call && wanted) {
    call.peer.setIceServers(wanted.ice_servers);
    drawCurtain(call, wanted.curtain);
  }
  followRing();
}

/** Rings while the scene says so and somebody can see it, and tells the agent so once. */
function followRing() {
  const shown = document.body.dataset.scene === "ringing" && document.visibilityState === "visible";
  if (!shown || !order || order.open) {
    ring.stop();
    ringTold = "";
    return;
  }
  ring.start(sayWhetherHeard);
  if (ringTold !== order.visit_id && line.send({ type: "ring_shown", visit_id: order.visit_id })) {
    ringTold = order.visit_id;
  }
  setTimeout(sayWhetherHeard, SILENT_AFTER_MS);
}

/** A ring that is not heard is said to be silent; the loudspeaker takes a moment to open. */
function sayWhetherHeard() {
  const notice = document.getElementById("no-sound");
  if (notice) notice.hidden = ring.isHeard || !ring.rings;
}

/** @param {CallOrder} wanted */
function pickUp(wanted) {
  const peer = new Peer({
    polite: true,
    iceServers: wanted.ice_servers,
    send: (data) => line.send({ type: "signal", visit_id: wanted.visit_id, peer: "face", data }),
    onTrack: (_track, stream) => {
      if (face.srcObject !== stream) face.srcObject = stream;
    },
    onState: (state) => {
      noteCall(state === "connected");
      if (state === "connected") setTimeout(() => reviveFace(picked), BLACK_AFTER_MS);
      line.send({ type: "peer_became", visit_id: wanted.visit_id, peer: "face", state });
    },
  });
  /** @type {Call} */
  const picked = { visitId: wanted.visit_id, peer, media: null, over: false };
  call = picked;
  element("stage").hidden = false;
  void openMedia().then(({ stream, missing }) => {
    if (picked.over) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    picked.media = stream;
    ownPicture.srcObject = stream;
    document.body.dataset.self = missing.includes("camera") ? "none" : "shown";
    peer.addStream(stream);
    if (order) drawCurtain(picked, order.curtain);
    line.send({ type: "media_opened", visit_id: picked.visitId, missing });
  });
}

/**
 * The page begins anew where the advisor's picture comes and is not shown.
 *
 * @param {Call} watched
 */
function reviveFace(watched) {
  if (watched.over || watched.peer.state !== "connected" || face.readyState !== HTMLMediaElement.HAVE_NOTHING) return;
  const stream = /** @type {MediaStream | null} */ (face.srcObject);
  if (!stream?.getVideoTracks().some((track) => track.readyState === "live" && !track.muted)) return;
  const now = Date.now();
  if (now - Number(sessionStorage.getItem(RELOADED_AT)) < RELOAD_GAP_MS) return;
  sessionStorage.setItem(RELOADED_AT, String(now));
  location.reload();
}

function hangUp() {
  ring.stop();
  if (!call) return;
  call.over = true;
  call.peer.close();
  for (const track of call.media?.getTracks() ?? []) track.stop();
  call = null;
  face.srcObject = null;
  ownPicture.srcObject = null;
  document.body.dataset.self = "none";
  noteCall(false);
  element("stage").hidden = true;
}

/**
 * While the screens are hidden, nobody is seen or heard, on either side.
 *
 * @param {Call} current
 * @param {boolean} drawn
 */
function drawCurtain(current, drawn) {
  current.peer.setCamera(!drawn);
  current.peer.setMicrophone(!drawn);
  face.muted = drawn;
  element("stage").hidden = drawn;
}
