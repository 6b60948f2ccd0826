"""The arm obeys the laws of motion, its task is standardised, and the stored fits to it are what they say."""

import math

import pytest
import torch
from moe_tutorial.arm import GRAVITY, accelerations

from moe_tutorial import arm, arm_task, load_fit
from moe_tutorial.table1.fits import FITS, make_fit

f64 = torch.float64


def energy(angles, speeds):
    """Of rods of 1 m and 1 kg, from where their middles are and how fast they move and turn."""
    total, angle, turn = 0.0, 0.0, 0.0
    place, speed = torch.zeros(2, dtype=f64), torch.zeros(2, dtype=f64)
    for q, v in zip(angles, speeds):
        angle, turn = angle + q, turn + v
        along = torch.stack([torch.cos(angle), torch.sin(angle)])
        across = turn * torch.stack([-torch.sin(angle), torch.cos(angle)])
        middle, moving = place + along / 2, speed + across / 2
        total = total + moving.square().sum() / 2 + turn**2 / 24 + GRAVITY * middle[1]
        place, speed = place + along, speed + across
    return total


@pytest.mark.parametrize("joints", [1, 2, 4])
def test_without_torques_the_energy_stays(joints):
    """Over half a second of motion, in steps of Runge and Kutta."""
    g = torch.Generator().manual_seed(joints)
    state = torch.rand(2, joints, generator=g, dtype=f64)
    before = energy(*state)

    def slope(state):
        return torch.stack([state[1], accelerations(state[:1], state[1:], torch.zeros(1, joints, dtype=f64))[0]])

    step, begun = 2.5e-4, state[0]
    for _ in range(2000):
        first = slope(state)
        second = slope(state + step / 2 * first)
        third = slope(state + step / 2 * second)
        state = state + step / 6 * (first + 2 * second + 2 * third + slope(state + step * third))
    assert energy(*state).item() == pytest.approx(before.item(), abs=1e-9)
    assert (state[0] - begun).abs().max() > 0.5  # it has moved


def test_a_torque_does_work():
    """The power of the torques is what the energy gains: its derivative along the motion, by autograd."""
    g = torch.Generator().manual_seed(0)
    angles, speeds, torques = (torch.randn(4, generator=g, dtype=f64) for _ in range(3))
    acceleration = accelerations(angles[None], speeds[None], torques[None])[0]
    angles, speeds = angles.requires_grad_(), speeds.requires_grad_()
    by_angle, by_speed = torch.autograd.grad(energy(angles, speeds), (angles, speeds))
    gain = by_angle @ speeds.detach() + by_speed @ acceleration
    assert gain.item() == pytest.approx((torques @ speeds.detach()).item())


def test_a_rod_that_hangs_stays():
    still = torch.tensor([[-math.pi / 2, 0.0, 0.0, 0.0]], dtype=f64)
    assert accelerations(still, 0 * still, 0 * still).abs().max() < 1e-12


def test_the_task_is_standardised_by_its_training_cases_and_depends_on_its_seed():
    task = arm_task(400, 100, seed=3)
    assert task.x.shape == (400, 12) and task.d.shape == (400, 4) and task.x_test.shape == (100, 12)
    for values in (task.x, task.d):
        assert values.mean(0).abs().max() < 1e-12 and (values.std(0, correction=0) - 1).abs().max() < 1e-12
    assert not torch.equal(task.x, arm_task(400, 100, seed=4).x)
    assert task.relative_error(torch.zeros(2, 100, 4, dtype=f64)).tolist() == [1.0, 1.0]
    assert task.relative_error(task.d_test).item() == 0
    first = torch.zeros(100, 4, dtype=f64)
    first[:, 0] = task.d_test[:, 0]  # the first acceleration is known
    left = (task.d_test[:, 1:] * task.scale[1:]).square().sum() / (task.d_test * task.scale).square().sum()
    assert task.relative_error(first).item() == pytest.approx(left.item())


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="cases must be at least 2, so that there is a deviation, got 1"):
        arm_task(1)
    with pytest.raises(ValueError, match=r"y has shape \(5, 3\), wanted \(…, 5, 4\)"):
        arm_task(6, 5).relative_error(torch.zeros(5, 3, dtype=f64))
    with pytest.raises(ValueError, match="no fit of 'tree' with size 9 and seed 0 is stored. Stored: linear 1 0"):
        load_fit("tree", 9)
    assert arm.JOINTS == 4


@pytest.mark.parametrize("fit", [one for one in FITS.settings if one.system in ("linear", "ten vowels")], ids=str)
def test_a_stored_fit_is_what_its_code_makes(fit):
    made, stored = make_fit(fit), FITS.load()[fit]
    assert made.keys() == stored.keys()
    for name, value in made.items():
        assert torch.as_tensor(stored[name]).tolist() == pytest.approx(torch.as_tensor(value).tolist(), abs=1e-9)


def best(system, size, seed):
    return load_fit(system, size, seed)["error"].min()


def test_the_figures_of_the_arm():
    """What was asked of the tree: as measured before the course had it."""
    assert 0.31 <= load_fit("linear", 1)["error"] <= 0.33
    for seed in range(3):
        fit = load_fit("tree", 4, seed)
        error = fit["error"]
        assert error[-1] <= 0.24 and error[10] <= 0.27
        assert int((error <= 1.05 * error.min()).double().argmax()) < 35
        assert (fit["loss"].diff() <= 1e-9).all()
        assert (load_fit("algorithm 2", 4, seed)["loss"].diff() > 1e-3).any()
        assert best("tree", 5, seed) < best("tree", 4, seed)
