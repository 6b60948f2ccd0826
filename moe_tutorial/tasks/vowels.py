"""The vowels of Peterson and Barney (1952) and the classification task that the 1991 paper made of them.

The paper's section 3 says: formants F1 and F2 divided by 1000, four vowels, 75 speakers, the first 50 for training
and the other 25 for testing. It leaves open the order of the speakers, which of the 76 is left out, whether both
repetitions are used, and how the classes are coded. Each of these is a named option of `vowel_task`.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import torch
from torch import Tensor

from .. import _checks
from ..shapes import checked

GROUPS = {"m": "men", "w": "women", "c": "children"}
"""What the groups of speakers in the data file are called."""

SYMBOLS = {"iy": "i", "ih": "I", "eh": "ɛ", "ae": "æ", "ah": "ʌ", "aa": "a", "ao": "ɔ", "uh": "ʊ", "uw": "u", "er": "ɝ"}
"""The phonetic symbol of each vowel code of the data file; the four of the paper as the paper writes them."""

WORDS = {"iy": "heed", "ih": "hid", "eh": "head", "ae": "had", "ah": "hud",
         "aa": "hod", "ao": "hawed", "uh": "hood", "uw": "who'd", "er": "heard"}
"""The word that carried each vowel in the recordings."""

FOUR_VOWELS = ("iy", "ih", "aa", "ah")
"""The vowels of the 1991 experiment, [i], [I], [a] and [ʌ]: two pairs that overlap."""

Coding = Literal["iy+ah", "iy+aa", "one-hot"]

CODINGS: dict[Coding, tuple[dict[str, tuple[int, ...]], str]] = {
    "iy+ah": ({"iy": (1,), "ih": (0,), "aa": (0,), "ah": (1,)}, "one output, 1 for [i] and [ʌ]"),
    "iy+aa": ({"iy": (1,), "ih": (0,), "aa": (1,), "ah": (0,)}, "one output, 1 for [i] and [a]"),
    "one-hot": ({"iy": (1, 0, 0, 0), "ih": (0, 1, 0, 0), "aa": (0, 0, 1, 0), "ah": (0, 0, 0, 1)},
                "four outputs, one for each vowel"),
}
"""Target codings by name: the desired output of each vowel, and what it says in words."""

Order = Literal["file", "mixed", "random"]

ORDERS: dict[Order, str] = {
    "file": "as in the data file: men, women, children",
    "mixed": "men, women and children spread evenly through the order, so that every stretch of it holds all three",
    "random": "shuffled with a seed",
}
"""Speaker orders by name. The last speaker of the order is the one left out."""

_FORMANTS = ("f0", "f1", "f2", "f3")
_TRAIN_SPEAKERS, _TASK_SPEAKERS = 50, 75


@dataclass(frozen=True, repr=False)
class VowelTable:
    """The 1520 measured tokens, one entry a row of the data file.

    group: "m", "w" or "c" (man, woman, child), a tuple of 1520.
    sex: "m" or "f", a tuple of 1520.
    speaker: numbers from 1 to 76, int64 tensor (1520,).
    vowel: codes such as "iy" (see SYMBOLS and WORDS), a tuple of 1520.
    repetition: 1 or 2, int64 tensor (1520,).
    formants: F0, F1, F2 and F3 in Hz, float64 tensor (1520, 4).
    """

    group: tuple[str, ...]
    sex: tuple[str, ...]
    speaker: Tensor
    vowel: tuple[str, ...]
    repetition: Tensor
    formants: Tensor

    def __len__(self):
        return len(self.vowel)

    def __repr__(self):
        return (f"VowelTable: {len(self)} tokens, {len(self.speaker.unique())} speakers, "
                f"{len(set(self.vowel))} vowels, F0 to F3 in Hz")


@dataclass(frozen=True, repr=False)
class Cases:
    """Training or test cases.

    >>> Cases(torch.tensor([[0.3, 2.5]]), torch.tensor([[1.0]]), ("iy",), torch.tensor([1]))
    Cases: 1 of [i], x (1, 2) in kHz, d (1, 1)

    x: inputs, F1 and F2 or the formants that were chosen, in kHz, float64 (N, D).
    d: desired outputs, float64 (N, M).
    vowel: the vowel code of each case, a tuple of N.
    speaker: the speaker's number, int64 (N,).
    """

    x: Tensor
    d: Tensor
    vowel: tuple[str, ...]
    speaker: Tensor

    def __len__(self):
        return len(self.vowel)

    def __repr__(self):
        names = " ".join(f"[{SYMBOLS[v]}]" for v in dict.fromkeys(self.vowel))
        return f"Cases: {len(self)} of {names}, x {tuple(self.x.shape)} in kHz, d {tuple(self.d.shape)}"

    def only(self, *vowels):
        """The cases of the named vowels, in the same order. ValueError: a vowel that is not among these cases."""
        for vowel in vowels:
            _checks.choice("vowel", vowel, sorted(set(self.vowel)))
        keep = torch.tensor([v in vowels for v in self.vowel])
        return Cases(self.x[keep], self.d[keep], tuple(v for v in self.vowel if v in vowels), self.speaker[keep])


@dataclass(frozen=True, repr=False)
class VowelTask:
    """What `vowel_task` returns: `train` (50 speakers) and `test` (25), with the choices that made them."""

    train: Cases
    test: Cases
    coding: str
    order: str
    left_out: int

    def __repr__(self):
        return (f"VowelTask: {len(self.train)} training and {len(self.test)} test cases, "
                f"coding {self.coding!r}, order {self.order!r}")


def load_vowels() -> VowelTable:
    """The table of all 1520 tokens of the 1952 recordings.

    >>> load_vowels()
    VowelTable: 1520 tokens, 76 speakers, 10 vowels, F0 to F3 in Hz
    """
    source = files("moe_tutorial") / "data" / "peterson_barney_1952.csv"
    with source.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return VowelTable(
        group=tuple(row["group"] for row in rows),
        sex=tuple(row["sex"] for row in rows),
        speaker=torch.tensor([int(row["speaker"]) for row in rows]),
        vowel=tuple(row["vowel"] for row in rows),
        repetition=torch.tensor([int(row["repetition"]) for row in rows]),
        formants=torch.tensor([[float(row[name]) for name in _FORMANTS] for row in rows], dtype=torch.float64),
    )


@checked
def vowel_task(coding: Coding = "iy+ah", order: Order = "file", seed: int | None = None,
               repetitions: Sequence[int] = (1, 2), *, vowels: Sequence[str] = FOUR_VOWELS,
               formants: Sequence[str] = ("f1", "f2")) -> VowelTask:
    """The task of section 3: four vowels, F1 and F2 in kHz, 50 speakers to train and 25 to test.

    >>> vowel_task(coding="one-hot", vowels=("iy", "eh", "uw"), formants=("f1", "f2", "f3")).train
    Cases: 300 of [i] [ɛ] [u], x (300, 3) in kHz, d (300, 3)

    The first line is what the paper states. The options are what it leaves open, and the rest of the data; the defaults
    are our reading.

    coding: which desired output a vowel has, a name from CODINGS. The default has one output, 1 for [i] and [ʌ]. "one-hot"
        has an output for each of `vowels`, in their order.
    order: in which order the speakers stand before "the first 50" are taken, a name from ORDERS. Of the 76 speakers
        the last in this order is left out.
    seed: for order "random", and only there.
    repetitions: which of a speaker's two tokens of a vowel are used, (1, 2), (1,) or (2,).
    vowels: codes from SYMBOLS. With others than the four of the paper the coding has to be "one-hot".
    formants: the inputs, from "f0" (the pitch), "f1", "f2" and "f3".

    ValueError: an unknown name, a name twice, a seed without order "random" or the reverse, unknown repetitions.
    """
    _check_names("vowels", vowels, SYMBOLS)
    _check_names("formants", formants, _FORMANTS)
    _checks.choice("repetitions", tuple(repetitions) if isinstance(repetitions, list) else repetitions, [(1, 2), (1,), (2,)])
    if (order == "random") != (seed is not None):
        raise ValueError(f"order 'random' needs a seed and no other order takes one, got order {order!r}, seed {seed!r}")
    if seed is not None:
        _checks.seed("seed", seed)
    if coding == "one-hot":
        targets = {vowel: tuple(int(vowel == other) for other in vowels) for vowel in vowels}
    else:
        targets = CODINGS[coding][0]
        others = [vowel for vowel in vowels if vowel not in targets]
        if others:
            raise ValueError(f"coding {coding!r} has no target for {', '.join(others)}; take coding 'one-hot', or vowels "
                             f"from {', '.join(targets)}")
    table = load_vowels()
    speakers, columns = _ordered_speakers(table, order, seed), [_FORMANTS.index(name) for name in formants]

    def cases(chosen):
        place = {speaker: i for i, speaker in enumerate(chosen)}
        rows = [r for r in range(len(table)) if int(table.speaker[r]) in place and table.vowel[r] in vowels
                and int(table.repetition[r]) in repetitions]
        rows.sort(key=lambda r: place[int(table.speaker[r])])
        return Cases(
            x=table.formants[rows][:, columns] / 1000,
            d=torch.tensor([targets[table.vowel[r]] for r in rows], dtype=torch.float64),
            vowel=tuple(table.vowel[r] for r in rows),
            speaker=table.speaker[rows],
        )

    return VowelTask(cases(speakers[:_TRAIN_SPEAKERS]), cases(speakers[_TRAIN_SPEAKERS:_TASK_SPEAKERS]),
                     coding, order, speakers[_TASK_SPEAKERS])


def _check_names(what, names, known):
    """Check that `names` is a sequence of known names, each once."""
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TypeError(f"{what} must be a sequence of names, such as {tuple(known)[:2]}, got {names!r}")
    for name in names:
        _checks.choice(f"name in {what}", name, known)
    if not names or len({*names}) < len(names):
        raise ValueError(f"{what} must name at least one, and each once, got {names!r}")


def _ordered_speakers(table, order, seed):
    group_of = dict(zip(table.speaker.tolist(), table.group))
    speakers = list(group_of)
    if order == "mixed":
        members = {g: [s for s in speakers if group_of[s] == g] for g in GROUPS}
        # Each speaker stands at the fraction of its own group that is reached with it.
        speakers.sort(key=lambda s: (members[group_of[s]].index(s) + 0.5) / len(members[group_of[s]]))
    elif order == "random":
        shuffled = torch.randperm(len(speakers), generator=torch.Generator().manual_seed(int(seed)))
        speakers = [speakers[i] for i in shuffled.tolist()]
    return speakers
