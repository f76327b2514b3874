// Asks the station for its calls, counts between the answers, says when none come.
"use strict";

(() => {
  const words = JSON.parse(document.body.dataset.words);
  const byId = (id) => document.getElementById(id);
  const EVERY_MS = 500;
  const ANSWER_MS = 2000;
  const SILENT_MS = 4000;   // no answer for so long: what is shown may be old
  const WANTS = {
    call: words["Nurse call"], emergency: words["Staff emergency"], toilet: words["Toilet call"],
    unplugged: words["Handset unplugged"], drip: words["Drip"],
  };
  let state = null;
  let answeredAt = performance.now();

  const fill = (text, value) => text.replace("{n}", value);
  const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  /** 2 min 10 s, in the forms of central's board (central/console/durations.py). */
  function lasted(ms) {
    const seconds = Math.floor(ms / 1000);
    const h = Math.floor(seconds / 3600), min = Math.floor(seconds / 60) % 60, s = seconds % 60;
    const form = h ? (min ? words["{h} h {min} min"] : words["{h} h"])
      : min ? (s ? words["{min} min {s} s"] : words["{min} min"]) : words["{s} s"];
    return form.replace("{h}", h).replace("{min}", min).replace("{s}", s);
  }

  /** How the ward stands: [class, what, what to do]. */
  function stand() {
    if (performance.now() - answeredAt > SILENT_MS) {
      return ["bad", words["This page is not live."], words["The station's box does not answer: what is shown may be old. Go and look; check the box's power."]];
    }
    if (!state) return ["", words["One moment…"], ""];
    if (!state.broker) {
      return ["bad", words["This station cannot hear the beds."], words["New calls do not arrive here: watch the lamps over the beds. Check the ward's network."]];
    }
    if (!state.central) {
      return ["alone", words["The ward works alone."], words["Central does not answer. This station sounds and shows every call; a call ends at the bed."]];
    }
    if (state.calls.some((call) => call.alone)) {
      return ["alone", words["This station sounds for central."], words["Central has not confirmed a call. It ends when somebody is at the bed."]];
    }
    return ["", words["Central is in charge."], words["If it fails, this station goes on by itself."]];
  }

  function how(call) {
    if (call.accepted) return words["a nurse is coming"];
    return call.alone ? words["sounds here"] : words["central has it"];
  }

  function fillRow(row, call, passedMs) {
    const ringing = call.alone && !call.accepted;
    row.dataset.bed = call.bed;
    row.className = `${call.urgent ? "urgent" : "soon"}${ringing ? " ringing" : ""}${call.accepted ? " calm" : ""}`;
    setText(row.querySelector(".bangs"), call.urgent ? "!!!" : "!!");
    setText(row.querySelector(".bed small"), words["Bed"]);
    setText(row.querySelector(".bed b"), call.bed);
    setText(row.querySelector(".what b"), WANTS[call.wants]);
    setText(row.querySelector(".how"), `${call.urgent ? words["emergency"] : words["soon"]} · ${how(call)}`);
    setText(row.querySelector(".age"), (call.at_least ? "≥ " : "") + lasted(call.for_ms + passedMs));
  }

  function show() {
    const passedMs = performance.now() - answeredAt;
    const [kind, what, todo] = stand();
    byId("stand").className = kind;
    setText(byId("stand").querySelector("b"), what);
    setText(byId("stand").querySelector("span"), todo);
    document.body.classList.toggle("stale", kind === "bad");
    if (!state) return;
    const list = byId("calls");
    const old = new Map([...list.children].map((row) => [row.dataset.key, row]));
    state.calls.forEach((call, place) => {
      const key = `${call.bed}/${call.wants}`;
      const row = old.get(key) || byId("row").content.firstElementChild.cloneNode(true);
      row.dataset.key = key;
      old.delete(key);
      fillRow(row, call, passedMs);
      if (list.children[place] !== row) list.insertBefore(row, list.children[place] || null);
    });
    old.forEach((row) => row.remove());
    setText(byId("count"), state.calls.length ? fill(words["{n} calling"], state.calls.length) : "");
    byId("nobody").hidden = state.calls.length > 0 || kind === "bad";
    setText(byId("nobody"), words["Nobody is calling."]);
  }

  async function ask() {
    try {
      const answer = await fetch("state", { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      state = await answer.json();
      answeredAt = performance.now();
    } catch { /* shown by its age */ }
    show();
    setTimeout(ask, EVERY_MS);
  }

  ask();
  setInterval(show, 250);
})();
