"""The sorting office, of chapters 12 and 13: who gets which cases, for whom there is room, and how a training changes it."""

import functools
import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from .. import plots
from ..plots.balance import EXPERT_MARKERS, said_of_loads
from ..shapes import CountFrom0, Positive, checked
from ..sparse.choice import chosen_experts
from ..sparse.dispatch import capacity, places
from ..sparse.history import EXPERTS, FOLLOWED, MOMENTS, load_history
from ..tasks.toys import ring
from ._interactive import Interactive

_Router = Literal["plain", "Switch loss", "biases", "wrong sign", "noisy top-2", "expert choice", "by hand"]
BY_HAND = "by hand"
CASES, SEED = 256, 0
_LEAST, _MOST, _PARTS = 1, 3, 20  # of the capacity factor, and how many steps of its slider are 1
_LIMITS = {"v": 6.0, "c": 8.0}  # of the sliders: beyond all that is recorded


class SortingOffice(Interactive):
    """256 cases of the ring, sent to eight experts by a gate of a recorded training, or by one that is moved by hand.

    router: "plain", "Switch loss", "biases", "wrong sign", "noisy top-2" or "expert choice", the first of ten runs of
    chapter 13's comparison; or "by hand", which begins with an arrow to each cloud. step: after which the gate is taken, one
    of those that are recorded, from 0 to 1500. factor: of the capacity, from 1 to 3, in steps of 0.05; None for none.

    >>> print(SortingOffice("expert choice", step=1500, factor=1.0).said())
    Expert choice, step 1500. Each expert takes 32 of 256 cases. Nobody takes 70 of them.

    ValueError: another step or factor.
    """

    name, title = "sorting-office", "Sorting office"
    invitation = "follow a training, give more room or less, and move the gate by hand."

    @checked
    def __init__(self, router: _Router = "plain", step: CountFrom0 = 0, factor: Positive | None = 1.25):
        if step not in MOMENTS:
            raise ValueError(f"step must be one of {', '.join(map(str, MOMENTS))}, got {step}")
        if factor is not None and not (_LEAST <= factor <= _MOST and math.isclose(factor * _PARTS, round(factor * _PARTS))):
            raise ValueError(f"factor must be from {_LEAST} to {_MOST} in steps of {1 / _PARTS}, or None, got {factor:g}")
        self.router, self.step = router, int(step)
        self.factor = None if factor is None else round(factor * _PARTS) / _PARTS

    def data(self):
        thousandths = lambda values: (1000 * values).round().long().flatten().tolist()  # noqa: E731
        routers = [{"name": name, "k": followed.k, "score": _score(name),
                    **{part: thousandths(values) for part, values in _gates()[name].items() if values.any()}}
                   for name, followed in FOLLOWED.items()]
        return {"colours": plots.EXPERT_COLOURS, "markers": EXPERT_MARKERS, "moments": MOMENTS,
                "x": thousandths(cases()), "routers": routers, "arrows": thousandths(to_the_clouds()),
                "factors": [_LEAST, _MOST, _PARTS], "limits": _LIMITS,
                "begin": {"router": self.router, "moment": MOMENTS.index(self.step), "factor": self.factor}}

    def still(self):
        return self._begun().picture()

    def said(self):
        """What is to be seen at first, in sentences: who has how many cases, and how many are dropped."""
        return self._begun().said()

    def _begun(self):
        return office(self.router, MOMENTS.index(self.step), self.factor)

    def widgets(self):
        from ._widgets import Panel, choice, choice_slider, expert_choice, slider

        router = choice("router", get_args(_Router), self.router)
        step = choice_slider("step", [(str(moment), n) for n, moment in enumerate(MOMENTS)], MOMENTS.index(self.step))
        factor = choice_slider("capacity factor", _factors(), self.factor or 0.0)
        expert = expert_choice(EXPERTS)
        own = [slider(name, -limit, limit, 0.0) for name, limit in (
            ("arrow across", _LIMITS["v"]), ("arrow up", _LIMITS["v"]), ("bias c", _LIMITS["c"]))]
        panel = Panel(router, step, factor, expert, *own)
        offices = [self._begun()]

        def show():
            office = offices[-1]
            with panel.setting():
                router.value = office.router
                for control, value in zip(own, (*office.weight[expert.value].tolist(), office.bias[expert.value].item())):
                    control.value = value
            panel.show(f"<p>{office.said()}</p>", office.picture())

        def take():
            offices.append(office(router.value, step.value, factor.value or None))
            show()

        def follow():
            if offices[-1].router == BY_HAND:  # which has no steps
                return show()
            take()

        def give_room():
            offices.append(offices[-1].with_factor(factor.value or None))
            show()

        def move():
            across, up, c = (control.value for control in own)
            offices.append(offices[-1].moved(expert.value, (across, up), c))
            show()

        show()
        panel.on_move(take, router)
        panel.on_move(follow, step)
        panel.on_move(give_room, factor)
        panel.on_move(show, expert)
        panel.on_move(move, *own)
        return panel.box


