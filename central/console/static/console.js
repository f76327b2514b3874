// Small helps for every page: the menu, questions before destruction, tables, refreshing parts.
"use strict";

(() => {
  const menu = document.querySelector("[data-menu]");
  menu?.addEventListener("click", () => {
    const open = document.body.classList.toggle("menu-open");
    menu.setAttribute("aria-expanded", String(open));
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.ask ?? event.target.dataset?.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // <table data-sortable data-csv="name.csv">: sort by a click or Enter on a heading, filter,
  // take away as CSV. A heading with data-plain is neither sorted nor exported.
  const filterWords = document.body.dataset.wordsFilter;

  const cellText = (row, place) => row.cells[place]?.innerText.trim().replace(/\s+/g, " ") ?? "";

  // What a cell is sorted by: its text, or a number that the text only rounds (data-sort).
  const sortKey = (row, place) => row.cells[place]?.dataset.sort ?? cellText(row, place);

  function sortBy(table, place, down) {
    const rows = [...table.tBodies[0].rows];
    const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
    rows.sort((a, b) => compare(sortKey(a, place), sortKey(b, place)) * (down ? -1 : 1));
    table.tBodies[0].append(...rows);
  }

  function csvOf(table) {
    const wanted = [...table.tHead.rows[0].cells].map((cell, place) => ("plain" in cell.dataset ? -1 : place)).filter((place) => place >= 0);
    // What a spreadsheet takes for a formula is made a text, as central/console/sheet.py does.
    const quote = (text) => `"${(/^[=+\-@＝＋－＠]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
    const lines = [table.tHead.rows[0], ...table.tBodies[0].rows].filter((row) => !row.hidden);
    return "\ufeff" + lines.map((row) => wanted.map((place) => quote(cellText(row, place))).join(",")).join("\r\n");
  }

  function equip(table) {
    const tools = document.createElement("div");
    tools.className = "table-tools d-print-none";
    const filter = Object.assign(document.createElement("input"), { type: "search", className: "form-control", placeholder: filterWords });
    filter.setAttribute("aria-label", filterWords);
    filter.addEventListener("input", () => narrow(table, filter.value));
    tools.append(filter);
    if (table.dataset.csv) {
      const save = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-outline-secondary", textContent: "CSV" });
      save.addEventListener("click", () => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([csvOf(table)], { type: "text/csv" }));
        link.download = table.dataset.csv;
        link.click();
        URL.revokeObjectURL(link.href);
      });
      tools.append(save);
    }
    (table.closest(".table-responsive") || table).before(tools);
    [...table.tHead.rows[0].cells].forEach((heading, place) => {
      if ("plain" in heading.dataset) return;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sort", textContent: heading.textContent });
      heading.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = heading.getAttribute("aria-sort") === "ascending";
        [...table.tHead.rows[0].cells].forEach((each) => each.removeAttribute("aria-sort"));
        heading.setAttribute("aria-sort", down ? "descending" : "ascending");
        table.sorting = [place, down];
        sortBy(table, place, down);
      });
    });
    table.filterField = filter;
  }

  function narrow(table, words) {
    const wanted = words.toLocaleLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.innerText.toLocaleLowerCase().includes(wanted);
  }

  // On a phone a row stands as a list, each cell under its own label (console.css).
  function label(table) {
    if (!table.tHead || !table.tBodies.length) return;
    const names = [...table.tHead.rows[0].cells].map((cell) => ("plain" in cell.dataset ? "" : cell.innerText.trim()));
    for (const row of table.tBodies[0].rows) {
      [...row.cells].forEach((cell, place) => { cell.dataset.label = names[place] ?? ""; });
    }
  }

  document.querySelectorAll(".table-responsive > table").forEach(label);
  document.querySelectorAll("table[data-sortable]").forEach(equip);

  // <div id="..." data-again="3">: fetched anew so often (s) while it is seen. Tables keep how they
  // are sorted and filtered, and what has the focus keeps it. A page that lost the server says so.
  const SILENT_MS = 5000;
  const banner = document.querySelector("[data-not-live]");
  let lastGood = performance.now();
  let goodTime = document.body.dataset.now;

  function replace(part, fresh) {
    const held = part.contains(document.activeElement) ? document.activeElement : null;
    const again = held && (held.getAttribute("href") || held.closest("[id], [data-key]"));
    const tables = [...part.querySelectorAll("table")];
    const freshTables = [...fresh.querySelectorAll("table")];
    if (tables.length && tables.length === freshTables.length) {
      tables.forEach((table, place) => {
        table.tBodies[0].replaceWith(freshTables[place].tBodies[0]);
        label(table);
        if (table.sorting) sortBy(table, ...table.sorting);
        if (table.filterField?.value) narrow(table, table.filterField.value);
      });
    } else {
      part.replaceChildren(...fresh.children);
      for (const table of part.querySelectorAll("table")) label(table);
      part.querySelectorAll("table[data-sortable]").forEach(equip);
    }
    if (!held || held.isConnected) return;
    const where = typeof again === "string" ? part.querySelector(`[href="${CSS.escape(again)}"]`)
      : again && document.getElementById(again.id)?.querySelector("a, button");
    where?.focus();
  }

  async function renew(parts) {
    const address = new URL(location.href);
    address.searchParams.set("again", "1");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(SILENT_MS) });
      if (answer.redirected) return location.reload();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) {
        const now = fresh.getElementById(part.id);
        if (now && !part.querySelector(":is(input, select, textarea):focus, details[open] :focus")) replace(part, now);
      }
      lastGood = performance.now();
      goodTime = fresh.body.dataset.now;
    } catch { /* the next time, then; the banner says since when */ }
  }

  const parts = [...document.querySelectorAll("[data-again]")];
  if (parts.length) {
    setInterval(() => { if (!document.hidden) renew(parts); }, Math.min(...parts.map((part) => Number(part.dataset.again))) * 1000);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      lastGood = performance.now();
      renew(parts);
    });
    setInterval(() => {
      const lost = !document.hidden && performance.now() - lastGood > SILENT_MS;
      if (lost && banner.hidden) banner.querySelector("strong").textContent = banner.dataset.notLive.replace("{time}", goodTime);
      banner.hidden = !lost;
      for (const part of parts) part.classList.toggle("stale", lost);
    }, 500);
  }

  // What was typed before the scripts were there, or is put back by the browser, is made known to
  // them like any other input. This runs after the page's own scripts.
  const expected = {
    checkbox: (field) => field.checked === field.defaultChecked,
    radio: (field) => field.checked === field.defaultChecked,
    "select-one": (field) => field.selectedIndex === Math.max(0, [...field.options].findLastIndex((each) => each.defaultSelected)),
    "select-multiple": (field) => [...field.options].every((each) => each.selected === each.defaultSelected),
  };
  const asItCame = (field) => (expected[field.type] ?? ((other) => other.value === other.defaultValue))(field);
  document.addEventListener("DOMContentLoaded", () => {
    for (const field of document.querySelectorAll("input, select, textarea")) {
      if (!asItCame(field)) field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });

  // What must be scrolled can be scrolled by keyboard, too.
  for (const region of document.querySelectorAll(".table-responsive")) if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
})();
