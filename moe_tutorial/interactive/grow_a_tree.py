"""Grow a tree, of chapter 11: a leaf is split, EM goes on, and a gate shows its border and its cases."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from .. import plots
from .._words import three_decimals
from ..model.initial import initial_weights
from ..model.losses import _log_gaussian
from ..model.mixture import blend
from ..model.tree import Tree, node_responsibilities
from ..shapes import CountFrom0, Positive, checked
from ..tasks import toys
from ..tasks.vowels import SYMBOLS, load_vowels
from ..training.em import EMPTY, em
from ._interactive import Interactive, in_billionths, rounded_toy, style

_Task = Literal["ten_vowels", "grid", "staggered"]
_SEEDS, _BEGIN = 4, 3  # of the moves; with the last one the first split of the ten vowels finds its best place
_LOWEST, _HIGHEST, _STEPS = -4, 2, 2  # the penalty goes from 10^-4 to 10^2, in halves of a factor of 10
_FLOOR = 1e-4  # of the variance, as in `em`
_LEAVES = 16
_ROUNDS = 10
_NAMED = 0.15  # the least frequency of a vowel that is written at a leaf
_TEN = tuple(sorted(SYMBOLS))


@dataclass(frozen=True)
class Ground:
    """A task as chapter 11 has it: x `(N, 2)` as the tree sees it and `drawn`, targets d `(N, M)`, and which cases train."""

    words: str
    penalty: float
    gate_steps: int
    drawn: Tensor
    x: Tensor
    d: Tensor
    seen: Tensor
    axes: tuple[str, str]
    scale: tuple[Sequence[float], Sequence[float]] = ((0.0, 0.0), (1.0, 1.0))  # what is taken off, and divided by
    shift: float | None = None  # of the four regions

    @property
    def vowels(self):
        return self.shift is None


def _ground(task):
    if task != "ten_vowels":
        toy = rounded_toy(toys.four_regions(shift := 0.5 if task == "staggered" else 0.0))
        return Ground(task, 1e-3, 3, toy.x, toy.x, toy.d, torch.ones(len(toy), dtype=torch.bool), ("x1", "x2"), shift=shift)
    table = load_vowels()
    formants = in_billionths(table.formants[:, 1:3] / 1000)
    seen = table.speaker % 3 != 0
    mean, deviation = in_billionths(formants[seen].mean(0)), in_billionths(formants[seen].std(0))
    d = torch.nn.functional.one_hot(torch.tensor([_TEN.index(code) for code in table.vowel]), len(_TEN)).double()
    return Ground("ten vowels", 1e-2, 2, formants, (formants - mean) / deviation, d, seen, ("F1", "F2"),
                  (mean.tolist(), deviation.tolist()))


class GrowATree(Interactive):
    """A tree of gates on cases in a plane, which grows leaf by leaf: the tree, the soft border of a gate, and its cases.

    task: "ten_vowels", with leaves that say frequencies, from F1 and F2; or "grid" or "staggered", four regions with linear
    leaves and one variance that is learned. seed: of the moves at a split, from 0 to 3. penalty: of the gates, from 0.0001
    to 100; without it, as chapter 11 has it for the task.

    ValueError: a seed or a penalty outside.
    """

    name, title = "grow-a-tree", "Grow a tree"
    invitation = "choose a leaf, split it, and let EM go on."
    shared = ("shared.js", "shared_em.js")

    @checked
    def __init__(self, task: _Task = "ten_vowels", seed: CountFrom0 = _BEGIN, penalty: Positive | None = None):
        self.task, self.seed = task, int(seed)
        self.penalty = _ground(task).penalty if penalty is None else float(penalty)
        if self.seed >= _SEEDS:
            raise ValueError(f"seed must be from 0 to {_SEEDS - 1}, got {seed}")
        if not 10**_LOWEST <= self.penalty <= 10**_HIGHEST:
            raise ValueError(f"penalty must be from {10**_LOWEST:g} to {10**_HIGHEST:g}, got {penalty:g}")

    def data(self):
        inputs, tasks = [], []
        for name in get_args(_Task):
            ground = _ground(name)
            drawn = ground.drawn.tolist()
            if drawn not in inputs:
                inputs.append(drawn)
            one: dict[str, Any] = {"name": name, "words": ground.words, "penalty": ground.penalty,
                                   "steps": ground.gate_steps, "inputs": inputs.index(drawn), "scale": ground.scale,
                                   "axes": ground.axes}
            if ground.vowels:
                one |= {"vowels": [SYMBOLS[code] for code in _TEN], "d": ground.d.argmax(-1).tolist(),
                        "seen": "".join(str(int(seen)) for seen in ground.seen)}
            else:
                one |= {"d": ground.d[:, 0].tolist(), "shift": ground.shift}
            tasks.append(one)
        # Those of `Tree.split`; a leaf has the same ones however many stand to its right.
        moves = {kind: [_moves(outputs, seed)[..., part].flatten(2).tolist() for seed in range(_SEEDS)]
                 for kind, outputs, part in (("vowels", len(_TEN), slice(2, 3)), ("lines", 1, slice(3)))}
        return {"style": {key: style()[key] for key in ("f1", "f2", "ticks")}, "inputs": inputs, "tasks": tasks,
                "moves": moves, "floor": _FLOOR, "empty": EMPTY, "leaves": _LEAVES, "rounds": _ROUNDS, "named": _NAMED,
                "penalties": [_LOWEST, _HIGHEST, _STEPS],
                "begin": {"task": self.task, "seed": self.seed, "penalty": self.penalty}}

    def still(self):
        growth = Growth(self.task, self.seed, self.penalty)
        for _ in range(2):
            growth.split()
            growth.go_on(3 * _ROUNDS)
        return growth.diagram(f"{growth.ground.words}, seed {self.seed}: the tree after every leaf has been split twice. "
                              f"The log likelihood L is {three_decimals(growth.likelihood)} a case, {growth.fit()}.")

    def widgets(self):
        from ._widgets import Panel, button, choice, ratio_slider

        task = choice("task", [(_ground(name).words, name) for name in get_args(_Task)], self.task)
        seed = choice("seed of the moves", range(_SEEDS), self.seed)
        penalty = ratio_slider("penalty λ", _LOWEST, _HIGHEST, self.penalty, step=1 / _STEPS, readout_format=".2g")
        node = choice("node", [("leaf 0", ("leaf", 0))], ("leaf", 0))
        split, rounds, again = (button(words) for words in ("Split", f"EM × {_ROUNDS}", "Start again"))
        panel = Panel(task, seed, penalty, node, split, rounds, again)
        growths: list[Growth] = []

        def show(words=""):
            kind, number = node.value
            panel.show(*growths[-1].shown(kind, number, words))

        def offer(value):
            with panel.setting():
                node.options = growths[-1].nodes()
                node.value = value

        def start():
            growths[:] = [Growth(task.value, seed.value, penalty.value)]
            offer(("leaf", 0))
            show()

        def choose_task():
            with panel.setting():
                penalty.value = _ground(task.value).penalty
            start()

        def press_split():
            kind, number = node.value
            growth = growths[-1]
            if kind == "gate":
                return show("A gate is chosen. Choose a leaf to split.")
            if growth.leaves * (2 if kind == "all" else 1) + (kind == "leaf") > _LEAVES:
                return show(f"A tree has at most {_LEAVES} leaves here.")
            growth.split(None if kind == "all" else number)
            offer(("all", 0) if kind == "all" else ("gate", growth.gates - 1))
            show()

        def press_rounds():
            growths[-1].penalty = penalty.value
            growths[-1].go_on(_ROUNDS)
            show()

        start()
        panel.on_move(choose_task, task)
        panel.on_move(start, seed)
        panel.on_move(show, node)
        panel.on_press(press_split, split)
        panel.on_press(press_rounds, rounds)
        panel.on_press(start, again)
        return panel.box


class Growth:
    """A tree that grows on a task: `split` and `go_on` with EM. It begins with one leaf, fitted."""

    def __init__(self, task, seed, penalty):
        self.ground, self.seed, self.penalty = _ground(task), seed, penalty
        self.x, self.d = self.ground.x[self.ground.seen], self.ground.d[self.ground.seen]
        self.variance = 1.0
        if self.ground.vowels:
            self.tree = Tree(0, outputs=len(_TEN), output="softmax")
            with torch.no_grad():
                self.tree.experts.weight.zero_()
            self.tree.experts.weight.requires_grad_(False)
        else:
            self.tree = Tree(0, output="linear")
        self.go_on(1)

    @property
    def leaves(self):
        return self.gates + 1

    @property
    def gates(self):
        return len(self.tree.gate.weight)

    def split(self, leaf=None):
        """A leaf, or all of them, become gates over two."""
        self.tree = self.tree.split(leaf, seed=self.seed)
        self._measure()

    def go_on(self, iterations):
        """So many iterations of EM, as in chapter 11."""
        settings: dict[str, Any] = {"likelihood": "categorical"} if self.ground.vowels else {
            "variance": self.variance, "learn_variance": True, "shared": True, "floor": _FLOOR}
        history = em(self.tree, self.x, self.d, iterations=iterations, penalty=self.penalty,
                     gate_steps=self.ground.gate_steps, record_every=iterations, **settings)
        if not self.ground.vowels:
            self.variance = history.weights["log_variance"][-1, 0, 0].exp().item()
        self._measure()

    def _measure(self):
        o, p = (part.detach() for part in self.tree(self.x))
        if self.ground.vowels:
            fit = (o * self.d[:, None]).sum(-1).log()  # what each leaf says of the vowel that it was
        else:
            fit = _log_gaussian(self.d, o, self.variance)
        joint = p.log() + fit
        self.likelihood = torch.logsumexp(joint, -1).mean().item()
        self.h = torch.softmax(joint, -1)

    def fit(self):
        """How well the blend does, in words."""
        ground = self.ground
        if not ground.vowels:
            error = (self.tree.blend(self.x) - self.d).square().mean().item()
            return f"mean squared error {error:.4f}"
        right = blend(*self.tree(ground.x)).argmax(-1) == ground.d.argmax(-1)
        train, test = (f"{right[part].double().mean():.1%}".replace("%", " %") for part in (ground.seen, ~ground.seen))
        return f"right on the training cases {train}, on the test cases {test}"

    def nodes(self):
        """The nodes as a choice has them."""
        return [*((f"leaf {k}", ("leaf", k)) for k in range(self.leaves)), ("every leaf", ("all", 0)),
                *((f"gate {j}{', the root' * (not j)}", ("gate", j)) for j in range(self.gates))]

    def responsibility(self, kind, number):
        """Of a node for the cases, `(N,)`."""
        if kind == "leaf":
            return self.h[:, number]
        return node_responsibilities(self.h, self.tree.gate.paths)[:, number] if kind == "gate" else torch.ones(len(self.h))

    def at_leaves(self):
        """What is written at each leaf."""
        if not self.ground.vowels:
            return [f"{share:.0f}" for share in (100 * self.h.mean(0)).tolist()]
        shares = self.tree.experts.bias.detach().softmax(-1)
        return ["\n".join(SYMBOLS[_TEN[n]] for n in row.argsort(descending=True, stable=True).tolist() if row[n] >= _NAMED)
                or "any" for row in shares]

    def diagram(self, caption):
        return plots.tree_diagram(self.tree.gate.paths, self.at_leaves(), [str(j) for j in range(self.gates)], caption)

    def border(self, gate):
        """Where a gate says 0.5, 0.25 and 0.75, as lines of what is drawn; nothing while it is 0."""
        middle, size = (torch.tensor(part, dtype=self.x.dtype) for part in self.ground.scale)
        weight = self.tree.gate.weight[gate].detach() / size
        bias = self.tree.gate.bias[gate].detach() - weight @ middle
        if not weight.any():
            return {}
        return {f"{says}": (weight, bias - math.log(says / (1 - says))) for says in (0.5, 0.25, 0.75)}

    def shown(self, kind, number, words=""):
        """Sentences and pictures."""
        unit = " (kHz)" if self.ground.vowels else ""
        name = "every leaf" if kind == "all" else f"{kind} {number}"
        h = self.responsibility(kind, number)
        parts: list[Any] = [f"<p>{words}</p>"] if words else []
        parts.append(f"<p>L = {three_decimals(self.likelihood)} a case, leaves: {self.leaves}, {self.fit()}.</p>")
        if self.gates:
            parts.append(self.diagram("The tree."))
        parts.append(plots.node_cases(self.ground.drawn[self.ground.seen], h, self.border(number) if kind == "gate" else {},
                                      [axis + unit for axis in self.ground.axes], f"The responsibility of {name}."))
        return parts


def _moves(outputs, seed):
    return initial_weights((_LEAVES - 1, 2, outputs, 3), seed)