@dataclass(frozen=True)
class Office:
    """A gate and its rule: router, k, weight `(K, 2)`, bias `(K,)`, a bias that only `chooses`, and the capacity factor."""

    router: str
    k: int
    weight: Tensor
    bias: Tensor
    chooses: Tensor | float = 0.0
    factor: float | None = None
    step: int | None = None

    @property
    def room(self):
        """The capacity, or None."""
        return None if self.factor is None else capacity(CASES, EXPERTS, self.k, self.factor)

    def scores(self):
        """The scores of the cases, `(N, K)`, sums in the order in which a page makes them."""
        x = cases()
        return x[:, :1] * self.weight[:, 0] + x[:, 1:] * self.weight[:, 1] + self.bias

    def sorted(self):
        """For the cases an expert and whether they are served, `(N,)`; load and dropped choices of the experts, `(K,)`."""
        scores = self.scores()
        if self.router == "expert choice":
            return _taken(torch.softmax(scores, dim=-1), self.room or capacity(CASES, EXPERTS, self.k))
        if _score(self.router) != "score":
            scores = torch.softmax(scores, -1) if _score(self.router) == "softmax" else torch.sigmoid(scores)
            scores = scores + self.chooses
        chosen = chosen_experts(scores, self.k)
        found = places(chosen, EXPERTS) < (CASES if self.room is None else self.room)
        load, lost = (torch.bincount(some.flatten(), minlength=EXPERTS) for some in (chosen, chosen[~found]))
        first = found.long().argmax(1, keepdim=True)  # the first choice that found room, or the first of all
        return chosen.gather(1, first)[:, 0], found.any(1), load, lost

    def said(self):
        """What is to be seen, in sentences."""
        _, served, load, dropped = self.sorted()
        begin = self.router[0].upper() + self.router[1:] + ("." if self.step is None else f", step {self.step}.")
        alone = int((~served).sum())
        if self.router == "expert choice":
            return f"{begin} Each expert takes {int(load[0])} of {CASES} cases. Nobody takes {alone} of them."
        loads, lost = said_of_loads(load.tolist(), dropped.tolist()), int(dropped.sum())
        if self.room is None:
            return f"{begin} No capacity. {loads}"
        both = f" {alone} of the {CASES} cases lost both." if self.k > 1 else ""
        choices = f"{CASES * self.k} choices" if self.k > 1 else f"{CASES} cases"
        return f"{begin} Capacity {self.room}: {lost} of {choices} dropped.{both} {loads}"

    def picture(self):
        expert, served, load, dropped = self.sorted()
        return plots.sorting_office(cases(), expert, served, load, dropped, self.room, caption=self.said())

    def with_factor(self, factor):
        return Office(self.router, self.k, self.weight, self.bias, self.chooses, factor, self.step)

    def moved(self, expert, arrow, bias):
        """The gate by hand, with another arrow and bias of an expert, and without a bias that only chooses."""
        weight, biases = self.weight.clone(), self.bias.clone()
        weight[expert], biases[expert] = torch.tensor(arrow, dtype=torch.float64), bias
        return Office(BY_HAND, self.k, weight, biases, factor=self.factor)


def office(router, moment, factor):
    """An office with a recorded gate, or with an arrow to each cloud."""
    if router == BY_HAND:
        return Office(BY_HAND, 1, to_the_clouds(), torch.zeros(EXPERTS, dtype=torch.float64), factor=factor)
    weight, bias, chooses = (_gates()[router][part][moment] for part in ("weight", "bias", "chooses"))
    return Office(router, FOLLOWED[router].k, weight, bias, chooses, factor, MOMENTS[moment])


def cases():
    """The cases of chapter 13's first picture, `(N, 2)`, in thousandths: no last bit moves them."""
    return (1000 * ring(CASES, seed=SEED).x).round() / 1000


def to_the_clouds():
    """An arrow from the middle to each cloud, `(K, 2)`: the gate that sends each subtask to an expert of its own."""
    return (1000 * ring(1, seed=SEED).middle).round() / 1000


@functools.cache
def _gates():
    return load_history()


def _taken(p, room):
    """As `Office.sorted`, where experts choose: each takes the cases in which its p is the largest."""
    taken = torch.zeros_like(p, dtype=torch.bool).scatter(0, p.argsort(dim=0, descending=True, stable=True)[:room], True)
    served = taken.any(1)
    expert = torch.where(served[:, None] & ~taken, -1.0, p).argmax(-1)  # nobody's case is drawn as its favourite's
    return expert, served, taken.sum(0), torch.zeros(EXPERTS, dtype=torch.int64)


def _score(router):
    """What the bias of a router is added to; the scores themselves where there is none."""
    followed = FOLLOWED.get(router)
    if followed is None or followed.router != "biases":
        return "score"
    return dict(followed.settings).get("scores", "softmax")


def _factors():
    found = [n / _PARTS for n in range(_LEAST * _PARTS, _MOST * _PARTS + 1)]
    return [*((f"{factor:.2f}", factor) for factor in found), ("none", 0.0)]  # a slider over a few options takes no None
