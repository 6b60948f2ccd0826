"""Annotations say what a function takes and gives, and a call is held to them."""

import inspect
from typing import Annotated, Literal, get_args, get_type_hints

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

import moe_tutorial
from moe_tutorial import losses, model, toys, train
from moe_tutorial.shapes import Blend, Count, Desired, Inputs, Outputs, PerRun, Positive, Proportions, checked

FUNCTIONS = [getattr(model, name) for name in model.__all__ if inspect.isfunction(getattr(model, name))] + [
    losses.cooperative_error_gradient, losses.expected_error_gradient, losses.mixture_nll_gradient]
FUNCTIONS.remove(moe_tutorial.initial_weights)  # its shape is an argument
for function in (moe_tutorial.tree_paths, moe_tutorial.leaf_proportions, moe_tutorial.node_responsibilities):
    FUNCTIONS.remove(function)  # paths are those of a tree: tests/test_tree.py has their shapes


def shape_of(hint):
    return get_args(hint)[1] if hasattr(hint, "__metadata__") and get_args(hint)[0] is Tensor else None


def sized(shape, sizes, runs):
    letters = [sizes[letter] for letter in shape.split() if "…" not in letter]
    return (*(runs if shape.startswith("…") else ()), *letters)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
@settings(max_examples=20)
@given(sizes=st.lists(st.integers(1, 9), min_size=5, max_size=5, unique=True), runs=st.sampled_from([(), (3,), (2, 3)]))
def test_what_comes_out_has_the_shape_that_is_written(function, sizes, runs):
    """With another size for each letter, so that letters in a wrong order do not fit."""
    sizes = dict(zip("NKMDH", sizes))
    assume(sizes["K"] > 1)  # a gate line lies between two experts
    hints, arguments = get_type_hints(function, include_extras=True), {}
    for name, parameter in inspect.signature(function).parameters.items():
        shape = shape_of(hints[name])
        if shape:
            arguments[name] = torch.rand(sized(shape, sizes, runs), dtype=torch.float64)
            if hints[name] is Proportions:
                arguments[name] /= arguments[name].sum(-1, keepdim=True)
        elif name in ("i", "j"):
            arguments[name] = {"i": 0, "j": sizes["K"] - 1}[name]
        else:
            assert parameter.default is not inspect.Parameter.empty
    if function is moe_tutorial.class_decisions:
        arguments["d"] = torch.nn.functional.one_hot(arguments["d"].argmax(-1), sizes["M"]).double()
    returned, given_back = hints["return"], function(**arguments)
    for hint, value in zip(get_args(returned), given_back) if isinstance(given_back, tuple) else [(returned, given_back)]:
        assert value.shape == sized(shape_of(hint), sizes, runs)


@checked
def loss(d: Desired, o: Outputs, p: Proportions, variance: Positive | PerRun = 1.0) -> Tensor:
    return o


@checked
def settings_of(kind: Literal["one", "two"] = "one", cases: Count = 1, near: Positive | None = None,
                system: model.Mixture | None = None) -> str:
    return kind


D, OUT, P = torch.ones(5, 2), torch.ones(5, 3, 2), torch.full((5, 3), 1 / 3)


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: loss([[1.0]], OUT, P), TypeError, "d must be a torch.Tensor, got list"),
    (lambda: loss(D.long(), OUT, P), TypeError, "d must hold floating-point numbers, got torch.int64"),
    (lambda: loss(D.double(), OUT, P), TypeError, "got d torch.float64, o torch.float32, p torch.float32"),
    (lambda: loss(D[:, :1], OUT, P), ValueError, "d has shape (5, 1), wanted (5, 2)"),
    (lambda: loss(D.expand(4, 5, 2), OUT, P), ValueError, "d has shape (4, 5, 2), wanted (5, 2): every run has the same d"),
    (lambda: loss(D, OUT, P[:, :2]), ValueError, "p has shape (5, 2), wanted (…, 5, 3)"),
    (lambda: loss(D, OUT.expand(2, 5, 3, 2), P.expand(4, 5, 3)), ValueError, "must be the same, got o (2,), p (4,)"),
    (lambda: loss(D, OUT, 2 * P), ValueError, "p must sum to 1 over its last dimension, the experts"),
    (lambda: loss(D, OUT, -P), ValueError, "p must not be negative"),
    (lambda: loss(D, OUT * torch.nan, P), ValueError, "o must be finite, got nan at index (0, 0, 0)"),
    (lambda: loss(D[:0], OUT[:0], P[:0]), ValueError, "o is empty: its shape is (0, 3, 2)"),
    (lambda: loss(D, OUT, P, variance=0.0), ValueError, "variance must be above 0 and finite, got 0.0"),
    (lambda: loss(D, OUT, P, variance="1"), TypeError, "variance must be a number, got '1' (str)"),
    (lambda: loss(D, OUT, P, variance=torch.tensor(-1.0)), ValueError, "variance must be above 0 and finite, got -1.0"),
    (lambda: loss(D, OUT), TypeError, "loss() missing 1 required positional argument: 'p'"),
    (lambda: loss(D, OUT, P, sigma=1.0), TypeError, "loss() got an unexpected keyword argument 'sigma'"),
    (lambda: settings_of("three"), ValueError, "unknown kind 'three': choose one of 'one', 'two'"),
    (lambda: settings_of(cases=2.0), TypeError, "cases must be an int, got 2.0 (float)"),
    (lambda: settings_of(cases=True), TypeError, "cases must be an int, got True (bool)"),
    (lambda: settings_of(cases=0), ValueError, "cases must be at least 1, got 0"),
    (lambda: settings_of(near=float("nan")), ValueError, "near must be above 0 and finite, got nan"),
    (lambda: settings_of(system=D), TypeError, "system must be a Mixture, got Tensor"),
    (lambda: moe_tutorial.Criterion(0.08, of="both"), ValueError, "unknown of 'both': choose one of 'blend', 'expected'"),
])
def test_what_does_not_fit_is_refused_in_words(call, kind, said):
    with pytest.raises(kind) as error:
        call()
    assert said in str(error.value)


def test_what_may_be_nothing_may():
    assert settings_of(near=None, system=None) == "one"


def test_help_shows_the_shapes_as_the_course_writes_them():
    assert str(inspect.signature(loss)) == (
        "(d: (N, M), o: (…, N, K, M), p: (…, N, K), variance: float | (…) = 1.0) -> Tensor")
    assert str(inspect.signature(settings_of)) == (
        "(kind: 'one' | 'two' = 'one', cases: int = 1, near: float | None = None, system: Mixture | None = None) -> str")

    @checked
    def outputs(x: Inputs, y: Annotated[Tensor, "K M"]) -> Blend:
        return x

    assert str(inspect.signature(outputs)) == "(x: (N, D) | (…, N, D), y: (K, M)) -> (…, N, M)"


def test_the_warning_of_a_training_names_the_line_of_the_call():
    task, mixture = toys.absolute_value(4), moe_tutorial.Mixture(2, inputs=1, output="linear")
    with pytest.warns(RuntimeWarning, match="diverged") as caught:
        train(mixture, task.x, task.d, "cooperative", step_size=1e200, epochs=3)
    assert caught[0].filename == __file__
