// The screen before a room: numbers, largest first.
"use strict";

(() => {
  const { words, part, fill, setText, hospital, clock, start } = ExamLive;

  function show(queue) {
    setText(part("called"), queue.called.join(" · ") || words.none);
    setText(part("running"), queue.running.join(" · ") || words.none);
    part("next").replaceChildren(...queue.next.map((number) => {
      const item = document.createElement("li");
      item.textContent = number;
      return item;
    }));
    setText(part("more"), queue.more ? fill(words.more, { n: queue.more }) : queue.next.length ? "" : words.nobody_waits);
  }

  start(show, () => { if (hospital() !== null) setText(part("clock"), clock(hospital())); });
})();
