// @ts-check
// Light or dark, before anything is painted: what the reader chose here, else what the machine prefers.
(() => {
  const root = document.documentElement;
  const chosen = localStorage.getItem("unseen.theme");
  root.dataset.theme = chosen ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark");
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element && event.target.closest("#theme"))) return;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("unseen.theme", root.dataset.theme);
    document.dispatchEvent(new CustomEvent("theme"));
  });
})();
