// Train it yourself: a mixture and a backpropagation network learn the vowels here, with the arithmetic of the package.
moe.start((live, data) => {
  "use strict";
  const { html, svg, choice, number, button, controls, staying, group, format } = moe;
  const { style, begin, criterion } = data;

  // The cases ----------------------------------------------------------------------------------------------------------

  const codes = Object.keys(data.names);
  const count = data.f1.length, training = data.training;
  const x1 = Float64Array.from(data.f1, (hertz) => hertz / 1000), x2 = Float64Array.from(data.f2, (hertz) => hertz / 1000);
  let M, d; // the number of outputs, and the desired outputs of all cases, one after the other

  // Numbers from -spread to spread, those of `experts.initial_weights`: torch's generator is the Mersenne Twister, and each
  // of its float64 is made of 53 bits of two draws, the high word first. One block of 624 draws is more than is needed.
  function uniform(seed, length) {
    const state = new Uint32Array(624);
    state[0] = seed;
    for (let i = 1; i < 624; i++) state[i] = Math.imul(1812433253, state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    for (let i = 0; i < 624; i++) {
      const mixed = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
      state[i] = state[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    const drawn = (i) => {
      let y = state[i];
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      return (y ^ (y >>> 18)) >>> 0;
    };
    return Float64Array.from({ length }, (_, i) =>
      (2 * ((drawn(2 * i) & 0x1fffff) * 2 ** 32 + drawn(2 * i + 1)) * 2 ** -53 - 1) * data.spread);
  }

  // The two models: `answer` computes the output y at an input, and `learn` adds the gradient of that case's loss -----

  // Weights are rows of [weight of F1, weight of F2, bias], for the experts K times M of them, for the gate K.
  function makeMixture(K, loss, variance, seed) {
    const w = uniform(seed, 3 * K * M), v = new Float64Array(3 * K);
    const [dw, dv] = [w, v].map((weights) => new Float64Array(weights.length));
    const o = new Float64Array(K * M), y = new Float64Array(M);
    const [score, p, h] = [0, 0, 0].map(() => new Float64Array(K));

    function softmax(from, to) {
      let largest = -Infinity, total = 0;
      for (let k = 0; k < K; k++) largest = Math.max(largest, from[k]);
      for (let k = 0; k < K; k++) total += to[k] = Math.exp(from[k] - largest);
      for (let k = 0; k < K; k++) to[k] /= total;
    }

    function answer(f1, f2) {
      for (let k = 0; k < K; k++) score[k] = v[3 * k] * f1 + v[3 * k + 1] * f2 + v[3 * k + 2];
      softmax(score, p);
      y.fill(0);
      for (let k = 0, i = 0; k < K; k++) {
        for (let m = 0; m < M; m++, i++) {
          o[i] = moe.sigmoid(w[3 * i] * f1 + w[3 * i + 1] * f2 + w[3 * i + 2]);
          y[m] += p[k] * o[i];
        }
      }
    }

    function learn(n) {
      const f1 = x1[n], f2 = x2[n];
      let expected = 0; // eq. 1.2
      for (let k = 0; k < K; k++) {
        let distance = 0;
        for (let m = 0; m < M; m++) distance += (d[n * M + m] - o[k * M + m]) ** 2;
        h[k] = loss === "mixture" ? score[k] - 0.5 * distance / variance : distance;
        expected += p[k] * distance;
      }
      if (loss === "mixture") softmax(h, h);
      for (let k = 0, i = 0; k < K; k++) {
        // With respect to the gate's total input: eq. 1.3 has p - h, eq. 1.2 and eq. 1.1 follow from the softmax.
        let toGate = loss === "mixture" ? p[k] - h[k] : loss === "expected" ? p[k] * (h[k] - expected) : 0;
        for (let m = 0; m < M; m++, i++) {
          const wanted = d[n * M + m];
          let toOutput = loss === "mixture" ? -h[k] * (wanted - o[i]) / variance : -2 * p[k] * (wanted - o[i]);
          if (loss === "cooperative") {
            toOutput = -2 * p[k] * (wanted - y[m]);
            toGate += toOutput * (o[i] - y[m]);
          }
          toOutput *= o[i] * (1 - o[i]);
          dw[3 * i] += toOutput * f1;
          dw[3 * i + 1] += toOutput * f2;
          dw[3 * i + 2] += toOutput;
        }
        dv[3 * k] += toGate * f1;
        dv[3 * k + 1] += toGate * f2;
        dv[3 * k + 2] += toGate;
      }
    }
    return { weights: [w, v], gradients: [dw, dv], answer, learn, y, p };
  }

  // Weights as above: the hidden units' rows, and rows of H weights and a bias. The loss is half the squared error.
  function makeNetwork(seed) {
    const H = data.hidden, drawn = uniform(seed, 3 * H + M * (H + 1));
    const w = drawn.subarray(0, 3 * H), v = drawn.subarray(3 * H);
    const [dw, dv] = [w, v].map((weights) => new Float64Array(weights.length));
    const hidden = new Float64Array(H + 1).fill(1), back = new Float64Array(H), y = new Float64Array(M);

    function answer(f1, f2) {
      for (let j = 0; j < H; j++) hidden[j] = moe.sigmoid(w[3 * j] * f1 + w[3 * j + 1] * f2 + w[3 * j + 2]);
      for (let m = 0, i = 0; m < M; m++) {
        let total = 0;
        for (let j = 0; j <= H; j++) total += v[i++] * hidden[j];
        y[m] = moe.sigmoid(total);
      }
    }

    function learn(n) {
      back.fill(0);
      for (let m = 0, i = 0; m < M; m++) {
        const toTotal = (y[m] - d[n * M + m]) * y[m] * (1 - y[m]);
        for (let j = 0; j <= H; j++, i++) {
          dv[i] += toTotal * hidden[j];
          if (j < H) back[j] += toTotal * v[i];
        }
      }
      for (let j = 0; j < H; j++) {
        const toTotal = back[j] * hidden[j] * (1 - hidden[j]);
        dw[3 * j] += toTotal * x1[n];
        dw[3 * j + 1] += toTotal * x2[n];
        dw[3 * j + 2] += toTotal;
      }
    }
    return { weights: [w, v], gradients: [dw, dv], answer, learn, y };
  }

  // The class of an output, as `mixture.class_decisions` has it, and whether it is the desired one of a case.
  const decided = (y) => (M === 1 ? Number(y[0] >= 0.5) : y.indexOf(Math.max(...y)));
  const right = (y, n) => (M === 1 ? decided(y) === d[n] : d[n * M + decided(y)] === 1);

  // Training -----------------------------------------------------------------------------------------------------------

  let racers; // each with its name, its model and its curve, the errors from epoch 0 to the present one

  const epochsOf = ({ curve }) => curve.length - 1;
  const errorOf = ({ curve }) => curve[curve.length - 1];
  const reached = (racer) => errorOf(racer) <= criterion;
  const active = () => racers.filter((racer) => !reached(racer) && epochsOf(racer) < data.epochs);
  const epoch = () => Math.max(...racers.map(epochsOf));

  // The error at the present weights, and the gradients for the next update.
  function look({ model: { answer, learn, y, gradients }, curve }) {
    let error = 0;
    for (const gradient of gradients) gradient.fill(0);
    for (let n = 0; n < training; n++) {
      answer(x1[n], x2[n]);
      for (let m = 0; m < M; m++) error += (d[n * M + m] - y[m]) ** 2;
      learn(n);
    }
    curve.push(error / training);
  }

  // One epoch of all that go on. No step size makes a weight infinite: the outputs lie between 0 and 1, so that the
  // gradients are bounded.
  function advance() {
    const rate = Number(step.value) / training;
    for (const racer of active()) {
      const { weights, gradients } = racer.model;
      weights.forEach((values, layer) => {
        for (let i = 0; i < values.length; i++) values[i] -= rate * gradients[layer][i];
      });
      look(racer);
    }
    if (active().length === 0) stop(ending());
  }

  function ending() {
    const said = racers.map((racer) => `the ${racer.name} ` + (reached(racer) ? "reached the criterion after "
      : "has not reached the criterion in ") + `${epochsOf(racer)} epochs`);
    return `Done: ${said.join("; ")}.` + (racers.every(reached) ? "" : " Try another step size or seed.");
  }

  // Playing ------------------------------------------------------------------------------------------------------------

  let running = false, frame = 0, drawn = 0;

  function stop(words) {
    running = false;
    cancelAnimationFrame(frame);
    playing.textContent = "Start";
    status.textContent = words;
  }

  function play() {
    if (running) {
      stop(`Paused at epoch ${epoch()}.`);
      draw();
    } else if (active().length === 0) {
      stop(ending());
    } else {
      running = true;
      playing.textContent = "Pause";
      status.textContent = `Training until both have an error of at most ${criterion}.`;
      frame = requestAnimationFrame(tick);
    }
  }

  function tick(now) {
    frame = requestAnimationFrame(tick);
    for (let i = 0; i < Number(speed.value) && running; i++) advance();
    if (running && moe.calm() && now - drawn < 1000) return;
    drawn = now;
    draw();
  }

  function once() {
    stop(`Epoch ${epoch() + 1}.`);
    advance();
    draw();
  }

  // Everything from the start, with the settings as they are.
  function reset(words) {
    const targets = data.codings.find(([name]) => name === coding.value)[2];
    M = targets[0].length;
    d = Float64Array.from([...data.vowel].flatMap((vowel) => targets[vowel]));
    const K = Number(experts.value);
    variance.input.disabled = loss.value !== "mixture";
    racers = [
      { name: "mixture", model: makeMixture(K, loss.value, Number(variance.value), seed.value), curve: [] },
      { name: "network", model: makeNetwork(seed.value), curve: [] },
    ];
    racers.forEach(look);
    chart = moe.bars(style, K, ["p"], "Mean mixing proportions of the training cases");
    chartPlace.replaceChildren(chart.element);
    meaning.textContent = "The ground has the mixing proportions. Black: where the two largest are equal. " +
      "Thin grey: where two are equal and another one is larger. " + (M === 1
      ? "In colour: where an expert's output is 0.5, thin where no case gives it more than 0.01. Broad grey: where the " +
        "blend is 0.5." : "With four outputs no expert has a single decision line. Broad grey: where the class of the " +
        "blend changes.");
    stop(words);
    draw();
  }

  // Drawing the plane --------------------------------------------------------------------------------------------------

  const map = moe.plane(style, "");
  map.showCases([...x1.subarray(0, training)].map((f1, n) => [f1, x2[n]]), [...data.vowel].map((at) => codes[at]));
  const border = svg("path", { class: "moe-blend", fill: "none", stroke: "#777", "stroke-width": 7, opacity: 0.6,
    "stroke-linecap": "round" });
  let chart;

  // A grid of 60 by 60 over the plane: at each corner its place in the drawing, the blend's outputs and their class. One
  // output counts as two, so that a border lies where the outputs of two classes are equal.
  function corners({ answer, y }) {
    const steps = 60, [[low1, high1], [low2, high2]] = map.box, rows = [];
    for (let j = 0; j <= steps; j++) {
      rows.push([]);
      for (let i = 0; i <= steps; i++) {
        const f1 = low1 + (i / steps) * (high1 - low1), f2 = low2 + (j / steps) * (high2 - low2);
        answer(f1, f2);
        rows[j].push({ u: map.x(f1), v: map.y(f2), y: M === 1 ? [1 - y[0], y[0]] : [...y], decided: decided(y) });
      }
    }
    return rows;
  }

  // Where the class changes on the way between two corners, or nothing. Between them the outputs count as linear.
  function crossing(from, to) {
    if (from.decided === to.decided) return [];
    const [a, b] = [from, to].map(({ y }) => y[from.decided] - y[to.decided]);
    const t = a === b ? 0.5 : a / (a - b);
    return [[from.u + t * (to.u - from.u), from.v + t * (to.v - from.v)]];
  }

  // Where the blend changes its class: a line through each triangle of the grid whose corners differ.
  function drawBorder(model) {
    const rows = corners(model), path = [];
    const triangle = (a, b, c) => {
      const points = [...crossing(a, b), ...crossing(b, c), ...crossing(c, a)].map((point) =>
        point.map((part) => part.toFixed(2)).join(" "));
      if (points.length > 0) path.push(`M${points.join("L")}`);
    };
    for (let j = 1; j < rows.length; j++) {
      for (let i = 1; i < rows.length; i++) {
        triangle(rows[j - 1][i - 1], rows[j - 1][i], rows[j][i]);
        triangle(rows[j - 1][i - 1], rows[j][i], rows[j][i - 1]);
      }
    }
    border.setAttribute("d", path.join(""));
    map.under.append(border);
  }

  // Mean and largest proportion of each expert over the training cases, and for how many of them it has the largest.
  function shares({ answer, p }) {
    const K = p.length, [mean, largest, cases] = [0, 0, 0].map(() => Array(K).fill(0));
    for (let n = 0; n < training; n++) {
      answer(x1[n], x2[n]);
      for (let k = 0; k < K; k++) {
        mean[k] += p[k] / training;
        largest[k] = Math.max(largest[k], p[k]);
      }
      cases[p.indexOf(Math.max(...p))]++;
    }
    return { mean, largest, cases };
  }

  function drawMap(model, { largest, cases }) {
    const [w, v] = model.weights;
    const each = (from) => largest.map((_, k) => from(3 * k));
    const gate = { weight: each((at) => [v[at], v[at + 1]]), bias: each((at) => v[at + 2]) };
    map.paintGate(gate, 40);
    const unbiased = v.every((weight) => weight === 0);
    map.showGateLines(gate);
    drawBorder(model);
    const line = (share, k) => map.decisionLine(w.subarray(3 * k, 3 * k + 2), w[3 * k + 2], k,
      share > data.live ? {} : { "stroke-width": 1, "stroke-opacity": 0.6 });
    map.over.replaceChildren(...(M > 1 ? [] : largest.map(line).filter(Boolean)));
    map.element.setAttribute("aria-label", "The plane of F1 and F2 with the training cases, coloured by the mixing " +
      `proportions after ${epochsOf(racers[0])} epochs. ` + (unbiased ? "All experts have the same proportion everywhere."
      : "Training cases in which an expert has the largest proportion: " +
        `${cases.map((n, k) => `expert ${k} ${n}`).join(", ")}.`));
  }

  // Drawing the race: the curves of the two errors over the epochs ----------------------------------------------------

  const race = svg("svg", { viewBox: "0 0 360 236", role: "img", class: "moe-drawing" });
  const paints = { mixture: ["#000", "none"], network: ["#666", "7 3"] }; // the colours are the experts'

  function drawRace() {
    const longest = [100, 200, 500, 1000, 2000, data.epochs].find((epochs) => epochs >= epoch());
    const tallest = 1.1 * Math.max(...racers.flatMap(({ curve }) => curve));
    const size = [0.05, 0.1, 0.2, 0.5, 1].find((step) => tallest / step < 5);
    const ticks = moe.range(Math.floor(tallest / size) + 1).map((i) => Number((i * size).toFixed(2)));
    const stride = Math.max(1, longest / 500); // no more points than can be told apart
    const { x, y } = moe.errorCurves(race, 236, { to: longest, ticks: [0, longest / 2, longest] }, { to: tallest, ticks },
      criterion, racers.map(({ name, curve }) => ({ stroke: paints[name][0], "stroke-dasharray": paints[name][1],
        "data-racer": name, points: curve.flatMap((error, at) =>
          at % stride === 0 || at === curve.length - 1 ? [[at, error]] : []) })), 66);
    // The names stand at the ends of the curves, not on top of each other.
    const [first, second] = racers.map((racer) => y(errorOf(racer)) + 4);
    const apart = Math.max(0, 14 - Math.abs(first - second)) / 2 * (first <= second ? 1 : -1);
    const names = racers.map((racer, at) => svg("text", { x: x(epochsOf(racer)) + 4, y: at ? second + apart : first - apart,
      class: "moe-name", style: `fill: ${paints[racer.name][0]}; font-weight: 600`, "paint-order": "stroke", stroke: "#fff",
      "stroke-width": 3 }, racer.name));
    race.append(...names);
    race.setAttribute("aria-label", "Mean squared error over the epochs: " + racers.map((racer) => `${racer.name} ` +
      `${format(racer.curve[0], 3)} at the start and ${format(errorOf(racer), 3)} at epoch ${epochsOf(racer)}`).join(", ") +
      `. A dotted line is at the criterion, ${criterion}.`);
  }

  // The table and all together ------------------------------------------------------------------------------------------

  function percentages({ answer, y }) {
    const hits = [0, 0];
    for (let n = 0; n < count; n++) {
      answer(x1[n], x2[n]);
      if (right(y, n)) hits[n < training ? 0 : 1]++;
    }
    return [hits[0] / training, hits[1] / (count - training)].map((share) => format(100 * share, 1));
  }

  function draw() {
    const [{ model }] = racers, share = shares(model);
    drawMap(model, share);
    drawRace();
    chart.show({ p: share.mean });
    counters.replaceChildren(...racers.map((racer) => html("tr", {}, html("th", { scope: "row" }, racer.name),
      ...[epochsOf(racer), format(errorOf(racer), 4), ...percentages(racer.model), reached(racer) ? "yes" : "no"]
        .map((words) => html("td", {}, String(words))))));
  }

  // Controls -----------------------------------------------------------------------------------------------------------

  const changed = () => reset("A setting was changed: back to epoch 0, paused.");
  const select = (label, name, options) => choice({ label, name, options, value: begin[name], changed });
  const experts = select("Experts", "experts", moe.options(data.experts));
  const loss = select("Loss", "loss", data.losses);
  const step = select("Step size ε", "step", moe.options(data.steps));
  const variance = select("Variance of eq. 1.3", "variance", moe.options(data.variances));
  const coding = select("Targets", "coding", data.codings);
  const seed = number({ label: "Seed (0 to 9999)", name: "seed", min: 0, max: 9999, value: begin.seed, changed });
  const speed = choice({ label: "Epochs for each picture", name: "speed", options: moe.options(data.speeds),
    value: begin.speed, changed() {} });
  const playing = button("Start", play);
  const status = html("p", { role: "status" });
  const counters = html("tbody"), chartPlace = html("div");
  const meaning = html("p", { style: "font-size: 0.9em" });
  const columns = ["", "epochs", "error", "training", "test", `at ${criterion}`];
  const table = html("table", {}, html("thead", {}, html("tr", {}, ...columns.map((words) =>
    html(words ? "th" : "td", { scope: words ? "col" : undefined }, words)))), counters);
  live.append(
    group("Settings", controls(experts, loss, step, variance, coding, seed)),
    staying(playing, button("One epoch", once), button("Start again", () => reset("Back to epoch 0.")), speed),
    status, html("div", { class: "moe-scroll", tabindex: 0, role: "region", "aria-label": "The two models" }, table),
    html("p", {}, "Error: the mean squared error of the training cases. Training and test: per cent right. " +
      `The last column: whether the error has reached ${criterion}.`),
    html("div", { class: "moe-panels" },
      html("div", { class: "moe-last" }, map.element, moe.legend(style, data.names), meaning),
      html("div", {}, html("p", {}, `The race; dotted: the criterion, ${criterion}`), race,
        html("p", {}, "Mean mixing proportions of the training cases"), chartPlace)),
    html("p", {}, `The network has ${data.hidden} hidden units. It learns by backpropagation from half the squared error, ` +
      "with the same step size and seed."));
  reset(`Start trains both until the mean squared error of each is at most ${criterion}, for at most ${data.epochs} ` +
    "epochs.");

  return () => ({ running, racers: racers.map((racer) => ({ name: racer.name, epochs: epochsOf(racer),
    error: errorOf(racer), weights: racer.model.weights.map((values) => [...values]) })) });
});
