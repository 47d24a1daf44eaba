/** Screen 2: the papers. A page grows while it is scanned; the window that the advisor shares fills the screen. */

import { Peer } from "/static/js/peer.js";
import { element, startScreen } from "./scene.js";

/** @typedef {import("./agent-line.js").BandHead} BandHead */
/** @typedef {import("./agent-line.js").CallOrder} CallOrder */

// A sheet on the screen is never wider; a canvas of a scan's own size would hold 35 MB.
const SHEET_WIDTH = 900;

const shared = /** @type {HTMLVideoElement} */ (element("window"));
/** @type {{ visitId: string, peer: Peer } | null} */
let view = null;
/** @type {CallOrder | null} */
let order = null;
/** @type {{ head: BandHead, jpeg: ArrayBuffer }[]} */
let bands = [];
let drawn = Promise.resolve();
/** @type {WeakMap<HTMLCanvasElement, number>} */
const painted = new WeakMap();

const line = startScreen({
  screen: 2,
  listener: {
    onCall(next) {
      order = next;
      follow();
    },
    onSignal(visitId, peer, data) {
      if (peer === "window" && view?.visitId === visitId) view.peer.receive(data);
    },
    onDeskLine(up) {
      if (up) view?.peer.signallingBack();
    },
    onBand(head, jpeg) {
      if (bands[0] && bands[0].head.page !== head.page) bands = [];
      bands.push({ head, jpeg });
      queueBand(head, jpeg);
    },
    onTakenOver: close,
  },
  onDrawn() {
    showWindow();
    const canvas = growing();
    // A canvas that was drawn anew, by a reload or another scene in between, is given what is known of the page.
    if (canvas && !painted.has(canvas)) for (const { head, jpeg } of bands) queueBand(head, jpeg);
  },
});

/** @returns {HTMLCanvasElement | null} */
function growing() {
  return /** @type {HTMLCanvasElement | null} */ (document.getElementById("growing"));
}

/**
 * @param {BandHead} head
 * @param {ArrayBuffer} jpeg
 */
function queueBand(head, jpeg) {
  // One after the other, in their order: pictures are decoded elsewhere and would overtake each other.
  drawn = drawn.then(() => paintBand(head, jpeg)).catch(() => {});
}

/**
 * @param {BandHead} head
 * @param {ArrayBuffer} jpeg
 */
async function paintBand(head, jpeg) {
  const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const canvas = growing();
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return;
  const scale = SHEET_WIDTH / head.page_width;
  const height = Math.round(head.page_height * scale);
  if (painted.get(canvas) !== head.page || canvas.height !== height) {
    canvas.width = SHEET_WIDTH;
    canvas.height = height;
    painted.set(canvas, head.page);
  }
  const top = Math.floor(head.top * scale);
  const bottom = Math.ceil((head.top + head.height) * scale);
  context.drawImage(picture, 0, top, SHEET_WIDTH, bottom - top);
  picture.close();
}

function follow() {
  const wanted = order?.open ? order : null;
  if (view && view.visitId !== wanted?.visit_id) close();
  if (wanted && !view) {
    const visitId = wanted.visit_id;
    const peer = new Peer({
      polite: true,
      iceServers: wanted.ice_servers,
      send: (data) => line.send({ type: "signal", visit_id: visitId, peer: "window", data }),
      onTrack: (_track, stream) => {
        shared.srcObject = stream;
        showWindow();
      },
      onState: (state) => line.send({ type: "peer_became", visit_id: visitId, peer: "window", state }),
    });
    view = { visitId, peer };
  }
  if (view && wanted) view.peer.setIceServers(wanted.ice_servers);
  showWindow();
}

function showWindow() {
  element("stage").hidden = document.body.dataset.scene !== "window";
}

function close() {
  view?.peer.close();
  view = null;
  shared.srcObject = null;
  element("stage").hidden = true;
}
