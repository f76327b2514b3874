// A call through the menu in writing: keys are sent one by one, and the server's engine answers.
"use strict";

(() => {
  const phone = document.getElementById("telephone");
  if (!phone) return;
  const form = document.getElementById("editor");
  const heard = phone.querySelector(".heard");
  const place = phone.querySelector("[data-place]");
  let call = "", secret = false, sending = Promise.resolve();

  function line(words, kind, lang) {
    const item = Object.assign(document.createElement("li"), { textContent: words, className: kind });
    if (lang) item.lang = lang === "zh" ? "zh-CN" : "en";
    heard.append(item);
    heard.scrollTop = heard.scrollHeight;
  }

  function live(is) {
    for (const each of phone.querySelectorAll("[data-key], [data-do=wait], [data-do=end]")) each.disabled = !is;
    if (!is) call = "";
  }

  function stands(answer) {
    for (const each of document.querySelectorAll(".is-here")) each.classList.remove("is-here");
    place.textContent = "";
    if (answer.over || !answer.step) return;
    const words = answer.here ? place.dataset.place : place.dataset.elsewhere;
    place.textContent = words.replace("{step}", answer.step).replace("{menu}", answer.menu);
    const box = answer.here && document.querySelector(`[data-step="${CSS.escape(answer.step)}"]`);
    if (!box) return;
    box.classList.add("is-here");
    document.querySelector(`.numbers :nth-child(${Number(box.dataset.line)})`)?.classList.add("is-here");
  }

  async function send(fields) {
    const body = new URLSearchParams({ ...fields, call, csrf_token: form.elements.csrf_token.value });
    try {
      const got = await fetch(phone.dataset.url, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!got.ok) throw new Error(got.status);
      const answer = await got.json();
      for (const each of answer.heard) line(each.text, each.lang ? "said" : "remark", each.lang);
      secret = Boolean(answer.secret);
      call = answer.call ?? "";
      live(!answer.over);
      stands(answer);
    } catch {
      line(phone.dataset.lost, "remark");
      live(false);
    }
  }

  // One after the other, in the order of the keys.
  function queue(fields) {
    sending = sending.then(() => send(fields()));
    return sending;
  }

  function press(key) {
    queue(() => {
      line(secret ? "•" : key, "pressed");
      return { do: "key", key };
    });
  }

  phone.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.key) return press(button.dataset.key);
    const what = button.dataset.do;
    if (what === "begin") {
      heard.replaceChildren();
      const lang = phone.querySelector("select").value;
      queue(() => ({ do: what, lang, text: form.elements.text.value })).then(() => heard.focus());
    } else queue(() => ({ do: what }));
  });
  phone.addEventListener("keydown", (event) => {
    if (!call || event.ctrlKey || event.altKey || event.metaKey || !/^[0-9*#]$/.test(event.key)) return;
    if (event.target.closest("select")) return;
    event.preventDefault();
    press(event.key);
  });
})();
