// The gate explorer: move an expert's gate weights, the temperature or a point, and see the proportions everywhere.
moe.start((live, data) => {
  "use strict";
  const { html, svg, set, slider, choice, button, controls, group, format } = moe;
  const { style } = data;
  const K = data.bias.length;
  let gate, temperature, chosen, point;

  const map = moe.plane(style, "");
  map.showCases(data.cases.x, data.cases.vowel);
  const cross = svg("g", { class: "moe-point" },
    svg("circle", { r: 16, fill: "#fff", "fill-opacity": 0.01 }), // room for a finger
    svg("circle", { r: 6, fill: "#fff", stroke: "#000", "stroke-width": 2 }), svg("circle", { r: 1.5, fill: "#000" }));
  map.over.append(cross);
  const chart = moe.bars(style, K, ["p"], "Proportions at the point");

  const limit = data.limit;
  const row = (label, name, changed, range = limit) =>
    slider({ label, name, min: -range, max: range, step: 0.1, value: 0, show: (v) => format(v, 1), changed });
  const weights = [row("weight of F1", "weight-f1", (v) => change(() => { gate.weight[chosen][0] = v; })),
    row("weight of F2", "weight-f2", (v) => change(() => { gate.weight[chosen][1] = v; }))];
  const bias = row("bias", "bias", (v) => change(() => { gate.bias[chosen] = v; }));
  const expert = choice({ label: "Move expert", name: "expert", value: 0,
    options: moe.range(K).map((k) => [k, `expert ${k}`]), changed: (k) => { chosen = Number(k); showChosen(); } });
  // The slider moves the logarithm, so that one half and twice are equally far from 1.
  const heat = slider({ label: "temperature", name: "temperature", min: -1, max: 1, step: 0.05, value: 0,
    show: (v) => format(10 ** v, 2), changed: (v) => change(() => { temperature = 10 ** v; }) });
  const [f1, f2] = [0, 1].map((axis) => slider({ label: `F${axis + 1} (kHz)`, name: `point-f${axis + 1}`,
    min: [style.f1, style.f2][axis][0], max: [style.f1, style.f2][axis][1], step: 0.01, value: 1,
    changed: (v) => change(() => { point[axis] = v; }) }));

  // The gate whose proportions are drawn: all scores divided by the temperature.
  const divided = () => ({ weight: gate.weight.map((w) => w.map((v) => v / temperature)),
    bias: gate.bias.map((b) => b / temperature) });

  function showChosen() {
    weights.forEach((control, axis) => { control.value = gate.weight[chosen][axis]; });
    bias.value = gate.bias[chosen];
  }

  let painted = 0;
  function draw() {
    const now = divided();
    const p = moe.proportions(now, point);
    cancelAnimationFrame(painted);
    painted = requestAnimationFrame(() => map.paintGate(now));
    map.showGateLines(now);
    set(cross, { transform: `translate(${map.x(point[0])} ${map.y(point[1])})` });
    chart.show({ p });
    map.element.setAttribute("aria-label", "The plane of F1 and F2, coloured by the proportions. At F1 " +
      `${format(point[0], 2)} and F2 ${format(point[1], 2)} kHz: ` +
      p.map((share, k) => `expert ${k} ${format(share, 3)}`).join(", ") + ".");
  }

  function change(how) {
    how();
    draw();
  }

  function reset() {
    gate = { weight: data.weight.map((w) => [...w]), bias: [...data.bias] };
    [temperature, chosen, point] = [1, 0, [...data.point]];
    [expert.value, heat.value, f1.value, f2.value] = [0, 0, ...point];
    showChosen();
    draw();
  }

  moe.draggable(map.element, cross, (place) => change(() => {
    map.at(place).forEach((value, axis) => {
      const [low, high] = map.box[axis];
      [f1, f2][axis].value = Math.min(high, Math.max(low, value));
      point[axis] = [f1, f2][axis].value;
    });
  }));

  live.append(
    moe.legend(style, data.cases.names),
    html("div", { class: "moe-panels" }, map.element, html("div", {},
      chart.element,
      group("The gate of one expert", expert, ...weights, bias),
      group("The whole gate", heat),
      group("The point", f1, f2),
      controls(button("Start again", reset)))));
  reset();
  return () => ({ weight: gate.weight, bias: gate.bias, temperature, point, p: moe.proportions(divided(), point) });
});
