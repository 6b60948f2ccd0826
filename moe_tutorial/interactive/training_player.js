// The training player: recorded trainings on the vowels, looked at epoch by epoch.
moe.start((live, data) => {
  "use strict";
  const { html, svg, slider, choice, button, controls, staying, group, format } = moe;
  const { style, criterion, marks } = data;
  let run, frame = 0, playing = false;

  // The runs: for each combination of a loss, a number of experts and a seed, in this order ------------------------------

  function chosenRun() {
    const at = (control, values) => values.findIndex((value) => String(value) === control.value);
    const chosen = (at(loss, data.losses.map(([name]) => name)) * data.experts.length + at(experts, data.experts)) *
      data.seeds.length + at(seed, data.seeds);
    const { epochs, error, weights, converged } = data.runs[chosen];
    // A weight's first number is itself, the others are its changes; six weights for each expert: line, then gate.
    const series = weights.map((changes) => {
      let sum = 0;
      return changes.map((difference) => data.resolution * (sum += difference));
    });
    const rows = (place, from) => moe.range(series.length / 6).map((k) =>
      [0, 1, 2].map((i) => series[6 * k + from + i][place]));
    return { epochs, error, converged, frames: epochs.map((_, place) => state(rows(place, 0), rows(place, 3))) };
  }

  // What there is to draw of one epoch. `lines` and `gate` are rows of [weight of F1, weight of F2, bias].
  function state(lines, rows) {
    const gate = { weight: rows.map((row) => row.slice(0, 2)), bias: rows.map((row) => row[2]) };
    const all = data.cases.x.map((x) => moe.proportions(gate, x));
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const entropy = (p) => p.reduce((sum, share) => sum - (share > 0 ? share * Math.log(share) : 0), 0);
    return { gate, lines,
      p: rows.map((_, k) => mean(all.map((p) => p[k]))),
      alive: rows.map((_, k) => all.some((p) => p[k] > data.live)),
      effective: mean(all.map((p) => Math.exp(entropy(p)))),
      feet: lines.map(([w1, w2, bias]) => [w1, w2].map((w) => -bias * w / (w1 * w1 + w2 * w2))) };
  }

  // Drawings -------------------------------------------------------------------------------------------------------------

  const map = moe.plane(style, "");
  map.showCases(data.cases.x, data.cases.vowel);
  let chart;
  const chartPlace = html("div");

  // The error over the epochs; a pointer over it chooses the epoch.
  const curve = svg("svg", { viewBox: "0 0 360 200", role: "img", class: "moe-drawing" });
  const at = svg("g", { class: "moe-now" });
  const epochTicks = (last) => {
    const step = [50, 100, 200, 250, 500, 1000].find((size) => last / size < 6);
    return moe.range(Math.floor(last / step) + 1).map((i) => i * step);
  };

  function drawCurve() {
    const last = run.epochs[run.epochs.length - 1];
    run.graph = moe.errorCurves(curve, 200, { to: last, ticks: epochTicks(last) },
      { to: 1.1 * Math.max(...run.error), ticks: [0, 0.1, 0.2] }, criterion,
      [{ class: "moe-error", stroke: "#0072B2", points: run.epochs.map((one, i) => [one, run.error[i]]) }]);
    const { x, y } = run.graph;
    curve.append(svg("text", { x: x(0) + 5, y: y(criterion) - 4 }, `criterion ${criterion}`), at);
    curve.setAttribute("aria-label", `Mean squared error over ${last} epochs, from ` +
      `${format(run.error[0], 3)} to ${format(run.error[run.error.length - 1], 3)}. A dashed line is at the criterion.`);
  }

  // Point at the curve with a mouse, or draw a finger along it; up and down a finger scrolls the page. A pointer that only
  // passes while the run plays changes nothing.
  curve.style.touchAction = "pan-y";
  curve.style.cursor = "ew-resize";
  for (const kind of ["pointerdown", "pointermove"]) {
    curve.addEventListener(kind, ({ clientX, clientY, buttons }) => {
      if (playing && buttons === 0) return;
      const box = curve.getBoundingClientRect();
      const [pointed] = run.graph.at([(clientX - box.left) / box.width * 360, (clientY - box.top) / box.height * 200]);
      const distance = run.epochs.map((one) => Math.abs(one - pointed));
      pause();
      show(distance.indexOf(Math.min(...distance)));
    });
  }

  // Figure 3: the trails of the feet of the normals. A stretched dot is a dot: lines of no length with round ends.
  const trails = svg("svg", { viewBox: "0 0 360 250", role: "img", class: "moe-drawing" });
  const clipId = moe.unique("trails");
  const feet = moe.axes(360, 250, { from: -0.8, to: 1.3, label: "F1 (kHz)", name: "f1", ticks: [-0.5, 0, 0.5, 1] },
    { from: -0.35, to: 0.75, label: "F2 (kHz)", name: "f2", ticks: [-0.2, 0, 0.2, 0.4, 0.6] });
  const dots = svg("g", { "clip-path": `url(#${clipId})` });
  const diamonds = Object.entries(marks).map(([name, [f1, f2]], i) => svg("g", { "data-mark": name,
    transform: `translate(${feet.x(f1)} ${feet.y(f2)})` },
  svg("path", { d: "M0 -6L6 0L0 6L-6 0Z", stroke: "#fff" }),
  svg("text", { x: [7, -22, 7][i % 3], y: [-6, 16, -8][i % 3], style: "font-weight: 700", stroke: "#fff", "stroke-width": 3,
    "paint-order": "stroke" }, name)));
  trails.append(svg("clipPath", { id: clipId }, svg("rect", { x: 42, y: 8, width: 310, height: 202 })), ...feet.parts, dots,
    ...diamonds);

  function drawTrails() {
    const experts = [...run.frames[frame].feet.keys()];
    const past = run.frames.slice(0, frame + 1).map((one) => one.feet);
    const place = ([f1, f2]) => `${feet.x(f1).toFixed(2)} ${feet.y(f2).toFixed(2)}`;
    dots.replaceChildren(...experts.map((k) => svg("path", { d: past.map((points) => `M${place(points[k])}h0`).join(""),
      stroke: style.colours[k], "stroke-width": 3.5, "stroke-linecap": "round", "data-trail": k })),
    ...experts.map((k) => svg("g", { transform: `translate(${place(past[frame][k])})`, "data-foot": k },
      svg("circle", { r: 8, fill: "#fff", stroke: style.colours[k], "stroke-width": 2 }),
      svg("text", { y: 4, "text-anchor": "middle" }, String(k)))));
    const outside = experts.filter((k) => {
      const [f1, f2] = past[frame][k];
      return f1 < -0.8 || f1 > 1.3 || f2 < -0.35 || f2 > 0.75;
    });
    beyond.textContent = outside.length ? `Outside the picture: ${outside.join(", ")}.` : "";
    trails.setAttribute("aria-label", "The feet of the normals from the origin to the experts' lines, in kHz: " +
      past[frame].map(([f1, f2], k) => `expert ${k} at ${format(f1, 2)}, ${format(f2, 2)}`).join("; ") + ".");
  }

  function drawMap({ gate, lines, alive }) {
    map.paintGate(gate, 40);
    map.showGateLines(gate);
    for (const line of map.under.querySelectorAll(".moe-line")) { // those of experts that are not live hide the others
      if (!line.getAttribute("data-pair").split(" ").every((k) => alive[k])) line.remove();
    }
    map.over.replaceChildren(...lines.flatMap(([w1, w2, bias], k) =>
      map.decisionLine([w1, w2], bias, k, alive[k] ? {} : { "stroke-width": 1, "stroke-opacity": 0.6 }) || []));
    map.element.setAttribute("aria-label", `The plane of F1 and F2 at epoch ${run.epochs[frame]}, coloured by the mixing ` +
      "proportions, with the gate's lines and the experts' lines.");
  }

  function describe({ effective, alive }) {
    const last = run.epochs[run.epochs.length - 1];
    const mine = [...alive.keys()].filter((k) => alive[k]);
    const end = frame < run.epochs.length - 1 ? ""
      : run.converged ? ` Here the error has reached the criterion, ${criterion}.`
        : " Here the run ended without the criterion.";
    return `Epoch ${run.epochs[frame]} of ${last}: mean squared error ${format(run.error[frame], 3)}, effective number of ` +
      `experts ${format(effective, 2)}; live: ${mine.join(", ")}.${end}`;
  }

  function show(to) {
    frame = to;
    const now = run.frames[frame];
    epoch.value = frame;
    drawMap(now);
    chart.show({ p: now.p });
    drawTrails();
    const { x, y } = run.graph, [u, v] = [x(run.epochs[frame]), y(run.error[frame])];
    at.replaceChildren(svg("line", { x1: u, x2: u, y1: 8, y2: 160, stroke: "#000" }),
      svg("circle", { cx: u, cy: v, r: 5, fill: "#fff", stroke: "#000", "stroke-width": 2 }));
    said.textContent = describe(now);
  }

  // Playing: twelve pictures a second, or one for readers who have asked for less motion --------------------------------

  function play() {
    if (playing) return pause();
    playing = true;
    player.textContent = "Pause";
    if (frame === run.epochs.length - 1) show(0);
    let last = performance.now();
    requestAnimationFrame(function tick(now) {
      if (!playing) return;
      if (now - last >= (moe.calm() ? 1000 : 80)) {
        last = now;
        show(frame + 1);
        if (frame === run.epochs.length - 1) pause();
      }
      requestAnimationFrame(tick);
    });
  }

  function pause() {
    playing = false;
    player.textContent = "Play";
  }

  function go(to) {
    pause();
    show(to);
  }

  // Another run: at the same place if it has as many epochs, and at its end if it was at an end.
  function change() {
    pause();
    const ended = run && frame === run.epochs.length - 1;
    run = chosenRun();
    const last = run.epochs.length - 1;
    epoch.input.max = String(last);
    chart = moe.bars(style, run.frames[0].p.length, ["p"], "Mean mixing proportions of the training cases");
    chartPlace.replaceChildren(chart.element);
    drawCurve();
    show(ended ? last : Math.min(frame, last));
  }

  // Controls -------------------------------------------------------------------------------------------------------------

  const pick = (label, name, options) => choice({ label, name, options, value: options[0][0], changed: change });
  const loss = pick("Loss", "loss", data.losses);
  const experts = pick("Experts", "experts", moe.options(data.experts));
  const seed = pick("Seed", "seed", moe.options(data.seeds));
  const epoch = slider({ label: "epoch", name: "epoch", min: 0, max: 1, step: 1, value: 0,
    show: (i) => run ? String(run.epochs[i]) : "", changed: go });
  const player = button("Play", play);
  const said = html("p", { class: "moe-said" }), beyond = html("span", { class: "moe-beyond" });
  live.append(
    group(data.losses.length > 1 ? "The run" : `The run, ${data.losses[0][1]}`,
      controls(...[loss, experts, seed].filter(({ input }) => input.options.length > 1))),
    staying(epoch, player, button("First", () => go(0)), button("Last", () => go(run.epochs.length - 1))),
    said,
    html("div", { class: "moe-panels" },
      html("div", {}, map.element, moe.legend(style, data.cases.names), html("p", {}, "Black: where the two largest " +
        "proportions are equal. In colour: where an expert's output is 0.5, thin if the expert is not live, that is, has " +
        "no more than 0.01 in any case."),
      html("p", {}, "Mean mixing proportions of the training cases"), chartPlace),
      html("div", {}, curve, trails,
        html("p", {}, "As in the paper's Figure 3: for each picture a dot at the foot of the normal from the origin to " +
          "each expert's line, which is the line's point nearest to the origin. ", beyond))));
  change();
  return () => ({ playing, frame, epoch: run.epochs[frame], ...run.frames[frame], error: run.error[frame] });
});
