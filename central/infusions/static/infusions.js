// The pages of drips: levels that move, and the preview while a nurse types.
// All arithmetic and all words come from the server, so that no two places can disagree.
"use strict";

(() => {
  const EVERY_MS = 2000;
  const GONE_AFTER_MS = 5000;

  const place = document.querySelector("[data-levels]");
  if (place) {
    const lost = document.querySelector("[data-lost]");
    const rows = place.matches("[data-infusion]") ? [place] : [...place.querySelectorAll("[data-infusion]")];
    let heard = performance.now();

    const show = (row, live) => {
      for (const cell of row.querySelectorAll("[data-live]")) {
        const text = String(live[cell.dataset.live] ?? "");
        if (cell.textContent !== text) cell.textContent = text;
      }
      for (const meter of row.querySelectorAll("[data-live-meter]")) meter.value = live.remaining_ml;
      row.classList.remove("soon", "over");
      if (live.warn) row.classList.add(live.warn);
    };

    const look = async () => {
      try {
        const answer = await fetch(place.dataset.levels, {
          headers: { Accept: "application/json" }, signal: AbortSignal.timeout(GONE_AFTER_MS),
        });
        if (!answer.ok) throw new Error(answer.status);
        const found = await answer.json();
        heard = performance.now();
        const ids = rows.map((row) => row.dataset.infusion);
        const fresh = Object.keys(found);
        const changed = fresh.length !== ids.length || rows.some((row) =>
          String(found[row.dataset.infusion]?.revision) !== row.dataset.revision);
        // Somebody started, changed or ended a drip: the page is drawn anew, but never under
        // the fingers of somebody who is typing.
        const typing = document.activeElement?.matches("input, select, textarea");
        if (changed && !typing) { location.reload(); return; }
        for (const row of rows) if (found[row.dataset.infusion]) show(row, found[row.dataset.infusion]);
      } catch (error) {
        // Shown below once the silence has lasted.
      }
      const gone = performance.now() - heard > GONE_AFTER_MS;
      if (lost) lost.hidden = !gone;
      place.classList.toggle("stale", gone);
    };
    setInterval(look, EVERY_MS);
  }

  const form = document.querySelector("form[data-preview]");
  if (form) {
    const ends = document.querySelector("[data-preview-ends]");
    const prompts = document.querySelector("[data-preview-prompts]");
    const empty = ends.textContent;
    let asked = 0;

    const preview = async () => {
      const mine = ++asked;
      const typed = new FormData(form);
      const asks = new URLSearchParams();
      for (const name of ["volume_ml", "factor", "gtt_per_min", "started"]) asks.set(name, typed.get(name) || "");
      if (!asks.get("volume_ml") || !asks.get("factor") || !asks.get("gtt_per_min")) {
        ends.textContent = empty; prompts.replaceChildren(); return;
      }
      try {
        const answer = await fetch(form.dataset.preview + "?" + asks, { headers: { Accept: "application/json" } });
        const found = await answer.json();
        if (mine !== asked) return;
        ends.textContent = found.error || found.ends || empty;
        ends.classList.toggle("text-danger", Boolean(found.error));
        prompts.replaceChildren(...(found.prompts || []).map((each) => {
          const line = document.createElement("li");
          const at = document.createElement("strong");
          at.textContent = each.at;
          line.append(at, " " + each.words);
          return line;
        }));
      } catch (error) {
        if (mine === asked) { ends.textContent = empty; prompts.replaceChildren(); }
      }
    };
    form.addEventListener("input", preview);
    preview();
  }
})();
