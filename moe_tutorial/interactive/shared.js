// What the interactives share: the start, native controls with labels, the plane of the formants, and the gate's arithmetic.
// Each interactive is a file of its own, which calls `moe.start`. Everything works without a kernel and without a library.
window.moe = (() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  // Build the interactive into the page: `build(live, data, root)` fills `live` and returns an object that tells what is
  // drawn. Called while the script is read, so that the script's own place in the page says which interactive it is.
  function start(build) {
    /** @type {any} */
    const root = document.currentScript.closest(".moe-interactive");
    if (document.getElementById(root.id) !== root) root.id = unique(root.id); // a second one of its kind on the page
    const live = root.querySelector(".moe-live");
    live.replaceChildren();
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    root.drawn = build(live, data, root);
    live.hidden = false;
    root.classList.add("moe-running"); // from here on the picture that stood in for it is for print only
  }

  // Elements ---------------------------------------------------------------------------------------------------------

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  }

  const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
  const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

  // Change attributes of an element that is there.
  function set(element, attributes) {
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  }

  // Controls: each has a visible label, and calls `changed(value)` when the reader changes it ------------------------------

  // The value of a control is what the reader chose or a script set, and the field shows it. A browser that comes back to a
  // page may put an old value into a field without a word, whatever `autocomplete` says; then it is shown anew.
  function held(input, shown = () => {}) {
    let value;
    addEventListener("pageshow", () => { self.value = value; });
    const self = {
      get value() { return value; },
      set value(v) {
        input.value = v;
        value = input.value; // a slider takes its nearest step
        shown();
      },
    };
    return self;
  }

  // A slider that shows its value. `show` makes a text of the value; it is what a screen reader says, too.
  function slider({ label, min, max, step, value, show = (v) => format(v, 2), changed, name }) {
    const shown = html("output");
    const input = html("input", { type: "range", min, max, step, name, autocomplete: "off" });
    const kept = held(input, () => {
      shown.textContent = show(Number(input.value));
      input.setAttribute("aria-valuetext", shown.textContent);
    });
    input.addEventListener("input", () => {
      kept.value = input.value;
      changed(Number(input.value));
    });
    const control = {
      input,
      element: html("label", { class: "moe-slider" }, html("span", {}, label), input, shown),
      get value() { return Number(kept.value); },
      set value(v) { kept.value = v; },
    };
    control.value = value;
    return control;
  }

  // A choice among few: `options` is a list of [value, text].
  function choice({ label, options, value, changed, name }) {
    const input = html("select", { name, autocomplete: "off" },
      ...options.map(([v, text]) => html("option", { value: v }, text)));
    const kept = held(input);
    kept.value = value;
    input.addEventListener("change", () => {
      kept.value = input.value;
      changed(input.value);
    });
    return {
      input,
      element: html("label", { class: "moe-choice" }, html("span", {}, label), input),
      get value() { return kept.value; },
      set value(v) { kept.value = v; },
    };
  }

  // A whole number to type.
  function number({ label, min, max, value, changed, name }) {
    const input = html("input", { type: "number", min, max, step: 1, name, inputmode: "numeric", autocomplete: "off" });
    const kept = held(input);
    kept.value = value;
    input.addEventListener("change", () => {
      // What is not a number, an empty field among it, gives back the last one; what is outside becomes the nearest end.
      const typed = input.value.trim() === "" ? NaN : Number(input.value);
      kept.value = Number.isFinite(typed) ? Math.min(max, Math.max(min, Math.round(typed))) : kept.value;
      changed(Number(kept.value));
    });
    return { input, element: html("label", { class: "moe-choice" }, html("span", {}, label), input),
      get value() { return Number(kept.value); } };
  }

  const button = (text, pressed, attributes = {}) =>
    html("button", { type: "button", onclick: pressed, ...attributes }, text);

  const controls = (...parts) => html("div", { class: "moe-controls" }, ...parts.map((part) => part.element || part));

  // Controls that stay in sight on a phone.
  const staying = (...parts) => {
    const row = controls(...parts);
    row.classList.add("moe-stay");
    return row;
  };

  // A group of controls under a heading of its own.
  const group = (title, ...parts) =>
    html("fieldset", { class: "moe-group" }, html("legend", {}, title), ...parts.map((part) => part.element || part));

  // Values as the options of a choice.
  const options = (values) => values.map((value) => [value, String(value)]);

  // An id that no other element of the page has, however many copies of this script it holds.
  const unique = (name) => {
    window.moeElements = (window.moeElements || 0) + 1;
    return `moe-${name}-${window.moeElements}`;
  };

  // Numbers ----------------------------------------------------------------------------------------------------------

  const range = (count) => [...Array(count).keys()];

  // A number in the typography of the text, with a minus sign that screen readers read as such.
  const format = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0*)?)$/, "$1").replace("-", "\u2212");

  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

  function softmax(scores) {
    const largest = Math.max(...scores);
    const exps = scores.map((s) => Math.exp(s - largest));
    const total = exps.reduce((sum, e) => sum + e, 0);
    return exps.map((e) => e / total);
  }

  const sigmoid = (total) => 1 / (1 + Math.exp(-total));

  // The mixing proportions at one input. `gate` is {weight, bias}, one row an expert.
  const proportions = (gate, x) => softmax(gate.weight.map((w, k) => dot(w, x) + gate.bias[k]));

  // Dragging: calls `moved(point)` with the pointer's place in the drawing's own units, from press to release.
  function draggable(drawing, handle, moved) {
    const place = (event) => {
      const box = drawing.getBoundingClientRect();
      const view = drawing.viewBox.baseVal;
      return [view.x + ((event.clientX - box.left) / box.width) * view.width,
        view.y + ((event.clientY - box.top) / box.height) * view.height];
    };
    handle.style.touchAction = "none";
    handle.style.cursor = "grab";
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      event.preventDefault();
      moved(place(event));
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) moved(place(event));
    });
    return place;
  }

  // The plane of F1 and F2 -------------------------------------------------------------------------------------------

  // The part of a line `weight · x + bias = 0` inside a box [[low, high], [low, high]]: two points, or null.
  function clip(weight, bias, box) {
    const [[left, right], [low, high]] = box;
    const [w1, w2] = weight;
    const points = [];
    if (w2 !== 0) for (const x of [left, right]) points.push([x, -(w1 * x + bias) / w2]);
    if (w1 !== 0) for (const y of [low, high]) points.push([-(w2 * y + bias) / w1, y]);
    const between = (value, from, to) => value >= from - 1e-12 && value <= to + 1e-12;
    const inside = points.filter(([x, y]) => between(x, left, right) && between(y, low, high));
    if (inside.length < 2) return null;
    inside.sort((a, b) => a[1] - b[1] || a[0] - b[0]);
    return [inside[0], inside[inside.length - 1]];
  }

  // The lines p_i = p_j inside a box: {i, j, line, border}. `border` is the part on which i and j have the two largest
  // proportions, or null.
  function gateLines(gate, box) {
    const found = [];
    for (let i = 0; i < gate.bias.length; i++) {
      for (let j = i + 1; j < gate.bias.length; j++) {
        const line = clip(gate.weight[i].map((w, a) => w - gate.weight[j][a]), gate.bias[i] - gate.bias[j], box);
        if (line) found.push({ i, j, line, border: border(gate, i, j, line) });
      }
    }
    return found;
  }

  function border(gate, i, j, line) {
    const score = (k, x) => dot(gate.weight[k], x) + gate.bias[k];
    const others = range(gate.bias.length).filter((k) => k !== i && k !== j);
    return within(line, others.map((k) => (x) => score(i, x) - score(k, x)));
  }

  // The part of a line on which linear functions of the place are all not below 0, or null.
  function within(line, wanted) {
    const [from, to] = line;
    let [begin, end] = [0, 1]; // along the line
    for (const score of wanted) {
      const a = score(from), b = score(to);
      if (a < 0 && b < 0) return null;
      if (a < 0) begin = Math.max(begin, a / (a - b));
      else if (b < 0) end = Math.min(end, a / (a - b));
    }
    const at = (t) => from.map((value, axis) => value + t * (to[axis] - value));
    return begin < end ? [at(begin), at(end)] : null;
  }

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const tint = (hex) => rgb(hex).map((channel) => 0.25 * channel + 0.75 * 255);

  // The two axes of a drawing `width` by `height`: their parts, `x` and `y`, which turn values into the drawing's units, and
  // `at`, which turns its units into values. An axis is {from, to, ticks, label, name}; `free` is left free at the right.
  const edge = { left: 42, right: 8, top: 8, bottom: 40 };
  function axes(width, height, across, up, free = edge.right) {
    const [left, right, top, bottom] = [edge.left, width - free, edge.top, height - edge.bottom];
    const scale = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);
    const x = scale(across.from, across.to, left, right), y = scale(up.from, up.to, bottom, top);
    const back = [scale(left, right, across.from, across.to), scale(bottom, top, up.from, up.to)];
    const parts = [svg("path", { d: `M${left} ${top}V${bottom}H${right}`, fill: "none", stroke: "#000" }),
      svg("text", { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, across.label),
      svg("text", { x: 12, y: (top + bottom) / 2, "text-anchor": "middle",
        transform: `rotate(-90 12 ${(top + bottom) / 2})` }, up.label)];
    const written = (value) => String(value).replace("-", "\u2212");
    for (const value of across.ticks) {
      parts.push(svg("line", { x1: x(value), x2: x(value), y1: bottom, y2: bottom + 4, stroke: "#000" }),
        svg("text", { x: x(value), y: bottom + 17, "text-anchor": x(value) > width - 22 ? "end" : "middle",
          [`data-${across.name}`]: value }, written(value)));
    }
    for (const value of up.ticks) {
      parts.push(svg("line", { x1: left - 4, x2: left, y1: y(value), y2: y(value), stroke: "#000" }),
        svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end", [`data-${up.name}`]: value }, written(value)));
    }
    return { parts, x, y, at: ([u, v]) => [back[0](u), back[1](v)] };
  }

  // A drawing with axes: what is put into `inner` is cut off at them, and the axes' parts go into `outer`.
  function framed(width, height) {
    const id = unique("clip"), [inner, outer] = [svg("g", { "clip-path": `url(#${id})` }), svg("g")];
    const inside = { x: edge.left, y: edge.top, width: width - edge.left - edge.right,
      height: height - edge.top - edge.bottom };
    return { inner, outer, inside, element: svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "",
      class: "moe-drawing" }, svg("clipPath", { id }, svg("rect", inside)), inner, outer) };
  }

  // Draw errors over epochs: a dotted line at the criterion and a path for each of `curves`, {points, ...attributes} with
  // points [epoch, error]. An axis is as for `axes`. Returns the axes.
  function errorCurves(drawing, height, across, up, criterion, curves, free) {
    const made = axes(360, height, { label: "epoch", name: "epoch", from: 0, ...across },
      { label: "mean squared error", name: "error", from: 0, ...up }, free);
    const { x, y } = made, level = y(criterion);
    drawing.replaceChildren(...made.parts,
      svg("line", { x1: x(0), x2: x(across.to), y1: level, y2: level, stroke: "#555", "stroke-dasharray": "2 3",
        class: "moe-criterion" }),
      ...curves.map(({ points, ...attributes }) => svg("path", { fill: "none", "stroke-width": 2, "stroke-linejoin": "round",
        d: "M" + points.map(([epoch, error]) => `${x(epoch)} ${y(error)}`).join("L"),
        ...attributes })));
    return made;
  }

  // A drawing of the plane with its axes: `x` and `y` turn kHz into its units, `at` turns its units into kHz. `paint`
  // colours the ground; `under` holds lines below the cases, `over` what lies above them. `style` comes from `plots`.
  function plane(style, label) {
    const [width, height] = [360, 330];
    const box = [style.f1, style.f2];
    const [across, up] = ["F1 (kHz)", "F2 (kHz)"].map((name, axis) =>
      ({ from: box[axis][0], to: box[axis][1], ticks: style.ticks[axis], label: name, name: `f${axis + 1}` }));
    const { parts, x, y, at } = axes(width, height, across, up);
    const { element: drawing, inner, outer, inside } = framed(width, height);
    set(drawing, { "aria-label": label });
    const ground = svg("image", { ...inside, preserveAspectRatio: "none" });
    const [under, cases, numbers, over] = [0, 0, 0, 0].map(() => svg("g"));
    inner.append(ground, under, cases, numbers, over);
    outer.append(...parts);
    /** @type {any} */
    const self = { element: drawing, box, x, y, under, over, at };

    // The cases: `inputs` is a list of [F1, F2], `vowels` a list of codes.
    self.showCases = (inputs, vowels) => cases.replaceChildren(...inputs.map(([f1, f2], n) => {
      const [shape, filled] = style.markers[vowels[n]];
      const paint = { fill: filled ? "#777" : "#fff", stroke: "#333", "stroke-width": 0.8 };
      const [u, v] = [x(f1), y(f2)];
      return shape === "o" ? svg("circle", { cx: u, cy: v, r: 2.6, ...paint })
        : svg("path", { d: `M${u} ${v - 3}l3 5.4h-6z`, ...paint });
    }));

    // Colour the ground: `colour(x)` gives [red, green, blue] at an input, on a grid of `steps` by `steps`.
    const canvas = html("canvas");
    self.paint = (colour, steps = 80) => {
      canvas.width = canvas.height = steps;
      const pixels = new ImageData(steps, steps);
      for (let row = 0; row < steps; row++) {
        const f2 = style.f2[1] - ((row + 0.5) / steps) * (style.f2[1] - style.f2[0]);
        for (let column = 0; column < steps; column++) {
          const f1 = style.f1[0] + ((column + 0.5) / steps) * (style.f1[1] - style.f1[0]);
          pixels.data.set([...colour([f1, f2]), 255], 4 * (row * steps + column));
        }
      }
      canvas.getContext("2d").putImageData(pixels, 0, 0);
      ground.setAttribute("href", canvas.toDataURL());
    };

    // The gate's ground: the experts' light colours, mixed in its proportions, and in the middle of the region where an
    // expert has the largest one its number.
    self.paintGate = (gate, steps) => {
      const tints = gate.bias.map((_, k) => tint(style.colours[k]));
      const unbiased = [...gate.weight.flat(), ...gate.bias].every((value) => value === 0); // nobody has the largest share
      const regions = gate.bias.map(() => [0, 0, 0]);
      self.paint((input) => {
        const p = proportions(gate, input);
        const region = regions[p.indexOf(Math.max(...p))];
        [1, ...input].forEach((value, part) => { region[part] += value; });
        return [0, 1, 2].map((channel) => p.reduce((sum, share, k) => sum + share * tints[k][channel], 0));
      }, steps);
      numbers.replaceChildren(...regions.flatMap(([points, f1, f2], k) => points === 0 || unbiased ? [] : [
        svg("text", { x: x(f1 / points), y: y(f2 / points) + 6, class: "moe-number", style: `fill: ${style.colours[k]}`,
          "data-expert": k }, String(k))]));
    };

    // The lines p_i = p_j: thin, and thick where the two have the largest proportions. Returns what `gateLines` found.
    self.showGateLines = (gate) => {
      const lines = gateLines(gate, box);
      const draw = ({ i, j }, [from, to], paint) =>
        svg("line", { x1: x(from[0]), y1: y(from[1]), x2: x(to[0]), y2: y(to[1]), "data-pair": `${i} ${j}`, ...paint });
      const [thin, thick] = [{ stroke: "#888", "stroke-width": 0.7, class: "moe-line" },
        { stroke: "#000", "stroke-width": 1.8, class: "moe-border" }];
      under.replaceChildren(...lines.map((pair) => draw(pair, pair.line, thin)),
        ...lines.filter((pair) => pair.border).map((pair) => draw(pair, pair.border, thick)));
      return lines;
    };

    // A decision line in an expert's colour and style; nothing where it lies outside. Returns the element or null.
    self.decisionLine = (weight, bias, expert, attributes = {}) => {
      const line = clip(weight, bias, box);
      if (!line) return null;
      const [from, to] = line;
      return svg("line", { x1: x(from[0]), y1: y(from[1]), x2: x(to[0]), y2: y(to[1]), stroke: style.colours[expert],
        "stroke-dasharray": style.dashes[expert], "stroke-width": 2.2, "data-expert": expert, class: "moe-decision",
        ...attributes });
    };
    return self;
  }

  // What the markers mean, as a line of text with small pictures; `names` maps vowel codes to what they are called.
  function legend(style, names) {
    return html("p", { class: "moe-legend" }, ...Object.entries(names).map(([vowel, name]) => {
      const [shape, filled] = style.markers[vowel];
      const paint = { fill: filled ? "#777" : "#fff", stroke: "#333" };
      const mark = shape === "o" ? svg("circle", { cx: 7, cy: 7, r: 4.5, ...paint })
        : svg("path", { d: "M7 2l5 9.5h-10z", ...paint });
      const picture = svg("svg", { viewBox: "0 0 14 14", width: 14, height: 14, "aria-hidden": "true" }, mark);
      return html("span", {}, picture, ` ${name}`);
    }));
  }

  // Bars of values from 0 to 1, one for each expert, in one or two rows: `show({p: […], h: […]})` draws them.
  function bars(style, experts, rows, label) {
    const [width, left, rowHeight] = [360, 62, 22];
    const height = experts * rows.length * rowHeight + (experts - 1) * 6 + 8;
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label,
      class: "moe-drawing" });
    const room = width - left - 50;
    const made = [];
    for (let k = 0; k < experts; k++) {
      rows.forEach((row, at) => {
        const top = 4 + k * (rows.length * rowHeight + 6) + at * rowHeight;
        const rect = svg("rect", { x: left, y: top + 2, height: rowHeight - 4, width: 0, fill: style.colours[k],
          "data-expert": k, "data-row": row, "fill-opacity": at ? 0.55 : 1 });
        const text = svg("text", { x: left, y: top + 15 });
        made.push({ k, row, rect, text });
        drawing.append(svg("text", { x: left - 6, y: top + 15, "text-anchor": "end" },
          at ? row : rows.length > 1 ? `${k}  ${row}` : `expert ${k}`), rect, text);
      });
    }
    return {
      element: drawing,
      room,
      show(values) {
        for (const { k, row, rect, text } of made) {
          set(rect, { width: room * values[row][k] });
          text.setAttribute("x", left + room * values[row][k] + 5);
          text.textContent = format(values[row][k], 3);
        }
        drawing.setAttribute("aria-label", `${label}: ` + rows.map((row) =>
          values[row].map((v, k) => `${row} of expert ${k} ${format(v, 3)}`).join(", ")).join("; "));
      },
    };
  }

  // Whether the reader has asked for less motion.
  const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

  return { start, html, svg, set, slider, choice, number, button, controls, staying, group, options, unique, range, format,
    dot, softmax, sigmoid, proportions, draggable, clip, within, axes, framed, errorCurves, plane, legend, bars, calm,
    tint };
})();
