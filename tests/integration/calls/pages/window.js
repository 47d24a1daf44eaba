// The advisor shows a window to screen 2: the console shares, the booth only looks.
import { Peer } from "/static/js/peer.js";
import { Line } from "./line.js";

const query = new URLSearchParams(location.search);
const end = query.get("end");
const shown = document.getElementById("shown");

const connections = [];
globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) {
    super(...args);
    connections.push(this);
  }
};

const stage = { connections, states: [], log: [], frames: 0 };
globalThis.stage = stage;

stage.peer = new Peer({
  polite: end === "booth",
  send: (data) => line.send(data),
  onTrack: (_track, stream) => {
    shown.srcObject = stream;
  },
  onState: (state) => stage.states.push(state),
  log: (event, detail) => stage.log.push([event, String(detail)]),
});
const line = new Line(query.get("room"), end, {
  onSignal: (data) => stage.peer.receive(data),
  onBack: () => stage.peer.signallingBack(),
});

document.getElementById("share").onclick = async () => {
  stage.stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 5 } });
  stage.peer.addStream(stage.stream);
};

function watch() {
  shown.requestVideoFrameCallback(() => {
    stage.frames += 1;
    watch();
  });
}
watch();

// The browser's stand-in for a screen is a green picture: how much of what is shown is green, from 0 to 1.
stage.green = () => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const context = canvas.getContext("2d");
  context.drawImage(shown, 0, 0, 8, 8);
  const pixels = context.getImageData(0, 0, 8, 8).data;
  let green = 0;
  for (let at = 0; at < pixels.length; at += 4) green += pixels[at + 1] > pixels[at] + 60 ? 1 : 0;
  return green / 64;
};
