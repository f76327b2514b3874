// A long list to choose from can be narrowed by typing.
"use strict";

for (const list of document.querySelectorAll("[data-many]")) {
  const choices = [...list.querySelectorAll(".form-check")];
  if (choices.length < 9) continue;
  const filter = Object.assign(document.createElement("input"), { type: "search", className: "form-control", placeholder: list.dataset.many });
  filter.setAttribute("aria-label", `${list.dataset.many}: ${list.querySelector("legend").textContent}`);
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLocaleLowerCase();
    for (const each of choices) each.hidden = !each.innerText.toLocaleLowerCase().includes(wanted) && !each.querySelector("input").checked;
  });
  // The form is not sent by Enter in here.
  filter.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  list.querySelector(".many-list").before(filter);
}
