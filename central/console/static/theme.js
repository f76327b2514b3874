// Light or dark as the system is set; before the first paint, so that nothing flashes. Paper is light.
"use strict";
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print");
  const follow = () => {
    document.documentElement.dataset.bsTheme = dark.matches && !paper.matches ? "dark" : "light";
  };
  dark.addEventListener("change", follow);
  paper.addEventListener("change", follow);
  follow();
})();
