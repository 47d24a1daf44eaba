/** A link that is followed by itself after the seconds that it names: `<a data-go-on="3">`. Without this, it is pressed. */

const link = document.querySelector("a[data-go-on]");
if (link instanceof HTMLAnchorElement) {
  setTimeout(() => location.replace(link.href), Number(link.dataset["goOn"]) * 1000);
}
