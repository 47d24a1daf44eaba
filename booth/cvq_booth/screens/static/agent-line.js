/**
 * The page's line to the booth's agent on this machine. It is dialled again for ever: the agent may be restarted under
 * an open page, and during a call the call goes on meanwhile.
 */

/**
 * @typedef {object} CallOrder what the camera and the peers of this page are to do
 * @property {string} visit_id
 * @property {boolean} open the camera may be open
 * @property {RTCIceServer[]} ice_servers
 * @property {boolean} curtain neither picture nor sound may leave
 *
 * @typedef {object} BandHead a strip of the page that is being scanned
 * @property {number} page
 * @property {number} top
 * @property {number} height
 * @property {number} page_width
 * @property {number} page_height
 *
 * @typedef {object} LineListener
 * @property {(html: string, scene: string) => void} onScene
 * @property {(order: CallOrder | null) => void} [onCall]
 * @property {(visitId: string, peer: string, data: unknown) => void} [onSignal]
 * @property {(up: boolean) => void} [onDeskLine] signals reach the other end, or not any more
 * @property {(head: BandHead, jpeg: ArrayBuffer) => void} [onBand]
 * @property {(answers: boolean) => void} onAgent the agent answers, or has not for some seconds
 * @property {() => void} onTakenOver another page has this screen now
 */

const RETRY_FIRST_MS = 200;
const RETRY_MAX_MS = 2000;

// A restart of the agent takes less; whoever sits there need not hear of it.
const GONE_AFTER_MS = 5000;

export class AgentLine {
  /** @type {WebSocket | null} */
  #socket = null;
  #listener;
  #url;
  #retryMs = RETRY_FIRST_MS;
  #over = false;
  /** @type {BandHead | null} */
  #band = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #goneTimer;

  /**
   * @param {string} path
   * @param {LineListener} listener
   */
  constructor(path, listener) {
    this.#url = new URL(path, location.href);
    this.#url.protocol = "ws:";
    this.#listener = listener;
    this.#dial();
  }

  /**
   * @param {object} message
   * @returns {boolean} whether there was a line
   */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #dial() {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#retryMs = RETRY_FIRST_MS;
      clearTimeout(this.#goneTimer);
      this.#goneTimer = undefined;
      this.#listener.onAgent(true);
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = () => this.#lost();
    this.#socket = socket;
  }

  #lost() {
    this.#socket = null;
    this.#band = null;
    if (this.#over) return;
    this.#goneTimer ??= setTimeout(() => this.#listener.onAgent(false), GONE_AFTER_MS);
    this.#listener.onDeskLine?.(false);
    setTimeout(() => this.#dial(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  /** @param {string | ArrayBuffer} data */
  #take(data) {
    if (data instanceof ArrayBuffer) {
      if (this.#band) this.#listener.onBand?.(this.#band, data);
      this.#band = null;
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "scene") this.#listener.onScene(message.html, message.scene);
    else if (message.type === "call") this.#listener.onCall?.(message.call);
    else if (message.type === "signal") this.#listener.onSignal?.(message.visit_id, message.peer, message.data);
    else if (message.type === "line") this.#listener.onDeskLine?.(message.up);
    else if (message.type === "band") this.#band = message;
    else if (message.type === "forget") location.replace(message.to);
    else if (message.type === "taken_over") {
      this.#over = true;
      this.#listener.onTakenOver();
    }
  }
}
