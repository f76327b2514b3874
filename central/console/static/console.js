// Small helps for every page: the menu, questions before destruction, tables, refreshing parts.
"use strict";

(() => {
  const menu = document.querySelector("[data-menu]");
  menu?.addEventListener("click", () => {
    const open = document.body.classList.toggle("menu-open");
    menu.setAttribute("aria-expanded", String(open));
  });

  document.addEventListener("submit", (event) => {
    const question = event.target.dataset?.ask;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // <table data-sortable data-csv="name.csv">: sort by a click or Enter on a heading, filter,
  // take away as CSV. A heading with data-plain is neither sorted nor exported.
  const filterWords = document.body.dataset.wordsFilter;

  const cellText = (row, place) => row.cells[place]?.innerText.trim().replace(/\s+/g, " ") ?? "";

  function sortBy(table, place, down) {
    const rows = [...table.tBodies[0].rows];
    const compare = new Intl.Collator(document.documentElement.lang, { numeric: true }).compare;
    rows.sort((a, b) => compare(cellText(a, place), cellText(b, place)) * (down ? -1 : 1));
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

  document.querySelectorAll("table[data-sortable]").forEach(equip);

  // <div data-again="5"> around a table: its rows are fetched anew so often (s) while seen.
  for (const part of document.querySelectorAll("[data-again]")) {
    setInterval(async () => {
      if (document.hidden || part.contains(document.activeElement)) return;
      const address = new URL(location.href);
      address.searchParams.set("again", "1");
      try {
        const answer = await fetch(address, { headers: { Accept: "text/html" } });
        if (!answer.ok || answer.redirected) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const table = part.querySelector("table");
        const rows = fresh.getElementById(table.id)?.tBodies[0];
        if (!rows) return;
        table.tBodies[0].replaceWith(rows);
        if (table.sorting) sortBy(table, ...table.sorting);
        if (table.filterField?.value) narrow(table, table.filterField.value);
      } catch { /* the next time, then */ }
    }, Number(part.dataset.again) * 1000);
  }
})();
