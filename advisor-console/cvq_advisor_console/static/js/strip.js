/**
 * The pages that were scanned and are not filed yet. They are in this browser only; the booth keeps them until the
 * visit ends, so that a page that was reloaded gets them again. Here they are turned, cropped, put in order and thrown
 * away (and taken back); the module that files them asks for `pages()`.
 *
 * Events on the strip's element: `strip:changed` after each change, `strip:file` with `{ title }` when the advisor
 * wants the pages filed.
 */

import { CropPanel, WHOLE } from "./crop.js";
import { offerFile } from "./dragout.js";

/** @typedef {import("./crop.js").Crop} Crop */

/**
 * One page as it will be filed; `turn_degrees` is clockwise, and the crop is taken after turning.
 *
 * @typedef {object} StripPage
 * @property {string} id
 * @property {Blob} blob
 * @property {0 | 90 | 180 | 270} turn_degrees
 * @property {Crop} crop
 */

/**
 * @typedef {object} Item
 * @property {HTMLElement} element
 * @property {HTMLCanvasElement} canvas
 * @property {string} id empty while the page is still growing
 * @property {Blob | null} blob
 * @property {ImageBitmap | null} picture
 * @property {0 | 90 | 180 | 270} turn_degrees
 * @property {Crop} crop
 */

const PICTURE_WIDTH_PX = 260;
const OFFER_LIFE_MS = 60_000;

// Enough to crop by; at a scanner's full size thirty pages would take a gigabyte.
const SHOWN = /** @type {const} */ ({ resizeWidth: 1000, resizeQuality: "medium" });

export class PageStrip {
  #root;
  #list;
  #cropPanel;
  /** @type {Item[]} */
  #items = [];
  /** @type {{ item: Item, place: number }[]} */
  #dropped = [];
  /** @type {Item | null} */
  #dragged = null;
  #offered = "";

