// What the interactives that train on the vowels share beside `shared.js`: the task, the models' arithmetic, and their map.
Object.assign(moe, (() => {
  "use strict";
  const { svg } = moe;

  // The task of section 3: the cases of a page's data, with the desired outputs `targets`, one list for each vowel.
  function vowelTask(data, targets) {
    const count = data.f1.length, training = data.training;
    const x1 = Float64Array.from(data.f1, (hertz) => hertz / 1000), x2 = Float64Array.from(data.f2, (hertz) => hertz / 1000);
    const M = targets[0].length; // the number of outputs
    const d = Float64Array.from([...data.vowel].flatMap((vowel) => targets[vowel])); // of all cases, one after the other

    // Numbers from -spread to spread, those of `initial_weights`: torch's generator is the Mersenne Twister, and each of its
    // float64 is made of 53 bits of two draws, the high word first. One block of 624 draws is more than is needed.
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

    // A model's `answer` computes the output y at an input, and its `learn` adds the gradient of that case's loss.

    // Weights are rows of [weight of F1, weight of F2, bias], for the experts K times M of them, for the gate K.
    function mixture(K, loss, variance, seed) {
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

    // The class of an output, as `mixture.class_decisions` has it, and whether it is the desired one of a case.
    const decided = (y) => (M === 1 ? Number(y[0] >= 0.5) : y.indexOf(Math.max(...y)));
    const right = (y, n) => (M === 1 ? decided(y) === d[n] : d[n * M + decided(y)] === 1);

    // The error of a model at its weights, put at the end of `curve`, and the gradients for the next update.
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

    // One update of the weights, and the error after it.
    function update(racer, stepSize) {
      const { weights, gradients } = racer.model, rate = stepSize / training;
      weights.forEach((values, layer) => {
        for (let i = 0; i < values.length; i++) values[i] -= rate * gradients[layer][i];
      });
      look(racer);
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

    // Per cent right, of the training and of the test cases.
    function percentages({ answer, y }) {
      const hits = [0, 0];
      for (let n = 0; n < count; n++) {
        answer(x1[n], x2[n]);
        if (right(y, n)) hits[n < training ? 0 : 1]++;
      }
      return [hits[0] / training, hits[1] / (count - training)].map((share) => moe.format(100 * share, 1));
    }

    return { count, training, x1, x2, M, d, uniform, mixture, decided, look, update, shares, percentages };
  }

  // The plane with the training cases: `show` paints proportions, the experts' lines and where the class changes.
  function vowelMap(data) {
    const codes = Object.keys(data.names), plane = moe.plane(data.style, "");
    plane.showCases(data.f1.slice(0, data.training).map((f1, n) => [f1 / 1000, data.f2[n] / 1000]),
      [...data.vowel].map((at) => codes[at]));
    const border = svg("path", { class: "moe-blend", fill: "none", stroke: "#777", "stroke-width": 7, opacity: 0.6,
      "stroke-linecap": "round" });

    // A grid of 60 by 60 over the plane: at each corner its place in the drawing, the blend's outputs and their class. One
    // output counts as two, so that a border lies where the outputs of two classes are equal.
    function corners({ answer, y }, { M, decided }) {
      const steps = 60, [[low1, high1], [low2, high2]] = plane.box, rows = [];
      for (let j = 0; j <= steps; j++) {
        rows.push([]);
        for (let i = 0; i <= steps; i++) {
          const f1 = low1 + (i / steps) * (high1 - low1), f2 = low2 + (j / steps) * (high2 - low2);
          answer(f1, f2);
          rows[j].push({ u: plane.x(f1), v: plane.y(f2), y: M === 1 ? [1 - y[0], y[0]] : [...y], decided: decided(y) });
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
    function drawBorder(model, task) {
      const rows = corners(model, task), path = [];
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
      plane.under.append(border);
    }

    function show(model, task, { largest, cases }, epochs) {
      const [w, v] = model.weights;
      const each = (from) => largest.map((_, k) => from(3 * k));
      const gate = { weight: each((at) => [v[at], v[at + 1]]), bias: each((at) => v[at + 2]) };
      plane.paintGate(gate, 40);
      const unbiased = v.every((weight) => weight === 0);
      plane.showGateLines(gate);
      drawBorder(model, task);
      const line = (share, k) => plane.decisionLine(w.subarray(3 * k, 3 * k + 2), w[3 * k + 2], k,
        share > data.live ? {} : { "stroke-width": 1, "stroke-opacity": 0.6 });
      plane.over.replaceChildren(...(task.M > 1 ? [] : largest.map(line).filter(Boolean)));
      plane.element.setAttribute("aria-label", "The plane of F1 and F2 with the training cases, coloured by the mixing " +
        `proportions after ${epochs} epochs. ` + (unbiased ? "All experts have the same proportion everywhere."
        : "Training cases in which an expert has the largest proportion: " +
          `${cases.map((n, k) => `expert ${k} ${n}`).join(", ")}.`));
    }

    return { element: plane.element, show };
  }

  return { vowelTask, vowelMap };
})());
