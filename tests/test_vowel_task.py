"""The 1991 task: what the paper states, and each choice it leaves open."""

import pytest
import torch

from moe_tutorial import load_vowels, vowel_task
from moe_tutorial.tasks.vowels import CODINGS, FOUR_VOWELS, ORDERS

TABLE = load_vowels()
GROUP = dict(zip(TABLE.speaker.tolist(), TABLE.group))


def speakers(cases):
    return set(cases.speaker.tolist())


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("order", ORDERS)
def test_what_the_paper_states_holds_for_every_choice(coding, order):
    task = vowel_task(coding, order, seed=3 if order == "random" else None)
    assert (len(speakers(task.train)), len(speakers(task.test))) == (50, 25)
    assert speakers(task.train) | speakers(task.test) | {task.left_out} == set(range(1, 77))
    assert speakers(task.train).isdisjoint(speakers(task.test))
    for cases, each in ((task.train, 100), (task.test, 50)):
        assert {v: cases.vowel.count(v) for v in cases.vowel} == dict.fromkeys(FOUR_VOWELS, each)
        assert cases.x.dtype == cases.d.dtype == torch.float64


def test_inputs_are_f1_and_f2_in_khz():
    task = vowel_task()
    rows = [i for i, v in enumerate(TABLE.vowel) if v in FOUR_VOWELS]
    for case in (0, 57, 399):
        f0, f1, f2, f3 = TABLE.formants[rows[case]].tolist()
        assert task.train.x[case].tolist() == [f1 / 1000, f2 / 1000]


def test_the_order_of_the_file_puts_men_and_women_in_training():
    task = vowel_task()
    assert speakers(task.train) == set(range(1, 51)) and task.left_out == 76
    assert {GROUP[s] for s in speakers(task.train)} == {"m", "w"}
    assert {GROUP[s] for s in speakers(task.test)} == {"w", "c"}


def test_the_mixed_order_gives_each_group_its_share():
    task = vowel_task(order="mixed")
    in_training = [GROUP[s] for s in speakers(task.train)]
    for group, size in (("m", 33), ("w", 28), ("c", 15)):
        assert abs(in_training.count(group) - size * 50 / 76) < 1


def test_a_random_order_depends_on_its_seed_alone():
    first, again, other = (vowel_task(order="random", seed=seed) for seed in (1, 1, 2))
    torch.testing.assert_close(first.train.x, again.train.x)
    assert speakers(first.train) != speakers(other.train)


@pytest.mark.parametrize(
    ("coding", "ones"), [("iy+ah", {"iy", "ah"}), ("iy+aa", {"iy", "aa"})],
)
def test_one_output_is_1_for_the_named_vowels(coding, ones):
    train = vowel_task(coding).train
    assert train.d.shape == (400, 1)
    assert {v for v, d in zip(train.vowel, train.d[:, 0].tolist()) if d == 1} == ones


def test_one_hot_targets_name_one_vowel_each():
    train = vowel_task("one-hot").train
    assert train.d.shape == (400, 4)
    assert {(v, int(d.argmax())) for v, d in zip(train.vowel, train.d)} == set(zip(FOUR_VOWELS, range(4)))
    assert (train.d.sum(1) == 1).all()


@pytest.mark.parametrize("kept", [(1,), (2,), [2]])
def test_one_repetition_is_half_of_the_cases(kept):
    task = vowel_task(repetitions=kept)
    assert (len(task.train), len(task.test)) == (200, 100)
    first_i = [i for i, v in enumerate(TABLE.vowel) if v == "iy"][kept[0] - 1]
    assert task.train.x[0].tolist() == [f / 1000 for f in TABLE.formants[first_i, 1:3].tolist()]


def test_a_selection_keeps_order_and_rows():
    train = vowel_task().train
    back = train.only("ah", "aa")
    keep = [i for i, v in enumerate(train.vowel) if v in ("aa", "ah")]
    assert len(back) == 200 and back.vowel == tuple(train.vowel[i] for i in keep)
    torch.testing.assert_close(back.x, train.x[keep])
    torch.testing.assert_close(back.d, train.d[keep])
    torch.testing.assert_close(back.speaker, train.speaker[keep])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: vowel_task(coding="i+a"), "unknown coding 'i+a': choose one of 'iy+ah'"),
        (lambda: vowel_task(order="shuffled"), "unknown order 'shuffled': choose one of 'file'"),
        (lambda: vowel_task(order="random"), "order 'random' needs a seed"),
        (lambda: vowel_task(seed=1), "no other order takes one, got order 'file', seed 1"),
        (lambda: vowel_task(repetitions=(3,)), "unknown repetitions (3,)"),
        (lambda: vowel_task().train.only("eh"), "unknown vowel 'eh': choose one of 'aa', 'ah', 'ih', 'iy'"),
    ],
)
def test_an_unknown_choice_is_named(call, said):
    with pytest.raises(ValueError) as error:
        call()
    assert said in str(error.value)


def test_any_of_the_ten_vowels_and_any_formants():
    vowels = ("uw", "er", "iy")
    task = vowel_task("one-hot", vowels=vowels, formants=("f3", "f0"))
    assert len(task.train) == 50 * 3 * 2 and len(task.test) == 25 * 3 * 2
    of = {(int(TABLE.speaker[row]), TABLE.vowel[row], int(TABLE.repetition[row])): TABLE.formants[row]
          for row in range(len(TABLE))}
    seen = dict.fromkeys(of, 0)
    for x, d, vowel, speaker in zip(task.train.x, task.train.d, task.train.vowel, task.train.speaker.tolist()):
        assert d.tolist() == [float(vowel == other) for other in vowels]
        row = next(key for key in of if key[:2] == (speaker, vowel) and not seen[key]
                   and torch.equal(of[key][[3, 0]] / 1000, x))
        seen[row] += 1
    assert vowel_task("one-hot").train.d.equal(vowel_task("one-hot", vowels=FOUR_VOWELS).train.d)
    pair = vowel_task(vowels=("ih", "iy")).train
    assert pair.d.sum() == 100 and pair.d[[vowel == "iy" for vowel in pair.vowel]].all()


@pytest.mark.parametrize(("options", "kind", "said"), [
    ({"vowels": ("iy", "ee"), "coding": "one-hot"}, ValueError, "unknown name in vowels 'ee': choose one of 'iy', 'ih'"),
    ({"vowels": "iy"}, TypeError, "vowels must be a sequence of names, such as ('iy', 'ih'), got 'iy'"),
    ({"vowels": ()}, ValueError, "vowels must name at least one, and each once, got ()"),
    ({"formants": ("f1", "f1")}, ValueError, "formants must name at least one, and each once, got ('f1', 'f1')"),
    ({"formants": ("f4",)}, ValueError, "unknown name in formants 'f4': choose one of 'f0', 'f1', 'f2', 'f3'"),
    ({"vowels": ("iy", "eh")}, ValueError, "coding 'iy+ah' has no target for eh; take coding 'one-hot', or vowels from iy"),
    ({"order": "random", "seed": "3"}, TypeError, "seed must be"),
    ({"order": "random", "seed": -1}, ValueError, "seed must be from 0 to 2**64 - 1, got -1"),
    ({"repetitions": 1}, ValueError, "unknown repetitions 1: choose one of (1, 2), (1,), (2,)"),
])
def test_what_is_not_in_the_data_is_refused_with_what_is(options, kind, said):
    with pytest.raises(kind) as error:
        vowel_task(**options)
    assert said in str(error.value)
