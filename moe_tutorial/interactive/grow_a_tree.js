// Grow a tree: a leaf of a tree of gates is split, EM goes on, and the chosen node shows its cases and its soft border.
moe.start((live, data) => {
  "use strict";
  const { html, svg, slider, choice, button, controls, staying, group, format, range, three, risen, sum, total, dot,
    logSum } = moe;
  const { rounds, leaves: most } = data;
  const settings = { ...data.begin };
  let task, tree, chosen, pressed, now;

  // The tasks: x is what the tree sees, `drawn` what is drawn, and `seen` are the numbers of the cases that train.
  const tasks = Object.fromEntries(data.tasks.map((one) => {
    const drawn = data.inputs[one.inputs], [middle, size] = one.scale, all = range(drawn.length);
    const x = drawn.map((point) => point.map((value, a) => (value - middle[a]) / size[a]));
    const seen = one.seen ? all.filter((n) => one.seen[n] === "1") : all;
    return [one.name, { ...one, drawn, x, seen, unseen: all.filter((n) => one.seen && one.seen[n] !== "1"),
      rows: seen.map((n) => [...x[n], 1]) }];
  }));

  // The arithmetic of `moe_tutorial`: a tree has `paths`, a row a gate and a column a leaf, gates [weight, weight, bias],
  // leaves, logarithms of frequencies or [slope, slope, bias], and the variance of the latter.

  const softplus = (score) => Math.max(score, 0) + Math.log1p(Math.exp(-Math.abs(score)));
  const score = (gate, [a, b]) => gate[0] * a + gate[1] * b + gate[2];

  function logProportions({ paths, gates, leaves }, x) {
    const logs = Array(leaves.length).fill(0);
    gates.forEach((gate, j) => {
      const s = score(gate, x), [left, right] = [-softplus(-s), -softplus(s)];
      paths[j].forEach((side, k) => { logs[k] += side > 0 ? left : side < 0 ? right : 0; });
    });
    return logs;
  }

  // log p + log P(d) of each leaf, as a function of the case's number.
  function joint() {
    const { leaves, variance } = tree, { x, d } = task;
    const says = task.vowels && leaves.map((logs) => logs.map((log) => log - logSum(logs)));
    const fits = task.vowels ? (n, k) => says[k][d[n]]
      : (n, k) => -0.5 * (Math.log(variance) + (d[n] - score(leaves[k], x[n])) ** 2 / variance);
    return (n) => logProportions(tree, x[n]).map((log, k) => log + fits(n, k));
  }

  // The E step: h of the training cases, and the log likelihood a case.
  function guess() {
    const of = joint(), { seen } = task;
    let L = 0;
    const h = seen.map((n) => {
      const logs = of(n), all = logSum(logs);
      L += all;
      return logs.map((log) => Math.exp(log - all));
    });
    return { h, L: L / seen.length };
  }

  // The M step: leaves, variance, and each gate by Newton steps of its own.
  function fit(h) {
    const { seen, d } = task, { paths } = tree;
    const shares = tree.leaves.map((_, k) => h.map((row) => row[k]));
    shares.forEach((share, k) => {
      if (sum(share) > data.empty) tree.leaves[k] = task.vowels ? frequencies(share) : line(share);
    });
    if (!task.vowels) {
      const squares = sum(shares.map((share, k) => total(seen.length, (n) =>
        share[n] * (d[seen[n]] - score(tree.leaves[k], task.x[seen[n]])) ** 2)));
      tree.variance = Math.max(data.floor, squares / sum(shares.map(sum)));
    }
    tree.gates = tree.gates.map((gate, j) => {
      const part = (wanted) => h.map((row) => sum(row.filter((_, k) => wanted(paths[j][k]))));
      return gateStep(gate, part((side) => side > 0), part((side) => side !== 0));
    });
  }

  function frequencies(share) {
    const counts = task.vowels.map(() => 0), all = sum(share);
    share.forEach((h, n) => { counts[task.d[task.seen[n]]] += h; });
    return counts.map((count) => Math.log(Math.max(count / all, 1e-12)));
  }

  // Σ weight(n) a_n b_nᵀ over the training cases.
  const moments = (weight) => range(3).map((a) => range(3).map((b) =>
    total(task.rows.length, (n) => weight(n) * task.rows[n][a] * task.rows[n][b])));

  // The line of the least squares with weights; directions that the cases do not decide are left out.
  function line(share) {
    const { rows, seen, d } = task;
    const wanted = range(3).map((a) => total(rows.length, (n) => share[n] * rows[n][a] * d[seen[n]]));
    const { values, vectors } = eigen(moments((n) => share[n])), least = 1e-12 * Math.max(...values.map(Math.abs));
    return range(3).map((a) => sum(values.map((value, i) => {
      const along = vectors.map((row) => row[i]);
      return Math.abs(value) > least ? along[a] * dot(along, wanted) / value : 0;
    })));
  }

  // Eigenvalues and eigenvectors, in columns, of a small symmetric matrix, by Jacobi's rotations.
  function eigen(matrix) {
    const a = matrix.map((row) => [...row]), size = a.length;
    const vectors = range(size).map((i) => range(size).map((j) => Number(i === j)));
    const turn = (one, other, cos, sin) => [cos * one - sin * other, sin * one + cos * other];
    for (let sweep = 0; sweep < 30; sweep++) {
      for (let p = 0; p < size; p++) {
        for (let q = p + 1; q < size; q++) {
          if (a[p][q] === 0) continue;
          const theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
          const tan = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
          const cos = 1 / Math.hypot(tan, 1), sin = tan * cos;
          for (const row of [...a, ...vectors]) [row[p], row[q]] = turn(row[p], row[q], cos, sin);
          for (let k = 0; k < size; k++) [a[p][k], a[q][k]] = turn(a[p][k], a[q][k], cos, sin);
          a[p][q] = a[q][p] = 0;
        }
      }
    }
    return { values: a.map((row, i) => row[i]), vectors };
  }

  // Newton steps of a logistic regression: a case counts as `cases`, of which `hits` went left.
  function gateStep(gate, hits, cases) {
    const { rows } = task, { penalty } = settings;
    const value = (weights) => total(rows.length, (n) => {
      const s = dot(weights, rows[n]);
      return hits[n] * s - cases[n] * softplus(s);
    }) - 0.5 * penalty * dot(weights, weights);
    for (let step = 0; step < task.steps; step++) {
      const from = gate, p = rows.map((row) => moe.sigmoid(dot(from, row)));
      const slope = range(3).map((a) =>
        total(rows.length, (n) => (hits[n] - cases[n] * p[n]) * rows[n][a]) - penalty * from[a]);
      const curvature = moments((n) => cases[n] * p[n] * (1 - p[n]));
      const ridge = penalty + 1e-8 * sum(range(3).map((a) => curvature[a][a])) / 3 + 1e-12;
      range(3).forEach((a) => { curvature[a][a] += ridge; });
      const move = moe.solved(curvature, slope);
      gate = moe.climbed(value, from, (length) => from.map((weight, a) => weight + length * move[a]));
    }
    return gate;
  }

  // Leaves become gates over two: the last rows of the paths, from left to right.
  function divide(which) {
    const moves = data.moves[task.vowels ? "vowels" : "lines"][settings.seed];
    const parts = tree.leaves.flatMap((_, k) => which.includes(k) ? [k, k] : [k]);
    const paths = tree.paths.map((row) => parts.map((k) => row[k]));
    for (const leaf of which) paths.push(parts.map((k, at) => k !== leaf ? 0 : parts.indexOf(leaf) === at ? 1 : -1));
    tree = {
      paths, variance: tree.variance, gates: [...tree.gates, ...which.map(() => [0, 0, 0])],
      leaves: parts.map((k, at) => which.includes(k)
        ? tree.leaves[k].map((value, a) => value + moves[k][Number(parts.indexOf(k) !== at)][a]) : tree.leaves[k]),
    };
  }

  function goOn(count) {
    for (let round = 0; round < count; round++) {
      tree.leaves = [...tree.leaves];
      fit(guess().h);
    }
  }

  // The blend at a case: frequencies of the vowels, or one number.
  function blend() {
    const says = task.vowels ? tree.leaves.map(moe.softmax) : [];
    return (n) => {
      const p = logProportions(tree, task.x[n]).map(Math.exp);
      return task.vowels ? task.vowels.map((_, v) => sum(p.map((share, k) => share * says[k][v])))
        : [sum(p.map((share, k) => share * score(tree.leaves[k], task.x[n])))];
    };
  }

  function measure() {
    const { seen, unseen, d } = task, of = blend(), { h, L } = guess();
    if (!task.vowels) return { h, L, error: sum(seen.map((n) => (of(n)[0] - d[n]) ** 2)) / seen.length };
    const right = (cases) => cases.filter((n) => {
      const says = of(n);
      return says.indexOf(Math.max(...says)) === d[n];
    }).length / cases.length;
    return { h, L, train: right(seen), test: right(unseen) };
  }

  // Nodes: "leaf 2", "gate 0" or "all" ----------------------------------------------------------------------------------

  const which = () => {
    const [kind, number] = chosen.split(" ");
    return { kind, number: Number(number) };
  };

  const below = (j) => range(tree.leaves.length).filter((k) => tree.paths[j][k] !== 0);

  function responsibility(node) {
    const [kind, number] = node.split(" ");
    if (kind === "all") return now.h.map(() => 1);
    const mine = kind === "leaf" ? [Number(number)] : below(Number(number));
    return now.h.map((row) => sum(mine.map((k) => row[k])));
  }

  const share = (node) => sum(responsibility(node)) / now.h.length;

  // The two nodes under a gate, the left one first.
  function children(j) {
    return [1, -1].map((side) => {
      const mine = range(tree.leaves.length).filter((k) => tree.paths[j][k] === side);
      return mine.length === 1 ? `leaf ${mine[0]}` : `gate ${range(tree.gates.length).find((i) =>
        String(below(i)) === String(mine))}`;
    });
  }

  // The gates above one, with the side that it is on.
  const above = (j) => range(tree.gates.length).filter((i) => i !== j && below(j).every((k) => tree.paths[i][k] !== 0))
    .map((i) => [i, tree.paths[i][below(j)[0]]]);

  // A gate in the units that are drawn.
  function inUnits(gate) {
    const [middle, size] = task.scale, weight = [0, 1].map((a) => gate[a] / size[a]);
    return { weight, bias: gate[2] - dot(weight, middle) };
  }

  // The vowels at a leaf, the most frequent first.
  function named(k) {
    const says = moe.softmax(tree.leaves[k]);
    return range(says.length).filter((v) => says[v] >= data.named).sort((v, w) => says[w] - says[v] || v - w)
      .map((v) => [task.vowels[v], says[v]]);
  }

  const percent = (value) => format(100 * value, 1);
  const words = (node) => node === "all" ? "every leaf" : node === "gate 0" ? "gate 0, the root" : node;
  const capital = (text) => text[0].toUpperCase() + text.slice(1);

  // What the chosen node is, as a sentence.
  function about() {
    const { kind, number: n } = which(), cases = `${percent(share(chosen))} % of the cases`;
    if (kind === "all") return "Every leaf is chosen: all cases.";
    if (kind === "leaf" && task.vowels) {
      const held = named(n).map(([symbol, says]) => `[${symbol}] ${format(says, 2)}`).join(", ");
      return `Leaf ${n} has ${cases}: ${held || `no vowel with ${data.named} or more`}.`;
    }
    const [across, up] = task.axes;
    if (kind === "leaf") {
      const [a, b, bias] = tree.leaves[n].map((value) => format(value, 2));
      return `Leaf ${n} has ${cases}. It says ${a} ${across} + ${b} ${up} + ${bias}.`.replaceAll("+ \u2212", "\u2212 ");
    }
    const { weight, bias } = inUnits(tree.gates[n]), name = capital(words(chosen));
    if (weight.every((value) => value === 0)) return `${name} is new: one half to either side, everywhere.`;
    const [x, y] = [box()[0], box()[1]].map(([from, to]) => to - from);
    const main = Math.abs(weight[1]) * y >= Math.abs(weight[0]) * x ? 1 : 0;
    const [at, slope, wide] = [-bias / weight[main], -weight[1 - main] / weight[main], Math.log(3) / Math.abs(weight[main])]
      .map((value) => format(value, 2));
    return (`${name}, with ${cases}: one half at ${task.axes[main]} = ${at} + ${slope} ${task.axes[1 - main]}, 0.25 and ` +
      `0.75 at ${wide} from there. What has a larger ${task.axes[main]} goes ${weight[main] > 0 ? "left" : "right"}.`)
      .replace("+ \u2212", "\u2212 ");
  }

  // Pressing -----------------------------------------------------------------------------------------------------------

  function begin(said) {
    task = tasks[settings.task];
    tree = { paths: [], gates: [], leaves: [task.vowels ? task.vowels.map(() => 0) : [0, 0, 0]], variance: 1 };
    goOn(1);
    now = measure();
    pressed = [row("start")];
    status.textContent = `${said}: ${task.words}, one leaf, fitted. The moves have seed ${settings.seed}.`;
    drawCases();
    offer("leaf 0");
  }

  const fitOf = ({ error, train, test }) => error === undefined ? [percent(train), percent(test)] : [format(error, 4)];
  const row = (name) => [name.replaceAll(" ", "\u00a0"), String(tree.leaves.length), three(now.L), ...fitOf(now)];

  // The choice of a node, anew for another tree.
  function offer(node) {
    const nodes = [...tree.leaves.map((_, k) => `leaf ${k}`), "all", ...tree.gates.map((_, j) => `gate ${j}`)];
    choices.input.replaceChildren(...nodes.map((one) => html("option", { value: one }, words(one))));
    choose(node);
  }

  function choose(node) {
    chosen = node;
    choices.value = node;
    splitting.textContent = node === "all" ? "Split every leaf" : "Split this leaf";
    draw();
  }

  function chosenByReader(node) {
    choose(node);
    status.textContent = `${capital(words(node))} is chosen.`;
  }

  function split() {
    const { kind, number } = which();
    const leaves = kind === "all" ? range(tree.leaves.length) : [number];
    if (kind === "gate") {
      status.textContent = `${capital(words(chosen))} is chosen. Choose a leaf to split.`;
      return;
    }
    if (tree.leaves.length + leaves.length > most) {
      status.textContent = `A tree has at most ${most} leaves here.`;
      return;
    }
    const before = now.L;
    divide(leaves);
    now = measure();
    pressed.push(row(kind === "all" ? "split all" : `split ${number}`));
    status.textContent = (kind === "all" ? "Every leaf is split, each" : `Leaf ${number} is split,`) +
      ` into two that were moved apart. L has ${risen(now.L - before)}. EM goes on from here.`;
    offer(kind === "all" ? "all" : `gate ${tree.gates.length - 1}`);
  }

  function climb() {
    const before = now.L;
    goOn(rounds);
    now = measure();
    pressed.push(row(`EM × ${rounds}`));
    const change = now.L - before, said = Math.abs(change) < 1e-9 ? "stays at" : `has ${risen(change)}, to`;
    status.textContent = `EM × ${rounds}: L ${said} ${three(now.L)} a case.`;
    draw();
  }

  // The tree -----------------------------------------------------------------------------------------------------------

  const width = 360, diagram = svg("svg", { role: "img", "aria-label": "", class: "moe-drawing" });
  const blue = "#0072B2";

  function drawTree() {
    const K = tree.leaves.length, depths = range(K).map((k) => tree.paths.filter((path) => path[k] !== 0).length);
    const step = Math.min(44, 240 / Math.max(...depths)), top = 18, column = width / Math.max(K, 4);
    const places = {};
    for (let k = 0; k < K; k++) places[`leaf ${k}`] = [width / 2 + (k + 0.5 - K / 2) * column, top + depths[k] * step];
    const place = (node) => {
      const j = Number(node.split(" ")[1]);
      places[node] ??= [sum(children(j).map((child) => place(child)[0])) / 2, top + above(j).length * step];
      return places[node];
    };
    const edges = tree.gates.flatMap((_, j) => children(j).map((child) => {
      const [[x1, y1], [x2, y2]] = [place(`gate ${j}`), place(child)];
      return svg("line", { x1, y1, x2, y2, stroke: "#777", "stroke-width": 1 + 6 * share(child), "data-from": j,
        "data-to": child });
    }));
    const texts = range(K).map((k) => task.vowels ? named(k).map(([symbol]) => symbol)
      : [format(100 * share(`leaf ${k}`), 0)]);
    const marks = Object.entries(places).map(([node, [x, y]]) => {
      const [kind, n] = node.split(" "), mine = node === chosen || chosen === "all" && kind === "leaf";
      const paint = { fill: mine ? blue : "#fff", stroke: mine ? "#000" : "#555", "stroke-width": 1.4 };
      const lines = kind === "leaf" ? (texts[Number(n)].length ? texts[Number(n)] : ["any"]) : [];
      return svg("g", { "data-node": node, style: "cursor: pointer", onclick: () => chosenByReader(node) },
        svg("rect", { x: x - column / 2, y: y - Math.min(step, 28) / 2, width: column, "fill-opacity": 0,
          height: Math.min(step, 28) + lines.length * 15 }),
        kind === "leaf" ? svg("rect", { x: x - 9, y: y - 9, width: 18, height: 18, ...paint })
          : svg("circle", { cx: x, cy: y, r: 10, ...paint }),
        svg("text", { x, y: y + 4.3, "text-anchor": "middle", style: mine ? "fill: #fff" : "" }, n),
        ...lines.map((text, i) => svg("text", { x, y: y + 23 + 15 * i, "text-anchor": "middle",
          style: `font-size: ${task.vowels && text !== "any" ? 15 : 12}px` }, text)));
    });
    const height = Math.max(...range(K).map((k) => places[`leaf ${k}`][1] + 14 + 15 * Math.max(1, texts[k].length))) + 4;
    moe.set(diagram, { viewBox: `0 0 ${width} ${height}` });
    diagram.replaceChildren(...edges, ...marks);
    const listed = texts.map((held, k) => `leaf ${k}: ${held.join(" ") || "any"}`).join("; ");
    diagram.setAttribute("aria-label", `A tree of ${tree.gates.length} gates and ${K} leaves. From left to right, with ` +
      `${task.vowels ? "their vowels" : "their per cent of the cases"}: ${listed}.` + tree.gates.map((_, j) =>
      ` Gate ${j} is over ${children(j).join(" and ")}.`).join(""));
  }

  // The map ------------------------------------------------------------------------------------------------------------

  const height = 330, map = moe.framed(width, height);
  const [dots, lines, marks] = range(3).map(() => svg("g"));
  map.inner.append(dots, lines, marks);
  let axes;

  const box = () => task.vowels ? [data.style.f1, data.style.f2] : [[-1, 1], [-1, 1]];
  const ticks = () => task.vowels ? data.style.ticks : [[-1, -0.5, 0, 0.5, 1], [-1, -0.5, 0, 0.5, 1]];

  function drawCases() {
    const [across, up] = box().map(([from, to], a) => ({ from, to, ticks: ticks()[a], name: task.axes[a],
      label: task.axes[a] + (task.vowels ? " (kHz)" : "") }));
    axes = moe.axes(width, height, across, up);
    map.outer.replaceChildren(...axes.parts);
    dots.replaceChildren(...task.seen.map((n) =>
      svg("circle", { cx: axes.x(task.drawn[n][0]).toFixed(1), cy: axes.y(task.drawn[n][1]).toFixed(1), "data-case": n })));
  }

  const stroke = (ends, attributes) => svg("line", { x1: axes.x(ends[0][0]), y1: axes.y(ends[0][1]), x2: axes.x(ends[1][0]),
    y2: axes.y(ends[1][1]), ...attributes });

  // The middle of the cases, weighted.
  function centre(weights) {
    const all = sum(weights);
    return [0, 1].map((a) => dot(weights, task.seen.map((n) => task.drawn[n][a])) / all);
  }

  function drawMap() {
    const h = responsibility(chosen), { kind, number } = which();
    [...dots.children].forEach((dot_, n) => {
      const mix = [0, 114, 178].map((channel) => Math.round(h[n] * channel + (1 - h[n]) * 217));
      moe.set(dot_, { r: (1.5 + 1.3 * h[n]).toFixed(2), fill: `rgb(${mix})` });
    });
    const gates = tree.gates.map(inUnits), at = ({ weight, bias }, x) => dot(weight, x) + bias;
    // Each gate's line where the gates above it send more than half.
    const borders = gates.flatMap((gate, j) => {
      const whole = moe.clip(gate.weight, gate.bias, box());
      const part = whole && moe.within(whole, above(j).map(([i, side]) => (x) => side * at(gates[i], x)));
      return part ? [stroke(part, { stroke: "#000", "stroke-width": 1, "data-border": j })] : [];
    });
    const { shift } = task;
    const own = task.vowels ? [] : [[[0, -1], [0, 1]], [[-1, shift], [0, shift]], [[0, -shift], [1, -shift]]].map((part) =>
      stroke(part, { stroke: "#000", "stroke-width": 1.6, "stroke-dasharray": "1.5 4", class: "moe-own" }));
    const soft = kind !== "gate" ? [] : [0.5, 0.25, 0.75].flatMap((says) => {
      const { weight, bias } = gates[number], part = moe.clip(weight, bias - Math.log(says / (1 - says)), box());
      return part ? [stroke(part, { stroke: "#B34700", "stroke-width": says === 0.5 ? 2.8 : 1.6, "data-says": says,
        "stroke-dasharray": says === 0.5 ? "none" : "6 4" })] : [];
    });
    lines.replaceChildren(...own, ...borders, ...soft);
    const put = (place, text, attributes) => svg("text", { x: Math.min(width - 24, Math.max(58, axes.x(place[0]))),
      y: Math.min(height - 48, Math.max(24, axes.y(place[1]) + 6)), class: "moe-number", ...attributes }, text);
    const names = task.vowels ? task.vowels.map((symbol, v) =>
      put(centre(task.seen.map((n) => Number(task.d[n] === v))), symbol, { "data-vowel": symbol }))
      : tree.leaves.flatMap((_, k) => share(`leaf ${k}`) < 1e-6 ? []
        : [put(centre(now.h.map((shares) => shares[k])), String(k), { "data-leaf": k })]);
    marks.replaceChildren(...names);
    map.element.setAttribute("aria-label", `${task.seen.length} cases of the task ${task.words}, ${task.axes[0]} across ` +
      `and ${task.axes[1]} up. ${capital(words(chosen))} is responsible for ${percent(share(chosen))} % of them, and for ` +
      `more than half of ${h.filter((value) => value > 0.5).length}. ${kind === "gate" ? about() : ""}`);
  }

  // All together -------------------------------------------------------------------------------------------------------

  function draw() {
    drawTree();
    drawMap();
    const fits = fitOf(now), names = task.vowels ? ["right on train", "right on test"] : ["mean squared error"];
    values.replaceChildren(...[["L", three(now.L)], ["leaves", String(tree.leaves.length)],
      ...names.map((name, i) => [name, fits[i] + (task.vowels ? " %" : "")])].map(([name, value]) =>
      html("span", { "data-number": name, style: "white-space: nowrap" }, `${name} = ${value}`)));
    table.replaceChildren(tables[Number(!task.vowels)].element);
    tables[Number(!task.vowels)].show(pressed);
    told.textContent = about();
    legend.textContent = (task.vowels
      ? "Under a leaf: its vowels, those with 0.15 or more. In the map each stands at the middle of its cases. "
      : "Under a leaf: its per cent of the cases. In the map its number stands in the middle of them. Dotted: the task's " +
        "own borders. ") + "A case is the larger and darker the larger the h of the chosen node. Thin lines: where gates " +
      "say one half. Thick, of the chosen gate: one half; dashed: 0.25 and 0.75.";
  }

  // Controls -----------------------------------------------------------------------------------------------------------

  const [lowest, highest, steps] = data.penalties;
  const taskChoice = choice({ label: "Task", name: "task", options: data.tasks.map((one) => [one.name, one.words]),
    value: settings.task, changed(name) {
      settings.task = name;
      settings.penalty = tasks[name].penalty; // as the chapter has it
      penalty.value = Math.log10(settings.penalty) * steps;
      begin("A setting was changed, back to the start");
    } });
  const seed = choice({ label: "Seed of the moves", name: "seed", options: moe.options(range(data.moves.lines.length)),
    value: settings.seed, changed(value) {
      settings.seed = Number(value);
      begin("A setting was changed, back to the start");
    } });
  const shownPenalty = () => String(Number(settings.penalty.toPrecision(2)));
  const penalty = slider({ label: "Penalty λ", name: "penalty", min: lowest * steps, max: highest * steps, step: 1,
    value: Math.log10(settings.penalty) * steps, show: shownPenalty, changed(value) {
      settings.penalty = 10 ** (value / steps);
      penalty.value = value;
      status.textContent = `The penalty is ${shownPenalty()} from the next EM on.`;
    } });
  const choices = choice({ label: "Node", name: "node", options: [], value: "", changed: chosenByReader });
  const splitting = button("Split this leaf", split);
  const status = html("p", { role: "status" }), told = html("p", { class: "moe-told" });
  const small = { style: "font-size: 0.9em" }, legend = html("p", small), table = html("div");
  const values = html("div", { class: "moe-legend moe-numbers" });
  const tables = [["leaves", "L", "train %", "test %"], ["leaves", "L", "error"]].map(moe.presses);
  const thrice = `EM × ${rounds} three times`;
  const tries = [
    `Ten vowels: split, and ${thrice}. With seed 3 gate 0 parts the front vowels [i I ɛ æ] from the back ones ` +
      "[a ɔ ʌ ʊ u]. With seeds 1 and 2 it parts [ɔ a ʌ æ] from the other six, and L is lower: \u22121.756, not " +
      "\u22121.725. With seed 0 it is lower still.",
    `With seed 3 go on: split every leaf, ${thrice}, and all that again. Leaf 5 is [i], nearly alone. Split it, and ` +
      `EM × ${rounds} gains less than 0.001. Leaf 0 has [ɔ] and [a]: there it gains 0.08.`,
    `Grid: split, ${thrice}, split every leaf, ${thrice}. The error is 0.022 with each seed.`,
    "Staggered: the same. The first border is slanted with each seed, and the error stays at 0.149 with seeds 1, 2 and 3. " +
      `With seed 0 EM × ${rounds} five times more turns gate 0 upright: 0.022.`,
    `Ten vowels after the first split: λ = 100, and EM × ${rounds}. The border is soft, and L has fallen. With λ = 0.01 ` +
      "it comes back.",
  ];
  live.append(
    group("Settings", controls(taskChoice, seed, penalty)),
    staying(choices, splitting, button(`EM × ${rounds}`, climb), button("Start again", () => begin("Back to the start")),
      values),
    status,
    html("div", { class: "moe-panels" }, html("div", {}, diagram, told), html("div", {}, map.element, legend)),
    html("div", { class: "moe-panels" },
      html("div", {}, table, html("p", small, "L is the log likelihood a case, of the cases that train, without the " +
        "constant. Test cases: of the ten vowels, every third speaker.")),
      html("div", {}, html("p", {}, "Things to try"), html("ul", small, ...tries.map((text) => html("li", {}, text))))));
  begin("At the start");

  return () => ({ settings: { ...settings }, chosen, ...tree, ...now, presses: pressed.length - 1 });
});
