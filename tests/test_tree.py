"""A tree of gates: its leaves are a mixture's experts, its recursion is Bayes' rule, and a split changes nothing."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from torch.nn.functional import logsigmoid, one_hot
from torch.testing import assert_close

from moe_tutorial import (
    Mixture,
    Tree,
    em,
    leaf_proportions,
    load_vowels,
    mixture_nll,
    node_responsibilities,
    responsibilities,
    toys,
    tree_paths,
    vowel_task,
)
from moe_tutorial.training import tree_gate_step

f64 = torch.float64
VOWELS = vowel_task().train


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(f64)
    yield
    torch.set_default_dtype(before)


def up(scores, density, node=(0, 0), depth=0):
    """`log P` of the tree below a node, by recursion: gates in level order, leaves from left to right."""
    level, place = node
    if level == depth:
        return density[:, place]
    t = scores[:, 2**level - 1 + place]
    left, right = (up(scores, density, (level + 1, 2 * place + side), depth) for side in (0, 1))
    return torch.logaddexp(logsigmoid(t) + left, logsigmoid(-t) + right)


def down(scores, density, depth, node=(0, 0), h=1.0):
    """The responsibilities of the leaves below a node, from left to right: h of the node, shared out by Bayes' rule."""
    level, place = node
    if level == depth:
        return [h]
    t, below = scores[:, 2**level - 1 + place], []
    parts = [logsigmoid(sign * t) + up(scores, density, (level + 1, 2 * place + side), depth)
             for side, sign in ((0, 1), (1, -1))]
    for side in (0, 1):
        share = (parts[side] - torch.logaddexp(*parts)).exp()
        below += down(scores, density, depth, (level + 1, 2 * place + side), h * share)
    return below


@pytest.mark.parametrize("depth", range(1, 6))
def test_the_recursion_is_that_of_a_mixture_of_the_leaves(depth):
    g = torch.Generator().manual_seed(depth)
    scores = 3 * torch.randn(40, 2**depth - 1, generator=g)
    d, o = torch.randn(40, 2, generator=g), torch.randn(40, 2**depth, 2, generator=g)
    p = leaf_proportions(scores, tree_paths(depth))
    assert_close(p.sum(-1), torch.ones(40), rtol=0, atol=1e-12)
    density = -0.5 * (d[:, None] - o).square().sum(-1)
    assert_close(-mixture_nll(d, o, p), up(scores, density, depth=depth), rtol=0, atol=1e-12)
    h = responsibilities(d, o, p)
    assert_close(h, torch.stack(down(scores, density, depth), -1), rtol=0, atol=1e-12)
    inner = node_responsibilities(h, tree_paths(depth))
    assert_close(inner[:, 0], torch.ones(40), rtol=0, atol=1e-12)
    for level in range(1, depth):
        for place in range(2**level):
            size = 2 ** (depth - level)
            assert_close(inner[:, 2**level - 1 + place], h[:, place * size:(place + 1) * size].sum(-1))


def test_the_paths_of_two_levels():
    assert tree_paths(0).shape == (0, 1)
    assert tree_paths(2).tolist() == [[1, 1, -1, -1], [1, -1, 0, 0], [0, 0, 1, -1]]


@pytest.mark.parametrize("runs", [(), (3,), (2, 3)])
def test_runs_are_carried_through(runs):
    h = leaf_proportions(torch.randn(*runs, 5, 3), tree_paths(2))
    assert h.shape == (*runs, 5, 4)
    assert node_responsibilities(h, tree_paths(2)).shape == (*runs, 5, 3)


def test_huge_scores_give_proportions_of_0_and_1():
    p = leaf_proportions(torch.tensor([[1e4, -1e4, 0.0]]), tree_paths(2))
    assert p.tolist() == [[0.0, 1.0, 0.0, 0.0]]


