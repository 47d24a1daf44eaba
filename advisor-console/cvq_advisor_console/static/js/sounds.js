/**
 * Short tones for what cannot wait. An element with `data-sound="help"` sounds when it comes into the page, and again
 * while it stays, as the table says; nothing is fetched. Browsers allow sound only after a first touch or key: until
 * then the element with `data-sound-blocked` is shown.
 */

/**
 * One tone: pitch in hertz, beginning and length in seconds.
 *
 * @typedef {[hertz: number, at_s: number, length_s: number]} Tone
 */

/** @type {Record<string, { tones: Tone[], again_s: number }>} */
const SOUNDS = {
  help: {
    tones: [
      [660, 0, 0.18],
      [880, 0.22, 0.3],
    ],
    again_s: 6,
  },
  faint: {
    tones: [
      [880, 0, 0.15],
      [660, 0.18, 0.15],
      [880, 0.36, 0.15],
      [660, 0.54, 0.3],
    ],
    again_s: 3,
  },
  paper_out: {
    tones: [
      [440, 0, 0.15],
      [440, 0.25, 0.15],
    ],
    again_s: 60,
  },
  card_forgotten: {
    tones: [
      [523, 0, 0.15],
      [659, 0.2, 0.15],
      [523, 0.4, 0.3],
    ],
    again_s: 15,
  },
  closing_soon: { tones: [[587, 0, 0.5]], again_s: 0 },
  machine: {
    tones: [
      [440, 0, 0.15],
      [440, 0.25, 0.15],
    ],
    again_s: 60,
  },
  arrival: {
    tones: [
      [587, 0, 0.15],
      [784, 0.18, 0.25],
    ],
    again_s: 0,
  },
};
const LOUDNESS = 0.25;

/** @type {AudioContext | undefined} */
let audio;

/** @returns {AudioContext} */
function context() {
  audio ??= new AudioContext();
  return audio;
}

/** @param {string} name one of the names in the table; an unknown one sounds as `machine` */
export function play(name) {
  const output = context();
  if (output.state !== "running") {
    return;
  }
  for (const [hertz, at, length] of (SOUNDS[name] ?? SOUNDS["machine"])?.tones ?? []) {
    const begin = output.currentTime + at;
    const tone = new OscillatorNode(output, { frequency: hertz, type: "triangle" });
    const volume = new GainNode(output, { gain: 0 });
    volume.gain.setValueAtTime(0, begin);
    volume.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.02);
    volume.gain.setValueAtTime(LOUDNESS, begin + length - 0.04);
    volume.gain.linearRampToValueAtTime(0, begin + length);
    tone.connect(volume).connect(output.destination);
    tone.start(begin);
    tone.stop(begin + length);
  }
}

/** @type {Map<string, number>} when each sounding element sounds again, in milliseconds of `performance.now()` */
const due = new Map();

function soundWhatIsThere() {
  const now = performance.now();
  const there = new Set();
  for (const element of document.querySelectorAll("[data-sound]")) {
    const name = element.getAttribute("data-sound") ?? "";
    const key = element.id || name;
    there.add(key);
    if (now >= (due.get(key) ?? 0)) {
      const again = SOUNDS[name]?.again_s ?? 0;
      due.set(key, again ? now + again * 1000 : Number.POSITIVE_INFINITY);
      play(name);
    }
  }
  for (const key of due.keys()) {
    if (!there.has(key)) {
      due.delete(key);
    }
  }
}

function showWhetherBlocked() {
  const blocked = context().state !== "running";
  for (const notice of document.querySelectorAll("[data-sound-blocked]")) {
    if (notice instanceof HTMLElement) {
      notice.hidden = !blocked;
    }
  }
}

/** Start sounding what carries `data-sound`, now and whenever it comes. */
export function startSounds() {
  const output = context();
  const wake = () => output.state === "suspended" && output.resume();
  document.addEventListener("pointerdown", wake);
  document.addEventListener("keydown", wake);
  output.addEventListener("statechange", () => {
    showWhetherBlocked();
    due.clear();
    soundWhatIsThere();
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-sound-test]") : null;
    const name = button?.getAttribute("data-sound-test");
    if (name) {
      output.resume().then(() => play(name));
    }
  });
  new MutationObserver(soundWhatIsThere).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["data-sound"],
  });
  setInterval(soundWhatIsThere, 1000);
  showWhetherBlocked();
  soundWhatIsThere();
}
