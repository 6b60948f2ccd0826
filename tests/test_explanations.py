"""Numbers that explanations of exercises and reasons of a quiz tell of the data and of trainings hold, chapters 1 to 3.

What a chapter itself prints or asserts is not repeated here.
"""

import pytest
import torch
from torch import nn

from moe_tutorial import load_vowels, vowel_task
from moe_tutorial.exercises import chapter_01, chapter_02
from moe_tutorial.tasks import FOUR_VOWELS, WORDS

TASK = vowel_task()
A, B = TASK.train.only("iy", "ih"), TASK.train.only("ah", "aa")


def explanation(exercises, name):
    return next(" ".join(exercise.explanation.split()) for exercise in exercises if exercise.name == name)


def network(seed):
    """Chapter 1's."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 6), nn.Sigmoid(), nn.Linear(6, 1), nn.Sigmoid()).double()


def descend(net, occasions, epochs, step_size=5.0):
    """Epochs in which the occasions come one after the other, a step each."""
    parameters = list(net.parameters())
    for _ in range(epochs):
        for cases in occasions:
            error = (net(cases.x) - cases.d).square().mean()
            gradients = torch.autograd.grad(error, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients):
                    parameter -= step_size * gradient


def right(net, cases):
    return ((net(cases.x) > 0.5) == (cases.d == 1)).double().mean().item()


@pytest.fixture(autouse=True)
def the_random_numbers_of_others_stay():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


def test_a_subtask_that_changes_in_every_epoch_is_no_interference():
    known = torch.zeros(2, dtype=torch.float64)
    for seed in range(5):
        net = network(seed)
        descend(net, (A, B), 3000)
        known += torch.tensor([right(net, A), right(net, B)]) / 5
    assert "right on about 95 % of A and 91 % of B" in explanation(chapter_01.EXERCISES, "every_other_epoch")
    assert (known - torch.tensor([0.95, 0.91])).abs().max() < 0.01


def test_shorter_steps_forget_as_well():
    net = network(0)
    descend(net, [A], 1000)
    assert right(net, A) > 0.9
    descend(net, [B], 4000, step_size=0.5)
    said = chapter_01.QUIZ[0].options[2][1]
    assert "With a tenth of the step size, and 4000 epochs of B, this network is right on 50 % of A" in said
    assert right(net, A) == 0.5 and right(net, B) > 0.85


def test_nearest_means_make_mistakes_inside_the_pairs_only():
    means = torch.stack([TASK.train.only(vowel).x.mean(0) for vowel in FOUR_VOWELS])
    taken = {}
    for cases in (TASK.train, TASK.test):
        for vowel in FOUR_VOWELS:
            nearest = chapter_02.nearest_mean(cases.only(vowel).x, means)
            taken[WORDS[vowel]] = dict(zip(map(WORDS.get, FOUR_VOWELS), torch.bincount(nearest, minlength=4).tolist()))
        assert not any(taken[one][other] for one in ("heed", "hid") for other in ("hod", "hud"))
        assert not any(taken[one][other] for one in ("hod", "hud") for other in ("heed", "hid"))
    assert "you will find none across" in explanation(chapter_02.EXERCISES, "nearest_mean")
    said = explanation(chapter_02.EXERCISES, "shifted_voices")
    assert ("Of the 50 test tokens of *hid*, 45 are taken for *heed*; of *hod* 13 are taken for *hud*; "
            "all of *heed* and *hud* are right") in said
    assert taken["hid"]["heed"] == 45 and taken["hod"]["hud"] == 13
    assert taken["heed"]["heed"] == taken["hud"]["hud"] == 50


def test_what_a_voice_says_to_itself():
    table = load_vowels()
    rows = torch.tensor([vowel in FOUR_VOWELS for vowel in table.vowel])
    hz, speaker = table.formants[rows, 1:3], table.speaker[rows]
    vowel = torch.tensor([FOUR_VOWELS.index(v) for v in table.vowel if v in FOUR_VOWELS])
    any_token = chapter_02.without_itself_only(hz, speaker)
    other_voice = chapter_02.nearest_other_voice(hz, speaker)
    own = speaker[any_token] == speaker
    assert (vowel[any_token] == vowel)[own].all()
    lost = (vowel[other_voice] != vowel)[own].sum()
    assert (own.sum(), lost) == (43, 6)
    assert [int((vowel[found] != vowel).sum()) for found in (any_token, other_voice)] == [53, 59]
    said = explanation(chapter_02.EXERCISES, "nearest_other_voice")
    assert "For 43 of the 608 tokens, in whole Hz" in said and "For 6 of the 43" in said
    assert "`broken` counts 53 mistakes where the chapter counts 59" in said
