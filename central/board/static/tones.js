// Tones after IEC 60601-1-8: high priority 3 + 2 pulses, medium 3, low 2; a fundamental between
// 150 and 1000 Hz with harmonics up to 4 kHz, so that small loudspeakers and old ears have them.
"use strict";

const Tones = (() => {
  // Pulses: when (s from the start of the burst) and how high (Hz). every: seconds to the next burst.
  const BURSTS = {
    high: {
      pulse: 0.15, every: 5,
      notes: [[0, 523], [0.25, 523], [0.5, 523], [0.95, 659], [1.2, 659]],
    },
    medium: { pulse: 0.2, every: 12, notes: [[0, 440], [0.4, 440], [0.8, 440]] },
    low: { pulse: 0.22, every: 30, notes: [[0, 392], [0.5, 330]] },
  };
  const HARMONICS = new Float32Array([0, 1, 0.7, 0.5, 0.35, 0.25, 0.15]);
  let context = null;
  let wave = null;

  /** Browsers give sound only after a click; call this from one. */
  function start() {
    if (!context) {
      const Context = window.AudioContext || window.webkitAudioContext;
      if (!Context) return Promise.resolve(false);
      context = new Context();
      wave = context.createPeriodicWave(new Float32Array(HARMONICS.length), HARMONICS);
    }
    return context.resume().then(ready, () => false);
  }

  function ready() {
    return context !== null && context.state === "running";
  }

  /** Sounds one burst at `volume` 0..1. Returns the seconds until it is to come again. */
  function sound(priority, volume) {
    const burst = BURSTS[priority];
    const begin = context.currentTime + 0.02;
    for (const [at, pitch] of burst.notes) {
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.setPeriodicWave(wave);
      tone.frequency.value = pitch;
      // Rise and fall of 20 ms: no click, and no start that frightens.
      gain.gain.setValueAtTime(0, begin + at);
      gain.gain.linearRampToValueAtTime(volume * 0.4, begin + at + 0.02);
      gain.gain.setValueAtTime(volume * 0.4, begin + at + burst.pulse - 0.02);
      gain.gain.linearRampToValueAtTime(0, begin + at + burst.pulse);
      tone.connect(gain).connect(context.destination);
      tone.start(begin + at);
      tone.stop(begin + at + burst.pulse + 0.01);
    }
    return burst.every;
  }

  return { start, ready, sound, BURSTS };
})();
