/** A worker that beats time for `live.js`: it is told the milliseconds between two beats, and beats from then on. */

addEventListener("message", (event) => {
  setInterval(() => postMessage(null), event.data);
});
