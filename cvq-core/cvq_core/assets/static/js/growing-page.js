/**
 * A page that grows on a canvas while the scanner draws it.
 */

/**
 * Where a strip belongs: rows `top` to `top + height` of a page of `page_width` by `page_height`; a height of 0 is not
 * known yet. The strip's picture may have any scale.
 *
 * @typedef {object} BandPlace
 * @property {string} command_id
 * @property {number} page
 * @property {number} top
 * @property {number} height
 * @property {number} page_width
 * @property {number} page_height
 */

// An A4 page at 150 dpi: enough to follow, and little memory on a small machine.
const WIDTH_PX_MAX = 1240;
const ROWS_OVER_COLUMNS_MAX = 4;

// A4 until the scanner has said how long the page is.
const ROWS_OVER_COLUMNS = Math.SQRT2;

export class GrowingPage {
  #canvas;
  #context;
  #key = "";
  #scale = 1;
  #drawing = Promise.resolve();

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
  }

  /**
   * Draws a strip; the first one of another page begins with white paper.
   *
   * @param {BandPlace} place
   * @param {BufferSource | Blob} jpeg
   * @returns {Promise<void>} when it is on the canvas; a picture that cannot be read leaves its place white
   */
  draw(place, jpeg) {
    // One after the other: a strip that is decoded late must not begin its page anew.
    this.#drawing = this.#drawing.then(() => this.#draw(place, jpeg)).catch(() => {});
    return this.#drawing;
  }

  /** White paper, of no page. */
  clear() {
    this.#key = "";
    this.#canvas.width = this.#canvas.height = 1;
  }

  /**
   * @param {BandPlace} place
   * @param {BufferSource | Blob} jpeg
   */
  async #draw(place, jpeg) {
    if (!this.#context || !(place.page_width > 0)) return;
    const key = `${place.command_id} ${place.page}`;
    if (key !== this.#key) this.#begin(key, place);
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    const [top, bottom] = [place.top, place.top + place.height].map((row) => Math.round(row * this.#scale));
    if (top !== undefined && bottom !== undefined && key === this.#key) {
      this.#context.drawImage(picture, 0, top, this.#canvas.width, bottom - top);
    }
    picture.close();
  }

  /**
   * @param {string} key
   * @param {BandPlace} place
   */
  #begin(key, place) {
    this.#key = key;
    this.#scale = Math.min(1, WIDTH_PX_MAX / place.page_width);
    const rows = place.page_height > 0 ? place.page_height : place.page_width * ROWS_OVER_COLUMNS;
    this.#canvas.width = Math.round(place.page_width * this.#scale);
    this.#canvas.height = Math.round(Math.min(rows, place.page_width * ROWS_OVER_COLUMNS_MAX) * this.#scale);
    if (!this.#context) return;
    this.#context.fillStyle = "#ffffff";
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }
}
