// The technician's page. A press shows at once what it will do; the server's queue then says what is.
"use strict";

(() => {
  const SILENT_MS = 10000;     // a server that has not answered by then is not waited for

  const { place, words, part, fill, setText, hospital, clock, start } = ExamLive;
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const template = (id) => document.getElementById(id).content;

  // Which presses fit which state, the likeliest first; and what a press makes of it (queue.py).
  const FITTING = {
    running: ["finish", "take_back"],
    called: ["start", "miss", "call", "check_in", "take_back"],
    checked_in: ["call", "start"],
    booked: ["call", "check_in", "start"],
    absent: ["call", "check_in", "start"],
    done: ["take_back"],
    cancelled: [],
  };
  const MAKES = { check_in: "checked_in", call: "called", miss: "absent", start: "running", finish: "done" };

  let queue = { seats: [], over: [] };
  let chosen = null;           // the id of the row that keys are for
  const hoped = new Map();     // id: {state} that the newest press will make, until the server has answered
  let sent = Promise.resolve();  // what was pressed before

  const stateOf = (seat) => hoped.get(seat.id)?.state ?? seat.state;

  function hope(id, state) {
    const mine = { state };
    hoped.set(id, mine);
    return () => { if (hoped.get(id) === mine) hoped.delete(id); };
  }

  function show(fresh) {
    queue = fresh;
    draw();
  }

  function draw() {
    part("loading").hidden = true;
    if (!queue.seats.some((seat) => seat.id === chosen)) chosen = queue.seats[0]?.id ?? null;
    fillList(part("rows"), queue.seats);
    fillList(part("over"), queue.over);
    setText(part("over-count"), String(queue.over.length));
    part("nobody").hidden = queue.seats.length > 0;
    tick();
  }

  function fillList(list, seats) {
    const old = new Map([...list.children].map((row) => [row.dataset.exam, row]));
    seats.forEach((seat, position) => {
      const row = old.get(String(seat.id)) ?? makeRow(seat);
      old.delete(String(seat.id));
      fillRow(row, seat);
      if (list.children[position] !== row) {
        const held = row.contains(document.activeElement) ? document.activeElement : null;
        list.insertBefore(row, list.children[position] ?? null);
        held?.focus();
      }
    });
    old.forEach((row) => row.remove());
  }

  function makeRow(seat) {
    const row = template("exam-row").firstElementChild.cloneNode(true);
    row.dataset.exam = seat.id;
    row.querySelector(".exam-acts").append(template("exam-acts").cloneNode(true));
    for (const button of row.querySelectorAll("[data-deed]")) {
      button.addEventListener("click", () => press(seat.id, button.dataset.deed));
    }
    row.addEventListener("focusin", () => choose(seat.id));
    row.addEventListener("click", () => choose(seat.id));
    return row;
  }

  function fillRow(row, seat) {
    const state = stateOf(seat);
    row.className = `exam-row ${state}${seat.id === chosen ? " chosen" : ""}`;
    row.dataset.state = state;
    setText(row.querySelector(".exam-number"), String(seat.number ?? words.none));
    setText(row.querySelector(".exam-who b"), seat.name || seat.patient);
    const where = seat.bed ? fill(words.bed, { ward: seat.bed[0], bed: seat.bed[1] }) : "bed" in seat ? words.no_bed : "";
    const time = seat.starts_ms ? clock(seat.starts_ms) : "";
    setText(row.querySelector(".exam-what"), [time, where, seat.text].filter(Boolean).join(" · "));
    const fitting = FITTING[state] ?? [];
    const marked = fitting[0];
    for (const button of row.querySelectorAll("[data-deed]")) {
      const deed = button.dataset.deed;
      button.hidden = !fitting.includes(deed) || (deed === "check_in" && state === "called" && seat.here_ms !== null);
      button.classList.toggle("btn-primary", deed === marked && state !== "done");
      button.classList.toggle("btn-outline-secondary", deed !== marked || state === "done");
      button.setAttribute("aria-label", `${button.textContent}: ${fill(words.number, { n: seat.number })}`);
    }
  }

  function tick() {
    const now = hospital();
    for (const row of place.querySelectorAll("[data-exam]")) {
      const seat = find(Number(row.dataset.exam));
      if (!seat) continue;
      const state = stateOf(seat);
      const parts = [state === "called" && seat.calls > 1 ? fill(words.called_again, { n: seat.calls }) : words[state]];
      if (state === "called" && seat.here_ms !== null) parts.push(words.here);
      const since = { running: seat.started_ms, called: seat.called_ms }[state];
      if (since && now !== null && state === seat.state) parts.push(fill(words.since, { time: Durations.lasted(Math.max(0, now - since)) }));
      if (seat.urged && ["called", "absent"].includes(state)) parts.push(words.urged);
      setText(row.querySelector(".exam-state"), parts.join(" · "));
      const waits = ["booked", "checked_in", "absent"].includes(state) && seat.wait_min !== undefined;
      setText(row.querySelector(".exam-wait"), waits ? (seat.wait_min ? fill(words.wait, { n: seat.wait_min }) : words.now) : "");
    }
  }

  const find = (id) => queue.seats.find((seat) => seat.id === id) ?? queue.over.find((seat) => seat.id === id);

  function choose(id) {
    if (chosen === id) return;
    chosen = id;
    for (const row of place.querySelectorAll("[data-exam]")) row.classList.toggle("chosen", Number(row.dataset.exam) === id);
  }

  function say(text) {
    const line = part("message");
    setText(line, text);
    line.hidden = false;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { line.hidden = true; }, 8000);
  }

  // One after the other: of two presses under way together the later could overtake.
  const post = (path) => (sent = sent.then(() => send(path)));

  async function send(path) {
    try {
      const answer = await fetch(path, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" }, signal: AbortSignal.timeout(SILENT_MS) });
      const told = await answer.json().catch(() => ({}));
      if (answer.ok) return told;
      say(fill(words.not_done, { why: told.error || words.try_again }));
    } catch {
      say(fill(words.not_done, { why: words.try_again }));
    }
    return null;
  }

  async function press(id, deed) {
    const seat = find(id);
    if (!seat || !(FITTING[stateOf(seat)] ?? []).includes(deed)) return;
    const hopes = MAKES[deed] && !(deed === "check_in" && seat.state === "called");
    const settle = hopes ? hope(id, MAKES[deed]) : () => {};
    choose(id);
    draw();
    const told = await post(`${place.dataset.deeds}${id}/${deed}`);
    if (told) {
      const again = find(id);
      if (again) again.state = told.state;
    }
    settle();
    draw();
  }

  async function next() {
    const first = queue.seats.find((seat) => ["booked", "checked_in", "absent"].includes(stateOf(seat)));
    if (!first) { say(words.nobody_waits); return; }
    const settle = hope(first.id, "called");
    choose(first.id);
    draw();
    await post(place.dataset.next);
    settle();
    draw();
  }

  part("next").addEventListener("click", next);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const rows = [...part("rows").children];
    if (step) {
      const at = rows.findIndex((row) => Number(row.dataset.exam) === chosen);
      const row = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
      if (row) { row.focus(); event.preventDefault(); }
      return;
    }
    const key = event.key.toUpperCase();
    if (event.repeat) return;
    if (key === "N") { next(); return; }
    const button = template("exam-acts").querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (button && chosen !== null) press(chosen, button.dataset.deed);
  });

  start(show, tick);
})();
