// One end of a face-to-face call, as the console and screen 1 make it, and what the test wants to know of it.
import { openMedia, Peer } from "/static/js/peer.js";
import { Line } from "./line.js";

const query = new URLSearchParams(location.search);
const [room, end] = [query.get("room"), query.get("end")];
const remote = document.getElementById("remote");

// The browser's own connections, so that a test can look past ours.
const connections = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) {
    super(...args);
    connections.push(this);
  }
};

const stage = { states: [], log: [], seen: { resident: [], advisor: [] }, frames: 0, connections, media: null };
globalThis.stage = stage;

let peer;
const line = new Line(room, end, {
  onSignal: (data) => peer?.receive(data),
  onBack: () => peer?.signallingBack(),
});

function watch() {
  remote.requestVideoFrameCallback(() => {
    stage.frames += 1;
    const mark = globalThis.cvqMarks.readMark(remote);
    if (mark && !stage.seen[mark.end].includes(mark.frame)) stage.seen[mark.end].push(mark.frame);
    watch();
  });
}
watch();

stage.listen = (stream) => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 16384 });
  context.createMediaStreamSource(stream).connect(analyser);
  stage.hears = () => globalThis.cvqMarks.readVoice(analyser);
};

stage.media = await openMedia();
peer = new Peer({
  polite: end === "booth",
  receive: ["audio", "video"],
  send: (data) => line.send(data),
  onTrack: (_track, stream) => {
    remote.srcObject = stream;
    if (stream.getAudioTracks().length) stage.listen(stream);
  },
  onState: (state) => stage.states.push(state),
  log: (event, detail) => stage.log.push([event, String(detail)]),
});
peer.addStream(stage.media.stream);
stage.peer = peer;
