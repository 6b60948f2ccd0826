"""What is saved when k of K experts are computed: processor time of five ways, as multiples of one expert for all cases.

Times depend on the machine, so they are measured once and stored, and chapter 12 shows what is stored.
"""

import time
from dataclasses import dataclass
from statistics import median
from typing import Literal

import torch

from ..recordings import Recordings
from ..shapes import checked
from . import ways

LARGEST = 2**22
"""Numbers in the hidden layers of all experts, 32 MiB, from which on `everyone` is not measured: new memory would count."""


@dataclass(frozen=True)
class Layer:
    """The layers that are measured: numbers of experts, experts a case, inputs, hidden units and cases."""

    experts: tuple[int, ...]
    chosen: int = 1
    inputs: int = 64
    hidden: int = 64
    cases: tuple[int, ...] = (2048,)
    backward: bool = False


LAYERS = {
    "large": Layer((2, 4, 8, 16, 32, 64)),
    "fewer cases": Layer((16,), cases=(256, 512, 1024, 2048)),
    "vowels": Layer((2, 4, 8, 16), inputs=2, hidden=8, cases=(400,)),
    "training": Layer((4, 8, 16), backward=True),
}
"""The layers by what the chapter calls them."""


@dataclass(frozen=True)
class Layers:
    """All layers, one after the other in one process: two at a time would slow each other."""

    layers: tuple[Layer, ...]


def drawn(layer, experts, cases):
    """Inputs, chosen experts, shares and the experts' weights."""
    generator = torch.Generator().manual_seed(1)

    def numbers(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    x, gate = numbers(cases, layer.inputs), numbers(layer.inputs, experts)
    first = numbers(experts, layer.inputs, layer.hidden) / layer.inputs**0.5
    second = numbers(experts, layer.hidden, layer.inputs) / layer.hidden**0.5
    return x, gate, first, second


def calls(layer, experts, cases):
    """By the name of a way a function that computes the layer once; and "one expert", of which the others are multiples."""
    x, gate, first, second = drawn(layer, experts, cases)
    room = min(cases, -(-5 * layer.chosen * cases // (4 * experts)))  # a capacity factor of 1.25
    if layer.backward:
        first.requires_grad_(), second.requires_grad_()

    def choice():
        scores, chosen = (x @ gate).topk(layer.chosen, dim=-1)
        return chosen, torch.softmax(scores, dim=-1)

    def whole(way, *more):
        def call():
            return way(x, *choice(), first, second, *more)

        return call

    found = {"one expert": lambda: torch.relu(x @ first[0]) @ second[0], "masks": whole(ways.by_masks),
             "groups": whole(ways.in_groups)}
    if experts * cases * layer.hidden < LARGEST:
        found["all"] = whole(ways.everyone)
    if layer.backward:
        return {name: _trained(call, first, second) for name, call in found.items()}
    return found | {"gate": choice, "buffers": whole(ways.in_buffers, room), "one-hot": whole(ways.one_hot, room)}


def _trained(call, first, second):
    return lambda: torch.autograd.grad(call().square().sum(), (first, second))


def measure(functions, rounds=15, seconds=6.0):
    """The median processor time of each function, of calls by turns, so that a machine that slows down slows all."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    begun = time.process_time()
    while len(times["one expert"]) < rounds and time.process_time() - begun < seconds or len(times["one expert"]) < 3:
        for name, function in functions.items():
            before = time.process_time()
            for _ in range(3):
                function()
            times[name].append((time.process_time() - before) / 3)
    return {name: median(taken) for name, taken in times.items()}


def multiples(measured):
    """Times as multiples of that of one expert, to two digits."""
    return {name: float(f"{seconds / measured['one expert']:.2g}") for name, seconds in measured.items()}


def make_saving(settings):
    """What is stored: for each layer, the numbers of experts and of cases and the times of the ways."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [[[experts, cases, multiples(measure(calls(layer, experts, cases)))]
                 for experts in layer.experts for cases in layer.cases] for layer in settings.layers]
    finally:
        torch.set_num_threads(threads)


@checked
def load_saving(layer: Literal["large", "fewer cases", "vowels", "training"] = "large",
                recordings: Recordings | None = None) -> dict[tuple[int, int], dict[str, float]]:
    """The stored times of a layer: from the numbers of experts and of cases to the times of the ways, in multiples.

    >>> list(load_saving("vowels"))
    [(2, 400), (4, 400), (8, 400), (16, 400)]

    layer: "large", 64 inputs, hidden units and outputs, one expert a case; "fewer cases", the same with 16 experts;
        "vowels", 2 inputs and 8 hidden units; "training", as "large", forward and backward.
    recordings: other `Recordings` of these layers than the package's own, RECORDINGS.

    A multiple is that of the time of one expert for all cases. Ways: "all", "masks", "groups", "buffers", "one-hot", and
    "gate" alone. "all" is missing where its hidden layers take 32 MiB and more.

    RecordingError: a stored file that is missing, damaged or of other code, with what to do about it.
    """
    stored, = (recordings or RECORDINGS).load().values()
    return {(experts, cases): times for experts, cases, times in stored[list(LAYERS).index(layer)]}


RECORDINGS = Recordings("saving", "measured layers", (Layers(tuple(LAYERS.values())),), make_saving,
                        ("sparse/saving.py", "sparse/ways.py"))
"""The stored times."""
