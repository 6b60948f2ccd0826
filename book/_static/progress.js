// Which exercises and quizzes a reader has ticked: kept in this browser, shown on the welcome page. Without storage no
// box appears, and what a full one cannot keep is said; without script the pages are as they are.
(() => {
  "use strict";
  const KEY = "moe-tutorial-progress";

  function load() {
    const stored = JSON.parse(localStorage.getItem(KEY) || "[]");
    return new Set(Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : []);
  }

  function save(ticked) {
    localStorage.setItem(KEY, JSON.stringify([...ticked].sort()));
  }

  // A box, and below it the place where it is said that the browser did not keep the tick.
  function box(id, words) {
    const label = document.createElement("label");
    label.className = "tick";
    const input = document.createElement("input");
    input.type = "checkbox";
    input.autocomplete = "off"; // what is stored decides, not what a browser remembers of the page
    input.dataset.tick = id;
    input.checked = load().has(id);
    const said = document.createElement("p");
    said.className = "tick-said";
    said.setAttribute("role", "status");
    input.addEventListener("change", () => {
      said.textContent = "";
      try {
        const ticked = load();
        input.checked ? ticked.add(id) : ticked.delete(id);
        save(ticked);
      } catch {
        input.checked = !input.checked;
        said.textContent = "This could not be kept: the browser has no room for it, or its storage is off.";
      }
    });
    label.append(input, ` ${words}`);
    return [label, said];
  }

  function tickChapter() {
    for (const strong of document.querySelectorAll("main p > strong:first-child")) {
      const found = /^Exercise (\d+\.\d+):/.exec(strong.textContent);
      if (found) strong.parentElement.after(...box(`exercise ${found[1]}`, `exercise ${found[1]} done`));
    }
    const quiz = document.querySelector("main section#quiz");
    const chapter = /^\s*(\d+)\./.exec(document.querySelector("main h1")?.textContent || "");
    if (quiz && chapter) quiz.append(...box(`quiz ${chapter[1]}`, `quiz ${chapter[1]} done`));
  }

  function showProgress(place) {
    const ticked = load();
    const count = (kind) => [...ticked].filter((id) => id.startsWith(`${kind} `)).length;
    const words = document.createElement("p");
    words.textContent = `Ticked so far, in this browser: ${count("exercise")} of ${place.dataset.exercises} exercises, ` +
      `${count("quiz")} of ${place.dataset.quizzes} quizzes.`;
    place.replaceChildren(words);
    if (ticked.size) {
      const reset = document.createElement("button");
      reset.type = "button";
      reset.textContent = "Forget what I ticked";
      reset.addEventListener("click", () => {
        localStorage.removeItem(KEY);
        showProgress(place);
        place.tabIndex = -1; // the button that had the focus is gone
        place.focus();
      });
      place.append(reset);
    }
    place.hidden = false;
    showCards(ticked);
  }

  // On the card of each chapter: what of it is ticked, if anything is.
  function showCards(ticked) {
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll(".card-ticked");
    for (const place of places) {
      const { chapter, exercises } = place.dataset;
      const done = [...ticked].filter((id) => id.startsWith(`exercise ${chapter}.`)).length;
      const parts = [];
      if (done) parts.push(`${done} of ${exercises} exercises`);
      if (ticked.has(`quiz ${chapter}`)) parts.push("quiz");
      place.textContent = parts.length ? `Ticked: ${parts.join(", ")}` : "";
      place.hidden = !parts.length;
    }
  }

  // Storage that is switched off or holds something else: the pages do without.
  function careful(show) {
    try {
      show();
    } catch {
      // Nothing is shown.
    }
  }

  function begin() {
    tickChapter();
    const place = document.getElementById("progress");
    if (place) showProgress(place);
  }

  // A page to which a reader comes back may show what it was left with, while a tick was made or forgotten elsewhere.
  function again() {
    const ticked = load(), place = document.getElementById("progress");
    /** @type {NodeListOf<HTMLInputElement>} */
    const boxes = document.querySelectorAll("input[data-tick]");
    for (const input of boxes) input.checked = ticked.has(input.dataset.tick);
    if (place) showProgress(place);
  }

  addEventListener("DOMContentLoaded", () => careful(begin));
  addEventListener("pageshow", () => careful(again));
})();
