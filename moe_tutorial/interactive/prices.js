// Prices: fixed scores, biases by the sign rule a step at a time; the loads level, and the dual falls onto BASE's score.
moe.start((live, data) => {
  "use strict";
  const { html, svg, set, slider, choice, button, controls, staying, group, range, format } = moe;
  const { style, scores, experts: K, unit, rates, steps, best } = data;
  const N = scores.length / K, even = N / K;
  const settings = { ...data.begin };
  let step = 0, playing = false;

  // The arithmetic of `moe_tutorial.sparse`, in whole numbers of 1 / unit: sums are exact, and at a tie the first has it.

  function chosen(bias) {
    const load = Array(K).fill(0);
    let total = 0;
    for (let row = 0; row < scores.length; row += K) {
      let most = scores[row] + bias[0], favourite = 0;
      for (let k = 1; k < K; k++) {
        const value = scores[row + k] + bias[k];
        if (value > most) [most, favourite] = [value, k];
      }
      load[favourite] += 1;
      total += most;
    }
    return { load, dual: total - even * bias.reduce((sum, b) => sum + b, 0) };
  }

  function follow(u) {
    let bias = Array(K).fill(0);
    return range(steps + 1).map(() => {
      const now = { bias, ...chosen(bias) };
      bias = bias.map((b, k) => b + u * Math.sign(even - now.load[k]));
      return now;
    });
  }

  const runs = [1, -1].map((sign) => rates.map((u) => follow(sign * u)));
  const run = () => runs[Number(settings.wrong)][settings.rate];

  const two = (value) => format(value / unit, 2);
  const ends = (values) => [Math.min(...values), Math.max(...values)];

  // Where the rule is, in a sentence.
  function sentence({ load, dual }) {
    const above = two(dual - best), [least, most] = ends(load);
    const value = dual === best ? `BASE's score, ${two(best)}`
      : `${two(dual)}, ${above === "0.00" ? "less than 0.01" : above} above BASE's ${two(best)}`;
    return `Step ${step}${settings.wrong ? ", wrong sign" : ""}: the dual is ${value}; ` +
      (least === most ? `every load is ${least}.` : `loads ${least} to ${most}.`);
  }

  // Bars of the loads, with the line N / K and the prices beside them -----------------------------------------------------

  const [from, room, head, rowHeight] = [62, 200, 24, 25], bottom = head + K * rowHeight;
  const fullest = Math.max(...runs.flat(2).map(({ load }) => Math.max(...load))); // the same for every run
  const across = (cases) => from + room * cases / fullest;
  const halo = { "paint-order": "stroke", stroke: "#fff", "stroke-width": 3 };
  const bars = svg("svg", { viewBox: `0 0 360 ${bottom + 6}`, role: "img", "aria-label": "", class: "moe-drawing" },
    svg("text", { x: across(even), y: 14, "text-anchor": "middle" }, `N/K = ${even}`),
    svg("text", { x: 352, y: 14, "text-anchor": "end" }, "price \u2212b"));
  const rows = range(K).map((k) => {
    const top = head + k * rowHeight, middle = { y: top + 16 };
    return { bar: svg("rect", { x: from, y: top + 3, height: rowHeight - 6, fill: style.colours[k], "data-expert": k }),
      name: svg("text", { x: from - 6, "text-anchor": "end", ...middle }, `expert ${k}`),
      load: svg("text", { ...middle, ...halo, "data-load": k }),
      price: svg("text", { x: 352, "text-anchor": "end", ...middle, "data-price": k }) };
  });
  bars.append(...rows.flatMap(({ bar, name }) => [bar, name]),
    svg("line", { x1: across(even), x2: across(even), y1: head - 4, y2: bottom + 2, stroke: "#000",
      "stroke-dasharray": "5 3", "data-even": even }),
    ...rows.flatMap(({ load, price }) => [load, price]));

  function drawBars({ load, bias }) {
    const prices = bias.map((b) => two(0 - b));
    rows.forEach((row, k) => {
      set(row.bar, { width: across(load[k]) - from });
      set(row.load, { x: across(load[k]) + 5 });
      row.load.textContent = String(load[k]);
      row.price.textContent = prices[k];
    });
    bars.setAttribute("aria-label", `Loads beside N/K = ${even}, and prices, minus the biases: ` +
      load.map((cases, k) => `expert ${k} has ${cases} and costs ${prices[k]}`).join(", ") + ".");
  }

  // The dual over the steps; a pointer over it chooses the step -----------------------------------------------------------

  const height = bottom + 6, framed = moe.framed(360, height);
  /** @type {any} */
  const curve = framed.element;
  let graph;

  // Ticks at round numbers, no more than six.
  function ticks(low, high) {
    const rough = (high - low) / 5, ten = 10 ** Math.floor(Math.log10(rough));
    const size = [1, 2, 5, 10].map((v) => v * ten).find((v) => v >= rough), first = Math.ceil(low / size);
    return range(Math.floor(high / size) - first + 1).map((i) => Number(((first + i) * size).toPrecision(6)));
  }

  function drawCurve({ dual }) {
    const values = run().map((one) => one.dual / unit), level = best / unit;
    const highest = Math.max(...values), size = Math.max(highest - level, 1e-3);
    const [low, high] = [level - 0.14 * size, highest + 0.06 * size];
    const grain = highest < 10000 ? 1 : 1000; // there is room for four digits
    graph = moe.axes(360, height,
      { from: 0, to: steps, ticks: range(5).map((i) => i * steps / 4), label: "step", name: "step" },
      { from: low / grain, to: high / grain, ticks: ticks(low / grain, high / grain), label: "", name: "dual" });
    const { parts, x } = graph, y = (value) => graph.y(value / grain);
    const path = (points, attributes) => svg("path", { fill: "none", "stroke-linejoin": "round",
      d: "M" + points.map((value, t) => `${x(t)} ${y(value).toFixed(2)}`).join("L"), ...attributes });
    // The name of the curve stands where the curve is not.
    const named = settings.wrong ? { x: x(0) + 8 } : { x: x(steps) - 4, "text-anchor": "end" };
    framed.inner.replaceChildren(
      svg("line", { x1: x(0), x2: x(steps), y1: y(level), y2: y(level), stroke: "#000", "stroke-dasharray": "5 3",
        "data-base": level }),
      path(values, { stroke: "#999", "stroke-width": 1.2 }),
      path(values.slice(0, step + 1), { stroke: style.colours[0], "stroke-width": 2.5, "data-curve": "dual" }),
      svg("text", { x: x(0) + 8, y: y(level) + 14 }, `BASE ${two(best)}`),
      svg("text", { ...named, y: 22, "data-name": "dual" }, grain === 1 ? "dual D(b)" : "dual D(b), thousands"));
    framed.outer.replaceChildren(...parts,
      svg("circle", { cx: x(step), cy: y(dual / unit), r: 5, fill: "#fff", stroke: style.colours[0], "stroke-width": 2.5,
        "data-mark": step }));
    curve.setAttribute("aria-label", `The dual over ${steps} steps, from ${format(values[0], 2)} to ` +
      `${format(values[steps], 2)}; at step ${step} it is ${two(dual)}. A dashed line is at BASE's score, ${two(best)}.`);
  }

  // Up and down a finger scrolls the page. A pointer that only passes changes nothing.
  curve.style.touchAction = "pan-y";
  curve.style.cursor = "ew-resize";
  for (const kind of ["pointerdown", "pointermove"]) {
    curve.addEventListener(kind, ({ clientX, buttons }) => {
      if (buttons === 0) return;
      const box = curve.getBoundingClientRect();
      go(Math.round(graph.at([(clientX - box.left) / box.width * 360, 0])[0]));
    });
  }

  // All together -------------------------------------------------------------------------------------------------------

  function show(to) {
    step = Math.min(steps, Math.max(0, to));
    const now = run()[step];
    place.value = step;
    drawBars(now);
    drawCurve(now);
    said.textContent = sentence(now);
    const u = rates[settings.rate] / unit;
    rule.textContent = `b \u2190 b ${settings.wrong ? "\u2212" : "+"} ${u} · sign(${even} \u2212 load)`;
  }

  // Playing: sixteen steps a second, or ten steps at once every second for readers who have asked for less motion. Only
  // where it ends is read out.
  function play() {
    if (playing) return go(step);
    playing = true;
    player.textContent = "Pause";
    said.setAttribute("aria-live", "off");
    if (step === steps) show(0);
    let last = performance.now();
    requestAnimationFrame(function tick(now) {
      if (!playing) return;
      const calm = moe.calm();
      if (now - last >= (calm ? 1000 : 60)) {
        last = now;
        const to = step + (calm ? 10 : 1);
        if (to >= steps) return go(steps);
        show(to);
      }
      requestAnimationFrame(tick);
    });
  }

  function go(to) {
    playing = false;
    player.textContent = "Play";
    said.setAttribute("aria-live", "polite");
    show(to);
  }

  // Controls: another rule begins from biases of 0, too, and is shown at the same step -------------------------------------

  const rate = choice({ label: "Step size u", name: "rate", options: rates.map((u, i) => [i, String(u / unit)]),
    value: settings.rate, changed(value) {
      settings.rate = Number(value);
      go(step);
    } });
  const sign = choice({ label: "Sign", name: "sign", options: [[0, "right"], [1, "wrong"]], value: Number(settings.wrong),
    changed(value) {
      settings.wrong = value === "1";
      go(step);
    } });
  const place = slider({ label: "step", name: "step", min: 0, max: steps, step: 1, value: 0, show: String, changed: go });
  place.element.querySelector("output").setAttribute("aria-live", "off"); // the sentence says the step
  const player = button("Play", play);
  const said = html("p", { role: "status" }), rule = html("span", { class: "moe-rule" });
  live.append(
    group("The rule", controls(rate, sign, rule)),
    staying(place, button("Back", () => go(step - 1)), button("Next", () => go(step + 1)), player,
      button("Reset", () => go(0))),
    said,
    html("div", { class: "moe-panels" }, html("div", {}, bars), html("div", {}, curve)),
    html("p", { style: "font-size: 0.9em" }, `Bars: how many of the ${N} cases each expert has. Its price is \u2212b, the ` +
      "bias with its sign turned. The curve: the dual D(b). BASE: the largest sum of scores with N/K cases an expert."));
  go(0);

  return () => {
    const { load, bias, dual } = run()[step];
    return { ...settings, step, playing, load, price: bias.map((b) => (0 - b) / unit), dual: dual / unit,
      above: (dual - best) / unit };
  };
});
