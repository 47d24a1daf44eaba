/**
 * Choosing which part of a page is kept. The frame is drawn with the mouse or set with four sliders, so that keys do
 * all that a mouse does.
 */

/** @typedef {[left: number, top: number, right: number, bottom: number]} Crop fractions of the page, 0 to 1 */

const EDGES = /** @type {const} */ (["left", "top", "right", "bottom"]);
const LEAST = 0.05;

/** @type {Crop} */
export const WHOLE = [0, 0, 1, 1];

/**
 * @param {Crop} crop
 * @returns {Crop} the same within the page, and never narrower than a twentieth of it
 */
export function withinPage([left, top, right, bottom]) {
  const low = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1 - LEAST);
  const [l, t] = [low(left), low(top)];
  return [l, t, Math.min(Math.max(right, l + LEAST), 1), Math.min(Math.max(bottom, t + LEAST), 1)];
}

export class CropPanel {
  #panel;
  #canvas;
  #frame;
  /** @type {Crop} */
  #crop = [...WHOLE];
  /** @type {((crop: Crop | null) => void) | null} */
  #settle = null;

  /** @param {HTMLElement} panel the `#crop` part of the strip's template */
  constructor(panel) {
    this.#panel = panel;
    this.#canvas = /** @type {HTMLCanvasElement} */ (panel.querySelector("[data-crop-canvas]"));
    this.#frame = /** @type {HTMLElement} */ (panel.querySelector("[data-crop-frame]"));
    for (const edge of EDGES) {
      this.#slider(edge)?.addEventListener("input", () => this.#fromSliders());
    }
    panel.querySelector("[data-crop-keep]")?.addEventListener("click", () => this.#end([...this.#crop]));
    panel.querySelector("[data-crop-whole]")?.addEventListener("click", () => this.#show([...WHOLE]));
    panel.querySelector("[data-crop-leave]")?.addEventListener("click", () => this.#end(null));
    panel.addEventListener("keydown", (event) => event.key === "Escape" && this.#end(null));
    this.#startDrawing();
  }

  /**
   * @param {CanvasImageSource & { width: number, height: number }} picture the page, turned as it will be filed
   * @param {Crop} crop
   * @returns {Promise<Crop | null>} the frame that is kept, or nothing when it was left
   */
  ask(picture, crop) {
    this.#settle?.(null);
    this.#canvas.width = picture.width;
    this.#canvas.height = picture.height;
    this.#canvas.getContext("2d")?.drawImage(picture, 0, 0);
    this.#panel.showPopover();
    this.#show(crop);
    this.#slider("left")?.focus();
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** @param {Crop | null} crop */
  #end(crop) {
    this.#panel.hidePopover();
    this.#settle?.(crop);
    this.#settle = null;
  }

  /**
   * @param {typeof EDGES[number]} edge
   * @returns {HTMLInputElement | null}
   */
  #slider(edge) {
    return this.#panel.querySelector(`[data-crop-edge="${edge}"]`);
  }

  #fromSliders() {
    const values = EDGES.map((edge) => Number(this.#slider(edge)?.value ?? 0) / 100);
    this.#show(withinPage(/** @type {Crop} */ (values)));
  }

  /** @param {Crop} crop */
  #show(crop) {
    this.#crop = crop;
    const [left, top, right, bottom] = crop.map((part) => part * 100);
    EDGES.forEach((edge, place) => {
      const slider = this.#slider(edge);
      if (slider) {
        slider.value = String(Math.round((crop[place] ?? 0) * 100));
      }
    });
    Object.assign(this.#frame.style, {
      left: `${left}%`,
      top: `${top}%`,
      right: `${100 - (right ?? 100)}%`,
      bottom: `${100 - (bottom ?? 100)}%`,
    });
  }

  #startDrawing() {
    const stage = /** @type {HTMLElement} */ (this.#frame.parentElement);
    /** @type {[x: number, y: number] | null} */
    let from = null;
    /**
     * @param {PointerEvent} event
     * @returns {[x: number, y: number]}
     */
    const place = (event) => {
      const box = this.#canvas.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    stage.addEventListener("pointerdown", (event) => {
      from = place(event);
      stage.setPointerCapture(event.pointerId);
    });
    stage.addEventListener("pointermove", (event) => {
      if (from) {
        const [x, y] = place(event);
        const [x0, y0] = from;
        this.#show(withinPage([Math.min(x0, x), Math.min(y0, y), Math.max(x0, x), Math.max(y0, y)]));
      }
    });
    stage.addEventListener("pointerup", () => {
      from = null;
    });
  }
}
