// The least that makes a call between two pages: the limit that ours is measured against.

const query = new URLSearchParams(location.search);
const address = `${location.origin.replace("http", "ws")}/signals?room=${query.get("room")}&end=${query.get("end")}`;
const line = new WebSocket(address);

const stream = await navigator.mediaDevices.getUserMedia({
  audio: { echoCancellation: true },
  video: { width: 640, height: 480, frameRate: 25 },
});

/** @type {RTCPeerConnection | undefined} */
let connection;

function connect() {
  connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  connection.onicecandidate = ({ candidate }) => candidate && line.send(JSON.stringify({ candidate }));
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  return connection;
}

/** @param {RTCPeerConnection} on */
async function describe(on) {
  await on.setLocalDescription();
  line.send(JSON.stringify({ description: on.localDescription }));
}

line.onmessage = async (/** @type {MessageEvent<string>} */ { data }) => {
  const { description, candidate } = JSON.parse(data);
  if (description?.type === "offer") {
    const made = connect();
    await made.setRemoteDescription(description);
    await describe(made);
  } else if (description) await connection?.setRemoteDescription(description);
  else if (candidate) await connection?.addIceCandidate(candidate);
};

if (line.readyState !== WebSocket.OPEN) await new Promise((resolve) => line.addEventListener("open", resolve));
Object.assign(globalThis, { startCall: () => describe(connect()) });

export {};
