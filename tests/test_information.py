"""What an expert says about a case, against scikit-learn, by the laws of information, and with the bias that is derived."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score

from moe_tutorial import (
    conditional_information,
    excerpt_text,
    information,
    knowledge_text,
    load_knowledge,
    repetition,
    shuffled_information,
)
from moe_tutorial.exercises import EXERCISES, chapter_15

LABELS = st.integers(1, 60).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 3)).map(
    lambda lists: tuple(map(torch.tensor, lists)))


def entropy(a):
    q = torch.bincount(a).double() / len(a)
    return torch.special.entr(q).sum().item()


@given(LABELS)
def test_information_is_that_of_scikit_learn(labels):
    a, b, _ = labels
    assert abs(information(a, b) - mutual_info_score(a.numpy(), b.numpy())) < 1e-9


@given(LABELS)
def test_information_is_the_same_both_ways_and_at_most_an_entropy(labels):
    a, b, _ = labels
    assert abs(information(a, b) - information(b, a)) < 1e-9
    assert -1e-12 < information(a, b) < min(entropy(a), entropy(b)) + 1e-9
    assert abs(information(a, a) - entropy(a)) < 1e-9


@given(LABELS)
def test_conditional_information_is_the_mean_over_the_condition(labels):
    a, b, c = labels
    mean = sum((c == value).double().mean().item() * information(a[c == value], b[c == value]) for value in c.unique())
    assert abs(conditional_information(a, b, c) - mean) < 1e-9


@given(LABELS, st.permutations(range(5)))
def test_names_of_labels_do_not_matter(labels, names):
    a, b, c = labels
    other = torch.tensor(names)[a]
    assert abs(information(other, b) - information(a, b)) < 1e-9
    assert abs(conditional_information(other, b, c) - conditional_information(a, b, c)) < 1e-9


@given(LABELS, st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_a_function_of_a_label_says_no_more_than_the_label(labels, function):
    """The data processing inequality; and nothing to who knows the label."""
    a, b, _ = labels
    expert = torch.tensor(function)[a]
    assert information(expert, b) <= information(a, b) + 1e-9
    assert conditional_information(expert, b, given=a) < 1e-9


@pytest.mark.parametrize("cases", [5000, 48000])
def test_independent_labels_show_the_derived_bias(cases):
    generator = torch.Generator().manual_seed(cases)
    found = []
    for _ in range(5):
        a, b = (torch.randint(count, (cases,), generator=generator) for count in (8, 119))
        found.append(information(a, b))
    formula = 7 * 118 / (2 * cases)
    assert abs(sum(found) / 5 / formula - 1) < 0.15


def test_shuffling_keeps_the_frequencies_and_takes_the_rest():
    generator = torch.Generator().manual_seed(0)
    c = torch.randint(5, (20000,), generator=generator)
    a, b = (times * c + torch.randint(2, (20000,), generator=generator) for times in (1, 2))
    a = a % 5
    assert information(a, b) > 0.5
    assert shuffled_information(a, b) < 2 * 4 * 9 / 40000
    # Given c, a and b are independent: what is left is the bias, and the shuffle within c shows just that.
    left, shuffled = conditional_information(a, b, c), shuffled_information(a, b, c)
    assert 0 < left < 0.003 and abs(left - shuffled) < 0.001


def test_shuffling_within_a_label_is_not_shuffling_over_everything():
    c, b = torch.arange(8000) % 4, torch.randint(9, (8000,), generator=torch.Generator().manual_seed(0))
    assert shuffled_information(c, b, given=c) < 1e-9  # c stays c, which says nothing to who knows it
    over_everything = c[torch.randperm(8000, generator=torch.Generator().manual_seed(1))]
    assert conditional_information(over_everything, b, c) > 0.003


@given(st.integers(2, 30), st.integers(1, 6))
def test_repetition_counts_pairs_within_a_text(length, texts):
    chosen = torch.randint(3, (texts, length), generator=torch.Generator().manual_seed(length * 10 + texts))
    pairs = [(one[i] == one[i + 1]) for one in chosen.tolist() for i in range(length - 1)]
    shares = [chosen.flatten().tolist().count(expert) / chosen.numel() for expert in range(3)]
    same, chance = repetition(chosen)
    assert math.isclose(same, sum(pairs) / len(pairs), abs_tol=1e-9)
    assert math.isclose(chance, sum(share**2 for share in shares), abs_tol=1e-9)


def test_labels_that_are_none_are_refused():
    with pytest.raises(ValueError, match="a must hold whole numbers from 0, got -1"):
        information(torch.tensor([-1, 0]), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="at least two cases"):
        repetition(torch.tensor([[1]]))


def test_what_is_stored_of_the_excerpts_is_what_is_stored_of_the_text():
    """Two places of a recording: the excerpts are the first pieces of the text, and the last moment is the end."""
    known, text, excerpts = load_knowledge(), knowledge_text(), excerpt_text()
    first = torch.cat([(text.domain == number).nonzero()[:2, 0] for number in range(5)])
    assert torch.equal(text.characters[first], excerpts.characters)
    for run in (run for runs in known.values() for run in runs):
        assert run.chosen.shape == (2, *text.section.shape) and 0 <= run.chosen.min() and run.chosen.max() <= 7
        assert torch.equal(run.excerpts[-1], run.chosen[:, first])
        assert run.permuted.shape == (2, 5) and run.forbidden.shape == (2, 8, 5)
        # One of eight: the largest proportion is an eighth or more.
        assert run.excerpts.shape == run.proportions.shape and 12 <= run.proportions.min() and run.proportions.max() <= 100
    before = known["top-1 of 8"][0]
    assert before.moments == (0, 100, 200, 400, 800)
    assert torch.equal(before.excerpts[0], known["untrained"][0].excerpts[-1])


@given(LABELS)
def test_the_reference_answers_of_chapter_15_are_the_package_s(labels):
    a, b, c = labels
    assert abs(float(chapter_15.nats_shared(a, b)) - information(a, b)) < 1e-6
    assert abs(float(chapter_15.language_beyond(a, b, c)) - conditional_information(a, b, given=c)) < 1e-6
    draws = torch.rand(len(a), generator=torch.Generator().manual_seed(len(a)))
    shuffled = chapter_15.shuffled_within(a, c, draws)
    for value in c.unique():
        # In the order of the draws stand the experts in the order of the text.
        assert torch.equal(shuffled[c == value][draws[c == value].argsort()], a[c == value])


def test_the_predictions_of_chapter_15_are_what_comes_out():
    generator = torch.Generator().manual_seed(0)
    chosen = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), 100_000, replacement=True, generator=generator)
    same, chance = repetition(chosen[None])
    assert abs(same - EXERCISES["repeated_by_chance"].reference) < 0.01
    assert abs(chance - EXERCISES["repeated_by_chance"].reference) < 0.01
    pairs = torch.rand(100_000, 8, generator=generator).argsort(1)[:, :2]
    common = (pairs[1:, :, None] == pairs[:-1, None]).flatten(1).any(1).double().mean()
    assert abs(common - EXERCISES["overlap_by_chance"].reference) < 0.01
