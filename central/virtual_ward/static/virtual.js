// The virtual ward: what the panels tell twice a second, and the hands that operate them.
"use strict";

(() => {
  const root = document.getElementById("virtual");
  const words = JSON.parse(root.dataset.words);
  const base = `/virtual/${encodeURIComponent(root.dataset.ward)}`;
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const away = document.getElementById("away");
  const POLL_MS = 500;
  const HOLD_MS = 1200;        // a press of the mouse so long is the patient's or nurse's long press

  const part = (unit, name) => unit.querySelector(`[data-part="${name}"]`);
  const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const setData = (element, key, value) => { if (element.dataset[key] !== value) element.dataset[key] = value; };

  async function post(path, body) {
    try {
      const answer = await fetch(path, {
        method: "POST",
        headers: { "X-CSRFToken": token, "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
      });
      const told = await answer.json();
      if (!answer.ok) tell(told.error);
      else if (told.beds) showBeds(told);
    } catch {
      tell(words.away);
    }
  }

  function tell(text) {
    away.textContent = text;
    away.hidden = !text;
  }

  const operate = (bed, control) => post(`${base}/operate`, { bed, control });

  for (const unit of document.querySelectorAll(".unit")) {
    const bed = unit.dataset.bed;
    const red = unit.querySelector(".red");
    let held = null;
    let wasHeld = false;
    red.addEventListener("pointerdown", () => {
      wasHeld = false;
      held = setTimeout(() => { wasHeld = true; operate(bed, "hold"); }, HOLD_MS);
    });
    for (const end of ["pointerup", "pointerleave", "pointercancel"]) red.addEventListener(end, () => clearTimeout(held));
    red.addEventListener("click", () => { if (!wasHeld) operate(bed, "press"); wasHeld = false; });
    unit.querySelector(".hold-button").addEventListener("click", () => operate(bed, "hold"));
    part(unit, "cord").addEventListener("click", () => operate(bed, unit.dataset.cord === "true" ? "cord_reset" : "cord"));
    part(unit, "presence").addEventListener("click", () => operate(bed, unit.dataset.presence === "true" ? "presence_end" : "presence"));
    part(unit, "plug").addEventListener("click", () => operate(bed, unit.dataset.plugged === "false" ? "plug" : "unplug"));
    part(unit, "power").addEventListener("click", () => operate(bed, unit.dataset.dead === "true" ? "revive" : "die"));
  }

  function showBeds(state) {
    for (const unit of document.querySelectorAll(".unit")) {
      const bed = state.beds[unit.dataset.bed];
      unit.hidden = !bed;
      if (!bed) continue;
      for (const key of ["red", "cord", "presence", "plugged", "dead", "speaker"]) setData(unit, key, String(Boolean(bed[key])));
      for (const name of ["lamp", "reassurance"]) {
        setData(part(unit, name), "pattern", bed.dead ? "off" : bed[name]);
        part(unit, name).setAttribute("aria-label", bed.dead ? words.dead : words[bed[name]]);
        part(unit, name).title = bed.dead ? words.dead : words[bed[name]];
      }
      setText(part(part(unit, "cord"), "text"), bed.cord ? words.reset : words.pull);
      setText(part(part(unit, "presence"), "text"), bed.presence ? words.go : words.come);
      part(unit, "presence").setAttribute("aria-pressed", String(bed.presence));
      setText(part(part(unit, "plug"), "text"), bed.plugged ? words.unplug : words.plug);
      part(unit, "plug").setAttribute("aria-pressed", String(bed.plugged));
      setText(part(unit, "power"), bed.dead ? words.revive : words.die);
    }
    const bus = document.getElementById("bus");
    bus.hidden = state.noise === undefined || state.noise === null;
    for (const slider of bus.querySelectorAll("input")) {
      if (document.activeElement !== slider) slider.value = Math.round((state[slider.name] || 0) * 100);
      setText(slider.nextElementSibling, `${slider.value} %`);
    }
  }

  function showSpeech(nodes) {
    const aside = document.getElementById("speech");
    const current = new Map();
    for (const { node, spoken, speaker, power } of nodes) {
      let section = aside.querySelector(`[data-node="${CSS.escape(node)}"]`);
      if (!section) {
        section = document.createElement("section");
        section.dataset.node = node;
        section.append(Object.assign(document.createElement("h3"), { textContent: node }), makeSwitches(node), document.createElement("p"), document.createElement("ol"));
        aside.append(section);
      }
      showSwitch(section, "loudspeaker", speaker);
      showSwitch(section, "power", power && (power.weak ? "weak" : power.mains ? "mains" : "battery"));
      const list = section.querySelector("ol");
      const note = section.querySelector("p");
      setText(note, spoken === null ? words.speaker_away : spoken.length ? "" : words.silent);
      note.hidden = note.textContent === "";
      if (spoken === null) continue;
      const old = new Map([...list.children].map((item) => [item.dataset.id, item]));
      for (const said of spoken.slice(-20)) {
        const id = String(said.id);
        let item = old.get(id);
        old.delete(id);
        if (!item) {
          item = makeSaid(node, said);
          list.prepend(item);
        }
        const state = said.interrupted ? words.interrupted : said.ended_ms === null ? words.speaking : "";
        setText(item.querySelector(".state"), state);
        item.classList.toggle("now", said.ended_ms === null);
        if (said.ended_ms === null) for (const bed of said.beds || []) current.set(bed, said.text);
      }
      old.forEach((item) => item.remove());
    }
    for (const unit of document.querySelectorAll(".unit")) setText(part(unit, "says"), current.get(unit.dataset.bed) || "");
  }

  // What can be broken at a box itself: by the name of the switch, its positions and what each asks for.
  const switches = {
    loudspeaker: { whole: { speaker: "whole" }, torn: { speaker: "torn" }, dead_speaker: { speaker: "dead" }, gone: { speaker: "gone" } },
    power: { mains: { mains: true, weak: false }, battery: { mains: false, weak: false }, weak: { mains: true, weak: true } },
  };

  function makeSwitches(node) {
    const group = Object.assign(document.createElement("div"), { className: "box-switches" });
    for (const [name, positions] of Object.entries(switches)) {
      const label = Object.assign(document.createElement("label"), { textContent: `${words[name]} ` });
      const select = Object.assign(document.createElement("select"), { name, className: "form-select form-select-sm" });
      for (const position of Object.keys(positions)) select.add(new Option(words[position], position));
      select.addEventListener("change", () => post(`${base}/box`, { node, ...positions[select.value] }));
      label.append(select);
      group.append(label);
    }
    return group;
  }

  function showSwitch(section, name, position) {
    const select = section.querySelector(`[name="${name}"]`);
    select.parentElement.hidden = !position;
    if (document.activeElement !== select) select.value = position === "dead" ? "dead_speaker" : position || "";
  }

  function makeSaid(node, said) {
    const item = document.createElement("li");
    item.dataset.id = said.id;
    item.dataset.class = said.class;
    const where = said.beds && said.beds.length ? words.beds.replace("{beds}", said.beds.join(", ")) : words.box;
    const head = Object.assign(document.createElement("span"), { className: "about", textContent: `${words[said.class] || said.class} · ${where} ` });
    head.append(Object.assign(document.createElement("em"), { className: "state" }));
    const text = Object.assign(document.createElement("q"), { textContent: said.text, lang: said.lang === "zh" ? "zh-CN" : "en" });
    const audio = Object.assign(document.createElement("audio"), { controls: true, preload: "none", src: `${base}/spoken/${encodeURIComponent(node)}/${said.id}.wav` });
    item.append(head, text, audio);
    return item;
  }

  let shownClock = null;
  function showClock(now_ms) {
    const face = document.getElementById("virtual-clock");
    if (!face) return;
    const at = performance.now();
    if (shownClock) {
      const rate = Math.round((now_ms - shownClock.now_ms) / (at - shownClock.at));
      for (const button of document.querySelectorAll("[data-rate]")) {
        const near = Math.abs(rate - Number(button.dataset.rate)) <= Number(button.dataset.rate) * 0.3;
        button.setAttribute("aria-pressed", String(near));
        button.classList.toggle("active", near);
      }
    }
    shownClock = { now_ms, at };
    setText(face, new Date(now_ms).toLocaleTimeString("zh-CN", { timeZone: root.dataset.timezone, hour12: false }));
  }

  for (const button of document.querySelectorAll("[data-rate]")) {
    button.addEventListener("click", () => { shownClock = null; post("/virtual/clock", { rate: Number(button.dataset.rate) }); });
  }
  document.getElementById("bus").addEventListener("change", () => {
    const value = (name) => Number(document.querySelector(`#bus [name="${name}"]`).value) / 100;
    post(`${base}/bus`, { noise: value("noise"), drop: value("drop") });
  });

  async function poll() {
    try {
      const answer = await fetch(`${base}/state`, { headers: { Accept: "application/json" } });
      if (answer.status === 401) { location.reload(); return; }
      const told = await answer.json();
      tell(told.state ? "" : words.away);
      if (told.state) showBeds(told.state);
      showSpeech(told.speech);
      showClock(told.now_ms);
    } catch {
      tell(words.away);
    }
    setTimeout(poll, POLL_MS);
  }
  poll();
})();
