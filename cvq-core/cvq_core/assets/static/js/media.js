/**
 * Opening this page's camera and microphone, and going on with what there is when one of them fails.
 */

/** @typedef {"camera" | "microphone"} MediaDevice */

/**
 * Why a device is missing. The page has the words; `no_answer` is a driver, or a permission question, that stayed
 * without an answer until the time-out.
 *
 * @typedef {"not_found" | "not_allowed" | "in_use" | "unsuitable" | "insecure_page" | "no_answer" | "failed"} MediaTrouble
 */

/**
 * @typedef {object} OpenedMedia
 * @property {MediaStream} stream what could be opened; without any track when nothing could
 * @property {MediaDevice[]} missing what was asked for and is not there
 * @property {Partial<Record<MediaDevice, MediaTrouble>>} trouble why each of them is missing
 */

/**
 * @typedef {object} MediaWishes
 * @property {boolean | MediaTrackConstraints} [camera] wanted, as it is or with constraints of one's own
 * @property {boolean | MediaTrackConstraints} [microphone]
 * @property {number} [timeoutMs] for each attempt; there are at most three
 */

/** @type {MediaTrackConstraints} */
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 25, max: 30 } };

/** @type {MediaTrackConstraints} */
const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

const ATTEMPT_TIMEOUT_MS = 8000;

/** @type {Readonly<Record<string, MediaTrouble>>} */
const TROUBLE_OF_ERROR = {
  NotFoundError: "not_found",
  NotAllowedError: "not_allowed",
  SecurityError: "not_allowed",
  NotReadableError: "in_use",
  AbortError: "in_use",
  OverconstrainedError: "unsuitable",
  TimeoutError: "no_answer",
};

/**
 * The slug of what went wrong while opening a camera or a microphone.
 *
 * @param {unknown} error
 * @returns {MediaTrouble}
 */
export function mediaTrouble(error) {
  if (!navigator.mediaDevices) return "insecure_page";
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return TROUBLE_OF_ERROR[name] ?? "failed";
}

/**
 * Opens camera and microphone together, or else the microphone alone, or else the camera alone, or nothing.
 *
 * It never rejects: a page without camera and microphone still sees and hears the other end.
 *
 * @param {MediaWishes} [wishes]
 * @returns {Promise<OpenedMedia>}
 */
export async function openMedia({ camera = true, microphone = true, timeoutMs = ATTEMPT_TIMEOUT_MS } = {}) {
  const video = withDefaults(camera, CAMERA);
  const audio = withDefaults(microphone, MICROPHONE);
  /** @type {Partial<Record<MediaDevice, MediaTrouble>>} */
  const trouble = {};
  if (!video && !audio) return { stream: new MediaStream(), missing: [], trouble };
  if (video && audio) {
    try {
      return { stream: await attempt({ video, audio }, timeoutMs), missing: [], trouble };
    } catch {
      // Together they failed; one after the other tells which of them it was, and may save the other one.
    }
  }
  const stream = new MediaStream();
  if (audio) await addTo(stream, "microphone", { audio }, timeoutMs, trouble);
  // A camera that cannot be had beside the microphone is worth less than the voice: it is asked for second.
  if (video) await addTo(stream, "camera", { video }, timeoutMs, trouble);
  return { stream, missing: /** @type {MediaDevice[]} */ (Object.keys(trouble)), trouble };
}

/**
 * @param {boolean | MediaTrackConstraints} wish
 * @param {MediaTrackConstraints} defaults
 * @returns {MediaTrackConstraints | null}
 */
function withDefaults(wish, defaults) {
  if (!wish) return null;
  return wish === true ? defaults : { ...defaults, ...wish };
}

/**
 * @param {MediaStream} stream
 * @param {MediaDevice} device
 * @param {MediaStreamConstraints} constraints
 * @param {number} timeoutMs
 * @param {Partial<Record<MediaDevice, MediaTrouble>>} trouble
 */
async function addTo(stream, device, constraints, timeoutMs, trouble) {
  try {
    for (const track of (await attempt(constraints, timeoutMs)).getTracks()) stream.addTrack(track);
  } catch (error) {
    trouble[device] = mediaTrouble(error);
  }
}

/**
 * @param {MediaStreamConstraints} constraints
 * @param {number} timeoutMs
 * @returns {Promise<MediaStream>}
 */
async function attempt(constraints, timeoutMs) {
  if (!navigator.mediaDevices) throw new DOMException("no capture on an insecure page", "SecurityError");
  let late = false;
  const opening = navigator.mediaDevices.getUserMedia(constraints).then((stream) => {
    // Whoever stopped waiting must not be filmed when the driver wakes up a minute later.
    if (late) for (const track of stream.getTracks()) track.stop();
    return stream;
  });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const waiting = new Promise((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new DOMException("no answer in time", "TimeoutError"));
    }, timeoutMs);
  });
  try {
    return /** @type {MediaStream} */ (await Promise.race([opening, waiting]));
  } finally {
    clearTimeout(timer);
    opening.catch(() => {});
  }
}
