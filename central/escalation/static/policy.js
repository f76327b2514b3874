// The form of a policy without reloading: its buttons and its trial are answered by the server as
// they are without this script, and only what differs is put into the page.
"use strict";

(() => {
  const TRY_AFTER_MS = 500;
  const form = () => document.querySelector("form[data-live-form]");
  if (!form()) return;
  let asked = 0, timer = 0, changed = false, doing = false;

  /** The page that the server answers to the form as it stands; null when asked anew meanwhile. */
  async function answer(name, value) {
    const mine = ++asked;
    const body = new URLSearchParams(new FormData(form()));
    body.set(name, value);
    // Not form().action: buttons have that name.
    const got = await fetch(form().getAttribute("action"), { method: "POST", body, headers: { Accept: "text/html" } });
    if (!got.ok) throw new Error(got.status);
    if (mine !== asked) return null;
    return new DOMParser().parseFromString(await got.text(), "text/html");
  }

  function takeLive(page) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (fresh && fresh.innerHTML !== part.innerHTML) part.innerHTML = fresh.innerHTML;
      if (fresh && "holes" in part.dataset) part.dataset.holes = fresh.dataset.holes;
    }
  }

  function note() {
    changed = true;
    form().querySelector("[data-changed]").hidden = false;
  }

  async function tryIt() {
    try {
      const page = await answer("action", "live");
      if (page) takeLive(page);
    } catch { /* the next change asks again, and saving tells what is wrong */ }
  }

  document.addEventListener("input", (event) => {
    if (event.target.form !== form()) return;
    asked++;  // what is on its way does not know of it
    if (!event.target.id.startsWith("try_")) note();
    clearTimeout(timer);
    timer = setTimeout(tryIt, TRY_AFTER_MS);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button || button.form !== form()) return;
    event.preventDefault();
    if (doing) return;
    doing = true;
    clearTimeout(timer);
    try {
      let page;
      do page = await answer("do", button.value); while (!page);  // with what was typed meanwhile
      form().replaceWith(page.querySelector("form[data-live-form]"));
      takeLive(page);
      note();
      const next = form().querySelector("[autofocus]");
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    } catch {
      changed = false;  // sent as without this script, then
      form().append(Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: button.value }));
      form().submit();
    } finally {
      doing = false;
    }
  });

  document.addEventListener("submit", (event) => { if (event.target === form()) changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
})();
