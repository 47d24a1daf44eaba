// Put into a page before its own scripts: sees which frame of which camera is shown, and when, without the page's help.
// The camera's marks are read by `cvqMarks` (of the virtual camera), the clock is the machine's.
(() => {
  /** @type {{ local: [number, number][], remote: [number, number][], first: number | null }} */
  const probe = { local: [], remote: [], first: null };
  Object.assign(globalThis, { cvqProbe: probe });
  const now = () => performance.timeOrigin + performance.now();

  /** @param {MediaStreamTrack} track @param {(video: HTMLVideoElement) => void} onFrame */
  function show(track, onFrame) {
    const video = document.createElement("video");
    Object.assign(video, { muted: true, autoplay: true, playsInline: true });
    video.style.cssText = "position:fixed;right:0;bottom:0;width:160px;height:120px";
    video.srcObject = new MediaStream([track]);
    const next = () =>
      video.requestVideoFrameCallback(() => {
        onFrame(video);
        next();
      });
    next();
    document.documentElement.append(video);
  }

  /** @param {[number, number][]} sightings */
  function note(sightings) {
    return (/** @type {HTMLVideoElement} */ video) => {
      const at = now();
      const mark = /** @type {any} */ (globalThis).cvqMarks.readMark(video);
      if (mark) sightings.push([at, mark.frame]);
    };
  }

  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (constraints) => {
    const stream = await getUserMedia(constraints);
    for (const track of stream.getVideoTracks()) show(track, note(probe.local));
    return stream;
  };

  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      this.addEventListener("track", ({ track }) => {
        if (track.kind !== "video") return;
        const noteFrame = note(probe.remote);
        show(track, (video) => {
          probe.first ??= now();
          noteFrame(video);
        });
      });
    }
  };
})();
