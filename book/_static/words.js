// What a word or an equation of the text means, beside it: when it is pointed at, reached with the Tab key or tapped. What
// is shown stands at the end of the page. Without script, and in a browser without the popover, it leads to the glossary.
addEventListener("DOMContentLoaded", () => {
  "use strict";
  if (!HTMLElement.prototype.showPopover) return;
  const GAP = 6; // px between the word and what is shown, and to the edges of the window
  let timer = 0, quiet = false;

  function isOpen(word) {
    return word.matches(":popover-open");
  }

  // Below the last line of the link, or above its first one where there is more room.
  function place(link, word) {
    const lines = link.getClientRects(), first = lines[0], last = lines[lines.length - 1];
    const width = document.documentElement.clientWidth, height = document.documentElement.clientHeight;
    const below = last.bottom + GAP + word.offsetHeight <= height || height - last.bottom >= first.top;
    const left = Math.min(below ? last.left : first.left, width - word.offsetWidth - GAP);
    const top = below ? last.bottom + GAP : first.top - GAP - word.offsetHeight;
    word.style.left = `${scrollX + Math.max(left, GAP)}px`;
    word.style.top = `${scrollY + top}px`;
  }

  function show(link, word) {
    clearTimeout(timer);
    if (isOpen(word) && link.nextElementSibling === word) return;
    if (isOpen(word)) word.hidePopover();
    link.after(word); // so that the Tab key goes from the word to the links in what it shows
    word.showPopover();
    place(link, word);
  }

  function hide(word) {
    if (isOpen(word)) word.hidePopover();
  }

  function hideSoon(word) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const focus = document.activeElement;
      if (!word.matches(":hover") && !word.contains(focus) && focus?.nextElementSibling !== word) hide(word);
    }, 300);
  }

  const words = new Set();
  for (const link of document.querySelectorAll("a.moe-term")) {
    if (!(link instanceof HTMLAnchorElement)) continue;
    const word = document.getElementById(link.hash.slice(1));
    if (!word) continue;
    words.add(word);
    link.addEventListener("pointerenter", (event) => {
      clearTimeout(timer);
      if (event.pointerType === "mouse") timer = setTimeout(() => show(link, word), 200);
    });
    link.addEventListener("pointerleave", () => hideSoon(word));
    link.addEventListener("focus", () => {
      if (!quiet && link.matches(":focus-visible")) show(link, word);
    });
    link.addEventListener("focusout", (event) => {
      if (!(event.relatedTarget instanceof Node && word.contains(event.relatedTarget))) hide(word);
    });
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(link, word);
    });
  }
  // The browser's own Escape is not everywhere heard: scripts of the theme listen to the key, too.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    clearTimeout(timer);
    for (const word of words) hide(word);
  }, true);
  for (const word of words) {
    word.addEventListener("pointerenter", () => clearTimeout(timer));
    word.addEventListener("pointerleave", () => hideSoon(word));
    word.addEventListener("focusout", (event) => {
      const to = event.relatedTarget;
      if (to instanceof Node && !word.contains(to) && to !== word.previousElementSibling) hide(word);
    });
    // Escape closes it; whoever was in it is back at the word.
    word.addEventListener("beforetoggle", (event) => {
      const link = word.previousElementSibling;
      if (!(event instanceof ToggleEvent && event.newState === "closed" && word.contains(document.activeElement))) return;
      quiet = true;
      if (link instanceof HTMLElement) link.focus();
      quiet = false;
    });
  }
});
