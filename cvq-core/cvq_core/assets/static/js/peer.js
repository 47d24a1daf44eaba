/**
 * A connection between two pages, or a page and the booth's agent, that comes back by itself.
 *
 * Each end has a generation: a random id that changes whenever it starts anew. Every signal says from which generation
 * to which it goes. A `hello` from an unknown generation means that the other end was reloaded: the connection is built
 * again. Any other signal that does not fit the pair of generations is stale and dropped. `welcome` answers `hello`.
 *
 * One end alone mends a broken connection, the impolite one: two would offer against each other. The polite one asks
 * for it with a `hello` that heals. The same `hello` goes out when the signalling was away, because what was sent
 * meanwhile is lost: descriptions that are still unanswered are then sent again, with all their candidates.
 */

import { Connection } from "./peer-connection.js";
import { isSignal, newGeneration } from "./peer-signals.js";
import { summarise } from "./peer-stats.js";

export { mediaTrouble, openMedia } from "./media.js";

/**
 * `waiting`: nobody at the other end yet. `interrupted`: it was connected, and is being mended. `replaced`: the other
 * end now speaks with another page that took this one's place.
 *
 * @typedef {"waiting" | "connecting" | "connected" | "interrupted" | "replaced" | "closed"} PeerState
 */

/** @typedef {import("./peer-signals.js").PeerSignal} PeerSignal */

/**
 * @typedef {object} PeerOptions
 * @property {boolean} polite gives way when both offer; never mends. The console is impolite, the booth polite
 * @property {RTCIceServer[]} [iceServers] none by default: never a public server
 * @property {(data: PeerSignal) => boolean | void} send gives a signal to the signalling; false while that is away
 * @property {(track: MediaStreamTrack, stream: MediaStream) => void} [onTrack]
 * @property {(state: PeerState) => void} [onState]
 * @property {(channel: RTCDataChannel) => void} [onChannel] own and foreign channels, again after each new connection
 * @property {("audio" | "video")[]} [receive] kinds that the impolite end asks for even if it sends none of them
 * @property {string[]} [channels] labels of the data channels that this end opens
 * @property {number} [videoKbitMax] for a camera's picture; a shared window has a cap of its own
 * @property {(event: string, detail?: unknown) => void} [log]
 */

// On 1 Mbit/s up, the face took 390 kbit/s and was good; a cap leaves the scanned pages their part of a rural line.
const VIDEO_KBIT_MAX = 600;

// A pause this long is no hiccup: the browser itself first waits some seconds before it says "disconnected".
const MEND_AFTER_MS = 1500;

// The polite end asks for mending only when the other one, which has the first turn, has not seen the trouble.
const ASK_AFTER_MS = 4000;
const CONNECT_MS = 8000;
const RETRY_MS = 4000;
const RETRY_MS_MAX = 20_000;

// Both ends may notice one trouble; a second mending right after the first would undo its work.
const MENDING_GAP_MS = 2000;
const STRAY_GAP_MS = 500;
const RESTARTS_MAX = 3;

// An offer without an answer mostly means that the other end is away, and will find it when it is back.
const UNANSWERED_MAX = 8;
const RETIRED_MAX = 16;

