// A sound of any kind that the browser can play becomes a WAV file before it is uploaded.
"use strict";

(() => {
  const RATE_HZ = 22050;  // as the server keeps it

  async function samples(file) {
    const there = new OfflineAudioContext(1, 1, RATE_HZ);
    const sound = await there.decodeAudioData(await file.arrayBuffer());
    const drawn = new OfflineAudioContext(1, Math.max(1, Math.ceil(sound.duration * RATE_HZ)), RATE_HZ);
    const source = drawn.createBufferSource();
    source.buffer = sound;
    source.connect(drawn.destination);
    source.start();
    return (await drawn.startRendering()).getChannelData(0);
  }

  function wav(heard) {
    const bytes = new DataView(new ArrayBuffer(44 + heard.length * 2));
    const text = (at, words) => [...words].forEach((each, n) => bytes.setUint8(at + n, each.charCodeAt(0)));
    text(0, "RIFF"); bytes.setUint32(4, 36 + heard.length * 2, true); text(8, "WAVEfmt ");
    bytes.setUint32(16, 16, true); bytes.setUint16(20, 1, true); bytes.setUint16(22, 1, true);
    bytes.setUint32(24, RATE_HZ, true); bytes.setUint32(28, RATE_HZ * 2, true);
    bytes.setUint16(32, 2, true); bytes.setUint16(34, 16, true);
    text(36, "data"); bytes.setUint32(40, heard.length * 2, true);
    heard.forEach((each, n) => bytes.setInt16(44 + n * 2, Math.max(-1, Math.min(1, each)) * 32767, true));
    return bytes.buffer;
  }

  for (const form of document.querySelectorAll("form[data-sound]")) {
    form.addEventListener("submit", async (event) => {
      const input = form.elements.file;
      if (form.dataset.ready || !input.files.length) return;
      event.preventDefault();
      const file = input.files[0];
      try {
        const made = new DataTransfer();
        made.items.add(new File([wav(await samples(file))], file.name, { type: "audio/wav" }));
        input.files = made.files;
        form.dataset.ready = "yes";
        form.requestSubmit();
      } catch {
        input.setCustomValidity(form.dataset.sound);
        input.reportValidity();
        input.addEventListener("change", () => input.setCustomValidity(""), { once: true });
      }
    });
  }
})();
