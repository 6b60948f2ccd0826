// Train it yourself: a mixture and a backpropagation network learn the vowels here, with the arithmetic of the package.
moe.start((live, data) => {
  "use strict";
  const { html, svg, choice, number, button, controls, staying, group, format } = moe;
  const { style, begin, criterion } = data;

  // The network that races with the mixture ----------------------------------------------------------------------------

  // Its weights are the hidden units' rows, and rows of H weights and a bias. The loss is half the squared error.
  function makeNetwork({ M, d, x1, x2, uniform }, seed) {
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

  // Training -----------------------------------------------------------------------------------------------------------

  let task, racers; // of these each has a name, a model and a curve, the errors from epoch 0 to the present one

  const epochsOf = ({ curve }) => curve.length - 1;
  const errorOf = ({ curve }) => curve[curve.length - 1];
  const reached = (racer) => errorOf(racer) <= criterion;
  const active = () => racers.filter((racer) => !reached(racer) && epochsOf(racer) < data.epochs);
  const epoch = () => Math.max(...racers.map(epochsOf));

  // One epoch of all that go on. No step size makes a weight infinite: the outputs lie between 0 and 1, so that the
  // gradients are bounded.
  function advance() {
    for (const racer of active()) task.update(racer, Number(step.value));
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
    task = moe.vowelTask(data, data.codings.find(([name]) => name === coding.value)[2]);
    const K = Number(experts.value);
    variance.input.disabled = loss.value !== "mixture";
    racers = [
      { name: "mixture", model: task.mixture(K, loss.value, Number(variance.value), seed.value), curve: [] },
      { name: "network", model: makeNetwork(task, seed.value), curve: [] },
    ];
    racers.forEach(task.look);
    chart = moe.bars(style, K, ["p"], "Mean mixing proportions of the training cases");
    chartPlace.replaceChildren(chart.element);
    meaning.textContent = "The ground has the mixing proportions. Black: where the two largest are equal. " +
      "Thin grey: where two are equal and another one is larger. " + (task.M === 1
      ? "In colour: where an expert's output is 0.5, thin where no case gives it more than 0.01. Broad grey: where the " +
        "blend is 0.5." : "With four outputs no expert has a single decision line. Broad grey: where the class of the " +
        "blend changes.");
    stop(words);
    draw();
  }

  // Drawing the race: the curves of the two errors over the epochs ----------------------------------------------------

  const map = moe.vowelMap(data), race = svg("svg", { viewBox: "0 0 360 236", role: "img", class: "moe-drawing" });
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

  function draw() {
    const [{ model }] = racers, share = task.shares(model);
    map.show(model, task, share, epochsOf(racers[0]));
    drawRace();
    chart.show({ p: share.mean });
    counters.replaceChildren(...racers.map((racer) => html("tr", {}, html("th", { scope: "row" }, racer.name),
      ...[epochsOf(racer), format(errorOf(racer), 4), ...task.percentages(racer.model), reached(racer) ? "yes" : "no"]
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
  let chart;
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