export class Peer {
  #options;
  #id = newGeneration();
  /** @type {{ id: string, iceRestart: boolean } | null} */
  #remote = null;
  /** @type {string[]} */
  #retired = [];
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Set<MediaStream>} */
  #streams = new Set();
  /** @type {PeerState} */
  #state = "waiting";
  #microphoneOn = true;
  #cameraOn = true;
  #signallingOpen = true;
  #attempts = 0;
  #mendedAt = Number.NEGATIVE_INFINITY;
  #strayAt = Number.NEGATIVE_INFINITY;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {PeerOptions} options */
  constructor(options) {
    this.#options = options;
    // The caller first gets hold of this peer, and adds its streams; then the other end may answer.
    queueMicrotask(() => {
      this.#sayHello(false);
      this.#watch(RETRY_MS);
    });
  }

  get state() {
    return this.#state;
  }

  /**
   * Takes a signal of the other end. Signals that make no sense are dropped.
   *
   * @param {unknown} data
   */
  receive(data) {
    if (this.#ended || !isSignal(data) || data.from === this.#id) return;
    if (this.#retired.includes(data.from)) {
      this.#log("stale", data.kind);
      return;
    }
    if (data.kind === "hello" || data.kind === "welcome") this.#receiveHello(data);
    else if (data.from !== this.#remote?.id) this.#receiveStray(data);
    else if (data.to !== this.#id) this.#log("stale", data.kind);
    else if (data.kind === "bye") this.#receiveBye(data);
    else if (data.description) {
      this.#connection?.receiveDescription({ description: data.description, offer: data.offer ?? 0 });
    } else if (data.candidate) this.#connection?.receiveCandidate(data.candidate);
  }

  /**
   * Sends a stream's tracks, now and through every connection to come.
   *
   * @param {MediaStream} stream
   */
  addStream(stream) {
    this.#streams.add(stream);
    this.#applySwitches();
    this.#connection?.addStream(stream);
  }

  /** @param {MediaStream} stream */
  removeStream(stream) {
    this.#streams.delete(stream);
    this.#connection?.removeStream(stream);
  }

  /**
   * Mutes or unmutes: a muted microphone sends silence.
   *
   * @param {boolean} on
   */
  setMicrophone(on) {
    this.#microphoneOn = on;
    this.#applySwitches();
  }

  /**
   * Shows or blacks out the picture. The camera stays open; stop its track to put its lamp out.
   *
   * @param {boolean} on
   */
  setCamera(on) {
    this.#cameraOn = on;
    this.#applySwitches();
  }

  /**
   * Servers to use from the next attempt on; what the desk hands out expires.
   *
   * @param {RTCIceServer[]} iceServers
   */
  setIceServers(iceServers) {
    this.#options = { ...this.#options, iceServers };
    this.#connection?.setIceServers(iceServers);
  }

  /** The signalling is open again: both ends make up for what was lost meanwhile. */
  signallingBack() {
    this.#signallingOpen = true;
    this.#attempts = 0;
    this.#mendedAt = Number.NEGATIVE_INFINITY;
    if (!this.#ended) this.#sayHello(true);
  }

  /** Looks for a new way to the other end now, because somebody asked for it. */
  restart() {
    if (this.#ended) return;
    this.#attempts = 0;
    this.#mendedAt = Number.NEGATIVE_INFINITY;
    if (this.#options.polite || !this.#connection) this.#sayHello(true, false);
    else this.#repair();
  }

  /** Ends it for both sides. The streams belong to the caller and stay open. */
  close() {
    if (this.#state === "closed") return;
    if (this.#remote && !this.#ended) this.#send({ kind: "bye" });
    this.#end("closed");
  }

  /**
   * What the connection does now, put together from the browser's reports.
   *
   * @returns {Promise<import("./peer-stats.js").PeerStats>}
   */
  async stats() {
    return summarise(this.#state, this.#connection ? await this.#connection.getStats() : new Map());
  }

  get #ended() {
    return this.#state === "closed" || this.#state === "replaced";
  }

  /** @param {PeerSignal} hello */
  #receiveHello(hello) {
    // A welcome for a former generation of ours: the hello of this one is still on its way.
    if (hello.kind === "welcome" && hello.to !== this.#id) return;
    const known = hello.from === this.#remote?.id;
    if (!known) this.#adopt(hello);
    if (hello.kind === "hello") this.#sayWelcome(hello.heal ?? false);
    if (!this.#connection) this.#connect();
    // Whoever says hello to nobody has missed our welcome, and what followed it.
    else if (hello.to === null || (hello.heal && hello.to === this.#id)) this.#heal(hello.connected ?? false);
  }

  /**
   * The hello of an unknown end was lost: it is asked to say it again.
   *
   * @param {PeerSignal} stray
   */
  #receiveStray(stray) {
    this.#log("stray", stray.kind);
    const now = performance.now();
    if (now - this.#strayAt < STRAY_GAP_MS) return;
    this.#strayAt = now;
    this.#sayHello(true);
  }

  /** @param {PeerSignal} hello */
  #adopt(hello) {
    if (this.#remote) {
      this.#log("replaced", this.#remote.id);
      // Mostly nobody is there any more to hear it; a second window of the same person is.
      this.#send({ kind: "bye", replaced: true });
      this.#retire(this.#remote.id);
      this.#disconnect();
    }
    this.#remote = { id: hello.from, iceRestart: hello.ice_restart ?? true };
    this.#attempts = 0;
  }

  #connect() {
    const { polite, iceServers = [], receive = [], channels = [], videoKbitMax = VIDEO_KBIT_MAX } = this.#options;
    const plan = { polite, iceServers, receive, channels, videoKbitMax, streams: this.#streams };
    try {
      this.#connection = new Connection(plan, this.#events());
    } catch (error) {
      // The browser refuses servers whose addresses make no sense.
      this.#fail("connect", error);
      return;
    }
    if (this.#state !== "interrupted") this.#become("connecting");
    this.#watch(Math.min(RETRY_MS_MAX, CONNECT_MS * (1 + this.#attempts)));
  }

  /** @returns {import("./peer-connection.js").ConnectionEvents} */
  #events() {
    return {
      onDescription: (numbered) => this.#send({ kind: "description", ...numbered }),
      onCandidate: (candidate) => this.#send({ kind: "candidate", candidate }),
      onState: (state) => this.#follow(state),
      onTrack: (track, stream) => this.#options.onTrack?.(track, stream),
      onChannel: (channel) => this.#options.onChannel?.(channel),
      onFailure: (what, error) => this.#fail(what, error),
      log: (event, detail) => this.#log(event, detail),
    };
  }

  #disconnect() {
    this.#connection?.close();
    this.#connection = null;
  }

  /** @param {RTCPeerConnectionState} state */
  #follow(state) {
    this.#log("connection", state);
    if (state === "connected") {
      this.#attempts = 0;
      clearTimeout(this.#timer);
      this.#become("connected");
    } else if (state === "disconnected" || state === "failed") {
      this.#become("interrupted");
      this.#watch(this.#options.polite ? ASK_AFTER_MS : state === "failed" ? 0 : MEND_AFTER_MS);
    }
  }

  /**
   * The other end may have missed signals of ours.
   *
   * @param {boolean} connectedThere
   */
  #heal(connectedThere) {
    if (this.#connection?.state === "connected" && connectedThere) this.#connection.sendOfferAgain();
    else if (this.#options.polite) this.#connection?.sendOfferAgain();
    else this.#repair();
  }

  /** Impolite only: an ICE restart where the other end knows it, or else a new connection. */
  #repair() {
    const now = performance.now();
    const unanswered = this.#connection?.offering && this.#attempts <= UNANSWERED_MAX;
    if (unanswered || now - this.#mendedAt < MENDING_GAP_MS) {
      this.#connection?.sendOfferAgain();
      return;
    }
    if (this.#connection && this.#remote?.iceRestart && this.#attempts <= RESTARTS_MAX) {
      this.#log("restart", this.#attempts);
      this.#mendedAt = now;
      this.#connection.restartIce();
    } else this.#rebuild();
  }

  /** A new generation of this end; the other one builds its side again when it hears of it. */
  #rebuild() {
    this.#log("rebuild", this.#attempts);
    this.#mendedAt = performance.now();
    this.#disconnect();
    this.#id = newGeneration();
    this.#sayHello(true, false);
  }

  /**
   * @param {string} what
   * @param {unknown} error
   */
  #fail(what, error) {
    this.#log("failure", `${what}: ${error}`);
    this.#disconnect();
    this.#become("interrupted");
    this.#watch(Math.min(RETRY_MS_MAX, 250 * 2 ** this.#attempts));
  }

  /** @param {number} delayMs */
  #watch(delayMs) {
    clearTimeout(this.#timer);
    if (!this.#ended) this.#timer = setTimeout(() => this.#retry(), delayMs);
  }

  /** Time is up and the connection does not stand: whoever has the means tries again, ever more rarely. */
  #retry() {
    if (this.#ended || this.#connection?.state === "connected") return;
    // Without signalling nothing can be mended, and nothing was tried: its return begins the mending.
    if (!this.#signallingOpen) return;
    this.#attempts += 1;
    this.#log("retry", this.#attempts);
    this.#watch(Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (this.#attempts - 1)));
    if (!this.#remote) this.#sayHello(true);
    else if (!this.#connection) this.#rebuild();
    else if (this.#options.polite) this.#sayHello(true);
    else this.#repair();
  }

  /** @param {PeerSignal} bye */
  #receiveBye(bye) {
    if (bye.replaced) {
      this.#end("replaced");
      return;
    }
    this.#retire(bye.from);
    this.#disconnect();
    this.#remote = null;
    clearTimeout(this.#timer);
    this.#become("waiting");
  }

  /** @param {"replaced" | "closed"} state */
  #end(state) {
    clearTimeout(this.#timer);
    this.#disconnect();
    this.#become(state);
  }

  /**
   * @param {boolean} heal
   * @param {boolean} [connected]
   */
  #sayHello(heal, connected = this.#connection?.state === "connected") {
    if (!this.#ended) this.#send({ kind: "hello", heal, connected });
  }

  /** @param {boolean} heal */
  #sayWelcome(heal) {
    this.#send({ kind: "welcome", heal, connected: this.#connection?.state === "connected" });
  }

  /** @param {Omit<PeerSignal, "from" | "to">} signal */
  #send(signal) {
    const sent = this.#options.send({ from: this.#id, to: this.#remote?.id ?? null, ...signal });
    if (sent === false) this.#signallingOpen = false;
  }

  /** @param {string} id */
  #retire(id) {
    this.#retired = [...this.#retired, id].slice(-RETIRED_MAX);
  }

  #applySwitches() {
    for (const stream of this.#streams) {
      for (const track of stream.getAudioTracks()) track.enabled = this.#microphoneOn;
      for (const track of stream.getVideoTracks()) track.enabled = this.#cameraOn;
    }
  }

  /** @param {PeerState} state */
  #become(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#options.onState?.(state);
  }

  /**
   * @param {string} event
   * @param {unknown} [detail]
   */
  #log(event, detail) {
    this.#options.log?.(event, detail);
  }
}
