// EM step by step: linear experts on one input, an E step or an M step at a time, and the bound on one of the weights.
moe.start((live, data) => {
  "use strict";
  const { html, svg, slider, choice, number, button, controls, staying, group, range, three, risen, sum, total, dot,
    logSum } = moe;
  const { style, rounds } = data;
  const settings = { ...data.begin };
  let task, model, q, pressed, chosen = 0;

  // The arithmetic of `moe_tutorial.training`: a model has rows [slope, bias] of the experts and of the gate, and variances.

  const at = ([slope, bias], x) => slope * x + bias;
  const logDensity = (d, o, variance) => -0.5 * (Math.log(variance) + (d - o) ** 2 / variance);

  function logProportions(gate, x) {
    const scores = gate.map((row) => at(row, x)), all = logSum(scores);
    return scores.map((score) => score - all);
  }

  const joint = ({ experts, gate, variance }, x, d) => logProportions(gate, x).map((log, k) =>
    log + logDensity(d, at(experts[k], x), variance[k]));

  // L, F and the Kullback-Leibler divergence of q from h, each by a formula of its own.
  function measure(now) {
    let L = 0, F = 0, gap = 0;
    task.x.forEach((x, n) => {
      const logs = joint(now, x, task.d[n]), all = logSum(logs);
      L += all;
      q[n].forEach((share, k) => {
        if (share === 0) return;
        F += share * (logs[k] - Math.log(share));
        gap += share * (Math.log(share) - (logs[k] - all));
      });
    });
    return { L, F, gap };
  }

  // The E step: the guess becomes h.
  function guess() {
    q = task.x.map((x, n) => moe.softmax(joint(model, x, task.d[n])));
  }

  // The M step: experts, variances, and the gate by one Newton step, with q held.
  function fit() {
    const { x, d } = task, { experts } = model;
    const shares = experts.map((_, k) => q.map((row) => row[k]));
    shares.forEach((h, k) => {
      if (sum(h) <= data.empty) return; // there is nothing to fit it to
      experts[k] = leastSquares(x, d, h);
      if (!settings.learned) return;
      const squares = total(x.length, (n) => h[n] * (d[n] - at(experts[k], x[n])) ** 2);
      model.variance[k] = Math.max(data.floor, squares / sum(h));
    });
    model.gate = gateStep(x, model.gate);
  }

  // The line that fits cases of weight h; where they are all at one x, the one of the smallest weights.
  function leastSquares(x, d, h) {
    const all = sum(h), [middle, level] = [dot(h, x) / all, dot(h, d) / all];
    const spread = total(x.length, (n) => h[n] * (x[n] - middle) ** 2);
    const squares = dot(h, x.map((value) => value * value));
    const largest = (squares + all) / 2 + Math.hypot((squares - all) / 2, all * middle);
    if (all * spread / largest <= 1e-12 * largest) {
      const per = level / (1 + middle * middle);
      return [per * middle, per];
    }
    const slope = total(x.length, (n) => h[n] * (x[n] - middle) * d[n]) / spread;
    return [slope, level - slope * middle];
  }

  // A Newton step of all outputs together, halved until Σ q log p does not fall.
  function gateStep(x, gate) {
    const K = gate.length, size = 2 * K;
    const slope = Array(size).fill(0), curvature = range(size).map(() => Array(size).fill(0));
    const value = (rows) => total(x.length, (n) => dot(q[n], logProportions(rows, x[n])));
    x.forEach((input, n) => {
      const p = logProportions(gate, input).map(Math.exp), inputs = [input, 1];
      for (let i = 0; i < size; i++) {
        const k = i >> 1, a = inputs[i & 1];
        slope[i] += (q[n][k] - p[k]) * a;
        for (let j = 0; j < size; j++) {
          const l = j >> 1;
          curvature[i][j] += (k === l ? p[k] - p[k] * p[k] : -p[k] * p[l]) * a * inputs[j & 1];
        }
      }
    });
    // Only differences of scores count, so that some directions have no curvature: the ridge decides them.
    for (let i = 0; i < size; i++) curvature[i][i] += 1e-9 * x.length;
    const step = moe.solved(curvature, slope);
    return moe.climbed(value, gate, (length) =>
      gate.map((row, k) => row.map((weight, a) => weight + length * step[2 * k + a])));
  }

  // Pressing -----------------------------------------------------------------------------------------------------------

  const gapOf = (v) => v >= 0.0005 ? three(v) : v < 1e-9 ? "0" : "below 0.001";

  function begin(words) {
    task = data.tasks.find(({ name }) => name === settings.task);
    const { experts: K, seed, variance } = settings;
    model = { experts: data.starts[seed].slice(0, K).map((row) => [...row]), gate: range(K).map(() => [0, 0]),
      variance: Array(K).fill(variance) };
    q = task.x.map((x) => logProportions(model.gate, x).map(Math.exp));
    pressed = [{ words: "start", ...measure(model) }];
    chosen = Math.min(chosen, K - 1);
    weight.input.replaceChildren(...range(K).map((k) => html("option", { value: k }, `slope of expert ${k}`)));
    weight.value = chosen;
    status.textContent = `${words}: ${task.words}, ${K} experts, seed ${seed}. The guess q is the gate's p.`;
    draw();
  }

  // What a press does, and the sentence that is said of it: `say(before, after)`.
  function press(words, act, say) {
    const before = pressed[pressed.length - 1], [lines, guessed] = [model.experts, q];
    model = { ...model, experts: [...lines], variance: [...model.variance] };
    act();
    const after = { words, ...measure(model) };
    pressed.push(after);
    const moved = Math.max(...model.experts.flatMap((row, k) => row.map((v, a) => Math.abs(v - lines[k][a]))));
    const turned = Math.max(...q.flatMap((row, n) => row.map((v, k) => Math.abs(v - guessed[n][k]))));
    status.textContent = say({ L: after.L - before.L, F: after.F - before.F, moved, turned }, after);
    draw();
  }

  const stepE = () => press("E", guess, (rise, { L }) => rise.turned < 1e-12
    ? "E: nothing changes, for the guess q is h already."
    : `E: the guess q is now h. F has ${risen(rise.F)} and touches L, at ${three(L)}.`);

  const stepM = () => press("M", fit, (rise, { L }) => (rise.moved < 1e-9
    ? "M: the experts stay, for they fit this guess already; only the gate goes on. "
    : "M: experts and gate are fitted to the guess q. ") +
    `F has ${risen(rise.F)}, L has ${risen(rise.L)}, to ${three(L)}.`);

  const stepBoth = () => press(`E, M × ${rounds}`, () => {
    for (let round = 0; round < rounds; round++) {
      guess();
      fit();
    }
  }, (rise, { L }) => `${rounds} times E and M: L has ${risen(rise.L)}, to ${three(L)}.`);

  // The cases and the lines --------------------------------------------------------------------------------------------

  const [width, left, right] = [360, 42, 352]; // as in `moe.axes`
  const edge = 1.05; // a little beyond the cases
  const heights = { fit: 250, bound: 236 };
  const fitParts = moe.framed(width, heights.fit), fitted = fitParts.element;
  const shapes = ["M0 -3.4A3.4 3.4 0 1 1 0 3.4A3.4 3.4 0 1 1 0 -3.4Z", "M0 -4L4 3.4H-4Z", "M-3.2 -3.2H3.2V3.2H-3.2Z"];
  const colours = style.colours.map((hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)));
  const mixed = (shares) => `rgb(${[0, 1, 2].map((channel) =>
    Math.round(sum(shares.map((share, k) => share * colours[k][channel]))))})`;
  const sure = 0.6; // from here on a case counts as one expert's

  const favourite = (shares) => {
    const k = shares.indexOf(Math.max(...shares));
    return shares[k] >= sure ? k : -1;
  };

  function drawFit(p) {
    const [from, to] = task.limits, step = task.x.length > 150 ? 3 : 1; // more marks than these lie on top of each other
    const { parts, x, y } = moe.axes(width, heights.fit,
      { from: -edge, to: edge, ticks: [-1, -0.5, 0, 0.5, 1], label: "x", name: "x" },
      { from, to, ticks: range(to - from + 1).map((v) => from + v).filter((v) => v % 2 === 0), label: "d", name: "d" });
    const cases = range(task.x.length).filter((n) => n % step === 0).map((n) => {
      const mine = favourite(q[n]);
      return svg("path", { transform: `translate(${x(task.x[n])} ${y(task.d[n])})`, fill: mixed(q[n]), "data-case": n,
        "data-mine": mine, d: mine < 0 ? "M-2 0A2 2 0 1 1 2 0A2 2 0 1 1 -2 0Z" : shapes[mine] });
    });
    const lines = model.experts.map((row, k) => svg("line", { x1: x(-edge), x2: x(edge), y1: y(at(row, -edge)),
      y2: y(at(row, edge)), stroke: style.colours[k], "stroke-width": 2.4, "stroke-dasharray": style.dashes[k],
      "data-expert": k }));
    const answer = (n) => dot(p[n], model.experts.map((row) => at(row, task.x[n])));
    const blend = svg("path", { fill: "none", stroke: "#000", "stroke-width": 1.2, class: "moe-blend",
      d: "M" + task.x.map((value, n) => `${x(value)} ${y(answer(n))}`).join("L") });
    // An expert's number stands beside its line, where its cases are: each at a place of its own if they share them.
    const numbers = model.experts.map((row, k) => {
      const all = sum(q.map((shares) => shares[k]));
      const shift = 0.16 * (k - (model.experts.length - 1) / 2);
      const middle = all ? dot(q.map((shares) => shares[k]), task.x) / all : 0;
      const place = Math.min(0.9, Math.max(-0.9, middle + shift));
      const height = Math.min(heights.fit - 46, Math.max(24, y(at(row, place)) - 6));
      return svg("text", { x: x(place), y: height, class: "moe-number", style: `fill: ${style.colours[k]}` }, String(k));
    });
    fitParts.inner.replaceChildren(...cases, ...lines, blend, ...numbers);
    fitParts.outer.replaceChildren(...parts);
    const counts = range(model.experts.length).map((k) => q.filter((shares) => favourite(shares) === k).length);
    fitted.setAttribute("aria-label", `${task.x.length} cases of the task ${task.words}, and the experts' lines. ` +
      model.experts.map((row, k) => `Expert ${k}: slope ${three(row[0])}, bias ${three(row[1])}, variance ` +
        `${Number(model.variance[k].toPrecision(3))}, at least ${sure} of q in ${counts[k]} cases`).join("; ") + ".");
  }

  // Below them, over the same x, what the gate says and what is guessed: bands whose heights add up to 1.
  const bandHeight = 34;
  const bands = svg("svg", { viewBox: `0 0 ${width} ${2 * bandHeight + 18}`, role: "img", "aria-label": "",
    class: "moe-drawing" });

  function drawBands(p) {
    const across = (value) => left + (value + edge) / (2 * edge) * (right - left);
    bands.replaceChildren(...[["p", p], ["q", q]].flatMap(([name, rows], row) => {
      const top = 5 + row * (bandHeight + 8), below = rows.map(() => 0);
      const parts = model.experts.flatMap((_, k) => {
        const lower = [...below];
        rows.forEach((shares, n) => { below[n] += shares[k]; });
        const border = (ends) => ends.map((v, n) =>
          `${across(task.x[n]).toFixed(1)} ${(top + v * bandHeight).toFixed(2)}`);
        const fill = `rgb(${moe.tint(style.colours[k])})`;
        const band = svg("path", { d: `M${[...border(below), ...border(lower).reverse()].join("L")}Z`, fill, stroke: "#555",
          "stroke-width": 0.6, "data-band": name, "data-expert": k });
        const widest = Math.max(...rows.map((shares) => shares[k]));
        if (widest < 0.3) return [band];
        const wide = range(rows.length).filter((n) => rows[n][k] > widest - 0.01), n = wide[wide.length >> 1];
        return [band, svg("text", { x: across(Math.min(0.94, Math.max(-0.94, task.x[n]))),
          y: top + (lower[n] + rows[n][k] / 2) * bandHeight + 4.5, "text-anchor": "middle", "data-number": k,
          style: `fill: ${style.colours[k]}; font-weight: 700; font-size: 13px` }, String(k))];
      });
      return [...parts.filter((part) => part.localName === "path"), ...parts.filter((part) => part.localName === "text"),
        svg("text", { x: left - 10, y: top + bandHeight / 2 + 4, "text-anchor": "end" }, name)];
    }));
    const means = (rows) => range(model.experts.length).map((k) =>
      `expert ${k} ${three(sum(rows.map((shares) => shares[k])) / rows.length)}`).join(", ");
    bands.setAttribute("aria-label", `Over x, as bands: the gate's p, on average ${means(p)}; the guess q, ${means(q)}.`);
  }

  // The bound on one weight --------------------------------------------------------------------------------------------

  const boundParts = moe.framed(width, heights.bound), bounded = boundParts.element;

  // L and F as functions of the slope of one expert, with all else as it is.
  function slices(k) {
    const { x, d } = task, { experts, variance } = model, now = measure(model);
    const rest = x.map((input, n) => logSum(joint(model, input, d[n]).filter((_, i) => i !== k)));
    const logs = x.map((input) => logProportions(model.gate, input)[k]);
    const density = (n, w) => logDensity(d[n], at([w, experts[k][1]], x[n]), variance[k]);
    const own = total(x.length, (n) => q[n][k] * density(n, experts[k][0]));
    return {
      now,
      L: (w) => total(x.length, (n) => logSum([rest[n], logs[n] + density(n, w)])),
      F: (w) => now.F - own + total(x.length, (n) => q[n][k] * density(n, w)),
    };
  }

  // From where to where the weight is drawn, in steps of 2, so that the picture stays where it is for most presses.
  function frame(w, top, bend, L, F) {
    const least = 0.2 * task.x.length;
    let half = 8, found;
    for (;;) {
      const grain = half / 2, middle = half >= 8 && Math.max(Math.abs(w), Math.abs(top)) < 7.5 ? 0
        : Math.round((w + top) / 2 / grain) * grain;
      const values = [...range(121).map((i) => middle - half + i * half / 60), w, top].sort((a, b) => a - b);
      const points = values.filter((v, i) => v !== values[i - 1]).map((v) => [v, L(v), F(v)]);
      const highest = Math.max(...points.map((point) => point[1])), deep = Math.max(highest - F(w), least);
      found = { from: middle - half, to: middle + half, points, high: highest + 0.08 * deep, low: highest - 1.25 * deep };
      if (Math.max(Math.abs(w - middle), Math.abs(top - middle)) > 0.95 * half) half *= 2;
      else if (half > 1 / 16 && Math.abs(w - top) < half / 4 && Math.sqrt(2 * deep / bend) < half / 4) half /= 2;
      else return found;
    }
  }

  // Ticks at round numbers, no more than five.
  function ticks(from, to) {
    const rough = (to - from) / 5, ten = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 5, 10].map((v) => v * ten).find((v) => v >= rough), first = Math.ceil(from / size);
    return range(Math.floor(to / size) - first + 1).map((i) => Number(((first + i) * size).toPrecision(6)));
  }

  function drawBound() {
    const k = chosen, w = model.experts[k][0], { now, L, F } = slices(k);
    const squares = total(task.x.length, (n) => q[n][k] * task.x[n] ** 2);
    const pull = total(task.x.length, (n) => q[n][k] * task.x[n] * (task.d[n] - at(model.experts[k], task.x[n])));
    const top = squares > 1e-6 ? w + pull / squares : w;
    const { from, to, points, high, low } = frame(w, top, Math.max(squares, 1e-6) / model.variance[k], L, F);
    const { parts, x, y } = moe.axes(width, heights.bound,
      { from, to, ticks: ticks(from, to), label: `slope of expert ${k}`, name: "slope" },
      { from: low, to: high, ticks: ticks(low, high), label: "", name: "likelihood" });
    const curve = (column, attributes) => svg("path", { fill: "none", "stroke-width": 2, "stroke-linejoin": "round",
      d: "M" + points.map((point) => `${x(point[0])} ${Math.min(2000, y(point[column]))}`).join("L"), ...attributes });
    const touch = y(now.F) - y(now.L) < 15; // too near for two names
    // The names stand where L is below, if there is room.
    const leftwards = x(w) > 0.85 * width || x(w) > 0.25 * width && L(w + (to - from) / 100) > now.L;
    const side = leftwards ? { dx: -9, "text-anchor": "end" } : { dx: 9 };
    const name = (words, value, shift) => svg("text", { x: x(w), y: Math.max(20, y(value) + shift), ...side,
      "paint-order": "stroke", stroke: "#fff", "stroke-width": 4, style: "font-weight: 600" }, words);
    boundParts.inner.replaceChildren(
      curve(1, { stroke: "#000", "data-curve": "L" }),
      curve(2, { stroke: style.colours[k], "stroke-dasharray": "6 3", "data-curve": "F" }),
      svg("path", { d: `M${x(top)} ${y(F(top)) - 5}v10`, stroke: style.colours[k], "stroke-width": 2.5, "data-top": top }),
      svg("line", { x1: x(w), x2: x(w), y1: y(now.L), y2: y(now.F), stroke: "#555", "stroke-width": 1.2 }),
      svg("circle", { cx: x(w), cy: y(now.L), r: 5, fill: "#fff", stroke: "#000", "stroke-width": 1.8, "data-mark": "L" }),
      svg("circle", { cx: x(w), cy: y(now.F), r: 3, fill: style.colours[k], "data-mark": "F" }),
      ...touch ? [name(now.gap < 1e-9 ? "L = F" : "L, F", now.L, -9)] : [name("L", now.L, -5), name("F", now.F, 12)]);
    boundParts.outer.replaceChildren(...parts);
    bounded.setAttribute("aria-label", `The log likelihood L and its bound F over the slope of expert ${k}, all else as ` +
      `it is. At the present slope, ${three(w)}, L is ${three(now.L)} and F is ${three(now.F)}. F has its top at ` +
      `${three(top)}, where it is ${three(F(top))}.`);
  }

  // All together -------------------------------------------------------------------------------------------------------

  function draw() {
    const p = task.x.map((x) => logProportions(model.gate, x).map(Math.exp));
    drawFit(p);
    drawBands(p);
    drawBound();
    const { L, F, gap } = pressed[pressed.length - 1];
    values.replaceChildren(...[["L", three(L)], ["F", three(F)], ["gap", gapOf(gap)]].map(([name, value]) =>
      html("span", { "data-number": name, style: "white-space: nowrap" }, `${name} = ${value}`)));
    table.show(pressed.map((row) => [row.words, three(row.L), three(row.F), gapOf(row.gap)]));
    legend.replaceChildren(...model.experts.map((_, k) => html("span", {}, svg("svg", { viewBox: "-6 -6 12 12", width: 12,
      height: 12, "aria-hidden": "true" }, svg("path", { d: shapes[k], fill: style.colours[k] })), ` expert ${k}`)),
    html("span", {}, "small: undecided"));
  }

  // Controls -----------------------------------------------------------------------------------------------------------

  const restart = () => begin("A setting was changed, back to the start");
  const [lowest, highest, octave] = data.variances;
  const tasks = choice({ label: "Task", name: "task", options: data.tasks.map(({ name, words }) => [name, words]),
    value: settings.task, changed(name) {
      settings.task = name;
      // As the chapter has the task.
      ({ experts: settings.experts, learned: settings.learned } = data.tasks.find((one) => one.name === name));
      [experts.value, learned.value] = [settings.experts, Number(settings.learned)];
      restart();
    } });
  const experts = choice({ label: "Experts", name: "experts", options: moe.options(data.experts), value: settings.experts,
    changed(value) {
      settings.experts = Number(value);
      restart();
    } });
  const spread = slider({ label: "σ² at first", name: "variance", min: lowest * octave, max: highest * octave, step: 1,
    value: Math.log2(settings.variance) * octave, show: () => three(settings.variance), changed(value) {
      settings.variance = 2 ** (value / octave);
      spread.value = value;
      restart();
    } });
  const learned = choice({ label: "σ²", name: "learned", options: [[0, "is held"], [1, "is fitted by M"]],
    value: Number(settings.learned), changed(value) {
      settings.learned = value === "1";
      restart();
    } });
  const seed = number({ label: `Seed (0 to ${data.starts.length - 1})`, name: "seed", min: 0, max: data.starts.length - 1,
    value: settings.seed, changed(value) {
      settings.seed = value;
      restart();
    } });
  const weight = choice({ label: "Across", name: "slope", options: [], value: 0, changed(value) {
    chosen = Number(value);
    draw();
  } });
  const status = html("p", { role: "status" }), legend = html("p", { class: "moe-legend" });
  const values = html("div", { class: "moe-legend moe-numbers" });
  const table = moe.presses(["L", "F", "gap"]);
  const small = { style: "font-size: 0.9em" };
  const tries = [
    "E twice: the second changes nothing.",
    "M twice: the second leaves the experts where they are. The gate goes on, and F rises; L may fall, for F does not " +
      "touch it now. It does with seed 2 of 4 |x|: E, M, E, M, M.",
    "M before the first E: all experts become one line, and no E parts them again.",
    "4 |x| with σ² = 4: F hugs L less closely, and the two lines take about twice as many rounds.",
    "The zigzag with seed 3, five times both × 10: three lines. With seed 9 it is stuck, from the tenth press on at " +
      "L = \u2212159.2, however often you press. With σ² held at 1 both find the three lines.",
  ];
  live.append(
    group("Settings", controls(tasks, experts, seed), controls(spread, learned)),
    staying(button("E", stepE), button("M", stepM), button(`Both × ${rounds}`, stepBoth),
      button("Start again", () => begin("Back to the start")), values),
    status,
    html("div", { class: "moe-panels" },
      html("div", {}, fitted, bands, legend, html("p", small, "A case has the colours of the experts in the shares of " +
        `the guess q, and the shape of the one that has at least ${sure}. Black: the blend. Below, over x: the gate's p ` +
        "and the guess q.")),
      html("div", {}, controls(weight), bounded, html("p", small, "Black: L. Dashed: the bound F, a stroke at its top. " +
        "All other weights stay as they are. An M step moves them, too, and with them both curves."), table.element)),
    html("p", {}, "Things to try"), html("ul", small, ...tries.map((words) => html("li", {}, words))),
    html("p", small, "L is the log likelihood of all cases without the constant. The gap L − F is the Kullback-Leibler " +
      "divergence of q from h."));
  begin("At the start");

  return () => ({ settings: { ...settings }, chosen, ...model, q, presses: pressed.length - 1, ...measure(model) });
});
