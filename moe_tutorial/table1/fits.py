"""Fits to the arm, in the manner of 1994, and to the ten vowels, computed once and kept in the package.

Table 1 of Jordan & Jacobs 1994 compares a tree of experts with a network, and with others, on their arm. These are such fits
to ours. `make recordings` makes them; the decision trees are scikit-learn's, which only that needs.
"""

import time
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from .._threads import one_thread
from ..model.experts import expert_outputs
from ..model.gate import gate_scores, mixing_proportions
from ..model.mixture import Mixture, blend
from ..model.tree import Tree, leaf_proportions, node_responsibilities
from ..recordings import Recordings
from ..shapes import Count, Seed, checked
from ..tasks.arm import arm_task
from ..tasks.vowels import load_vowels
from ..training.em import em
from ..training.steps import variance_step, weighted_least_squares

Fitted = Literal["linear", "tree", "algorithm 2", "flat gate", "network", "network, Adam", "decision tree", "ten vowels"]

EPOCHS: dict[Fitted, int] = {"tree": 40, "algorithm 2": 40, "flat gate": 40, "network": 1500, "network, Adam": 1500}
SIZES: tuple[tuple[Fitted, int], ...] = (("tree", 4), ("tree", 5), ("algorithm 2", 4), ("flat gate", 16), ("network", 60),
                                         ("network, Adam", 60))
FLOOR = 1e-6
"""Of the variances, in squares of the outputs' deviations."""


@checked
@dataclass(frozen=True)
class Fit:
    """What is fitted, how large it is, and its seed.

    size: the depth of a tree, the experts of a flat gate, the hidden units of a network, the leaves of a decision tree;
    "ten vowels" is a decision tree, too, whose cases are the vowels.
    """

    system: Fitted
    size: Count
    seed: Seed = 0


@one_thread()
def make_fit(fit):
    """What is stored of a fit: its relative test error after each epoch, and the processor's seconds of an epoch.

    And the loss that a tree or a flat gate climbs, after each epoch.
    """
    if fit.system == "ten vowels":
        return _ten_vowels(fit.size)
    task = arm_task()
    if fit.system == "decision tree":
        return {"error": _decision_trees(task, fit.size)}
    if fit.system == "linear":
        weight, bias = weighted_least_squares(task.x, task.d, torch.ones(len(task.x), 1, dtype=task.x.dtype))
        return {"error": task.relative_error(expert_outputs(task.x_test, weight, bias, "linear")[:, 0])}
    run = {"tree": _by_em, "flat gate": _by_em, "algorithm 2": _by_algorithm_2}.get(fit.system, _by_gradient)
    begun = time.process_time()
    result = run(task, fit)
    return result | {"seconds": (time.process_time() - begun) / EPOCHS[fit.system]}


def _by_em(task, fit):
    inputs, outputs = task.x.shape[-1], task.d.shape[-1]
    model: Tree | Mixture
    if fit.system == "tree":
        model, steps = Tree(fit.size, inputs, outputs, "linear", fit.seed), 3
    else:
        model, steps = Mixture(fit.size, inputs, outputs, "linear", fit.seed), 1
    history = em(model, task.x, task.d, iterations=EPOCHS[fit.system], learn_variance=True, floor=FLOOR, gate_steps=steps)
    errors = []
    for moment in range(len(history.epochs)):
        weights = {name: values[moment, 0] for name, values in history.weights.items()}
        scores = gate_scores(task.x_test, weights["gate.weight"], weights["gate.bias"])
        p = leaf_proportions(scores, model.gate.paths) if isinstance(model, Tree) else mixing_proportions(scores)
        o = expert_outputs(task.x_test, weights["experts.weight"], weights["experts.bias"], "linear")
        errors.append(task.relative_error(blend(o, p)))
    return {"error": torch.stack(errors), "loss": history.loss[:, 0]}


@torch.no_grad()
def _by_algorithm_2(task, fit):
    """Jordan & Jacobs's second algorithm: gates are fitted to the logarithms of h by least squares."""
    tree = Tree(fit.size, task.x.shape[-1], task.d.shape[-1], "linear", fit.seed)
    paths, (experts, gates) = tree.gate.paths, (tree.experts, tree.gate)
    left = (paths > 0).mT.double()
    variance, errors, losses = torch.ones(paths.shape[1], dtype=task.x.dtype), [], []
    for epoch in range(EPOCHS[fit.system] + 1):
        o, p = tree(task.x)
        squared = (task.d[:, None] - o).square().sum(-1)
        joint = p.log() - 0.5 * (task.d.shape[-1] * variance.log() + squared / variance)
        errors.append(task.relative_error(tree.blend(task.x_test)))
        losses.append(-joint.logsumexp(-1).mean())
        if epoch == EPOCHS[fit.system]:
            break
        h = joint.softmax(-1)
        experts.weight.data, experts.bias.data = weighted_least_squares(task.x, task.d, h)
        variance = variance_step(task.d, experts(task.x), h, FLOOR)
        of_node = node_responsibilities(h, paths)
        share = (h @ left / of_node.clamp(min=1e-300)).clamp(1e-12, 1 - 1e-12)
        for node in range(len(paths)):
            weight, bias = weighted_least_squares(task.x, torch.logit(share[:, node, None]), of_node[:, node, None])
            gates.weight[node], gates.bias[node] = weight[0, 0], bias[0, 0]
    return {"error": torch.stack(errors), "loss": torch.stack(losses)}


