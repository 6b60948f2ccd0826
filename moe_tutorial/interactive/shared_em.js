// What the interactives of EM share beside `shared.js`: sums, Newton's steps, and the table of what was pressed.
Object.assign(moe, (() => {
  "use strict";
  const { html, range, format } = moe;

  // A number to three decimals, and by how much one has changed, in words.
  const three = (value) => format(value, 3);
  const by = (value) => value < 0.0005 ? "less than 0.001" : three(value);
  const risen = (value) => value < 0 ? `fallen by ${by(-value)}` : `risen by ${by(value)}`;

  const sum = (values) => values.reduce((all, value) => all + value, 0);

  // The sum of `of(n)` for n below `count`.
  const total = (count, of) => {
    let all = 0;
    for (let n = 0; n < count; n++) all += of(n);
    return all;
  };

  const logSum = (values) => {
    const largest = Math.max(...values);
    return largest + Math.log(sum(values.map((value) => Math.exp(value - largest))));
  };

  // The solution of a system of linear equations, by elimination with the largest pivot.
  function solved(matrix, right) {
    const rows = matrix.map((row, i) => [...row, right[i]]), size = rows.length;
    for (let i = 0; i < size; i++) {
      const pivot = range(size - i).reduce((best, j) =>
        Math.abs(rows[i + j][i]) > Math.abs(rows[best][i]) ? i + j : best, i);
      [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
      for (let j = i + 1; j < size; j++) {
        const factor = rows[j][i] / rows[i][i];
        for (let k = i; k <= size; k++) rows[j][k] -= factor * rows[i][k];
      }
    }
    const found = Array(size).fill(0);
    for (let i = size - 1; i >= 0; i--) {
      found[i] = (rows[i][size] - sum(range(size).map((k) => k > i ? rows[i][k] * found[k] : 0))) / rows[i][i];
    }
    return found;
  }

  // What a step of a length makes of weights, `at(length)`, the step halved until `value` does not fall; or the weights.
  function climbed(value, weights, at) {
    const before = value(weights), least = before - 64 * Number.EPSILON * (1 + Math.abs(before)); // rounding is no fall
    for (let halving = 0, length = 1; halving <= 40; halving++, length /= 2) {
      const there = at(length);
      if (value(there) >= least) return there;
    }
    return weights;
  }

  // The last presses as a table: `show(rows)` with rows [words, ...values], of which the first is the start.
  function presses(columns) {
    const body = html("tbody");
    return {
      element: html("div", { class: "moe-scroll", tabindex: 0, role: "region", "aria-label": "The last presses" },
        html("table", {}, html("caption", {}, "The last presses"), html("thead", {}, html("tr", {},
          ...["press", ...columns].map((words) => html("th", { scope: "col" }, words)))), body)),
      show(rows) {
        const first = Math.max(0, rows.length - 6);
        body.replaceChildren(...rows.slice(first).map(([words, ...values], i) => html("tr", {},
          html("th", { scope: "row" }, first + i ? `${first + i}. ${words}` : words),
          ...values.map((value) => html("td", {}, value)))));
      },
    };
  }

  return { three, risen, sum, total, logSum, solved, climbed, presses };
})());
