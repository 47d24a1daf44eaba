/**
 * A peer connection to the booth of this page's visit, its signals carried by the page's live line.
 */

import { on, onLine, send } from "/static/js/live.js";
import { Peer } from "/static/js/peer.js";

/** @typedef {import("/static/js/peer.js").PeerOptions} PeerOptions */
/** @typedef {"face" | "devices" | "window"} PeerName */

/**
 * Opens a peer; this end is the impolite one, which has the first turn.
 *
 * @param {PeerName} name
 * @param {string} visitId
 * @param {Omit<PeerOptions, "polite" | "send">} options
 * @returns {{ peer: Peer, close: () => void }}
 */
export function openBoothPeer(name, visitId, options) {
  const peer = new Peer({
    ...options,
    polite: false,
    send: (data) => send({ type: "signal", visit_id: visitId, peer: name, data }),
  });
  const endEvents = on(`signals:${visitId}`, (event) => {
    if (event.kind === "signal" && event.payload["peer"] === name) {
      peer.receive(event.payload["data"]);
    } else if (event.kind === "reset") {
      peer.signallingBack();
    }
  });
  const endLine = onLine((state) => {
    if (state === "ok") {
      peer.signallingBack();
    }
  });
  return {
    peer,
    close() {
      endEvents();
      endLine();
      peer.close();
    },
  };
}

/** What the server says of the call, read from the region that it draws. */
export function readCall() {
  const region = document.getElementById("call");
  return {
    visitId: region?.dataset["visit"] ?? "",
    state: region?.dataset["callState"] ?? "none",
    iceServers: /** @type {RTCIceServer[]} */ (JSON.parse(region?.dataset["iceServers"] || "[]")),
  };
}

/**
 * Calls back now and whenever the server has drawn the call's region anew with another state.
 *
 * @param {(call: ReturnType<typeof readCall>) => void} callback
 */
export function onCall(callback) {
  let last = "";
  const look = () => {
    const call = readCall();
    const key = `${call.visitId} ${call.state}`;
    if (key !== last) {
      last = key;
      callback(call);
    }
  };
  new MutationObserver(look).observe(document.body, {
    subtree: true,
    attributes: true,
    attributeFilter: ["data-call-state", "data-visit"],
  });
  look();
}
