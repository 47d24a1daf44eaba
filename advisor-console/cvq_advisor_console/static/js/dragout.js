/**
 * Things that drag out of the browser as files, into the advisor's own software: `data-drag-file` (an address of ours),
 * `data-drag-name` and `data-drag-type`. Chromium and its kin make a file of it where it is dropped (`DownloadURL`);
 * elsewhere it is dropped as a link.
 */

/**
 * @param {DataTransfer} transfer
 * @param {{ url: string, name: string, type: string }} file `url` is absolute or of this page (a blob's included)
 */
export function offerFile(transfer, { url, name, type }) {
  const absolute = new URL(url, location.href).href;
  // The three parts are told apart by colons, so a name must hold none.
  const safe = name.replace(/[:/\\]/g, "-");
  transfer.effectAllowed = "copy";
  transfer.setData("DownloadURL", `${type}:${safe}:${absolute}`);
  transfer.setData("text/uri-list", absolute);
}

/** Start dragging out on this page. */
export function startDragOut() {
  document.addEventListener("dragstart", (event) => {
    const source = event.target instanceof Element ? event.target.closest("[data-drag-file]") : null;
    const url = source?.getAttribute("data-drag-file");
    if (url && event.dataTransfer) {
      offerFile(event.dataTransfer, {
        url,
        name: source?.getAttribute("data-drag-name") || "document.pdf",
        type: source?.getAttribute("data-drag-type") || "application/pdf",
      });
    }
  });
}
