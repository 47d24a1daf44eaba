/**
 * One RTCPeerConnection and its negotiation, in the W3C's "perfect negotiation" pattern; what a `Peer` replaces as a
 * whole when either end starts anew.
 *
 * Everything that touches the session descriptions goes through one queue, one thing after the other, so that the
 * only collision left is the real one: both ends have an offer under way. The polite end then takes its own back.
 */

/**
 * A description with the number of the offer that it is, or that it answers: an answer to an offer that was replaced
 * meanwhile is told apart, and an offer that comes twice gets the same answer twice.
 *
 * @typedef {{ description: RTCSessionDescriptionInit, offer: number }} NumberedDescription
 */

/**
 * @typedef {object} ConnectionEvents
 * @property {(numbered: NumberedDescription) => void} onDescription to be sent to the other end
 * @property {(candidate: RTCIceCandidateInit) => void} onCandidate to be sent to the other end
 * @property {(state: RTCPeerConnectionState) => void} onState
 * @property {(track: MediaStreamTrack, stream: MediaStream) => void} onTrack
 * @property {(channel: RTCDataChannel) => void} onChannel
 * @property {(what: string, error: unknown) => void} onFailure the negotiation cannot go on in this connection
 * @property {(event: string, detail?: unknown) => void} log
 */

/**
 * @typedef {object} ConnectionPlan
 * @property {boolean} polite
 * @property {RTCIceServer[]} iceServers
 * @property {Iterable<MediaStream>} streams to send
 * @property {("audio" | "video")[]} receive kinds to ask for even where nothing of the kind is sent
 * @property {string[]} channels data channels to open
 * @property {number} videoKbitMax for a camera's picture
 */

// Small print must stay readable, and a window changes seldom: more room than a face, fewer pictures when it is short.
const WINDOW_KBIT_MAX = 1500;

// Nobody negotiates this much in earnest: more waiting than that is a fault, or somebody who means harm.
const TASKS_MAX = 256;

export class Connection {
  #pc;
  #plan;
  #events;
  #tasks = Promise.resolve();
  #waiting = 0;
  #closed = false;
  /** The polite end leaves the first offer to the other one, so that a call does not begin with a collision. */
  #mayOffer;
  #ownOffer = 0;
  #answeredOffer = 0;

  /**
   * @param {ConnectionPlan} plan
   * @param {ConnectionEvents} events
   */
  constructor(plan, events) {
    this.#plan = plan;
    this.#events = events;
    this.#mayOffer = !plan.polite;
    this.#pc = new RTCPeerConnection({ iceServers: plan.iceServers, bundlePolicy: "max-bundle" });
    this.#listen();
    for (const stream of plan.streams) this.addStream(stream);
    for (const label of plan.channels) events.onChannel(this.#pc.createDataChannel(label));
    if (!plan.polite) this.#askFor(plan.receive);
  }

  get state() {
    return this.#pc.connectionState;
  }

  get offering() {
    return this.#pc.signalingState === "have-local-offer";
  }

  /** @param {MediaStream} stream */
  addStream(stream) {
    const sent = new Set(this.#pc.getSenders().map((sender) => sender.track));
    for (const track of stream.getTracks()) {
      if (isWindow(track)) track.contentHint = "detail";
      if (!sent.has(track)) this.#pc.addTrack(track, stream);
    }
  }

  /** @param {MediaStream} stream */
  removeStream(stream) {
    for (const sender of this.#pc.getSenders()) {
      if (sender.track && stream.getTracks().includes(sender.track)) this.#pc.removeTrack(sender);
    }
  }

  /** @param {NumberedDescription} numbered */
  receiveDescription(numbered) {
    this.#enqueue("description", () => this.#applyDescription(numbered));
  }

  /** @param {RTCIceCandidateInit} candidate */
  receiveCandidate(candidate) {
    this.#enqueue("candidate", async () => {
      try {
        await this.#pc.addIceCandidate(candidate);
      } catch (error) {
        // It belonged to an offer that was not taken, or lost: the descriptions carry all candidates again.
        this.#events.log("candidate-unused", error);
      }
    });
  }

