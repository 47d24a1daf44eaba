// The same call through the product's own peer, over the same relay.
import { openMedia, Peer } from "/static/js/peer.js";

const query = new URLSearchParams(location.search);
const end = query.get("end");
const address = `${location.origin.replace("http", "ws")}/signals?room=${query.get("room")}&end=${end}`;
const line = new WebSocket(address);
const { stream } = await openMedia();

/** @type {Peer | undefined} */
let peer;

function connect() {
  peer = new Peer({
    polite: end === "booth",
    receive: ["audio", "video"],
    send: (data) => line.send(JSON.stringify(data)),
  });
  peer.addStream(stream);
  return peer;
}

line.onmessage = (/** @type {MessageEvent<string>} */ { data }) => (peer ?? connect()).receive(JSON.parse(data));

if (line.readyState !== WebSocket.OPEN) await new Promise((resolve) => line.addEventListener("open", resolve));
Object.assign(globalThis, { startCall: connect });
