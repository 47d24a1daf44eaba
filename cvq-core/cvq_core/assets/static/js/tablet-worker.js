/**
 * Answers a tablet's pages from what it kept of them: with and without a network alike, all of one version.
 *
 * The server puts `KEPT` before this file: a version and the addresses of that version. A change of any of them makes
 * another worker, which the browser fetches, fills and lets take over.
 */

const worker = /** @type {any} */ (globalThis);
const { version, files } = /** @type {{ version: string, files: string[] }} */ (worker.KEPT);

// It takes over at once: a waiting worker would wait until the page is closed, which a tablet's never is.
worker.addEventListener("install", (/** @type {any} */ event) => {
  event.waitUntil(fill().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(dropOthers().then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === location.origin && files.includes(pathname)) {
    event.respondWith(answer(event.request));
  }
});

async function fill() {
  const cache = await caches.open(version);
  // Nobody's pages: without cookies, and past whatever the browser holds already.
  await cache.addAll(files.map((path) => new Request(path, { credentials: "omit", cache: "reload" })));
}

async function dropOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== version).map((name) => caches.delete(name)));
}

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(version);
  return (await cache.match(new URL(request.url).pathname)) ?? fetch(request);
}
