// The sorting office: gates of recorded trainings, or one that is moved by hand, send 256 cases to eight experts.
moe.start((live, data) => {
  "use strict";
  const { html, svg, set, slider, choice, button, controls, staying, group, format, range } = moe;
  const [K, hand] = [data.colours.length, "by hand"];
  const thousandths = (numbers) => numbers.map((number) => number / 1000);
  const pairs = (numbers) => range(numbers.length / 2).map((n) => [numbers[2 * n], numbers[2 * n + 1]]);
  const x = pairs(thousandths(data.x)), N = x.length;
  const [least, most, parts] = data.factors, none = most * parts + 1; // the positions of the slider for the factor
  const routers = Object.fromEntries(data.routers.map((one) => [one.name, one]));
  let router, moment, factor, gate, k, chosen, seen;

  // The arithmetic of `moe_tutorial.sparse` ----------------------------------------------------------------------------

  // The part of a recorded router at a moment, rows of `width` numbers.
  const at = (numbers, width) => thousandths(numbers.slice(moment * K * width, (moment + 1) * K * width));

  function load() {
    const one = routers[router];
    k = one ? one.k : 1;
    gate = one ? { weight: pairs(at(one.weight, 2)), bias: at(one.bias, 1) }
      : { weight: pairs(thousandths(data.arrows)), bias: Array(K).fill(0) };
    gate.chooses = one && one.chooses && at(one.chooses, 1);
  }

  const scores = (point) => gate.weight.map((v, j) => v[0] * point[0] + v[1] * point[1] + gate.bias[j]);

  // What the largest is chosen of.
  function judged(point) {
    const s = scores(point);
    if (!gate.chooses) return s;
    const score = routers[router].score === "softmax" ? moe.softmax(s) : s.map(moe.sigmoid);
    return score.map((value, j) => value + gate.chooses[j]);
  }

  // The k largest, the largest first; of equal ones the first comes first.
  const largest = (values, count) => range(values.length).sort((i, j) => values[j] - values[i] || i - j).slice(0, count);

  const size = (given) => Math.min(N, Math.max(1, Math.ceil(Number((given * k * N / K).toFixed(9)))));
  const room = () => factor === null ? null : size(factor);

  // The experts of each case, by their own choice.
  function taken(count) {
    const p = x.map((point) => moe.softmax(scores(point)));
    const of = range(K).map((j) => new Set(largest(p.map((row) => row[j]), count)));
    const takers = p.map((row, n) => largest(row, K).filter((j) => of[j].has(n)));
    return { expert: takers.map((those, n) => those.length ? those[0] : largest(p[n], 1)[0]),
      served: takers.map((those) => those.length > 0), load: of.map((those) => those.size), dropped: Array(K).fill(0) };
  }

  // Each choice takes its place in the queue, all first choices before all second ones.
  function queued() {
    const choices = x.map((point) => largest(judged(point), k)), limit = room() ?? N;
    const [counts, dropped] = [Array(K).fill(0), Array(K).fill(0)];
    const found = choices.map(() => []);
    for (const rank of range(k)) {
      choices.forEach((those, n) => {
        const j = those[rank];
        if (counts[j]++ < limit) found[n].push(j);
        else dropped[j]++;
      });
    }
    return { expert: choices.map((those, n) => found[n].length ? found[n][0] : those[0]),
      served: found.map((those) => those.length > 0), load: counts, dropped };
  }

  const byExperts = () => router === "expert choice";
  const sorted = () => byExperts() ? taken(room() ?? size(1)) : queued();

  // Words --------------------------------------------------------------------------------------------------------------

  const total = (numbers) => numbers.reduce((sum, value) => sum + value, 0);

  function loads() {
    const has = range(K).filter((j) => seen.load[j]).map((j) => `expert ${j} has ${seen.load[j]}` +
      (seen.dropped[j] ? `, ${seen.dropped[j]} dropped` : ""));
    const idle = range(K).filter((j) => !seen.load[j]), last = idle.pop();
    if (idle.length) has.push(`experts ${idle.join(", ")} and ${last} have none`);
    else if (last !== undefined) has.push(`expert ${last} has none`);
    return `E${has.join("; ").slice(1)}.`;
  }

  const alone = () => seen.served.filter((served) => !served).length;

  function said() {
    const step = router === hand ? "" : `, step ${data.moments[moment]}`;
    const name = `${router[0].toUpperCase()}${router.slice(1)}${step}.`;
    if (byExperts()) return `${name} Each expert takes ${seen.load[0]} of ${N} cases. Nobody takes ${alone()} of them.`;
    if (factor === null) return `${name} No capacity. ${loads()}`;
    const lost = `${total(seen.dropped)} of ${k * N} ${k > 1 ? "choices" : "cases"} dropped.`;
    return `${name} Capacity ${room()}: ${lost}${k > 1 ? ` ${alone()} of the ${N} cases lost both.` : ""} ${loads()}`;
  }

  // The map ------------------------------------------------------------------------------------------------------------

  const outlines = { // of the markers, in a square from -1 to 1
    o: null, s: "M-.85-.85H.85V.85H-.85Z", "^": "M0-1 1 .85H-1Z", v: "M0 1 1-.85H-1Z",
    D: "M0-1.15 1.15 0 0 1.15-1.15 0Z", P: "M-.38-1H.38V-.38H1V.38H.38V1H-.38V.38H-1V-.38H-.38Z",
    X: "M-1-.5-.5-1 0-.5.5-1 1-.5.5 0 1 .5.5 1 0 .5-.5 1-1 .5-.5 0Z",
    "*": "M0-1.2.3-.4 1.15-.37.48.16.7 1 0 .5-.7 1-.48.16-1.15-.37-.3-.4Z",
  };
  const mark = (j, u, v, r, attributes) => {
    const place = `translate(${u.toFixed(1)} ${v.toFixed(1)}) scale(${r})`;
    const outline = outlines[data.markers[j]];
    return outline ? svg("path", { d: outline, transform: place, ...attributes })
      : svg("circle", { r: 0.95, transform: place, ...attributes });
  };

  const [width, height, reach, half] = [360, 330, 4.5, 0.5]; // arrows are drawn at half their length
  const map = moe.framed(width, height);
  const wide = reach * map.inside.width / map.inside.height; // the same scale across and up
  const axis = (to, n) => ({ from: -to, to, ticks: [-4, -2, 0, 2, 4], label: `x${"₁₂"[n]}`, name: `x${n + 1}` });
  const axes = moe.axes(width, height, axis(wide, 0), axis(reach, 1));
  const ground = svg("image", { ...map.inside, preserveAspectRatio: "none" });
  const [points, arrows] = range(2).map(() => svg("g"));
  map.inner.append(ground, points, arrows);
  map.outer.append(...axes.parts);

  // The ground in the light colours of whom a case there would choose first; experts that choose have none.
  const canvas = html("canvas"), tints = data.colours.map(moe.tint);
  function paint() {
    const [columns, rows] = [78, 71];
    set(canvas, { width: columns, height: rows });
    const pixels = new ImageData(columns, rows);
    for (const row of range(rows)) {
      for (const column of range(columns)) {
        const point = [(2 * (column + 0.5) / columns - 1) * wide, (1 - 2 * (row + 0.5) / rows) * reach];
        const values = judged(point);
        pixels.data.set([...tints[values.indexOf(Math.max(...values))], 255], 4 * (row * columns + column));
      }
    }
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    ground.setAttribute("href", canvas.toDataURL());
  }

  const handles = range(K).map((j) => {
    const ink = { stroke: data.colours[j], "stroke-width": 2 };
    const line = svg("line", { x1: axes.x(0), y1: axes.y(0), ...ink });
    const end = svg("circle", { r: 8.5, fill: "#fff", ...ink, "data-arrow": j });
    const text = svg("text", { "text-anchor": "middle", dy: 4.3, style: `fill: ${data.colours[j]}; font-weight: 700` },
      String(j));
    const handle = svg("g", {}, svg("circle", { r: 15, fill: "#fff", "fill-opacity": 0.01 }), end, text);
    handle.addEventListener("pointerdown", () => choose(j));
    moe.draggable(map.element, handle, (place) => change(() => {
      gate.weight[j] = axes.at(place).map((value) => inside(value / half, data.limits.v));
    }));
    return { line, end, handle };
  });
  arrows.append(...handles.map(({ line }) => line), ...handles.map(({ handle }) => handle));
  const inside = (value, limit) => Math.round(10 * Math.min(limit, Math.max(-limit, value))) / 10; // as the sliders have it

  let painted = 0;
  function drawMap() {
    cancelAnimationFrame(painted);
    painted = byExperts() ? 0 : requestAnimationFrame(paint);
    if (byExperts()) ground.removeAttribute("href");
    points.replaceChildren(...x.map(([u, v], n) => {
      const j = seen.expert[n], colour = data.colours[j];
      return mark(j, axes.x(u), axes.y(v), 3.8, { fill: seen.served[n] ? colour : "#fff", stroke: colour,
        "stroke-width": 0.32, "data-case": n, "data-expert": j, "data-served": Number(seen.served[n]) });
    }));
    handles.forEach(({ line, end, handle }, j) => {
      const [u, v] = [axes.x(half * gate.weight[j][0]), axes.y(half * gate.weight[j][1])];
      set(line, { x2: u, y2: v });
      set(handle, { transform: `translate(${u} ${v})` });
      set(end, { "stroke-width": j === chosen ? 4 : 2 });
    });
    const where = gate.weight[chosen].map((value) => format(value, 1)).join(", ");
    map.element.setAttribute("aria-label", `${N} cases in the plane by their expert, ${alone()} of them hollow, with ` +
      `nobody. The arrow of expert ${chosen} is (${where}).`);
  }

  // The bars -----------------------------------------------------------------------------------------------------------

  const [left, top, rowHeight, free] = [46, 22, 27, 100];
  const bars = svg("svg", { viewBox: `0 0 ${width} ${top + K * rowHeight + 6}`, role: "img", "aria-label": "",
    class: "moe-drawing" });

  function drawBars() {
    const across = (count) => count * (width - left - free) / Math.max(k * N / 2, ...seen.load);
    const limit = room(), end = top + K * rowHeight + 2;
    const line = limit === null ? [] : [
      svg("line", { x1: left + across(limit), x2: left + across(limit), y1: top - 3, y2: end, stroke: "#444",
        "stroke-width": 1.6, "stroke-dasharray": "5 3", class: "moe-room" }),
      svg("text", { x: left + across(limit), y: top - 8, "text-anchor": "middle" }, `C = ${limit}`)];
    const rows = range(K).map((j) => {
      const [all, lost, y, colour] = [seen.load[j], seen.dropped[j], top + j * rowHeight, data.colours[j]];
      const bar = (from, count, fill, part) => svg("rect", { x: left + across(from), y: y + 3, width: across(count),
        height: rowHeight - 7, fill, stroke: colour, "stroke-width": count ? 1.2 : 0, [`data-${part}`]: j });
      return [[mark(j, 12, y + 13, 5, { fill: colour }),
        svg("text", { x: 38, y: y + 17.5, "text-anchor": "end" }, String(j)),
        bar(0, all - lost, colour, "kept"), bar(all - lost, lost, "#fff", "lost")],
      svg("text", { x: left + across(all) + 6, y: y + 17.5, "data-load": j,
        style: "stroke: #fff; stroke-width: 4px; paint-order: stroke" },
      lost ? `${all}, ${lost} dropped` : String(all))];
    });
    bars.replaceChildren(...rows.flatMap(([drawn]) => drawn), ...line, ...rows.map(([, text]) => text));
    bars.setAttribute("aria-label", `The load of each expert. ${limit === null ? "No capacity" : `Capacity ${limit}`}. ` +
      loads());
  }

  // All together -------------------------------------------------------------------------------------------------------

  function draw() {
    seen = sorted();
    drawMap();
    drawBars();
    Object.entries(buttons).forEach(([name, one]) => set(one, { "aria-pressed": name === router,
      style: name === router ? "box-shadow: inset 0 0 0 2px currentcolor" : "" }));
    step.input.disabled = router === hand;
    biases.forEach((control, j) => { control.value = gate.bias[j]; });
    [across, up].forEach((control, a) => { control.value = gate.weight[chosen][a]; });
    status.textContent = said();
    told.textContent = gate.chooses ? `b, which only chooses: ${gate.chooses.map((b) => format(b, 2)).join(", ")}.` : "";
  }

  // Who moves an arrow or a bias takes the gate over, without what only chooses.
  function change(how) {
    router = hand;
    gate.chooses = undefined;
    how();
    draw();
  }

  function choose(expert) {
    chosen = expert;
    experts.value = expert;
    draw();
  }

  function take(name) {
    router = name;
    load();
    draw();
  }

  function begin() {
    ({ router, moment, factor } = data.begin);
    chosen = 0;
    step.value = moment;
    capacity.value = factor === null ? none : Math.round(factor * parts);
    experts.value = chosen;
    take(router);
  }

  const buttons = Object.fromEntries([...Object.keys(routers), hand].map((name) => [name, button(name, () => take(name))]));
  const step = slider({ label: "Step", name: "step", min: 0, max: data.moments.length - 1, step: 1, value: 0,
    show: (n) => String(data.moments[n]), changed: (n) => {
      moment = n;
      take(router);
    } });
  const capacity = slider({ label: "Capacity factor", name: "capacity", min: least * parts, max: none, step: 1, value: none,
    show: (n) => n === none ? "none" : format(n / parts, 2), changed: (n) => {
      factor = n === none ? null : n / parts;
      draw();
    } });
  const experts = choice({ label: "Arrow of expert", name: "expert", options: moe.options(range(K)), value: 0,
    changed: (j) => choose(Number(j)) });
  const own = (label, name, limit, changed) => slider({ label, name, min: -limit, max: limit, step: 0.1, value: 0,
    show: (value) => format(value, 1), changed });
  const [across, up] = ["across", "up"].map((name, a) =>
    own(`v ${name}`, name, data.limits.v, (value) => change(() => { gate.weight[chosen][a] = value; })));
  const biases = range(K).map((j) => own(`c of expert ${j}`, `bias-${j}`, data.limits.c,
    (value) => change(() => { gate.bias[j] = value; })));
  const status = html("p", { role: "status" }), small = { style: "font-size: 0.9em" };
  const told = html("p", { ...small, class: "moe-told" });

  live.append(
    group("Router", controls(...Object.values(buttons))),
    staying(step, capacity),
    status,
    html("div", { class: "moe-panels" }, html("div", {}, map.element, html("p", small, "Ground: the expert that a case " +
      "there would choose first. Hollow: with nobody. With two choices, a case is drawn as the first that found room.")),
    html("div", {}, bars, html("p", small, "Bars: the load. White: dropped. In the map arrows show v, at half its length: " +
      "drag one, or use the sliders."), told)),
    group("By hand: a score is v · x + c", controls(experts), controls(across, up), controls(...biases),
      controls(button("Start again", begin))));
  begin();

  return () => ({ router, step: data.moments[moment], factor, k, room: room(), chosen, ...seen, weight: gate.weight,
    bias: gate.bias });
});
