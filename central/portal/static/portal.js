"use strict";
// <div id="..." data-renewed="20">: fetched anew so often (s) while it is seen.
(() => {
  const part = document.querySelector("[data-renewed]");
  const lost = document.querySelector("[data-lost]");
  const SILENT_MS = 10000;

  async function renew() {
    const address = new URL(location.href);
    address.searchParams.set("again", "1");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(SILENT_MS) });
      // Logged out meanwhile: the log-in says why.
      if (answer.redirected) return location.assign(answer.url);
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
      if (fresh) part.replaceChildren(...fresh.children);
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
  }

  setInterval(() => { if (!document.hidden) renew(); }, Number(part.dataset.renewed) * 1000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) renew(); });
})();
