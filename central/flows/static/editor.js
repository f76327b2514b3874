// The text of a menu with numbered lines; what is wrong with it is asked as somebody types.
"use strict";

(() => {
  const CHECK_AFTER_MS = 350;
  const form = document.getElementById("editor");
  if (!form) return;
  const text = document.getElementById("text");
  const numbers = form.querySelector(".numbers");
  const checked = document.getElementById("checked");
  let asked = 0, timer = 0, changed = "typed" in form.dataset;

  function wrongLines() {
    return new Set([...checked.querySelectorAll(".problem-list [data-line]")].map((each) => Number(each.dataset.line)));
  }

  function number() {
    const count = text.value.split("\n").length;
    while (numbers.childElementCount > count) numbers.lastElementChild.remove();
    while (numbers.childElementCount < count) {
      numbers.append(Object.assign(document.createElement("span"), { textContent: numbers.childElementCount + 1 }));
    }
    const wrong = wrongLines();
    [...numbers.children].forEach((each, place) => each.classList.toggle("is-wrong", wrong.has(place + 1)));
    numbers.scrollTop = text.scrollTop;
  }

  async function check() {
    const mine = ++asked;
    try {
      const got = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      const page = await got.text();
      if (!got.ok || mine !== asked) return;
      const focused = checked.contains(document.activeElement) ? document.activeElement.dataset.step : null;
      checked.innerHTML = page;
      number();
      if (focused) checked.querySelector(`[data-step="${CSS.escape(focused)}"]`)?.focus();
    } catch { /* the next change asks again, and saving tells what is wrong */ }
  }

  function goTo(line) {
    const lines = text.value.split("\n");
    const from = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    text.focus({ preventScroll: true });
    text.setSelectionRange(from, from + (lines[line - 1] ?? "").length);
    const height = parseFloat(getComputedStyle(text).lineHeight);
    text.scrollTop = Math.max(0, (line - 4) * height);
    text.scrollLeft = 0;
    text.scrollIntoView({ block: "nearest" });
  }

  text.addEventListener("scroll", () => { numbers.scrollTop = text.scrollTop; });
  form.addEventListener("input", (event) => {
    changed = true;
    form.querySelector("[data-changed]").hidden = false;
    if (event.target !== text) return;
    number();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_AFTER_MS);
  });
  checked.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.dataset.line));
  });
  form.addEventListener("submit", () => { changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  new ResizeObserver(number).observe(text);
  number();
})();
