// Durations in words, by the table of central/console/durations.py in the reader's language.
"use strict";

const Durations = (() => {
  const forms = JSON.parse(document.body.dataset.durations);

  /** 2 min 10 s of 130,000 ms. */
  function lasted(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    const values = { h: Math.floor(seconds / 3600), min: Math.floor(seconds / 60) % 60, s: seconds % 60 };
    const [, , words] = forms.find(([belowS, zero]) =>
      (belowS === null || seconds < belowS) && (zero === null || values[zero] === 0));
    return words.replace(/%\((\w+)\)s/g, (_, part) => values[part]);
  }

  return { lasted };
})();