  /** @param {HTMLElement} root the `[data-strip]` part of the page */
  constructor(root) {
    this.#root = root;
    this.#list = /** @type {HTMLElement} */ (root.querySelector("[data-strip-pages]"));
    const panel = document.getElementById("crop");
    this.#cropPanel = panel ? new CropPanel(panel) : null;
    this.#list.addEventListener("click", (event) => this.#onClick(event));
    root.querySelector("[data-strip-undo]")?.addEventListener("click", () => this.#undo());
    root.querySelector("[data-strip-send]")?.addEventListener("click", () => this.#wantFiling());
    this.#startDragging();
    this.#show();
  }

  /** @returns {StripPage[]} the finished pages, in their order */
  pages() {
    return this.#items.flatMap(({ id, blob, turn_degrees, crop }) => (blob ? [{ id, blob, turn_degrees, crop }] : []));
  }

  /**
   * Begins a page that is being scanned.
   *
   * @returns {HTMLCanvasElement} where its bands are to be drawn
   */
  grow() {
    const item = this.#make("");
    item.element.dataset["growing"] = "";
    this.#items.push(item);
    this.#list.append(item.element);
    this.#show();
    return item.canvas;
  }

  /**
   * Adds a finished page, in the place where it grew if it did.
   *
   * @param {string} id
   * @param {Blob} blob a JPEG or PNG
   * @param {{ blank?: boolean, canvas?: HTMLCanvasElement }} [more]
   */
  async add(id, blob, { blank = false, canvas } = {}) {
    if (this.#items.some((item) => item.id === id) || this.#dropped.some(({ item }) => item.id === id)) {
      return;
    }
    let item = this.#items.find((one) => one.canvas === canvas && !one.blob);
    if (!item) {
      item = this.#make(id);
      this.#items.push(item);
      this.#list.append(item.element);
    }
    Object.assign(item, { id, blob, picture: await createImageBitmap(blob, SHOWN) });
    delete item.element.dataset["growing"];
    this.#part(item, "[data-page-blank]").hidden = !blank;
    this.#draw(item);
    this.#show();
    this.#say("added", this.#items.indexOf(item) + 1);
    this.#changed();
  }

  /** Takes away pages that never came to an end, after a scan was stopped or lost. */
  forgetUnfinished() {
    for (const item of this.#items.filter((one) => !one.blob)) {
      item.element.remove();
    }
    this.#items = this.#items.filter((one) => one.blob);
    this.#show();
    this.#changed();
  }

  /** Forgets all pages: they were filed, or the visit is over. */
  clear() {
    for (const item of [...this.#items, ...this.#dropped.map(({ item }) => item)]) {
      item.picture?.close();
      item.element.remove();
    }
    this.#items = [];
    this.#dropped = [];
    this.#show();
    this.#changed();
  }

  /** @param {boolean} sending whether the pages are on their way to the dossier */
  setSending(sending) {
    this.#find("[data-strip-sending]").hidden = !sending;
    const send = this.#root.querySelector("[data-strip-send]");
    if (send instanceof HTMLButtonElement) {
      send.disabled = sending;
    }
  }

  /** @param {"too_many" | "no_title" | "not_sent" | ""} trouble which of the strip's sentences is shown */
  setTrouble(trouble) {
    for (const sentence of this.#root.querySelectorAll("[data-strip-trouble]")) {
      if (sentence instanceof HTMLElement) {
        sentence.hidden = sentence.dataset["stripTrouble"] !== trouble;
      }
    }
  }

  /**
   * @param {string} id
   * @returns {Item}
   */
  #make(id) {
    const pattern = /** @type {HTMLTemplateElement} */ (this.#root.querySelector("template[data-strip-page]"));
    const copy = /** @type {DocumentFragment} */ (pattern.content.cloneNode(true));
    const element = /** @type {HTMLElement} */ (copy.querySelector("[data-page]"));
    const canvas = /** @type {HTMLCanvasElement} */ (copy.querySelector("[data-page-canvas]"));
    return { element, canvas, id, blob: null, picture: null, turn_degrees: 0, crop: [...WHOLE] };
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const item = this.#items.find(({ element }) => button && element.contains(button));
    if (!button || !item?.blob) {
      return;
    }
    if (button.matches("[data-page-turn]")) {
      this.#turn(item);
    } else if (button.matches("[data-page-before]")) {
      this.#move(item, this.#items.indexOf(item) - 1, button);
    } else if (button.matches("[data-page-after]")) {
      this.#move(item, this.#items.indexOf(item) + 1, button);
    } else if (button.matches("[data-page-drop]")) {
      this.#drop(item);
    } else if (button.matches("[data-page-crop]")) {
      void this.#cropPage(item, button);
    }
  }

  /** @param {Item} item */
  #turn(item) {
    item.turn_degrees = /** @type {0 | 90 | 180 | 270} */ ((item.turn_degrees + 90) % 360);
    const [left, top, right, bottom] = item.crop;
    item.crop = [1 - bottom, left, 1 - top, right];
    this.#draw(item);
    this.#changed();
  }

  /**
   * @param {Item} item
   * @param {HTMLElement} button
   */
  async #cropPage(item, button) {
    if (this.#cropPanel && item.picture) {
      item.crop = (await this.#cropPanel.ask(turned(item.picture, item.turn_degrees), item.crop)) ?? item.crop;
      this.#draw(item);
      button.focus();
      this.#changed();
    }
  }

  /**
   * @param {Item} item
   * @param {number} place
   * @param {HTMLElement} [button]
   */
  #move(item, place, button) {
    const target = Math.min(Math.max(place, 0), this.#items.length - 1);
    if (target === this.#items.indexOf(item)) {
      return;
    }
    this.#items = this.#items.filter((one) => one !== item);
    this.#items.splice(target, 0, item);
    this.#list.insertBefore(item.element, this.#items[target + 1]?.element ?? null);
    button?.focus();
    this.#show();
    this.#say("moved", target + 1);
    this.#changed();
  }

  /** @param {Item} item */
  #drop(item) {
    const place = this.#items.indexOf(item);
    this.#dropped.push({ item, place });
    this.#items.splice(place, 1);
    item.element.remove();
    this.#show();
    this.#say("dropped", place + 1);
    this.#find("[data-strip-undo]").focus();
    this.#changed();
  }

  #undo() {
    const last = this.#dropped.pop();
    if (last) {
      this.#items.splice(last.place, 0, last.item);
      this.#list.insertBefore(last.item.element, this.#items[last.place + 1]?.element ?? null);
      this.#show();
      this.#say("added", last.place + 1);
      this.#changed();
    }
  }

  #wantFiling() {
    const title = /** @type {HTMLInputElement} */ (this.#root.querySelector("input[name='title']"));
    this.setTrouble(title.value.trim() ? "" : "no_title");
    if (title.value.trim()) {
      this.#root.dispatchEvent(new CustomEvent("strip:file", { bubbles: true, detail: { title: title.value.trim() } }));
    } else {
      title.focus();
    }
  }

