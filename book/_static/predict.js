// Answers to the exercises that ask for a prediction, judged in the page. How a text is read and what is said of it comes
// from moe_tutorial/exercises/_value.py, as data beside each form; `read` and `judge` take the same steps as there. What a
// reader typed is shown as text, never as markup. Without script the page shows the notebook's cell.
(() => {
  "use strict";
  const singleBlanks = (text) => text.split(" ").filter(Boolean).join(" ");

  // What was typed, on one line, not too long, and with nothing in it that changes how the rest is shown.
  function toldBack(text, rules) {
    const blank = [...text].map((letter) => rules.plain[letter] === " " ? " " : letter).join("");
    const letters = [...singleBlanks(blank)].map((letter) => letter.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u, "\ufffd"));
    return letters.length <= rules.longest ? letters.join("") : `${letters.slice(0, rules.longest - 3).join("")}...`;
  }

  function numberOf(part) {
    const dense = part.replace(/[ _]/g, "");
    const group = dense.split(",").length > 2 || dense.includes(".");
    return Number(dense.replaceAll(",", group ? "" : "."));
  }

  const rounded = (value) => String(Number(value.toFixed(6)));

  // The key of a sentence, and what it speaks of.
  /** @returns {[string, Record<string, string>]} */
  function judge(facts, value, shown, perCent) {
    const choice = facts.choices.length > 0;
    const equal = (other) => choice ? value === other : Math.abs(value - other) <= facts.tolerance;
    if (!choice && Number.isNaN(value)) return ["nan", {}];
    if (equal(facts.right)) return perCent ? ["part", { part: rounded(value), given: shown }] : ["right", {}];
    const known = facts.wrong.find(([forms]) => forms.some(equal));
    if (known) return ["wrong", { says: known[1] }];
    const size = Math.abs(facts.right);
    if (!choice && size > 0 && size < 1 && Math.abs(value / 100 - facts.right) <= facts.tolerance) {
      return ["part", { part: rounded(value / 100), given: shown }];
    }
    return ["other", { given: shown }];
  }

  /** @returns {[string, Record<string, string>]} */
  function judgeText(facts, text, rules) {
    const shown = toldBack(text, rules);
    const plain = singleBlanks([...text].map((letter) => rules.plain[letter] ?? letter).join(""));
    if (!plain) return ["nothing", {}];
    const found = new RegExp(`^(?:${rules.number})$`).exec(plain);
    const parts = found ? [found[1], found[2]].filter(Boolean) : [];
    const unclear = parts.find((part) => new RegExp(`^(?:${rules.comma})$`).test(part));
    if (unclear) return ["comma", { given: shown, part: unclear.replace(",", "."), whole: unclear.replace(",", "") }];
    const [value, divisor] = parts.length ? parts.map(numberOf) : [NaN];
    if (!found || divisor === 0) return ["no number", { given: `'${shown}'` }];
    const whole = divisor === undefined ? value : value / divisor;
    return judge(facts, found[3] ? whole / 100 : whole, shown, Boolean(found[3]));
  }

  // An element with attributes, and texts or elements in it.
  function made(tag, attributes, ...inside) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...inside);
    return element;
  }

  function fields(facts) {
    if (!facts.choices.length) {
      const plainly = { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" };
      return made("label", {}, "Your prediction, a number ", made("input", { name: "prediction", ...plainly }));
    }
    const labels = facts.choices.map((choice) =>
      made("label", {}, made("input", { type: "radio", name: "prediction", value: choice }), ` ${choice}`));
    return made("fieldset", {}, made("legend", {}, "Your prediction"), ...labels);
  }

  function tick(number) {
    /** @type {HTMLInputElement} */
    const box = document.querySelector(`input[data-tick="exercise ${number}"]`);
    if (!box || box.checked) return;
    box.checked = true;
    box.dispatchEvent(new Event("change")); // progress.js keeps it, or says why not
  }

  function prepare(place, rules) {
    const facts = JSON.parse(place.dataset.predict);
    const said = made("p", { class: "predict-said", role: "status" });
    const hints = made("div", { class: "predict-hints", "aria-live": "polite" });
    const more = made("button", { type: "button" }, "Hint");
    const solution = made("a", { class: "predict-solution", href: facts.solution, hidden: "" }, "Solution");
    const buttons = made("div", { class: "predict-buttons" }, made("button", { type: "submit" }, "Answer"), more, solution);
    const named = { "aria-label": `Answer to exercise ${facts.number}` };
    const form = made("form", { class: "predict-form", autocomplete: "off", ...named }, fields(facts), buttons, said, hints);

    function clear() {
      said.replaceChildren();
      said.classList.remove("predict-right");
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const given = String(new FormData(form).get("prediction") ?? "");
      /** @type {[string, Record<string, string>]} */
      const [key, values] = !facts.choices.length ? judgeText(facts, given, rules)
        : given ? judge(facts, given, given, false) : ["nothing", {}];
      const all = { ...values, hint: rules.hint[hints.childElementCount] };
      clear();
      said.append(rules.says[key].replace(/\{(\w+)\}/g, (_, name) => all[name]));
      if (key !== "right") return;
      said.classList.add("predict-right");
      solution.hidden = false;
      tick(facts.number);
    });
    let typed = false;
    form.addEventListener("input", () => {
      typed = true;
      clear(); // it was said of what stood there before
    });
    more.addEventListener("click", () => {
      hints.append(made("p", {}, facts.hints[hints.childElementCount]));
      more.textContent = "Another hint";
      if (hints.childElementCount < facts.hints.length) return;
      solution.hidden = false;
      solution.focus(); // the button that had the focus goes
      more.hidden = true;
    });
    // Where a browser fills a form again, nothing that it fills was answered. A reader may have typed while the page loads.
    addEventListener("pageshow", () => typed || form.reset());
    place.replaceChildren(form);
    place.previousElementSibling?.classList.add("predict-cell");
    place.hidden = false;
  }

  addEventListener("DOMContentLoaded", () => {
    /** @type {NodeListOf<HTMLElement>} */
    const places = document.querySelectorAll("[data-predict]");
    /** @type {HTMLElement} */
    const common = document.querySelector("[data-predict-rules]");
    for (const place of places) prepare(place, JSON.parse(common.dataset.predictRules));
  });
})();