def _by_gradient(task, fit):
    """A network of one layer of tanh units, all cases in each step: gradient descent with momentum, or Adam."""
    generator = torch.Generator().manual_seed(fit.seed)
    x, d, x_test = (values.float() for values in (task.x, task.d, task.x_test))
    network = nn.Sequential(nn.Linear(x.shape[-1], fit.size), nn.Tanh(), nn.Linear(fit.size, d.shape[-1]))
    for layer, inputs in ((network[0], x.shape[-1]), (network[2], fit.size)):
        bound = inputs**-0.5
        for values in layer.parameters():
            nn.init.uniform_(values, -bound, bound, generator=generator)
    optimizer = (torch.optim.Adam(network.parameters(), 0.01) if fit.system == "network, Adam" else
                 torch.optim.SGD(network.parameters(), 0.05, momentum=0.15))
    errors = []
    for _ in range(EPOCHS[fit.system] + 1):
        with torch.no_grad():
            errors.append(task.relative_error(network(x_test).double()))
        optimizer.zero_grad()
        (network(x) - d).square().sum(-1).mean().div(2).backward()
        optimizer.step()
    return {"error": torch.stack(errors)}


def _decision_trees(task, leaves):
    """scikit-learn's regression tree with so many leaves, one for each output."""
    from sklearn.tree import DecisionTreeRegressor

    answers = [DecisionTreeRegressor(max_leaf_nodes=leaves, min_samples_leaf=5, random_state=0).fit(task.x, output)
               .predict(task.x_test) for output in task.d.T]
    return task.relative_error(torch.stack([torch.from_numpy(answer) for answer in answers], -1))


def _ten_vowels(leaves):
    """scikit-learn's decision tree on F1 and F2 (kHz) of all ten vowels, trained without a third of the speakers.

    Its accuracy on the training and the test cases, and its splits, the first ones first: F1 or F2, and where.
    """
    from sklearn.tree import DecisionTreeClassifier

    table = load_vowels()
    x, test = table.formants[:, 1:3] / 1000, table.speaker % 3 == 0
    names = torch.tensor([sorted(set(table.vowel)).index(vowel) for vowel in table.vowel])
    tree = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0).fit(x[~test], names[~test])
    splits = [(int(feature), float(at)) for feature, at in zip(tree.tree_.feature, tree.tree_.threshold) if feature >= 0]
    return {"train": float(tree.score(x[~test], names[~test])), "test": float(tree.score(x[test], names[test])),
            "formant": [feature + 1 for feature, _ in splits], "at": torch.tensor([at for _, at in splits])}


FITS = Recordings(
    "fits", "fits",
    (Fit("linear", 1), *(Fit("decision tree", leaves) for leaves in (16, 200, 1000, 4000)),
     *(Fit(system, size, seed) for system, size in SIZES for seed in range(3)),
     *(Fit("ten vowels", leaves) for leaves in (2, 4, 8, 16))),
    make_fit,
    ("table1/fits.py", "tasks/arm.py", "tasks/vowels.py", "model/tree.py", "model/initial.py", "training/em.py",
     "training/steps.py"))
"""The stored fits, one for each `Fit`."""


@checked
def load_fit(system: Fitted, size: Count, seed: Seed = 0) -> dict:
    """A stored fit to the arm, or to the ten vowels: what `make_fit` has computed.

    >>> load_fit("linear", 1)["error"].round(decimals=3)
    tensor(0.3190, dtype=torch.float64)

    ValueError: one that is not stored. RecordingError: a stored file that is damaged or of other code.
    """
    stored, wanted = FITS.load(), Fit(system, size, seed)
    if wanted not in stored:
        known = ", ".join(f"{one.system} {one.size} {one.seed}" for one in stored)
        raise ValueError(f"no fit of {system!r} with size {size} and seed {seed} is stored. Stored: {known}")
    return stored[wanted]
