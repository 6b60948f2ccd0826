"""EM step by step, of chapter 10: one E step or one M step at a time, and the bound that touches and climbs."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from .. import plots
from .._words import three_decimals
from ..model.losses import _log_gaussian
from ..model.mixture import Mixture
from ..shapes import Count, CountFrom0, Positive, checked
from ..tasks import toys
from ..training.em import EMPTY
from ..training.steps import gate_step, variance_step, weighted_least_squares
from ._interactive import Interactive, rounded_toy, style

_Task = Literal["absolute_value", "three_segments", "zigzag"]
_EXPERTS = (2, 3)
_SEEDS = 25  # those of the chapter, from 0
_LOWEST, _HIGHEST, _OCTAVE = -2, 2, 4  # the variance goes from 2^-2 to 2^2, in quarters of a factor of 2
_FLOOR = 1e-4  # of a variance that is learned, as in `em`
_ROUNDS = 10


@dataclass(frozen=True)
class _Setting:
    """A task as the chapter has it: what it is called, how many experts, whether variances are learned, what is drawn."""

    words: str
    experts: int
    learned: bool
    limits: tuple[int, int]


_SETTINGS = {
    "absolute_value": _Setting("d = 4 |x|", 2, False, (-1, 5)),
    "three_segments": _Setting("three segments", 3, True, (-3, 4)),
    "zigzag": _Setting("zigzag", 3, True, (-4, 4)),
}


class EMStepByStep(Interactive):
    """Linear experts with a gate on one input, fitted by single E and M steps: lines, responsibilities, L and its bound F.

    task: one of the toys. experts: 2 or 3, without it as many as the task has lines. seed: of the initial weights, from 0
    to 24. variance: of the Gaussians at the start, from 0.25 to 4. learn_variance: whether an M step fits a variance for
    each expert, too, not below 0.0001; without it, as the chapter has it for the task.

    ValueError: another number of experts, a seed or a variance outside.
    """

    name, title = "em-step-by-step", "EM step by step"
    invitation = "press E and M, and see the bound touch the likelihood and climb."
    shared = ("shared.js", "shared_em.js")

    @checked
    def __init__(self, task: _Task = "absolute_value", experts: Count | None = None, seed: CountFrom0 = 0,
                 variance: Positive = 1.0, learn_variance: bool | None = None):
        setting = _SETTINGS[task]
        self.task, self.seed, self.variance = task, int(seed), float(variance)
        self.experts = setting.experts if experts is None else int(experts)
        self.learned = setting.learned if learn_variance is None else bool(learn_variance)
        if self.experts not in _EXPERTS:
            raise ValueError(f"experts must be 2 or 3, got {experts}")
        if self.seed >= _SEEDS:
            raise ValueError(f"seed must be from 0 to {_SEEDS - 1}, got {seed}")
        if not 2**_LOWEST <= self.variance <= 2**_HIGHEST:
            raise ValueError(f"variance must be from {2**_LOWEST:g} to {2**_HIGHEST:g}, got {variance:g}")

    def data(self):
        tasks = []
        for name, setting in _SETTINGS.items():
            toy = the_toy(name)
            tasks.append({"name": name, "words": setting.words, "experts": setting.experts, "learned": setting.learned,
                          "limits": setting.limits, "x": toy.x[:, 0].tolist(), "d": toy.d[:, 0].tolist()})
        # With fewer experts the first ones of a seed are the same.
        starts = [_rows(_mixture(max(_EXPERTS), seed)) for seed in range(_SEEDS)]
        return {"style": {key: style()[key] for key in ("colours", "dashes")}, "tasks": tasks, "experts": _EXPERTS,
                "starts": starts, "variances": [_LOWEST, _HIGHEST, _OCTAVE], "floor": _FLOOR, "empty": EMPTY,
                "rounds": _ROUNDS,
                "begin": {"task": self.task, "experts": self.experts, "seed": self.seed, "variance": self.variance,
                          "learned": self.learned}}

    def still(self):
        climb = Climb(the_toy(self.task), self.experts, self.seed, self.variance, self.learned)
        panels, L = {"start": climb.fitted()}, [climb.likelihood()]
        for rounds in (1, 3):
            while len(L) <= rounds:
                climb.e_step()
                climb.m_step()
                L.append(climb.likelihood())
            panels[f"{rounds} × E and M"] = climb.fitted()
        said = ", ".join(three_decimals(L[rounds]) for rounds in (0, 1, 3))
        return plots.fits(climb.x, climb.d, panels,
                          f"{_SETTINGS[self.task].words}, {self.experts} experts, seed {self.seed}: the log likelihood L is "
                          f"{said} at the start, after one E and M step, and after three.")

    def widgets(self):
        from ._widgets import Panel, button, choice, ratio_slider, seed_field

        task = choice("task", [(setting.words, name) for name, setting in _SETTINGS.items()], self.task)
        experts = choice("experts", _EXPERTS, self.experts)
        variance = ratio_slider("variance σ² at first", _LOWEST, _HIGHEST, self.variance, step=1 / _OCTAVE, base=2,
                                readout_format=".3f")
        learned = choice("variance", [("is held", False), ("is fitted by M", True)], self.learned)
        seed = seed_field(self.seed, _SEEDS - 1)
        slope = choice("below: slope of", _names(self.experts), 0)
        e, m, both, again = (button(words) for words in ("E", "M", f"Both × {_ROUNDS}", "Start again"))
        panel = Panel(task, experts, variance, learned, seed, e, m, both, again, slope)
        climbs: list[Climb] = []

        def show():
            panel.show(*climbs[-1].shown(slope.value))

        def start():
            with panel.setting():
                slope.options = _names(experts.value)  # which chooses the first
            climbs[:] = [Climb(the_toy(task.value), experts.value, seed.value, variance.value, learned.value)]
            show()

        def choose_task():
            with panel.setting():
                experts.value, learned.value = _SETTINGS[task.value].experts, _SETTINGS[task.value].learned
            start()

        def pressed(*steps):
            def react():
                for step in steps:
                    step(climbs[-1])
                show()
            return react

        start()
        panel.on_move(choose_task, task)
        panel.on_move(start, experts, variance, learned, seed)
        panel.on_move(show, slope)
        panel.on_press(pressed(Climb.e_step), e)
        panel.on_press(pressed(Climb.m_step), m)
        panel.on_press(pressed(*[Climb.e_step, Climb.m_step] * _ROUNDS), both)
        panel.on_press(start, again)
        return panel.box


class Climb:
    """A mixture of linear experts on a toy, in the middle of EM, and the guess q that its bound is made of.

    weight `(K, 1, 1)`, bias `(K, 1)`: of the experts. gate: weight `(K, 1)` and bias `(K,)`. variance: `(K,)`. q: `(N, K)`,
    at the start the gate's proportions.
    """

    def __init__(self, toy, experts, seed, variance, learned):
        self.x, self.d, self.learned = toy.x, toy.d, learned
        self.weight, self.bias, *gate = (part.detach() for part in _mixture(experts, seed).parameters())
        self.gate = tuple(gate)
        self.variance = torch.full((experts,), variance, dtype=self.x.dtype)
        self.q = self.log_proportions().exp()

    def outputs(self):
        return self.x[:, None] * self.weight[:, 0] + self.bias

    def log_proportions(self):
        weight, bias = self.gate
        return torch.log_softmax(self.x @ weight.mT + bias, -1)

    def joint(self):
        return self.log_proportions() + _log_gaussian(self.d, self.outputs(), self.variance)

    def e_step(self):
        self.q = torch.softmax(self.joint(), -1)

    def m_step(self):
        full = self.q.sum(0) > EMPTY
        weight, bias = weighted_least_squares(self.x, self.d, self.q)
        self.weight = torch.where(full[:, None, None], weight, self.weight)
        self.bias = torch.where(full[:, None], bias, self.bias)
        if self.learned:
            self.variance = torch.where(full, variance_step(self.d, self.outputs(), self.q, _FLOOR), self.variance)
        self.gate = gate_step(self.x, self.q, *self.gate)

    def likelihood(self):
        return torch.logsumexp(self.joint(), -1).sum().item()

    def bound(self):
        return (torch.where(self.q > 0, self.q * self.joint(), 0.0) + torch.special.entr(self.q)).sum().item()

    def gap(self):
        """The Kullback-Leibler divergence of q from h."""
        log_h = torch.log_softmax(self.joint(), -1)
        return (-torch.where(self.q > 0, self.q * log_h, 0.0) - torch.special.entr(self.q)).sum().item()

    def fitted(self):
        return self.outputs(), self.log_proportions().exp()

    def over(self, slope, values):
        """L and F with each of these values for the slope of one expert."""
        mine, L, F = self.weight, [], []
        for value in values.tolist():
            self.weight = mine.clone()
            self.weight[slope] = value
            L.append(self.likelihood())
            F.append(self.bound())
        self.weight = mine
        return torch.tensor(L, dtype=self.x.dtype), torch.tensor(F, dtype=self.x.dtype)

    def shown(self, slope):
        """Sentences and pictures."""
        moment = self.q[:, slope] @ self.x[:, 0].square()
        width = (2 * 0.4 * len(self.x) * self.variance[slope] / moment.clamp(min=1e-6)).sqrt().clamp(max=8.0).item()
        now = self.weight[slope].item()
        top = now + (self.q[:, slope] * self.x[:, 0] @ (self.d[:, 0] - self.outputs()[:, slope, 0])
                     / moment.clamp(min=1e-6)).item()
        values = torch.linspace(min(now, top) - width, max(now, top) + width, 81, dtype=self.x.dtype)
        L, F = self.over(slope, values)
        numbers = [three_decimals(value) for value in (self.likelihood(), self.bound(), self.gap())]
        lines = "; ".join(f"expert {k}: slope {three_decimals(self.weight[k].item())}, bias "
                          f"{three_decimals(self.bias[k].item())}, variance {self.variance[k].item():.4g}"
                          for k in range(len(self.bias)))
        return [f"<p>L = {numbers[0]}, F = {numbers[1]}, gap = {numbers[2]}, the divergence of q from h.</p>",
                f"<p>{lines[0].upper()}{lines[1:]}.</p>",
                plots.fits(self.x, self.d, {"now": self.fitted()}, "The experts and their blend."),
                plots.curves(values, {"likelihood L": L, "bound F": F}, f"slope of expert {slope}, now {now:.3f}",
                             "log likelihood", "The likelihood of one slope and the bound.")]


def the_toy(name):
    return rounded_toy(getattr(toys, name)())


def _mixture(experts, seed):
    return Mixture(experts, inputs=1, output="linear", seed=seed)


def _rows(mixture):
    """The slope and the bias of each expert."""
    return torch.cat([mixture.experts.weight[:, 0], mixture.experts.bias], -1).tolist()


def _names(experts):
    return [(f"expert {k}", k) for k in range(experts)]


assert _SETTINGS.keys() == set(get_args(_Task))
