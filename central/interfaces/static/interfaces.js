"use strict";
// Copies an example. Without a secure address browsers have no clipboard: then it is selected.
document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
        const text = document.getElementById(button.dataset.copy);
        getSelection().selectAllChildren(text);
        try {
            await navigator.clipboard.writeText(text.textContent);
        } catch {
            document.execCommand("copy");
        }
        button.textContent = button.dataset.done;
    });
});
