// The board: shows what the stream says, counts on server time, says when it is not live.
"use strict";

(() => {
  const board = document.getElementById("board");
  const words = JSON.parse(board.dataset.words);
  const ward = board.dataset.ward;
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const byId = (id) => document.getElementById(id);

  const SILENT_MS = 5000;      // no beat for so long: not live
  const BEDS_SHOWN = 3;        // of a call that concerns many
  const RENEW_MS = 7000;       // a stream silent for so long is given up and made anew
  const ALIVE_EVERY_MS = 10 * 60 * 1000;

  let state = { calls: [], faults: [], bands: [], day_volume: 100, emergency_floor: 70, offset_min: 0 };
  let known = null;            // call ids seen before; null until the first board
  let stream = null;
  let streamBegan = 0;
  let beat = null;             // the newest beat, with `at`: this page's clock when it came
  let rate = 1;                // hospital ms per real ms
  let lastGood = null;         // hospital ms when the board was last known to be live
  let over = false;

  const page = () => performance.now();
  const hospital = () => beat ? beat.now_ms + (page() - beat.at) * rate : null;
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

  function clockText(ms) {
    const date = new Date(ms + state.offset_min * 60000);
    return date.toISOString().slice(11, 16);
  }

  // --- the stream ---

  function connect() {
    if (stream) stream.close();
    streamBegan = page();
    stream = new EventSource(board.dataset.stream);
    stream.addEventListener("board", (event) => show(JSON.parse(event.data)));
    stream.addEventListener("beat", (event) => takeBeat(JSON.parse(event.data)));
    stream.addEventListener("over", loggedOut);
    stream.onerror = () => {
      if (stream.readyState === EventSource.CLOSED) askAlive();
    };
  }

  function takeBeat(fresh) {
    fresh.at = page();
    if (beat && fresh.steady_ms > beat.steady_ms) {
      rate = (fresh.now_ms - beat.now_ms) / (fresh.steady_ms - beat.steady_ms);
    }
    beat = fresh;
    if (beat.bridge && !beat.trouble) lastGood = beat.now_ms;
    tick();
  }

  function askAlive() {
    fetch(`/board/${encodeURIComponent(ward)}/alive`, { headers: { Accept: "application/json" } })
      .then((answer) => { if (answer.status === 401 || answer.status === 403) loggedOut(); })
      .catch(() => {});
  }

  function loggedOut() {
    over = true;
    if (stream) stream.close();
    tick();
  }

  /** Why the board is not live; null when it is. */
  function trouble() {
    if (over) return words.over;
    if (!beat || page() - beat.at > SILENT_MS) return words.no_server;
    if (!beat.bridge) return words.no_bridge;
    if (beat.trouble) return words.trouble;
    return null;
  }

  // --- what is shown ---

  function show(fresh) {
    state = fresh;
    byId("loading").hidden = true;
    const rows = byId("rows");
    const old = new Map([...rows.children].map((row) => [row.dataset.callId, row]));
    state.calls.forEach((call, place) => {
      const id = String(call.id);
      const row = old.get(id) || makeRow(call);
      old.delete(id);
      fillRow(row, call);
      if (rows.children[place] !== row) rows.insertBefore(row, rows.children[place] || null);
    });
    old.forEach((row) => row.remove());
    byId("nobody").hidden = state.calls.length > 0;
    showFaults();
    tellNew();
    tick();
    soundNow();
  }

  function makeRow(call) {
    const row = byId("row").content.firstElementChild.cloneNode(true);
    row.dataset.callId = call.id;
    const button = row.querySelector(".accept");
    const coming = row.querySelector(".coming");
    if (board.dataset.mayAccept === "yes") {
      button.addEventListener("click", () => act(row, button, "accept"));
      coming.addEventListener("click", () => act(row, coming, "on-the-way"));
    } else {
      button.remove();
      coming.remove();
    }
    const hand = row.querySelector(".hand");
    hand?.addEventListener("click", () => handOver(row, hand));
    const opens = board.dataset.opens?.split(" ");
    if (board.dataset.kiosk !== "yes" && (opens?.includes(call.type) ?? true)) {
      row.querySelector(".what a").href = `/calls/${call.id}`;
    }
    return row;
  }

  function fillRow(row, call) {
    Object.assign(row.dataset, {
      bed: call.bed || "", type: call.type, state: call.state, priority: call.priority,
      openedMs: call.opened_ms, acceptedMs: call.accepted_ms || "",
    });
    row.className = `row-call ${call.priority} ${call.state}`;
    row.querySelector(".shape").className = `shape ${call.priority}`;
    row.querySelector(".bangs").textContent = { high: "!!!", medium: "!!", low: "!" }[call.priority];
    row.querySelector(".where").textContent = call.from_ward || (call.bed || call.beds.length ? words.bed : words.no_bed);
    row.querySelector(".bed b").textContent = placeOf(call);
    row.querySelector(".what a").textContent = call.title;
    const hand = row.querySelector(".hand");
    if (hand) hand.hidden = Boolean(call.from_ward);
    const button = row.querySelector(".accept");
    if (!button) return;
    button.hidden = call.state !== "open";
    button.disabled = false;
    button.setAttribute("aria-label", `${words.accept}: ${words.bed} ${placeOf(call)}, ${call.title}`);
    const coming = row.querySelector(".coming");
    coming.hidden = call.state !== "accepted" || call.phase === "on_the_way";
    coming.disabled = false;
  }

  /** The bed, or those that a fault concerns, of many the first; else the ward. */
  function placeOf(call) {
    if (call.bed) return call.bed;
    if (!call.beds.length) return call.ward;
    return call.beds.slice(0, BEDS_SHOWN).join(" ") + (call.beds.length > BEDS_SHOWN ? " …" : "");
  }

  function howItStands(call, now) {
    const parts = [words[call.priority]];
    if (call.state === "accepted") {
      const who = call.accepted_by || "";
      parts.push(call.phase === "on_the_way"
        ? fill(words.on_the_way, { who })
        : fill(words.accepted_by, { who, time: Durations.lasted(now - call.accepted_ms) }));
    } else {
      parts.push(call.returned ? words.returned : words.nobody);
      if (call.exhausted) parts.push(words.exhausted);
      else if (call.told) parts.push(fill(words.told, { who: call.told }));
      parts.push(...call.phones);
      if (call.next && call.next.at_ms > now) parts.push(fill(words.next, { who: call.next.who, time: Durations.lasted(call.next.at_ms - now) }));
    }
    if (call.repeated) parts.push(fill(words.pressed_again, { n: call.repeated + 1 }));
    return parts.join(" · ");
  }

  function showFaults() {
    const strip = byId("faults");
    strip.hidden = state.faults.length === 0;
    strip.replaceChildren(...state.faults.map((fault) => {
      const line = document.createElement("p");
      line.dataset.faultId = fault.id;
      line.textContent = fault.words;
      return line;
    }));
  }

  function tellNew() {
    const ids = new Set(state.calls.map((call) => call.id));
    if (known) {
      for (const call of state.calls) {
        if (!known.has(call.id)) {
          const line = document.createElement("p");
          line.textContent = fill(words.new_call, { what: call.title, bed: placeOf(call) });
          byId("spoken").replaceChildren(line);
        }
      }
    }
    known = ids;
  }

  /** Every clock of the page, and whether it is live. */
  function tick() {
    const why = trouble();
    const now = hospital();
    const starting = !beat && !over && page() - streamBegan < SILENT_MS;
    const banner = byId("not-live");
    banner.hidden = why === null || starting;
    board.classList.toggle("stale", why !== null && !starting);
    if (why && !starting) {
      const since = lastGood === null ? "--:--" : clockText(lastGood);
      setText(banner.querySelector('[data-part="since"]'), fill(words.not_live, { time: since }));
      setText(banner.querySelector('[data-part="why"]'), why);
      const login = banner.querySelector('[data-part="login"]');
      login.hidden = !over || board.dataset.kiosk === "yes";
      login.href = board.dataset.login;
      setText(login, words.log_in);
    }
    if (now === null) return;
    setText(byId("clock"), clockText(now));
    const waiting = state.calls.filter((call) => call.state === "open").length;
    setText(byId("waiting"), waiting ? fill(words.calls_waiting, { n: waiting }) : "");
    document.title = (waiting ? `(${waiting}) ` : "") + document.title.replace(/^\(\d+\) /, "");
    const rows = byId("rows").children;
    state.calls.forEach((call, place) => {
      if (!rows[place]) return;
      setText(rows[place].querySelector(".age"), Durations.lasted(now - call.opened_ms));
      setText(rows[place].querySelector(".how"), howItStands(call, now));
    });
  }

  // Only what differs is written, so that screen readers are not told the same again.
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // --- actions ---

  function post(path, body) {
    return fetch(path, {
      method: "POST",
      headers: { "X-CSRFToken": token, "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify(body || {}),
    });
  }

  function say(text) {
    const line = byId("message");
    setText(line, text);
    line.hidden = false;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { line.hidden = true; }, 8000);
  }

  async function handOver(row, button) {
    if (await act(row, button, "hand-over", { ward: button.dataset.to })) {
      say(fill(words.handed_over, { bed: row.dataset.bed }));
    }
  }

  /** Whether the console has done it; if not, the reason is shown and the button works again. */
  async function act(row, button, what, body) {
    button.disabled = true;
    try {
      const answer = await post(`/calls/${row.dataset.callId}/${what}`, body);
      if (answer.ok) return true;
      if (answer.status === 401) return loggedOut();
      const told = await answer.json().catch(() => ({}));
      say(fill(words.not_done, { why: told.error || words.try_again }));
    } catch {
      say(fill(words.not_done, { why: words.try_again }));
    }
    button.disabled = false;
  }

  byId("repeat")?.addEventListener("click", async () => {
    try {
      const answer = await post(`/board/${encodeURIComponent(ward)}/repeat`);
      const told = await answer.json();
      say(told.words || told.error);
    } catch {
      say(words.no_server);
    }
  });

  byId("full").addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else board.requestFullscreen().catch(() => {});
  });

  // Arrow keys go from call to call.
  byId("rows").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const buttons = [...byId("rows").querySelectorAll("button:not([hidden])")];
    const next = buttons[buttons.indexOf(document.activeElement) + step];
    if (next) { next.focus(); event.preventDefault(); }
  });

  // --- sound ---

  let nextSound = 0;
  let soundedPriority = null;
  let soundedIds = new Set();
  let quiet = false;
  try { quiet = localStorage.getItem("board-quiet") === "yes"; } catch { /* not kept, then */ }

  function showSound() {
    const on = Tones.ready();
    byId("sound").setAttribute("aria-pressed", String(on));
    setText(byId("sound").querySelector('[data-part="text"]'), on ? words.sound_on : words.sound_off);
    byId("quiet").setAttribute("aria-pressed", String(quiet));
  }

  /** 0..1 for a priority: the band of the day, never below the floor for emergencies. */
  function volume(priority) {
    const local = new Date(hospital() + state.offset_min * 60000);
    const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
    const within = (b) => b.from_min <= b.to_min
      ? minute >= b.from_min && minute < b.to_min
      : minute >= b.from_min || minute < b.to_min;
    const band = state.bands.find(within);
    let percent = band ? band.volume : state.day_volume;
    if (quiet) percent = Math.min(percent, 30);
    if (priority === "high") percent = Math.max(percent, state.emergency_floor, 50);
    return percent / 100;
  }

  function soundNow() {
    const waiting = state.calls.filter((call) => call.state === "open");
    const fresh = waiting.some((call) => !soundedIds.has(call.id));
    soundedIds = new Set([...soundedIds].filter((id) => waiting.some((call) => call.id === id)));
    if (!waiting.length || !Tones.ready() || hospital() === null) return;
    const priority = waiting[0].priority;
    if (!fresh && priority === soundedPriority && page() < nextSound) return;
    const loudness = volume(priority);
    if (loudness > 0) {
      nextSound = page() + Tones.sound(priority, loudness) * 1000;
      heard(waiting.filter((call) => !call.heard_ms));
    }
    soundedPriority = priority;
    waiting.forEach((call) => soundedIds.add(call.id));
  }

  function heard(calls) {
    if (!calls.length || board.dataset.mayAccept !== "yes") return;
    post(`/board/${encodeURIComponent(ward)}/heard`, { calls: calls.map((call) => call.id) }).catch(() => {});
  }

  // Any first click or key will do; the button says that one is wanted.
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => { Tones.start().then(() => { showSound(); soundNow(); }); });
  }
  byId("quiet").addEventListener("click", () => {
    quiet = !quiet;
    try { localStorage.setItem("board-quiet", quiet ? "yes" : "no"); } catch { /* not kept, then */ }
    showSound();
  });

  // --- go ---

  connect();
  Tones.start().then(showSound);
  showSound();
  setInterval(() => {
    tick();
    soundNow();
    if (!over && page() - Math.max(beat ? beat.at : 0, streamBegan) > RENEW_MS) connect();
  }, 250);
  setInterval(() => { if (!over) askAlive(); }, ALIVE_EVERY_MS);
})();
