// The console's end of the peer `devices`, and what the test wants to know of it.
import { GrowingPage, PapersChannel } from "/static/js/papers.js";
import { Peer } from "/static/js/peer.js";
import { Line } from "./line.js";

const query = new URLSearchParams(location.search);
const growing = new GrowingPage(document.getElementById("page"));
const stage = {
  log: [],
  states: [],
  bands: [],
  pages: {},
  stills: [],
  notes: [],
  held: [],
  troubles: [],
  given: [],
  progress: 0,
};
globalThis.stage = stage;

async function sha256(blob) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await blob.arrayBuffer()));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

stage.papers = new PapersChannel({
  onBand: async (head, jpeg) => {
    await growing.draw(head, jpeg);
    stage.bands.push(head.top);
  },
  onPage: async (head, blob) => {
    stage.given.push(head.page_id);
    stage.pages[head.page_id] = { sha256: await sha256(blob), bytes: blob.size, type: blob.type, page: head.page };
  },
  onProgress: (_head, received) => {
    stage.progress = received;
  },
  onStill: async (_head, blob) => stage.stills.push(await sha256(blob)),
  onNote: (note) => stage.notes.push(note),
  onHeld: (ids) => stage.held.push(ids),
  onTrouble: (trouble, pageId) => stage.troubles.push([trouble, pageId ?? null]),
});

stage.peer = new Peer({
  polite: false,
  send: (data) => line.send(data),
  channels: ["papers"],
  onChannel: (channel) => stage.papers.attach(channel),
  onState: (state) => stage.states.push(state),
  log: (event, detail) => stage.log.push([event, String(detail)]),
});
const line = new Line(query.get("room"), "console", {
  onSignal: (data) => stage.peer.receive(data),
  onBack: () => stage.peer.signallingBack(),
});

stage.colourAt = (x, y) => {
  const canvas = document.getElementById("page");
  const [across, down] = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
  return [...canvas.getContext("2d").getImageData(across, down, 1, 1).data].slice(0, 3);
};
