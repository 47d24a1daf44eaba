// Reads, in a page under test, what the virtual camera and the virtual microphone of the other end carry. A classic
// script, so that a test can add it to any page; the same rules are in camera.py and voice.py.
(() => {
  const CELLS = 20;
  const COUNTER_BITS = 12;
  const CHECK_BITS = 5;
  const SHELF_HEIGHT = 0.085;
  const CONTRAST_MIN = 60;
  const PITCH_HZ = { resident: 236, advisor: 152 };
  const PITCH_SWING = 0.012;
  const OVERTONES = 8;
  const SCORE_MIN = 2;

  const canvas = document.createElement("canvas");

  /** @param {number} payload */
  function check(payload) {
    let total = 7;
    for (let place = 0; place < 3; place += 1) {
      const group = (payload >> (place * CHECK_BITS)) & 31;
      total += ((group << place) | (group >> (CHECK_BITS - place))) & 31;
    }
    return total & 31;
  }

  /**
   * Mean brightness of each cell of the strip at the top of a picture.
   * @param {CanvasImageSource} source
   * @param {number} width
   * @param {number} height
   */
  function cells(source, width, height) {
    const top = Math.floor(height * SHELF_HEIGHT * 0.35);
    const rows = Math.max(1, Math.ceil(height * SHELF_HEIGHT * 0.7) - top);
    canvas.width = width;
    canvas.height = rows;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return [];
    context.drawImage(source, 0, top, width, rows, 0, 0, width, rows);
    const pixels = context.getImageData(0, 0, width, rows).data;
    return Array.from({ length: CELLS }, (_, cell) => {
      const from = Math.floor(((cell + 0.3) * width) / CELLS);
      const to = Math.ceil(((cell + 0.7) * width) / CELLS);
      let sum = 0;
      for (let y = 0; y < rows; y += 1) {
        for (let x = from; x < to; x += 1) {
          const [red = 0, green = 0, blue = 0] = pixels.subarray((y * width + x) * 4);
          sum += 0.299 * red + 0.587 * green + 0.114 * blue;
        }
      }
      return sum / (rows * (to - from));
    });
  }

  /**
   * Reads the mark of a video, an image or a canvas.
   * @param {HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | VideoFrame} source
   * @returns {{ end: "resident" | "advisor", frame: number } | null} null where no mark can be believed
   */
  function readMark(source) {
    const [width, height] =
      source instanceof HTMLVideoElement
        ? [source.videoWidth, source.videoHeight]
        : source instanceof HTMLImageElement
          ? [source.naturalWidth, source.naturalHeight]
          : source instanceof HTMLCanvasElement
            ? [source.width, source.height]
            : [source.displayWidth, source.displayHeight];
    if (!width || !height) return null;
    const values = cells(source, width, height);
    const [light, dark] = values;
    if (light === undefined || dark === undefined || light - dark < CONTRAST_MIN) return null;
    const middle = (light + dark) / 2;
    if (values.some((value) => Math.abs(value - middle) < (light - dark) / 8)) return null;
    const word = values.slice(2).reduce((sum, value) => (sum << 1) | Number(value > middle), 0);
    const payload = word >> CHECK_BITS;
    if ((word & 31) !== check(payload)) return null;
    let frame = payload & ((1 << COUNTER_BITS) - 1);
    for (let shift = 1; shift < COUNTER_BITS; shift *= 2) frame ^= frame >> shift;
    return { end: payload >> COUNTER_BITS ? "advisor" : "resident", frame };
  }

  /**
   * Tells who speaks at an instant.
   * @param {AnalyserNode} analyser with an fftSize of 16384, which hears a third of a second
   * @returns {"resident" | "advisor" | null}
   */
  function readVoice(analyser) {
    const decibels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(decibels);
    const step = analyser.context.sampleRate / analyser.fftSize;
    /** @param {number} pitch */
    const loudness = (pitch) => {
      let sum = 0;
      for (let overtone = 1; overtone <= OVERTONES; overtone += 1) {
        const low = Math.floor((overtone * pitch * (1 - 2 * PITCH_SWING)) / step);
        const high = Math.floor((overtone * pitch * (1 + 2 * PITCH_SWING)) / step) + 2;
        sum += Math.max(-160, ...decibels.subarray(low, high));
      }
      return sum / OVERTONES;
    };
    const difference = loudness(PITCH_HZ.resident) - loudness(PITCH_HZ.advisor);
    if (Math.abs(difference) < 20 * Math.log10(SCORE_MIN)) return null;
    return difference > 0 ? "resident" : "advisor";
  }

  Object.assign(globalThis, { cvqMarks: { readMark, readVoice } });
})();
