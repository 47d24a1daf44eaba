/** A tariff being written: a file goes into the text, and a fault's line can be reached. */

/** @param {HTMLTextAreaElement} text @param {number} line counted from 1 */
function goToLine(text, line) {
  const lines = text.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[line - 1] ?? "").length);
  const height = Number.parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (line - 4) * height);
}

for (const link of document.querySelectorAll("a[data-line]")) {
  link.addEventListener("click", (event) => {
    const text = document.getElementById("text");
    if (text instanceof HTMLTextAreaElement && link instanceof HTMLElement) {
      event.preventDefault();
      goToLine(text, Number(link.dataset.line));
    }
  });
}

for (const input of document.querySelectorAll("input[data-file-into]")) {
  input.addEventListener("change", async () => {
    if (!(input instanceof HTMLInputElement)) {
      return;
    }
    const text = document.getElementById(input.dataset.fileInto ?? "");
    const file = input.files?.[0];
    if (file && text instanceof HTMLTextAreaElement) {
      text.value = await file.text();
    }
  });
}
