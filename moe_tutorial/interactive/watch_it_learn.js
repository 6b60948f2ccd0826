// Watch it learn: on one press the model of 1991 divides four vowels among its experts, at a pace that can be followed.
moe.start((live, data) => {
  "use strict";
  const { html, svg, button, format } = moe;
  const { names, seeds, criterion } = data;
  const vowels = Object.keys(names), word = (at) => names[vowels[at]].split(" ")[1];
  const task = moe.vowelTask(data, data.targets), map = moe.vowelMap(data);
  let learner, seed, drawn = 0, running = false, frame = 0, last = null, owed = 0;

  const epochs = () => learner.curve.length - 1;
  const error = () => learner.curve[epochs()];
  const ended = () => error() <= criterion || epochs() >= data.epochs;

  // What was seen, in words ---------------------------------------------------------------------------------------------

  const and = (parts) => [parts.slice(0, -1).join(", "), ...parts.slice(-1)].filter(Boolean).join(" and ");

  // For each expert, of how many training cases of each vowel it has the largest proportion.
  function favourites({ answer, p }) {
    const counts = [...p].map(() => vowels.map(() => 0));
    for (let n = 0; n < task.training; n++) {
      answer(task.x1[n], task.x2[n]);
      counts[p.indexOf(Math.max(...p))][Number(data.vowel[n])]++;
    }
    return counts;
  }

  function division() {
    const counts = favourites(learner.model), idle = [], said = [];
    const all = vowels.map((_, v) => counts.reduce((sum, of) => sum + of[v], 0));
    counts.forEach((of, k) => {
      const many = (n, v) => n === all[v] ? "all" : `${n} of ${all[v]}`;
      const words = of.flatMap((n, v) => n ? [`${many(n, v)} ${word(v)}`] : []);
      if (words.length === 0) idle.push(String(k));
      else said.push(`expert ${k} ${said.length ? "" : "has the largest proportion "}for ${and(words)}`);
    });
    const none = idle.length ? `; ${idle.length > 1 ? "experts" : "expert"} ${and(idle)} for none` : "";
    return `E${said.join(", ").slice(1)}${none}.`;
  }

  function ending() {
    const test = task.percentages(learner.model)[1], reached = error() <= criterion;
    return (reached ? `After ${epochs()} epochs the error is down to ${criterion}. `
      : `After ${epochs()} epochs the error has not come down to ${criterion}. `) + division() +
      ` Nobody divided the vowels for them. Of the vowels of voices that they were not trained on, ${test} % are right.`;
  }

  // Playing -------------------------------------------------------------------------------------------------------------

  const playing = button("Watch them learn", press, { class: "moe-press" });
  const status = html("p", { role: "status" });
  const counter = html("p", { class: "moe-counter" });
  const place = html("div");
  const chart = moe.bars(data.style, data.experts, ["p"], "Mean mixing proportions of the training cases");
  place.append(chart.element);

  function pause(words, next) {
    running = false;
    cancelAnimationFrame(frame);
    playing.textContent = next;
    status.textContent = words;
  }

  function reset(to) {
    seed = to;
    learner = { model: task.mixture(data.experts, "mixture", 1, seed), curve: [] };
    task.look(learner);
    owed = 0;
    pause("At the start the four experts have random lines, and the gate gives each of them the same proportion everywhere.",
      "Watch them learn");
    draw();
  }

  function press() {
    if (running) {
      pause(`Paused at epoch ${epochs()}. ${division()}`, "Go on");
      draw();
      return;
    }
    if (ended()) reset(seeds[(seeds.indexOf(seed) + 1) % seeds.length]);
    running = true;
    last = null;
    playing.textContent = "Pause";
    status.textContent = "They learn, experts and gate together, from one error.";
    frame = requestAnimationFrame(tick);
  }

  // As many epochs a second on a fast screen as on a slow one; a page that was out of sight does not catch up.
  function tick(now) {
    frame = requestAnimationFrame(tick);
    owed += last === null ? 0 : Math.min(now - last, 200) * data.pace / 1000;
    last = now;
    for (; owed >= 1 && !ended(); owed--) task.update(learner, data.step);
    if (ended()) pause(ending(), "Another start");
    else if (moe.calm() && now - drawn < 1000) return;
    drawn = now;
    draw();
  }

  function draw() {
    const shares = task.shares(learner.model);
    map.show(learner.model, task, shares, epochs());
    for (const number of map.element.querySelectorAll(".moe-number")) {
      number.textContent = `expert ${number.getAttribute("data-expert")}`;
    }
    chart.show({ p: shares.mean });
    counter.textContent = `Epoch ${epochs()}, error ${format(error(), 3)}`;
  }

  // The words of the vowels that should give an answer.
  const asked = (answer) => vowels.map((_, v) => v).filter((v) => data.targets[v][0] === answer)
    .flatMap((v, at) => [...(at ? [" or "] : []), html("em", {}, word(v))]);

  // The page ------------------------------------------------------------------------------------------------------------

  const key = (line, words) => html("span", {}, svg("svg", { viewBox: "0 0 26 8", width: 26, height: 8,
    style: "border-radius: 0", "aria-hidden": "true" },
    svg("path", { d: "M1 4H25", stroke: "#777", ...line })), ` ${words}`);
  live.append(
    html("p", {}, "The question: is it ", ...asked(1), " (answer 1), or ", ...asked(0), " (answer 0)? An expert is one " +
      "straight line, with answers near 1 on one side and near 0 on the other."),
    html("div", { class: "moe-controls" }, playing, counter),
    html("div", { class: "moe-panels" },
      html("div", {}, map.element),
      html("div", {}, status, html("p", {}, "The gate's mixing proportions, mean of all vowels"), place)),
    moe.legend(data.style, names),
    html("p", { class: "moe-legend" }, key({ stroke: "#777", "stroke-width": 2.2, "stroke-dasharray": "7 3" },
      "an expert's line"), key({ stroke: "#000", "stroke-width": 1.8 }, "where the gate passes from expert to expert"),
    key({ "stroke-width": 7, "stroke-opacity": 0.6 }, "where the answers, weighted by the gate, give 0.5"),
    html("span", {}, "background: the mixing proportions")));
  reset(data.seed);

  return () => ({ running, seed, epochs: epochs(), error: error(),
    weights: learner.model.weights.map((values) => [...values]) });
});
