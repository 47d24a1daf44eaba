// The page's line to the relay: opens again by itself, and tells when it is back.

export class Line {
  #url;
  #onSignal;
  #onBack;
  #socket;
  #wasOpen = false;

  constructor(room, end, { onSignal, onBack }) {
    this.#url = `${location.origin.replace("http", "ws")}/signals?room=${room}&end=${end}`;
    this.#onSignal = onSignal;
    this.#onBack = onBack;
    this.#dial();
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
    socket.onopen = () => {
      // Also the first time: what was to be said before the line stood is said now.
      this.#wasOpen = true;
      this.#onBack();
    };
    socket.onmessage = ({ data }) => this.#onSignal(JSON.parse(data));
    socket.onclose = () => setTimeout(() => this.#dial(), 100);
  }
}