  #startDragging() {
    this.#list.addEventListener("dragstart", (event) => {
      this.#dragged = this.#items.find(({ element }) => element === event.target) ?? null;
      const item = this.#dragged;
      if (item?.blob && event.dataTransfer) {
        // The picture as it was scanned: what drags out must be there at once, before any turning is drawn anew.
        const name = `page-${this.#items.indexOf(item) + 1}.${item.blob.type === "image/png" ? "png" : "jpg"}`;
        this.#offered = URL.createObjectURL(item.blob);
        offerFile(event.dataTransfer, { url: this.#offered, name, type: item.blob.type });
        event.dataTransfer.effectAllowed = "copyMove";
      }
    });
    this.#list.addEventListener("dragover", (event) => {
      if (this.#dragged) {
        event.preventDefault();
      }
    });
    this.#list.addEventListener("drop", (event) => {
      const target = event.target instanceof Element ? event.target.closest("[data-page]") : null;
      const place = this.#items.findIndex(({ element }) => element === target);
      if (this.#dragged && place >= 0) {
        event.preventDefault();
        this.#move(this.#dragged, place);
      }
    });
    this.#list.addEventListener("dragend", () => {
      this.#dragged = null;
      // The program that takes the file may still be reading it when the mouse is let go.
      setTimeout((/** @type {string} */ url) => URL.revokeObjectURL(url), OFFER_LIFE_MS, this.#offered);
    });
  }

  /** @param {Item} item */
  #draw(item) {
    if (!item.picture) {
      return;
    }
    const page = turned(item.picture, item.turn_degrees);
    const [left, top, right, bottom] = item.crop;
    const [width, height] = [(right - left) * page.width, (bottom - top) * page.height];
    const scale = Math.min(1, PICTURE_WIDTH_PX / width);
    item.canvas.width = Math.round(width * scale);
    item.canvas.height = Math.round(height * scale);
    item.canvas
      .getContext("2d")
      ?.drawImage(
        page,
        left * page.width,
        top * page.height,
        width,
        height,
        0,
        0,
        item.canvas.width,
        item.canvas.height,
      );
  }

  /** Brings numbers and what is shown or not in line with the pages. */
  #show() {
    this.#items.forEach(({ element, blob }, place) => {
      for (const number of element.querySelectorAll("[data-page-number]")) {
        number.textContent = String(place + 1);
      }
      const growing = element.querySelector("[data-page-growing]");
      if (growing instanceof HTMLElement) {
        growing.hidden = blob !== null;
      }
    });
    const finished = this.pages().length;
    for (const count of document.querySelectorAll("[data-strip-count]")) {
      count.textContent = this.#items.length ? String(this.#items.length) : "";
    }
    this.#find("[data-strip-empty]").hidden = this.#items.length > 0;
    this.#find("[data-strip-file]").hidden = finished === 0;
    this.#find("[data-strip-undo]").hidden = this.#dropped.length === 0;
  }

  /**
   * @param {string} what one of the strip's `data-strip-said-…` sentences
   * @param {number} place
   */
  #say(what, place) {
    const sentence = this.#root.querySelector(`template[data-strip-said-${what}]`);
    if (sentence instanceof HTMLTemplateElement) {
      const text = sentence.content.textContent ?? "";
      this.#find("[data-strip-said]").textContent = text.replace("{n}", String(place));
    }
  }

  #changed() {
    this.#root.dispatchEvent(new CustomEvent("strip:changed", { bubbles: true }));
  }

  /**
   * @param {Item} item
   * @param {string} selector
   * @returns {HTMLElement}
   */
  #part(item, selector) {
    return /** @type {HTMLElement} */ (item.element.querySelector(selector));
  }

  /**
   * @param {string} selector
   * @returns {HTMLElement}
   */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(selector));
  }
}

/**
 * @param {ImageBitmap} picture
 * @param {number} degrees clockwise, a multiple of 90
 * @returns {HTMLCanvasElement}
 */
function turned(picture, degrees) {
  const canvas = document.createElement("canvas");
  const lying = degrees % 180 !== 0;
  canvas.width = lying ? picture.height : picture.width;
  canvas.height = lying ? picture.width : picture.height;
  const context = canvas.getContext("2d");
  context?.translate(canvas.width / 2, canvas.height / 2);
  context?.rotate((degrees * Math.PI) / 180);
  context?.drawImage(picture, -picture.width / 2, -picture.height / 2);
  return canvas;
}
