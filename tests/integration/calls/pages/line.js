// The page's line to the relay, as the product's pages have theirs: a ping a second, called dead after three without an
// answer, dialled again by itself, and it tells when it is back.

const PING_MS = 1000;
const DEAD_MS = 3000;
const REDIAL_MS = 100;

export class Line {
  #url;
  #onSignal;
  #onBack;
  #socket;
  #heardAt = 0;

  constructor(room, end, { onSignal, onBack }) {
    this.#url = `${location.origin.replace("http", "ws")}/signals?room=${room}&end=${end}`;
    this.#onSignal = onSignal;
    this.#onBack = onBack;
    this.#dial();
    setInterval(() => this.#check(), PING_MS);
  }

  get open() {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(data) {
    if (!this.open) return false;
    this.#socket.send(JSON.stringify(data));
    return true;
  }

  #dial() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#heardAt = performance.now();
    // Also the first time: what was to be said before the line stood is said now.
    socket.onopen = () => this.#onBack();
    socket.onmessage = ({ data }) => {
      this.#heardAt = performance.now();
      const message = JSON.parse(data);
      if (message !== "pong") this.#onSignal(message);
    };
    socket.onclose = () => setTimeout(() => this.#dial(), REDIAL_MS);
  }

  #check() {
    if (performance.now() - this.#heardAt > DEAD_MS) {
      // After an address change a socket hangs without an error, and closing it would hang too.
      this.#socket.onmessage = this.#socket.onclose = this.#socket.onopen = null;
      this.#socket.close();
      this.#dial();
    } else this.send("ping");
  }
}
