"use strict";

// Without a clipboard, or without scripts, the buttons stay hidden.
for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies).cloneNode(true);
    for (const box of source.querySelectorAll(".u")) box.remove();
    await navigator.clipboard.writeText(source.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
