// Both ends of a connection in one page, with a signalling between them that can lose, repeat and keep what it carries.
import { openMedia, Peer } from "/static/js/peer.js";

const connections = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) {
    super(...args);
    connections.push(this);
  }
};

class Wire {
  passed = [];
  loses = () => false;
  repeats = 1;
  #ends = {};

  /** The newest peer of an end is the one that hears. */
  end(name) {
    const other = name === "console" ? "booth" : "console";
    return (data) => {
      const signal = JSON.parse(JSON.stringify(data));
      this.passed.push({ end: name, signal });
      if (this.loses(signal, name)) return;
      for (let time = 0; time < this.repeats; time += 1) setTimeout(() => this.#ends[other]?.receive(signal));
    };
  }

  plug(name, peer) {
    this.#ends[name] = peer;
  }
}

function picture(colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const context = canvas.getContext("2d");
  setInterval(() => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 64, 64);
  }, 50);
  return canvas.captureStream(20);
}

const stage = { wire: new Wire(), connections, openMedia, picture, states: {}, channels: {}, tracks: {}, log: [] };
globalThis.stage = stage;

stage.open = (name, options = {}) => {
  stage.states[name] = [];
  stage.channels[name] = [];
  stage.tracks[name] = [];
  const peer = new Peer({
    polite: name === "booth",
    send: stage.wire.end(name),
    channels: name === "console" ? ["papers"] : [],
    onState: (state) => stage.states[name].push(state),
    onChannel: (channel) => stage.channels[name].push(channel),
    onTrack: (track) => stage.tracks[name].push(track.kind),
    log: (event, detail) => stage.log.push([name, event, String(detail)]),
    ...options,
  });
  stage[name] = peer;
  stage.wire.plug(name, peer);
  return peer;
};

stage.bothConnected = () => stage.console.state === "connected" && stage.booth.state === "connected";
stage.ready = true;
