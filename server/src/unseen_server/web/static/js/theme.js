// @ts-check
// Light or dark, before anything is painted: what the reader chose here, else what the machine prefers.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("unseen.theme");
  } catch {
    // storage is disabled
  }
  root.dataset.theme = chosen ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element && event.target.closest("#theme"))) return;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("unseen.theme", root.dataset.theme);
    } catch {
      // storage is disabled or full: the choice holds for this page
    }
    document.dispatchEvent(new CustomEvent("theme"));
  });
})();