def test_a_tree_of_two_leaves_is_a_mixture_of_two():
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(0))
    tree, flat = Tree(1, seed=3), Mixture(2, seed=3)
    with torch.no_grad():
        tree.gate.weight[0], tree.gate.bias[0] = torch.tensor([1.0, -2.0]), 0.5
        flat.gate.weight[0], flat.gate.bias[0] = torch.tensor([1.0, -2.0]), 0.5
    for one, other in zip(tree(x), flat(x)):
        assert_close(one, other)


@given(st.integers(0, 1000), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_splitting_any_leaf_leaves_the_likelihood_and_all_the_rest(seed, leaf):
    g = torch.Generator().manual_seed(seed)
    tree, x = Tree(2, outputs=2, output="linear", seed=range(3)), torch.randn(15, 2, generator=g)
    d = torch.randn(15, 2, generator=g)
    with torch.no_grad():
        tree.gate.weight += torch.randn(tree.gate.weight.shape, generator=g)
    before = mixture_nll(d, *tree(x))
    for grown in (tree.split(leaf, spread=1e-300), tree.split(spread=1e-300)):
        assert_close(mixture_nll(d, *grown(x)), before, rtol=0, atol=1e-12)
    moved = tree.split(leaf, seed=(1, 2, 3))
    assert moved.gate.paths.shape == (4, 5)
    rest = [one for one in range(5) if one not in (leaf, leaf + 1)]
    assert_close(moved.experts.weight[:, rest], tree.experts.weight[:, [one for one in range(4) if one != leaf]])
    assert not torch.allclose(moved.experts.weight[:, leaf], moved.experts.weight[:, leaf + 1])
    assert torch.equal(tree.gate.weight, moved.gate.weight[:, :3]) and not moved.gate.weight[:, 3].any()


def test_what_is_frozen_is_not_moved_by_a_split_and_stays_frozen():
    tree = Tree(1)
    tree.experts.weight.requires_grad_(False)
    grown = tree.split()
    assert torch.equal(grown.experts.weight, tree.experts.weight.repeat_interleave(2, 0))
    assert not grown.experts.weight.requires_grad and grown.experts.bias.requires_grad
    assert not torch.equal(grown.experts.bias[0], grown.experts.bias[1])


@pytest.mark.parametrize("size", [0.0, 10.0, 1e4])
def test_each_gate_is_scikit_learn_s_logistic_regression_with_the_h_of_its_node_as_weights(size):
    g = torch.Generator().manual_seed(2)
    x, h = torch.randn(120, 2, generator=g), torch.softmax(2 * torch.randn(120, 4, generator=g), -1)
    weight, bias = (size * torch.randn(*shape, generator=g) for shape in ((3, 2), (3,)))
    weight, bias = tree_gate_step(x, h, weight, bias, tree_paths(2), steps=60)
    for node, leaves in enumerate(([0, 1, 2, 3], [0, 1], [2, 3])):
        left = h[:, leaves[: len(leaves) // 2]].sum(-1)
        below = h[:, leaves].sum(-1)
        library = LogisticRegression(C=torch.inf, solver="newton-cg", tol=1e-13, max_iter=1000)
        library.fit(x.repeat(2, 1).numpy(), [1] * 120 + [0] * 120, sample_weight=torch.cat([left, below - left]).numpy())
        assert_close(weight[node], torch.tensor(library.coef_[0]), rtol=0, atol=1e-6)
        assert_close(torch.sigmoid(x @ weight[node] + bias[node]),
                     torch.tensor(library.predict_proba(x.numpy())[:, 1]), rtol=0, atol=1e-9)


def test_a_branch_that_no_case_takes_keeps_its_gate_and_its_experts():
    tree = Tree(2, inputs=1, output="linear", seed=1)
    task = toys.absolute_value()
    with torch.no_grad():
        tree.gate.bias[0], tree.gate.weight[2] = 1e4, 0.5
    before = [one.clone() for one in (tree.gate.weight[2], tree.experts.weight[2:], tree.experts.bias[2:])]
    history = em(tree, task.x, task.d, iterations=5, learn_variance=True)
    assert history.loss.isfinite().all()
    for one, other in zip(before, (tree.gate.weight[2], tree.experts.weight[2:], tree.experts.bias[2:])):
        assert torch.equal(one, other)


@pytest.mark.parametrize("case", [
    {"output": "linear"}, {"output": "linear", "learn_variance": True}, {"output": "sigmoid", "likelihood": "bernoulli"},
    {"output": "sigmoid", "gate_steps": 3}])
def test_no_iteration_lowers_a_tree_s_likelihood(case):
    case = dict(case)
    output = case.pop("output")
    history = em(Tree(2, output=output, seed=range(10)), VOWELS.x, VOWELS.d, iterations=30, **case)
    assert (history.loss.diff(dim=0) <= 1e-9).all()


def test_twins_that_are_not_moved_stay_twins_for_an_iteration():
    task = toys.four_regions()
    tree = Tree(0, output="linear").split(spread=1e-300)
    em(tree, task.x, task.d, iterations=1)
    assert_close(tree.experts.weight[0], tree.experts.weight[1], rtol=0, atol=1e-12)


def test_the_vowels_of_1991_and_the_paper_s_split():
    tree = Tree(1, seed=range(25))
    history = em(tree, VOWELS.x, VOWELS.d, iterations=100, likelihood="bernoulli", stop_at=0.08, record_every=100)
    assert history.converged.all() and history.stopped.double().mean() < 80


def test_a_grid_is_found_by_growing():
    train, test = toys.four_regions(), toys.four_regions(cases=2000, seed=1)
    setting = {"learn_variance": True, "shared": True, "penalty": 1e-3, "gate_steps": 3}
    full, tree, variance = Tree(2, output="linear", seed=range(25)), Tree(0, output="linear", seed=range(25)), 1.0
    em(full, train.x, train.d, iterations=200, record_every=200, **setting)
    em(tree, train.x, train.d, iterations=1)
    for iterations, first in ((60, 500), (100, 550)):
        tree = tree.split(seed=range(first, first + 25))
        history = em(tree, train.x, train.d, iterations=iterations, record_every=iterations, variance=variance, **setting)
        variance = history.weights["log_variance"][-1, :, 0].exp()
    good = {name: int(((m.blend(test.x) - test.d).square().mean((-1, -2)) < 0.1).sum())
            for name, m in (("full", full), ("grown", tree))}
    assert good["grown"] >= 23 and 8 <= good["full"] <= 20


# ---- experts that say the same for all cases, and several classes

def test_constant_leaves_say_the_weighted_frequencies_and_their_likelihood_is_the_classes():
    table = load_vowels()
    names = sorted(set(table.vowel))
    y = torch.tensor([names.index(vowel) for vowel in table.vowel])
    x, d = (table.formants[:, 1:3] / 1000 - 1), one_hot(y, 10).double()
    tree = Tree(1, outputs=10, output="softmax", seed=range(2))
    with torch.no_grad():
        tree.experts.weight.zero_()
    tree.experts.weight.requires_grad_(False)
    o, p = (one.detach() for one in tree(x))
    joint = p * (o * d[:, None]).sum(-1)
    h = joint / joint.sum(-1, keepdim=True)
    history = em(tree, x, d, iterations=1, likelihood="categorical")
    assert_close(history.loss[0], -joint.sum(-1).log().mean(-1))
    wanted = h.mT @ d / h.sum(-2)[..., None]
    assert_close(tree(x)[0][:, 0], wanted)
    assert not tree.experts.weight.any()


def test_softmax_experts_end_at_scikit_learn_s_multinomial_regression():
    g = torch.Generator().manual_seed(4)
    x, y = torch.randn(150, 2, generator=g), torch.randint(3, (150,), generator=g)
    alone = Tree(0, outputs=3, output="softmax")
    em(alone, x, one_hot(y, 3).double(), iterations=20, likelihood="categorical")
    library = LogisticRegression(C=torch.inf, solver="newton-cg", tol=1e-13, max_iter=1000).fit(x.numpy(), y.numpy())
    assert_close(alone(x)[0][:, 0].detach(), torch.tensor(library.predict_proba(x.numpy())), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("output", "likelihood"),
                         [("linear", "gaussian"), ("sigmoid", "bernoulli"), ("sigmoid", "gaussian")])
def test_a_constant_expert_says_the_mean(output, likelihood):
    alone = Tree(0, output=output)
    with torch.no_grad():
        alone.experts.weight.zero_()
    alone.experts.weight.requires_grad_(False)
    em(alone, VOWELS.x, VOWELS.d, iterations=1, likelihood=likelihood)
    assert_close(alone(VOWELS.x)[0][0, 0], VOWELS.d.mean(0))


@pytest.mark.parametrize("rest", range(3))
def test_the_root_of_ten_vowels_asks_for_front_or_back_whichever_third_of_the_speakers_is_left_out(rest):
    """And with eight leaves it is ahead of scikit-learn's tree on them. The best of ten by the training likelihood."""
    table = load_vowels()
    x, seen = table.formants[:, 1:3] / 1000, table.speaker % 3 != rest
    vowel = torch.tensor([sorted(set(table.vowel)).index(one) for one in table.vowel])
    scaled, d = (x - x[seen].mean(0)) / x[seen].std(0), one_hot(vowel, 10).double()
    tree = Tree(0, outputs=10, output="softmax", seed=range(10))
    with torch.no_grad():
        tree.experts.weight.zero_()
    tree.experts.weight.requires_grad_(False)
    em(tree, scaled[seen], d[seen], iterations=1, likelihood="categorical")
    for leaves in (2, 4, 8):
        tree = tree.split(seed=range(10 * leaves, 10 * leaves + 10))
        best = em(tree, scaled[seen], d[seen], iterations=60, likelihood="categorical", penalty=0.01, gate_steps=2,
                  record_every=60).loss[-1].argmin()
        if leaves == 4:
            left = tree.gate(scaled)[best, :, :2].sum(-1)
            share = {code: left[vowel == n].mean().item() for n, code in enumerate(sorted(set(table.vowel)))}
            share = {code: one if share["iy"] > 0.5 else 1 - one for code, one in share.items()}
            assert all(share[code] >= 0.8 for code in ("iy", "ih", "eh", "ae"))
            assert all(share[code] <= 0.15 for code in ("aa", "ao", "ah", "uh", "uw"))
    right = (tree.blend(scaled).argmax(-1)[best] == vowel)[~seen].double().mean().item()
    library = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0).fit(x[seen].numpy(), vowel[seen].numpy())
    assert right >= library.score(x[~seen].numpy(), vowel[~seen].numpy()) + 0.05


# ---- bad input

@pytest.mark.parametrize(("call", "error", "says"), [
    (lambda: Tree(-1), ValueError, "depth must be"),
    (lambda: Tree(1.5), TypeError, "depth must be an int, got 1.5"),
    (lambda: Tree(1).split(2), ValueError, "leaf must be below 2, the number of leaves, got 2"),
    (lambda: Tree(1).split(seed=(1, 2)), ValueError, "seed must be one number, got 2"),
    (lambda: Tree(1, seed=(1, 2, 3)).split(seed=(1, 2)), ValueError, "one number or 3, one for each run, got 2"),
    (lambda: Tree(1).split(spread=0.0), ValueError, "spread must be above 0"),
    (lambda: leaf_proportions(torch.zeros(1, 2), torch.tensor([[1, -1], [1, -1]])), ValueError, "not that of a binary tree"),
    (lambda: leaf_proportions(torch.zeros(1, 1), torch.tensor([[2, -1]])), ValueError, "must hold 1, -1 and 0, got values"),
    (lambda: leaf_proportions(torch.zeros(1, 2), tree_paths(2)), ValueError, "wanted"),
    (lambda: em(Tree(1, outputs=2, output="softmax"), VOWELS.x, VOWELS.d.repeat(1, 2), iterations=1,
                likelihood="categorical"), ValueError, "needs targets of which one is 1 and the others are 0"),
    (lambda: em(Tree(1), VOWELS.x, VOWELS.d, iterations=1, likelihood="categorical"), ValueError, "for softmax experts"),
])
def test_bad_input_is_refused_in_words(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value)
