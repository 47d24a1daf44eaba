/**
 * What two peers say to each other through the signalling; the booth's agent says the same (`cvq_booth.peer.signals`).
 */

/**
 * What goes through the signalling, as it stands on the wire.
 *
 * @typedef {object} PeerSignal
 * @property {"hello" | "welcome" | "bye" | "description" | "candidate"} kind
 * @property {string} from generation of the sender
 * @property {string | null} to generation that it is meant for, as far as the sender knows one
 * @property {boolean} [heal] hello, welcome: signals may have been lost
 * @property {boolean} [connected] hello, welcome: how the sender sees the connection
 * @property {boolean} [ice_restart] hello, welcome: false where an ICE restart is not understood (aiortc)
 * @property {boolean} [replaced] bye: another page took the place of this one
 * @property {RTCSessionDescriptionInit} [description]
 * @property {number} [offer] description: the number of the offer that it is, or answers
 * @property {RTCIceCandidateInit} [candidate]
 */

/** An id that no other start of any end has. */
export function newGeneration() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Whether something that came through the signalling has the outer form of a signal.
 *
 * @param {unknown} data
 * @returns {data is PeerSignal}
 */
export function isSignal(data) {
  if (typeof data !== "object" || data === null) return false;
  const { kind, from, to } = /** @type {Record<string, unknown>} */ (data);
  const named = typeof from === "string" && from.length <= 64 && (to === null || typeof to === "string");
  return named && typeof kind === "string";
}
