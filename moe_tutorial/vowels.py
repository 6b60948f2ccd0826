"""The vowels of Peterson and Barney (1952) and the classification task that the 1991 paper made of them.

The paper's section 3 says: formants F1 and F2 divided by 1000, four vowels, 75 speakers, the first 50 for training
and the other 25 for testing. It leaves open the order of the speakers, which of the 76 is left out, whether both
repetitions are used, and how the classes are coded. Each of these is a named option of `vowel_task`.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import torch

from . import _checks

GROUPS = {"m": "men", "w": "women", "c": "children"}

SYMBOLS = {"iy": "i", "ih": "I", "eh": "ɛ", "ae": "æ", "ah": "ʌ", "aa": "a", "ao": "ɔ", "uh": "ʊ", "uw": "u", "er": "ɝ"}
"""The phonetic symbol of each vowel code of the data file; the four of the paper as the paper writes them."""

WORDS = {"iy": "heed", "ih": "hid", "eh": "head", "ae": "had", "ah": "hud",
         "aa": "hod", "ao": "hawed", "uh": "hood", "uw": "who'd", "er": "heard"}
"""The word that carried each vowel in the recordings."""

FOUR_VOWELS = ("iy", "ih", "aa", "ah")
"""The vowels of the 1991 experiment, [i], [I], [a] and [ʌ]: two pairs that overlap."""

CODINGS = {
    "iy+ah": ({"iy": (1,), "ih": (0,), "aa": (0,), "ah": (1,)}, "one output, 1 for [i] and [ʌ]"),
    "iy+aa": ({"iy": (1,), "ih": (0,), "aa": (1,), "ah": (0,)}, "one output, 1 for [i] and [a]"),
    "one-hot": ({"iy": (1, 0, 0, 0), "ih": (0, 1, 0, 0), "aa": (0, 0, 1, 0), "ah": (0, 0, 0, 1)},
                "four outputs, one for each vowel"),
}
"""Target codings by name: the desired output of each vowel, and what it says in words."""

ORDERS = {
    "file": "as in the data file: men, women, children",
    "mixed": "men, women and children spread evenly through the order, so that every stretch of it holds all three",
    "random": "shuffled with a seed",
}
"""Speaker orders by name. The last speaker of the order is the one left out."""

_COLUMNS = ("group", "sex", "speaker", "vowel", "repetition", "f0", "f1", "f2", "f3")
_RANGES = {"f0": (50, 500), "f1": (100, 2000), "f2": (300, 5000), "f3": (800, 7000)}
_SPEAKERS, _TRAIN_SPEAKERS, _TASK_SPEAKERS = 76, 50, 75


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
    speaker: torch.Tensor
    vowel: tuple[str, ...]
    repetition: torch.Tensor
    formants: torch.Tensor

    def __len__(self):
        return len(self.vowel)

    def __repr__(self):
        return (f"VowelTable: {len(self)} tokens, {len(self.speaker.unique())} speakers, "
                f"{len(set(self.vowel))} vowels, F0 to F3 in Hz")


@dataclass(frozen=True, repr=False)
class Cases:
    """Training or test cases.

    x: inputs, F1 and F2 in kHz, float64 (N, 2).
    d: desired outputs, float64 (N, M).
    vowel: the vowel code of each case, a tuple of N.
    speaker: the speaker's number, int64 (N,).
    """

    x: torch.Tensor
    d: torch.Tensor
    vowel: tuple[str, ...]
    speaker: torch.Tensor

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


def load_vowels(path=None):
    """The table of all 1520 tokens.

    path: a CSV file laid out like the package's own, which is the default. Frequencies in Hz.

    ValueError names the row or the column: a missing column, a value that is no number or not in Hz, an unknown
    vowel or group, a speaker whose tokens are not complete.
    """
    source = files(__package__) / "data" / "peterson_barney_1952.csv" if path is None else Path(path)
    with source.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            raise ValueError(f"{source.name}: the columns are {reader.fieldnames}, wanted {list(_COLUMNS)}")
        rows = [_checked_row(row, f"{source.name}, line {reader.line_num}") for row in reader]
    _check_complete(rows, source.name)
    return VowelTable(
        group=tuple(row["group"] for row in rows),
        sex=tuple(row["sex"] for row in rows),
        speaker=torch.tensor([row["speaker"] for row in rows]),
        vowel=tuple(row["vowel"] for row in rows),
        repetition=torch.tensor([row["repetition"] for row in rows]),
        formants=torch.tensor([[row[f] for f in _RANGES] for row in rows], dtype=torch.float64),
    )


def vowel_task(coding="iy+ah", order="file", seed=None, repetitions=(1, 2), table=None):
    """The task of section 3: four vowels, F1 and F2 in kHz, 50 speakers to train and 25 to test.

    The paper states what is in the line above. The options are what it leaves open; the defaults are our reading.

    coding: which desired output a vowel has, a name from CODINGS. The default has one output, 1 for [i] and [ʌ].
    order: in which order the speakers stand before "the first 50" are taken, a name from ORDERS. Of the 76 speakers
        the last in this order is left out.
    seed: for order "random", and only there.
    repetitions: which of a speaker's two tokens of a vowel are used, (1, 2), (1,) or (2,).
    table: another `load_vowels` result than the package's own.

    ValueError: an unknown name, a seed without order "random" or the reverse, unknown repetitions.
    """
    _checks.choice("coding", coding, CODINGS)
    _checks.choice("order", order, ORDERS)
    _checks.choice("repetitions", tuple(repetitions), [(1, 2), (1,), (2,)])
    if (order == "random") != (seed is not None):
        raise ValueError(f"order 'random' needs a seed and no other order takes one, got order {order!r}, seed {seed!r}")
    table = load_vowels() if table is None else table
    speakers = _ordered_speakers(table, order, seed)
    targets = CODINGS[coding][0]

    def cases(chosen):
        place = {speaker: i for i, speaker in enumerate(chosen)}
        rows = [r for r in range(len(table)) if int(table.speaker[r]) in place and table.vowel[r] in targets
                and int(table.repetition[r]) in repetitions]
        rows.sort(key=lambda r: place[int(table.speaker[r])])
        return Cases(
            x=table.formants[rows, 1:3] / 1000,
            d=torch.tensor([targets[table.vowel[r]] for r in rows], dtype=torch.float64),
            vowel=tuple(table.vowel[r] for r in rows),
            speaker=table.speaker[rows],
        )

    return VowelTask(cases(speakers[:_TRAIN_SPEAKERS]), cases(speakers[_TRAIN_SPEAKERS:_TASK_SPEAKERS]),
                     coding, order, speakers[_TASK_SPEAKERS])


def _ordered_speakers(table, order, seed):
    group_of = dict(zip(table.speaker.tolist(), table.group))
    speakers = list(group_of)
    if order == "mixed":
        members = {g: [s for s in speakers if group_of[s] == g] for g in GROUPS}
        # Each speaker stands at the fraction of its own group that is reached with it.
        speakers.sort(key=lambda s: (members[group_of[s]].index(s) + 0.5) / len(members[group_of[s]]))
    elif order == "random":
        shuffled = torch.randperm(len(speakers), generator=torch.Generator().manual_seed(seed))
        speakers = [speakers[i] for i in shuffled.tolist()]
    return speakers


def _checked_row(row, place):
    """One row with numbers for text; ValueError says the place, the column, what was given and what was wanted."""

    def fail(column, wanted):
        raise ValueError(f"{place}, column {column}: got {row[column]!r}, wanted {wanted}")

    if None in row or None in row.values():
        raise ValueError(f"{place}: wanted {len(_COLUMNS)} values, one for each column")
    for column, names in (("group", GROUPS), ("sex", ("m", "f")), ("vowel", SYMBOLS), ("repetition", ("1", "2"))):
        if row[column] not in names:
            fail(column, f"one of {', '.join(names)}")
    if not row["speaker"].isdecimal() or not 1 <= int(row["speaker"]) <= _SPEAKERS:
        fail("speaker", f"a number from 1 to {_SPEAKERS}")
    values = {}
    for column, (low, high) in _RANGES.items():
        try:
            values[column] = float(row[column])
        except ValueError:
            fail(column, "a number")
        if not low <= values[column] <= high:  # NaN fails here, too
            fail(column, f"a frequency in Hz, from {low} to {high}")
    if not values["f1"] <= values["f2"] <= values["f3"]:
        raise ValueError(f"{place}: wanted f1 <= f2 <= f3, got {row['f1']}, {row['f2']}, {row['f3']}")
    return {**row, **values, "speaker": int(row["speaker"]), "repetition": int(row["repetition"])}


def _check_complete(rows, name):
    """Every speaker has every vowel twice, and one group and one sex; ValueError names the speaker."""
    tokens = Counter((row["speaker"], row["vowel"], row["repetition"]) for row in rows)
    for (speaker, vowel, repetition), times in tokens.items():
        if times > 1:
            raise ValueError(f"{name}: speaker {speaker}, vowel {vowel}, repetition {repetition} stands {times} times")
    for speaker in range(1, _SPEAKERS + 1):
        for vowel in SYMBOLS:
            for repetition in (1, 2):
                if (speaker, vowel, repetition) not in tokens:
                    raise ValueError(f"{name}: speaker {speaker} lacks vowel {vowel}, repetition {repetition}; "
                                     f"wanted {_SPEAKERS * len(SYMBOLS) * 2} rows, got {len(rows)}")
        who = {(row["group"], row["sex"]) for row in rows if row["speaker"] == speaker}
        if len(who) > 1:
            raise ValueError(f"{name}: speaker {speaker} stands in more than one group or sex: {sorted(who)}")
