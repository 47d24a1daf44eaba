// The console's end of a visit's peers, as bare as can be; the stand-in desk carries its signals.
import { GrowingPage, PapersChannel } from "/static/js/papers.js";
import { openMedia, Peer } from "/static/js/peer.js";

const stage = { states: {}, bands: 0, pages: {}, notes: [], stills: 0, held: [], log: [] };
globalThis.stage = stage;
const growing = new GrowingPage(document.getElementById("page"));
const socket = new WebSocket(`ws://${location.host}/console/live`);
const peers = {};

function open(name, options) {
  const send = (data) => {
    if (socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify({ peer: name, data }));
    return true;
  };
  peers[name] = new Peer({
    polite: false,
    send,
    onState: (state) => {
      stage.states[name] = state;
    },
    log: (event, detail) => stage.log.push([name, event, String(detail)]),
    ...options,
  });
}

stage.call = async () => {
  const { stream } = await openMedia();
  open("face", {
    receive: ["audio", "video"],
    onTrack: (_track, there) => {
      document.getElementById("face").srcObject = there;
    },
  });
  peers.face.addStream(stream);
};

stage.papers = () => {
  const papers = new PapersChannel({
    onBand: async (head, jpeg) => {
      await growing.draw(head, jpeg);
      stage.bands += 1;
    },
    onPage: async (head, blob) => {
      stage.pages[head.page_id] = blob.size;
    },
    onStill: () => {
      stage.stills += 1;
    },
    onNote: (note) => stage.notes.push(note),
    onHeld: (ids) => stage.held.push(ids),
  });
  open("devices", { channels: ["papers"], onChannel: (channel) => papers.attach(channel) });
};

stage.shareWindow = async () => {
  const { stream } = await openMedia({ microphone: false });
  open("window", {});
  peers.window.addStream(stream);
};

stage.hangUp = (name) => peers[name].close();
stage.stats = (name) => peers[name].stats();
stage.mark = () => globalThis.cvqMarks.readMark(document.getElementById("face"));

socket.onmessage = (event) => {
  const { peer, data } = JSON.parse(event.data);
  peers[peer]?.receive(data);
};
socket.onopen = () => {
  stage.ready = true;
};
