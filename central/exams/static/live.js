// What the pages of examinations share: the stream, hospital time, and the word that it is not live.
"use strict";

const ExamLive = (() => {
  const SILENT_MS = 5000;      // no beat for so long: not live
  const RENEW_MS = 7000;       // a stream silent for so long is made anew
  const place = document.getElementById("exams");
  const words = JSON.parse(place.dataset.words);
  const part = (name) => place.querySelector(`[data-part="${name}"]`);
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const page = () => performance.now();

  let stream = null;
  let began = 0;
  let beat = null;
  let rate = 1;
  let over = false;
  let offsetMs = 0;            // the hospital's time zone

  // Only what differs is written, so that screen readers are not told the same again.
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /** Hospital ms now; null before the first beat. */
  const hospital = () => beat ? beat.now_ms + (page() - beat.at) * rate : null;

  const clock = (ms) => new Date(ms + offsetMs).toISOString().slice(11, 16);

  function connect(show) {
    if (stream) stream.close();
    began = page();
    stream = new EventSource(place.dataset.stream);
    stream.addEventListener("queue", (event) => {
      const queue = JSON.parse(event.data);
      offsetMs = queue.offset_min * 60000;
      show(queue);
    });
    stream.addEventListener("beat", (event) => {
      const fresh = JSON.parse(event.data);
      fresh.at = page();
      if (beat && fresh.steady_ms > beat.steady_ms) rate = (fresh.now_ms - beat.now_ms) / (fresh.steady_ms - beat.steady_ms);
      beat = fresh;
    });
    stream.addEventListener("over", () => { over = true; stream.close(); });
  }

  function trouble() {
    if (over) return place.dataset.kiosk === "yes" ? words.over_screen : words.over;
    const last = beat ? beat.at : began;
    return page() - last > SILENT_MS ? words.no_server : null;
  }

  /** Begin; show(queue) with each one that comes, tick() four times a second. */
  function start(show, tick) {
    connect(show);
    setInterval(() => {
      const why = trouble();
      part("not-live").hidden = why === null;
      place.classList.toggle("stale", why !== null);
      if (why) {
        setText(part("since"), fill(words.not_live, { time: beat ? clock(beat.now_ms) : "--:--" }));
        setText(part("why"), why);
      }
      tick();
      if (!over && page() - Math.max(beat ? beat.at : 0, began) > RENEW_MS) connect(show);
    }, 250);
  }

  return { place, words, part, fill, setText, hospital, clock, start };
})();