  /** Sends again what the other end may have missed: an offer of ours that is still without an answer. */
  sendOfferAgain() {
    this.#enqueue("offer-again", async () => {
      if (this.offering) this.#sendDescription(this.#ownOffer);
    });
  }

  /** Looks for a new way to the other end; with an offer under way, sends that one again instead. */
  restartIce() {
    if (this.offering) this.sendOfferAgain();
    else this.#pc.restartIce();
  }

  /** @param {RTCIceServer[]} iceServers */
  setIceServers(iceServers) {
    this.#pc.setConfiguration({ ...this.#pc.getConfiguration(), iceServers });
  }

  getStats() {
    return this.#pc.getStats();
  }

  close() {
    this.#closed = true;
    this.#pc.close();
  }

  #listen() {
    const pc = this.#pc;
    pc.onnegotiationneeded = () => this.#enqueue("offer", () => this.#offer());
    pc.onicecandidate = ({ candidate }) => {
      if (candidate) this.#events.onCandidate(candidate.toJSON());
    };
    pc.onconnectionstatechange = () => {
      if (!this.#closed) this.#events.onState(pc.connectionState);
    };
    pc.ontrack = ({ track, streams }) => {
      if (!this.#closed) this.#events.onTrack(track, streams[0] ?? new MediaStream([track]));
    };
    pc.ondatachannel = ({ channel }) => {
      if (!this.#closed) this.#events.onChannel(channel);
    };
  }

  /** @param {("audio" | "video")[]} kinds */
  #askFor(kinds) {
    const there = this.#pc.getTransceivers().map((transceiver) => transceiver.receiver.track.kind);
    for (const kind of kinds) {
      if (!there.includes(kind)) this.#pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }

  async #offer() {
    // The browser asks again by itself once a negotiation that is under way has ended.
    if (!this.#mayOffer || this.#pc.signalingState !== "stable") return;
    this.#ownOffer += 1;
    await this.#pc.setLocalDescription();
    this.#sendDescription(this.#ownOffer);
  }

  /** @param {NumberedDescription} numbered */
  async #applyDescription({ description, offer }) {
    if (description.type === "answer") await this.#applyAnswer(description, offer);
    else if (description.type === "offer") await this.#applyOffer(description, offer);
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {number} offer
   */
  async #applyAnswer(description, offer) {
    if (!this.offering || offer !== this.#ownOffer) {
      this.#events.log("answer-unused", offer);
      return;
    }
    await this.#pc.setRemoteDescription(description);
    await this.#tune();
  }

  /**
   * @param {RTCSessionDescriptionInit} description
   * @param {number} offer
   */
  async #applyOffer(description, offer) {
    if (offer < this.#answeredOffer) return;
    const stable = this.#pc.signalingState === "stable";
    if (stable && offer === this.#answeredOffer && this.#pc.localDescription?.type === "answer") {
      this.#sendDescription(offer);
      return;
    }
    if (!stable && !this.#plan.polite) {
      this.#events.log("offer-ignored", offer);
      return;
    }
    await this.#pc.setRemoteDescription(description);
    await this.#pc.setLocalDescription();
    this.#answeredOffer = offer;
    this.#mayOffer = true;
    this.#sendDescription(offer);
    await this.#tune();
  }

  /** @param {number} offer */
  #sendDescription(offer) {
    const description = this.#pc.localDescription;
    if (description && !this.#closed) this.#events.onDescription({ description: description.toJSON(), offer });
  }

  /** Caps the picture and puts the voice before it, where the line is short of room for both. */
  async #tune() {
    for (const sender of this.#pc.getSenders()) {
      const parameters = sender.getParameters();
      if (!sender.track || !parameters.encodings?.length) continue;
      for (const encoding of parameters.encodings) {
        if (isWindow(sender.track)) encoding.maxBitrate = WINDOW_KBIT_MAX * 1000;
        else if (sender.track.kind === "video") encoding.maxBitrate = this.#plan.videoKbitMax * 1000;
        else encoding.priority = encoding.networkPriority = "high";
      }
      try {
        await sender.setParameters(parameters);
      } catch (error) {
        this.#events.log("untuned", error);
      }
    }
  }

  /**
   * @param {string} what
   * @param {() => Promise<void>} task
   */
  #enqueue(what, task) {
    if (this.#closed) return;
    if (this.#waiting >= TASKS_MAX) {
      this.#events.log("dropped", what);
      return;
    }
    this.#waiting += 1;
    this.#tasks = this.#tasks.then(async () => {
      this.#waiting -= 1;
      if (this.#closed) return;
      try {
        await task();
      } catch (error) {
        if (!this.#closed) this.#events.onFailure(what, error);
      }
    });
  }
}

/**
 * Whether a track is somebody's window or screen.
 *
 * @param {MediaStreamTrack} track
 */
function isWindow(track) {
  return track.getSettings().displaySurface !== undefined;
}
