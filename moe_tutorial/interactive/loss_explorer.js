// The loss explorer: one desired output, a few experts on a line, and where each of the three losses pushes every output.
moe.start((live, data) => {
  "use strict";
  const { html, svg, set, slider, choice, button, controls, group, format, dot } = moe;
  const { style, ends: [low, high], variances } = data;
  const K = data.o.length;
  const experts = moe.range(K);
  const fresh = () => ({ chosen: 0, d: data.d, o: [...data.o], p: [...data.p], variance: data.variance });
  let now = fresh();

  // The arithmetic of `moe_tutorial.losses`, for one case and one output.

  function losses({ d, o, p, variance }) {
    const y = dot(p, o);
    const squared = o.map((v) => (d - v) ** 2);
    // The logarithm of a proportion of 0 is -Infinity, and its exponential 0: such an expert has no part in the case.
    const joint = p.map((share, i) => Math.log(share) - 0.5 * squared[i] / variance);
    const largest = Math.max(...joint);
    const h = moe.softmax(joint);
    return { y, h, errors: [(d - y) ** 2, dot(p, squared),
      0.5 * Math.log(variance) - largest - Math.log(joint.reduce((sum, s) => sum + Math.exp(s - largest), 0))],
    // Descent moves an output against the gradient.
    forces: [p.map((share) => 2 * share * (d - y)), p.map((share, i) => 2 * share * (d - o[i])),
      h.map((share, i) => share * (d - o[i]) / variance)] };
  }

  // Proportion k becomes v; the others keep their ratio, or share equally where they were all 0.
  function mix(p, k, v) {
    const others = p.reduce((sum, share, i) => sum + (i === k ? 0 : share), 0);
    return p.map((share, i) => i === k ? v : others > 0 ? share * (1 - v) / others : (1 - v) / (K - 1));
  }

  // The slider of the variance counts steps of equal ratio; two digits of a variance are kept, so that 1 is among them.
  const [smallest, greatest, steps] = variances;
  const varianceAt = (step) => Number((smallest * (greatest / smallest) ** (step / steps)).toPrecision(2));
  const stepOf = (variance) => steps * Math.log(variance / smallest) / Math.log(greatest / smallest);

  const three = (v) => format(v, 3);
  const signed = (v) => (Number(v.toFixed(3)) > 0 ? "+" : "") + three(v);
  const way = (v) => v > 0 ? "to the right" : "to the left";

  // The number line.

  const rowHeight = 24, ground = 34 + K * rowHeight; // each expert has a height of its own, so that none hides another
  const x = (v) => 20 + (v - low) * 320 / (high - low);
  const line = svg("svg", { viewBox: `0 0 360 ${ground + 44}`, role: "img", "aria-label": "", class: "moe-drawing" },
    svg("path", { d: `M${x(low)} ${ground}H${x(high)}`, stroke: "#000" }));
  for (let v = low; v <= high; v++) {
    line.append(svg("path", { d: `M${x(v)} ${ground}v4`, stroke: "#000" }),
      svg("text", { x: x(v), y: ground + 17, "text-anchor": "middle" }, format(v, 0)));
  }
  const room = (height) => svg("rect", { x: -20, y: -height / 2, width: 40, height, fill: "#fff", "fill-opacity": 0.01 });
  const blend = svg("g", { "data-mark": "y" },
    svg("path", { d: `M0 22V${ground + 24}`, stroke: "#555", "stroke-width": 1.5, "stroke-dasharray": "2 2.5" }),
    svg("text", { y: ground + 37, "text-anchor": "middle" }, "blend y"));
  const target = svg("g", { "data-mark": "d" },
    svg("path", { d: `M0 13V${ground}`, stroke: "#000", "stroke-width": 1.5, "stroke-dasharray": "6 3" }),
    svg("g", { transform: "translate(0 13)" }, room(rowHeight), svg("path", { d: "M0 -9L9 0L0 9L-9 0Z" })),
    svg("text", { y: 17 }, "d"));
  const marks = experts.map((k) => svg("g", { "data-expert": k },
    svg("path", { d: `M0 0V${ground - 36 - k * rowHeight}`, stroke: style.colours[k], "stroke-width": 1.8,
      "stroke-dasharray": style.dashes[k] }),
    room(rowHeight), svg("circle", { r: 9.5, fill: "#fff", stroke: style.colours[k], "stroke-width": 3 }),
    svg("text", { y: 4.5, "text-anchor": "middle" }, String(k))));
  line.append(blend, target, ...marks);
  const placed = (place) =>
    Math.min(high, Math.max(low, Math.round((low + (place[0] - 20) * (high - low) / 320) * 20) / 20));
  moe.draggable(line, target, (place) => change(() => { now.d = placed(place); }));
  marks.forEach((mark, k) => moe.draggable(line, mark, (place) => change(() => {
    now.chosen = k;
    now.o[k] = placed(place);
  })));

  // The bars of p and h, with a handle at the end of each bar of p.

  const chart = moe.bars(style, K, ["p", "h"], "Proportions");
  const bars = [...chart.element.querySelectorAll("[data-row=p]")];
  const from = Number(bars[0].getAttribute("x"));
  const grips = experts.map((k) => svg("g", { "data-grip": k },
    svg("rect", { x: -12, y: -11, width: 24, height: 22, fill: "#fff", "fill-opacity": 0.01 }),
    svg("path", { d: "M0 -11V11", stroke: "#000", "stroke-width": 3 })));
  chart.element.append(...grips);
  grips.forEach((grip, k) => moe.draggable(chart.element, grip, ([u]) => change(() => {
    now.chosen = k;
    now.p = mix(now.p, k, Math.min(1, Math.max(0, Math.round((u - from) / chart.room * 100) / 100)));
  })));

  // The three losses.

  // Across, a panel is measured in per cent of its width, so that letters keep their size. The outputs lie between 24 and
  // 76 %; the panel's largest force is an arrow 20 % long, the others are in proportion.
  const across = (v) => 24 + (v - low) * 52 / (high - low);
  const per = (v) => `${v}%`;
  const bold = "font-weight: 700";
  const panels = [["eq. 1.1", "force 2 p (d \u2212 y)"], ["eq. 1.2", "force 2 p (d \u2212 o)"],
    ["eq. 1.3", "force h (d \u2212 o) / \u03c3\u00b2"]].map(([name, formula], number) => {
    const top = 78, row = 36, bottom = top + K * row;
    const error = svg("text", { x: "98%", y: 17, "text-anchor": "end", style: bold, "data-error": name });
    const hardest = svg("text", { x: "2%", y: 53, style: bold, "data-hardest": name });
    const vertical = (mark, dash) => [svg("line", { y1: top - 6, y2: bottom, stroke: "#555", "stroke-width": 1.2,
      "stroke-dasharray": dash, "data-line": mark }), svg("text", { y: top - 8 }, mark)];
    const verticals = [vertical("d", "6 3"), ...number ? [] : [vertical("y", "2 2.5")]];
    const rows = experts.map((k) => {
      const [y, colour] = [top + k * row, style.colours[k]];
      const middle = y + 25;
      const made = {
        back: svg("rect", { x: 0, y, width: "100%", height: row, fill: `rgb(${moe.tint(colour)})`, "data-back": k }),
        tick: svg("line", { y1: middle - 8, y2: middle + 8, stroke: colour, "stroke-width": 3, "data-tick": k }),
        shaft: svg("line", { y1: middle, y2: middle, stroke: colour, "stroke-width": 2.5, "data-arrow": k }),
        head: svg("path", { d: "M0 0L-8 -5V5Z", fill: colour, "data-head": k }), // its tip is the arrow's end
        text: svg("text", { x: "98%", y: y + 14, "text-anchor": "end", "data-force": k }),
      };
      made.tip = svg("svg", { y: middle, overflow: "visible" }, made.head);
      made.parts = [made.back, svg("line", { x1: "24%", x2: "76%", y1: middle, y2: middle, stroke: "#aaa" }),
        svg("text", { x: "1%", y: y + 14 }, `expert ${k}`), made.text, made.tick, made.shaft, made.tip];
      return made;
    });
    const ticks = [low, (low + high) / 2, high].map((v) => svg("text", { x: per(across(v)), y: bottom + 15,
      "text-anchor": "middle" }, format(v, 0)));
    const element = svg("svg", { role: "img", "aria-label": "", class: "moe-drawing", "data-loss": name,
      style: `height: ${bottom + 22}px` },
    svg("text", { x: "2%", y: 17, style: bold }, name), error,
    svg("text", { x: "2%", y: 35 }, formula), hardest,
    ...rows.map((made) => made.parts[0]), ...verticals.flat(), ...rows.flatMap((made) => made.parts.slice(1)), ...ticks);

    function show({ y, errors, forces }) {
      const pushes = forces[number];
      const largest = Math.max(...pushes.map(Math.abs));
      const pushed = pushes.map((force) => Number(force.toFixed(3)) !== 0);
      // Those that print the same number as the largest force are pushed as hard.
      const first = experts.filter((k) => pushed[k] && Math.abs(pushes[k]).toFixed(3) === largest.toFixed(3));
      rows.forEach(({ back, tick, shaft, tip, head, text }, k) => {
        const share = pushed[k] ? pushes[k] / largest : 0;
        const [begin, end] = [across(now.o[k]), across(now.o[k]) + 20 * share];
        set(back, { "fill-opacity": first.includes(k) ? 1 : 0 });
        set(tick, { x1: per(begin), x2: per(begin) });
        set(shaft, { x1: per(begin), x2: per(end - share) }); // it ends inside the head
        set(tip, { x: per(end) });
        const size = Math.min(1, 5 * Math.abs(share)); // a head is no longer than its arrow
        set(head, { transform: `scale(${Math.sign(share) * size} ${size})` });
        for (const part of [shaft, tip]) set(part, { visibility: share ? "visible" : "hidden" });
        text.textContent = signed(pushes[k]);
        text.style.fontWeight = first.includes(k) ? 700 : 400;
      });
      const places = { d: now.d, y };
      verticals.forEach(([mark, label], at) => {
        const place = per(across(places[mark.dataset.line]));
        set(mark, { x1: place, x2: place });
        // The two letters stand away from each other.
        set(label, { x: place, ...number ? { "text-anchor": "middle" }
          : (at === 0) === (now.d <= y) ? { "text-anchor": "end", dx: -1 } : { "text-anchor": "start", dx: 1 } });
      });
      error.textContent = `E = ${three(errors[number])}`;
      const same = new Set(first.map((k) => Math.sign(pushes[k]))).size === 1;
      hardest.textContent = first.length === 0 ? "no expert is pushed"
        : first.length === 1 ? `hardest: expert ${first[0]}, ${way(pushes[first[0]])}`
        : first.length === K && same ? `all alike, ${way(pushes[0])}`
        : first.length > 4 ? `hardest: ${first.length} experts alike`
        : `hardest: ${first.map((k) => `${k} ${pushes[k] > 0 ? "\u2192" : "\u2190"}`).join(", ")}`;
      element.setAttribute("aria-label", `Forces by ${name}; E is ${three(errors[number])}. ` + pushes.map((force, k) =>
        `Expert ${k} at ${three(now.o[k])}: ` + (pushed[k] ? `${three(Math.abs(force))} ${way(force)}` : "not pushed") +
        (first.includes(k) ? ", hardest" : "")).join("; ") + ".");
    }
    return { element, show };
  });

  // On a phone the panels are far below what is dragged.
  const summary = html("p", { class: "moe-narrow", "aria-hidden": "true" });

  // All numbers.

  const body = html("tbody");
  const names = ["expert", "o", "p", "h", "1.1", "1.2", "1.3"];
  const table = html("div", { class: "moe-scroll", tabindex: 0, role: "region", "aria-label": "All numbers" },
    html("table", {},
      html("caption", {}, "Outputs o, proportions p, responsibilities h, and the forces under the three equations"),
      html("thead", {}, html("tr", {}, ...names.map((name) => html("th", { scope: "col" }, name)))), body));
  const tableRow = (name, cells, span) => html("tr", {}, html("th", { scope: "row", colspan: span }, name),
    ...cells.map((cell) => html("td", {}, cell)));

  // Controls: what is beside a slider is the number that is used, also where it lies between the slider's steps.

  const chosen = choice({ label: "Move expert", name: "expert", value: 0,
    options: experts.map((k) => [k, `expert ${k}`]), changed: (k) => change(() => { now.chosen = Number(k); }) });
  const output = slider({ label: "output o", name: "output", min: low, max: high, step: 0.05, value: 0,
    show: () => three(now.o[now.chosen]), changed: (v) => change(() => { now.o[now.chosen] = v; }) });
  const share = slider({ label: "proportion p", name: "proportion", min: 0, max: 1, step: 0.01, value: 0,
    show: () => three(now.p[now.chosen]), changed: (v) => change(() => { now.p = mix(now.p, now.chosen, v); }) });
  const desired = slider({ label: "desired d", name: "desired", min: low, max: high, step: 0.05, value: 0,
    show: () => three(now.d), changed: (v) => change(() => { now.d = v; }) });
  const spread = slider({ label: "variance \u03c3\u00b2", name: "variance", min: 0, max: steps, step: 1, value: 0,
    show: () => three(now.variance), changed: (v) => change(() => { now.variance = varianceAt(v); }) });

  function change(how) {
    how();
    draw();
  }

  function draw() {
    const { d, o, p, variance } = now;
    const found = losses(now);
    [chosen.value, output.value, share.value] = [now.chosen, o[now.chosen], p[now.chosen]];
    [desired.value, spread.value] = [d, stepOf(variance)];
    set(target, { transform: `translate(${x(d)} 0)` });
    set(target.lastChild, { x: d > 5.5 ? -12 : 12, "text-anchor": d > 5.5 ? "end" : "start" });
    set(blend, { transform: `translate(${x(found.y)} 0)` });
    set(blend.lastChild, { x: Math.min(335, Math.max(25, x(found.y))) - x(found.y) });
    marks.forEach((mark, k) => set(mark, { transform: `translate(${x(o[k])} ${36 + k * rowHeight})` }));
    line.setAttribute("aria-label", `A line from ${format(low, 0)} to ${format(high, 0)}: the desired output d at ` +
      `${three(d)}, the blend y at ${three(found.y)}, ` + o.map((v, k) => `expert ${k} at ${three(v)}`).join(", ") + ".");
    chart.show({ p, h: found.h });
    grips.forEach((grip, k) => set(grip, { transform: `translate(${from + chart.room * p[k]} ` +
      `${Number(bars[k].getAttribute("y")) + Number(bars[k].getAttribute("height")) / 2})` }));
    panels.forEach((panel) => panel.show(found));
    summary.textContent = panels.map(({ element }) =>
      `${element.dataset.loss} ${element.querySelector("[data-hardest]").textContent}`).join("; ") + ".";
    body.replaceChildren(...experts.map((k) => tableRow(String(k), [...[o[k], p[k], found.h[k]].map(three),
      ...found.forces.map((force) => signed(force[k]))])), tableRow("E", found.errors.map(three), 4));
  }

  live.append(
    html("div", { class: "moe-panels" },
      html("div", {}, line, summary, html("p", {}, "Drag a numbered expert, the desired output d, or the end of a bar of " +
        "p. p is an expert's mixing proportion, before d is known; h is its responsibility, afterwards.")), chart.element),
    controls(group("One expert", chosen, output, share), group("All experts", desired, spread, controls(
      button("Equal proportions", () => change(() => { now.p = experts.map(() => 1 / K); })),
      button("Start again", () => change(() => { now = fresh(); }))))),
    html("div", { class: "moe-panels" }, ...panels.map(({ element }) =>
      html("div", { style: "flex: 1 1 13rem" }, element))),
    html("p", {}, "An arrow shows where descent moves an expert's output. Lengths compare the forces within one panel, " +
      "not between panels."),
    table);
  draw();
  return () => ({ ...now, ...losses(now) });
});
