// Which expert?: excerpts with the expert of each character, after 0 to 800 steps, above the character's favourite expert.
moe.start((live, data) => {
  "use strict";
  const { html, svg, set, slider, choice, button, staying, format, range } = moe;
  const { colours, inks, moments, domains, signs, shares } = data;
  const texts = data.texts.map((text) => [...text]), letters = texts.flat(), length = texts[0].length;
  const layers = data.experts.length, K = colours.length;
  let layer = 0, moment = 0, chosen = 0, pointed = null; // pointed: the character under a mouse

  const experts = () => [...data.experts[layer][moment]].map(Number);
  const proportion = (at) => parseInt(data.proportions[layer][moment].slice(2 * at, 2 * at + 2), 16) / 100;
  const favourite = (letter) => data.favourites[letter][layer]; // its number, and what per cent of the letter it has
  const sign = (letter) => signs[letter] ? signs[letter][0] : letter;
  const name = (letter) => signs[letter] ? signs[letter][1] : `\u201c${letter}\u201d`;
  const domain = (at) => domains[data.domain[Math.floor(at / length)]];
  const times = (count) => ["never", "once", "twice"][count] || `${count} times`;
  const said = (element, words) => { if (element.textContent !== words) element.textContent = words; };

  // The text: each cell holds a character with its expert and, below, the same one with its favourite ---------------------

  const tile = (letter, part) => html("span", { class: "moe-tile", "data-tile": part }, sign(letter));
  const cells = letters.map((letter, at) =>
    html("span", { class: "moe-cell", "data-at": at }, tile(letter, "expert"), tile(letter, "favourite")));
  const lines = texts.map((_, piece) => html("div", { class: "moe-line-of-text", role: "img", "aria-label": "" },
    ...cells.slice(piece * length, (piece + 1) * length)));
  const written = html("div", { class: "moe-text" }, ...lines.flatMap((line, piece) => {
    const first = data.domain[piece] !== data.domain[piece - 1];
    return first ? [html("p", { class: "moe-domain" }, domain(piece * length)), line] : [line];
  }));

  function paint(element, expert) {
    set(element, { "data-expert": expert });
    element.style.background = colours[expert];
    element.style.color = inks[expert];
  }

  function drawText() {
    const now = experts();
    cells.forEach((cell, at) => {
      paint(cell.children[0], now[at]);
      paint(cell.children[1], favourite(letters[at])[0]);
      cell.classList.toggle("moe-other", now[at] !== favourite(letters[at])[0]);
    });
    lines.forEach((line, piece) => {
      const [from, to] = [piece * length, (piece + 1) * length];
      line.setAttribute("aria-label", `${domain(from)}: ${texts[piece].join("").replace(/\s/g, " ")}. Experts: ` +
        `${now.slice(from, to).join("")}. Favourites: ${texts[piece].map((letter) => favourite(letter)[0]).join("")}.`);
    });
    const same = now.filter((expert, at) => expert === favourite(letters[at])[0]).length;
    said(total, `Layer ${layer}, step ${moments[moment]}: ${same} of ${now.length} characters are with the favourite of ` +
      "their character.");
  }

  function drawCharacter() {
    const at = pointed ?? chosen, letter = letters[at], now = experts(), expert = now[at];
    const here = now.filter((_, n) => letters[n] === letter), own = here.filter((one) => one === expert).length;
    const [best, part] = favourite(letter), named = name(letter);
    cells.forEach((cell, n) => {
      cell.classList.toggle("moe-same", letters[n] === letter);
      cell.classList.toggle("moe-chosen", n === at);
    });
    status.setAttribute("aria-live", pointed === null ? "polite" : "off"); // what a mouse only passes is not read out
    said(status, `${named[0].toUpperCase()}${named.slice(1)}, ${domain(at)}, step ${moments[moment]}: expert ${expert}, ` +
      `proportion ${format(proportion(at), 2)}. Favourite: expert ${best}, with ${part} % of it.`);
    said(more, `In these excerpts it comes ${times(here.length)}, ${times(own)} with expert ${expert}.`);
    mark(data.domain[Math.floor(at / length)], expert);
  }

  const found = (event) => {
    const cell = event.target.closest(".moe-cell");
    return cell ? Number(cell.getAttribute("data-at")) : null;
  };
  function point(at) {
    if (at === pointed) return;
    pointed = at;
    drawCharacter();
  }
  written.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") point(found(event)); });
  written.addEventListener("pointerleave", () => point(null));
  written.addEventListener("click", (event) => {
    const at = found(event);
    if (at === null) return;
    go(at);
    character.input.focus({ preventScroll: true }); // so that the arrows go on from here
  });

  // The bars: the share of each expert in each domain ----------------------------------------------------------------------

  const [left, top, wide, high] = [56, 22, 37.5, 40], room = wide - 5;
  const most = Math.max(...shares.flat(2));
  const bars = svg("svg", { viewBox: `0 0 360 ${top + domains.length * high + 4}`, role: "img", "aria-label": "",
    class: "moe-drawing" });
  const frame = svg("rect", { width: wide - 1, height: high - 2, fill: "none", stroke: "#000", "stroke-width": 1.5 });

  const corner = (row, expert) => ({ x: left + expert * wide, y: top + row * high });

  function mark(row, expert) {
    set(frame, { ...corner(row, expert), "data-frame": `${row} ${expert}` });
  }

  function drawBars() {
    const heads = range(K).map((expert) => svg("text", { x: left + expert * wide + 2, y: 15 }, String(expert)));
    const rows = domains.flatMap((one, row) => [
      svg("text", { x: left - 6, y: top + row * high + 22, "text-anchor": "end" }, one),
      ...range(K).flatMap((expert) => {
        const { x, y } = corner(row, expert), share = shares[layer][row][expert];
        return [
          svg("rect", { x: x + 2, y: y + 3, width: room * share / most, height: 14, fill: colours[expert],
            "data-bar": `${row} ${expert}` }),
          svg("text", { x: x + 2, y: y + 31, "data-share": `${row} ${expert}` }, String(share))];
      })]);
    bars.replaceChildren(...heads, ...rows, frame);
    bars.setAttribute("aria-label", `Layer ${layer}, step ${moments[moments.length - 1]}: what per cent of each domain ` +
      `each expert has. ${domains.map((one, row) => `${one}: ${shares[layer][row].join(", ")}`).join("; ")}.`);
    said(head, `Layer ${layer}: what per cent of each domain each expert has, at the end of the training.`);
  }

  // All together -----------------------------------------------------------------------------------------------------------

  function go(to) {
    chosen = Math.min(letters.length - 1, Math.max(0, to));
    character.value = chosen;
    drawCharacter();
  }

  const which = choice({ label: "Layer", name: "layer", options: moe.options(range(layers)), value: layer,
    changed(value) {
      layer = Number(value);
      draw();
    } });
  const step = slider({ label: "Step", name: "step", min: 0, max: moments.length - 1, step: 1, value: moment,
    show: (n) => String(moments[n]), changed(value) {
      moment = value;
      draw();
    } });
  // A screen reader says the name of the character, and then the sentence.
  const character = slider({ label: "Character", name: "character", min: 0, max: letters.length - 1, step: 1, value: chosen,
    show: (at) => name(letters[at]), changed: go });
  character.element.querySelector("output").hidden = true; // the sentence has it
  // Along the text, and to the same place of the excerpt above or below.
  character.input.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -length, ArrowDown: length, PageUp: -length, PageDown: length }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    if (chosen + by >= 0 && chosen + by < letters.length) go(chosen + by);
  });
  step.element.querySelector("output").setAttribute("aria-live", "off"); // the sentences have it

  const status = html("p", { role: "status", class: "moe-said" }), total = html("p", { role: "status" });
  const more = html("p", { class: "moe-more" }), small = { style: "font-size: 0.9em" }, head = html("p", small);
  function draw() {
    drawText();
    drawBars();
    go(chosen);
  }

  live.append(
    html("style", {}, `
.moe-which { container-type: inline-size; }
.moe-text { margin: 0.4rem 0; }
.moe-text .moe-domain { font-size: 0.85em; font-weight: 600; margin: 0.5rem 0 0.1rem; }
.moe-line-of-text { display: grid; grid-template-columns: repeat(32, minmax(0, 1fr)); row-gap: 2px; margin-bottom: 4px;
  font-family: ui-monospace, monospace; }
.moe-cell { display: block; cursor: pointer; border-top: 3px solid transparent; }
.moe-cell.moe-same { border-top-color: currentcolor; }
.moe-cell.moe-chosen { outline: 2px solid currentcolor; outline-offset: 1px; position: relative; z-index: 1; }
.moe-tile { display: block; font-size: 13px; line-height: 15px; text-align: center; white-space: pre; }
.moe-tile::after { content: attr(data-expert); display: block; font-size: 11px; line-height: 12px; }
.moe-tile + .moe-tile { border-top: 3px solid transparent; }
.moe-other .moe-tile + .moe-tile { border-top-color: #fff; }
.moe-which p.moe-said { flex: 1 1 100%; min-height: 3em; margin: 0; }
@container (min-width: 40rem) {
  .moe-line-of-text { grid-template-columns: repeat(64, minmax(0, 1fr)); }
  .moe-which p.moe-said { min-height: 1.5em; }
}
@media (max-width: 599px) {
  .moe-which .moe-slider { flex-basis: 9rem; }
  .moe-which .moe-slider span { flex-basis: auto; }
  .moe-which .moe-slider output { flex-basis: 2rem; }
  .moe-which .moe-stay { gap: 0.1rem 0.8rem; }
  .moe-which .moe-stay :is(button, select) { min-height: 1.9rem; }
  .moe-which p.moe-said { font-size: 0.85em; line-height: 1.3; min-height: 2.6em; }
}`),
    staying(which, step, character, button("Back", () => go(chosen - 1)), button("Next", () => go(chosen + 1)), status),
    more,
    total,
    html("p", small, "Upper row of a line: the text with the expert of each character. Lower row: the same text with the " +
      "favourite expert of each character, which has most of it at the end of the training, in this layer. A white line " +
      "between the two: they differ. A bar above: the same character. Left and right move the character, up and down " +
      "change the excerpt."),
    written,
    html("div", { class: "moe-panels" }, html("div", {}, head, bars)),
    html("p", small, data.source));
  live.classList.add("moe-which");
  draw();

  return () => {
    const at = pointed ?? chosen;
    return { layer, step: moments[moment], chosen: at, letter: letters[at], expert: experts()[at], p: proportion(at),
      favourite: favourite(letters[at]), experts: experts().join("") };
  };
});
