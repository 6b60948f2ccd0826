"""Prices, of chapter 13: biases by the sign rule, a step at a time, on fixed scores; the loads level and the dual falls."""

from typing import Annotated

import torch
from torch import Tensor

from .. import plots
from .._words import span
from ..shapes import Positive, checked
from ..sparse.balance import update_bias
from ..sparse.prices import balanced_assignment
from ._interactive import Interactive, style

_RATES = (0.01, 0.05, 0.2)
_STEPS = 200
_UNIT = 1_000_000  # the page has whole numbers of such parts: its sums are exact, and only a true tie is one
_MOST_CASES, _LARGEST = 512, 10  # what the page has room for: on it, and on the axis of the dual


@checked
class Prices(Interactive):
    """Loads and prices of the experts under the rule of `update_bias`, step by step, and the dual that falls to BASE's.

    scores: of up to 512 cases for 2 to 8 experts, from -10 to 10; the cases can be divided evenly. They are rounded to
    millionths. rate: by how much a bias moves in a step, 0.01, 0.05 or 0.2. wrong: whether it moves the wrong way.

    ValueError: another number of cases or experts, scores outside, another rate.
    """

    name, title = "prices", "Prices"
    invitation = "step or play, and see the bars level and the dual fall onto BASE's score; then try the wrong sign."

    def __init__(self, scores: Annotated[Tensor, "N K"], rate: Positive = _RATES[0], wrong: bool = False):
        cases, experts = scores.shape
        if not 2 <= experts <= len(plots.EXPERT_COLOURS):
            raise ValueError(f"scores must be of 2 to {len(plots.EXPERT_COLOURS)} experts, got {experts}")
        if not 0 < cases <= _MOST_CASES or cases % experts:
            raise ValueError(f"scores must be of a multiple of {experts} cases, one for each expert, and of at most "
                             f"{_MOST_CASES}, got {cases}")
        if scores.abs().max() > _LARGEST:
            raise ValueError(f"scores must be from {-_LARGEST} to {_LARGEST}, got one of {_farthest(scores):g}")
        if rate not in _RATES:
            raise ValueError(f"rate must be {', '.join(map(str, _RATES[:-1]))} or {_RATES[-1]}, got {rate:g}")
        self.scores = (scores.detach().double() * _UNIT).round()
        self.rate, self.wrong = float(rate), bool(wrong)

    def data(self):
        return {"style": {"colours": style()["colours"]}, "scores": [int(score) for score in self.scores.flatten().tolist()],
                "experts": self.scores.shape[1], "unit": _UNIT, "rates": [_whole(rate) for rate in _RATES], "steps": _STEPS,
                "best": int(self._best()), "begin": {"rate": _RATES.index(self.rate), "wrong": self.wrong}}

    def _best(self):
        """The score of the best balanced assignment, which is the least dual, in millionths."""
        return self.scores.gather(1, balanced_assignment(self.scores)[:, None]).sum().item()

    def _follow(self, rate, wrong):
        """All steps of the rule from biases of 0: loads `(T, K)`, biases `(T, K)` and dual `(T,)`, both in millionths."""
        cases, experts = self.scores.shape
        bias = torch.zeros(experts, dtype=self.scores.dtype)
        loads, biases, dual = [], [], []
        for _ in range(_STEPS + 1):
            reached, favourite = (self.scores + bias).max(-1)
            loads.append(torch.bincount(favourite, minlength=experts))
            biases.append(bias)
            dual.append(reached.sum() - cases / experts * bias.sum())
            bias = update_bias(bias, loads[-1], -_whole(rate) if wrong else _whole(rate))
        return torch.stack(loads), torch.stack(biases), torch.stack(dual)

    def still(self):
        loads, _, dual = self._follow(self.rate, self.wrong)
        series = {f"expert {k}": load for k, load in enumerate(loads.T)}
        first, last, best = (f"{value / _UNIT:.2f}" for value in (dual[0], dual[-1], self._best()))
        return plots.curves(
            range(_STEPS + 1), series, "step", "load",
            f"The loads of {len(series)} experts under the rule with {'the wrong sign and ' if self.wrong else ''}u = "
            f"{self.rate:g}: {span(loads[0].tolist())} cases at first, {span(loads[-1].tolist())} at step {_STEPS}. "
            f"The dual goes from {first} to {last}; BASE's score is {best}.")

    def widgets(self):
        from ._widgets import Panel, button, choice, steps

        rate = choice("step size u", _RATES, self.rate)
        wrong = choice("sign", [("right", False), ("wrong", True)], self.wrong)
        step = steps("step")
        step.max = _STEPS
        back, following, again = (button(words) for words in ("Back", "Next", "Reset"))
        panel = Panel(rate, wrong, step, back, following, again)
        best = self._best()

        def show():
            loads, biases, dual = self._follow(rate.value, wrong.value)
            now = step.value
            panel.show(f"<p>{_said(now, wrong.value, loads[now].tolist(), dual[now].item(), best)}</p>",
                       _table(loads[now].tolist(), biases[now].tolist()),
                       plots.curves(range(_STEPS + 1), {"dual D": dual / _UNIT,
                                                        "BASE": torch.full_like(dual, best / _UNIT)},
                                    f"step, now {now}", "D(b)", "The dual and BASE's score."))

        def go(move):
            def react():
                with panel.setting():
                    step.value = move(step.value)  # which stays inside its ends
                show()
            return react

        show()
        panel.on_move(show, rate, wrong, step)
        panel.on_press(go(lambda now: now - 1), back)
        panel.on_press(go(lambda now: now + 1), following)
        panel.on_press(go(lambda now: 0), again)
        return panel.box


def _whole(rate):
    return round(rate * _UNIT)


def _farthest(scores):
    return scores.flatten()[scores.abs().argmax()].item()


def _two_decimals(value):
    return f"{value / _UNIT:.2f}".replace("-", "\u2212")


def _said(step, wrong, loads, dual, best):
    """Where the rule is, in a sentence."""
    above = _two_decimals(dual - best)
    far = f"{'less than 0.01' if above == '0.00' else above} above BASE's {_two_decimals(best)}"
    value = f"BASE's score, {_two_decimals(best)}" if dual == best else f"{_two_decimals(dual)}, {far}"
    even = f"every load is {loads[0]}" if len(set(loads)) == 1 else f"loads {span(loads)}"
    return f"Step {step}{', wrong sign' if wrong else ''}: the dual is {value}; {even}."


def _table(loads, biases):
    """Loads and prices as an HTML table."""
    rows = ['<tr><th scope="col">expert</th><th scope="col">load</th><th scope="col">price \u2212b</th></tr>']
    for k, (load, bias) in enumerate(zip(loads, biases)):
        rows.append(f'<tr><th scope="row">{k}</th><td>{load}</td><td>{_two_decimals(0 - bias)}</td></tr>')
    return f"<table>{''.join(rows)}</table>"
