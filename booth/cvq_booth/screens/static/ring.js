/** The ring: two soft notes of a bell, again and again, made here so that nothing has to be loaded for it. */

const NOTES_HZ = [659.3, 523.3];
const NOTE_EVERY_MS = 420;
const AGAIN_EVERY_MS = 1700;
const LOUDNESS = 0.28;

export class Ring {
  /** @type {AudioContext | null} */
  #audio = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  get rings() {
    return this.#timer !== undefined;
  }

  /** Whether it is heard: a browser that nobody has touched yet may keep a page silent. */
  get isHeard() {
    return this.#audio?.state === "running";
  }

  /**
   * Rings until `stop`.
   *
   * @param {() => void} onHeard told when it is really heard
   */
  start(onHeard) {
    if (this.rings) return;
    const audio = new AudioContext();
    this.#audio = audio;
    audio.onstatechange = () => audio.state === "running" && onHeard();
    this.#timer = setInterval(() => this.#strike(), AGAIN_EVERY_MS);
    // Where it is not allowed, `resume` waits for a touch; the ring goes on to be seen.
    void audio.resume().then(() => this.rings && this.#strike());
  }

  /** Falls silent, and lets go of the loudspeaker. */
  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    void this.#audio?.close();
    this.#audio = null;
  }

  #strike() {
    const audio = this.#audio;
    if (audio?.state !== "running") return;
    NOTES_HZ.forEach((pitch, index) => {
      const at = audio.currentTime + (index * NOTE_EVERY_MS) / 1000;
      const loudness = audio.createGain();
      loudness.gain.setValueAtTime(0.0001, at);
      loudness.gain.exponentialRampToValueAtTime(LOUDNESS, at + 0.02);
      loudness.gain.exponentialRampToValueAtTime(0.0001, at + 1.1);
      loudness.connect(audio.destination);
      // The octave above it, softer: a bell, and heard by ears that have lost the low or the high.
      for (const [times, part] of [
        [1, 1],
        [2, 0.35],
      ]) {
        const voice = audio.createOscillator();
        const share = audio.createGain();
        voice.frequency.value = pitch * /** @type {number} */ (times);
        share.gain.value = /** @type {number} */ (part);
        voice.connect(share).connect(loudness);
        voice.start(at);
        voice.stop(at + 1.2);
      }
    });
  }
}
