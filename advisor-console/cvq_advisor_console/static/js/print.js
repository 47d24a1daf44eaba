/**
 * Papers that print: `data-print="/…pdf"` prints its PDF when it is pressed, and `data-print-once="key"` as soon as it
 * comes into the page, once for that key. The link beneath opens the same PDF where this does not work.
 */

const PRINTED = "printed:";
const FRAME_LIFE_MS = 120_000;

/** @param {string} url address of a PDF of ours */
export function printPdf(url) {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.tabIndex = -1;
  frame.setAttribute("aria-hidden", "true");
  frame.addEventListener("load", () => {
    frame.contentWindow?.print();
    setTimeout(() => frame.remove(), FRAME_LIFE_MS);
  });
  frame.src = url;
  document.body.append(frame);
}

function printWhatIsNew() {
  for (const link of document.querySelectorAll("[data-print][data-print-once]")) {
    const key = PRINTED + link.getAttribute("data-print-once");
    if (!sessionStorage.getItem(key)) {
      sessionStorage.setItem(key, "1");
      printPdf(link.getAttribute("data-print") ?? "");
    }
  }
}

/** Start printing on this page. */
export function startPrinting() {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("[data-print]") : null;
    const url = link?.getAttribute("data-print");
    if (url && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      printPdf(url);
    }
  });
  new MutationObserver(printWhatIsNew).observe(document.body, { subtree: true, childList: true });
  printWhatIsNew();
}
