"""The dynamics of an arm, in the manner of the task of Jordan & Jacobs 1994: from a state and torques to accelerations.

Their arm had four joints and moved in space; its simulation is not published. Ours lies in a vertical plane: four rods of
1 m and 1 kg, one after another. Where the paper is silent the ranges are ours, chosen so that a linear fit leaves what it
left theirs: 0.31 of the variance.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy
import torch
from torch import Tensor

from .. import _checks
from ..shapes import Blend, Count, Desired, Seed, checked

JOINTS = 4
GRAVITY = 9.81
RANGES = (math.pi / 2, 2.0, 5.0)
"""Angles (radians), speeds (radians a second) and torques (newton metres) are uniform from minus these to these."""

State = Annotated[Tensor, "N J"]


@checked
def accelerations(angles: State, speeds: State, torques: State, gravity: float = GRAVITY) -> State:
    """How fast the speed of each joint changes, in radians a second squared.

    >>> accelerations(torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1))  # a rod that falls: -3/2 of gravity
    tensor([[-14.7150]])

    angles: of each rod against the one before it, the first against the horizontal, `(N, J)`. speeds: theirs. torques: of
    the motors in the joints. Each of the J rods is uniform, 1 m long and 1 kg heavy.

    The laws of motion (Lagrange) give for the angles against the horizontal a matrix of inertia, the forces of turning, and
    weights; the joints' own angles are their differences.
    """
    joints = angles.shape[-1]
    against = torch.tril(angles.new_ones(joints, joints))  # the angle against the horizontal is the sum of those before
    angle, speed = angles @ against.T, speeds @ against.T
    beyond = torch.arange(joints - 1, -1, -1, dtype=angles.dtype)  # how many rods a rod carries
    i, j = torch.meshgrid(torch.arange(joints), torch.arange(joints), indexing="ij")
    carried = beyond[torch.maximum(i, j)] + (i == j).to(angles.dtype) / 3 + (i != j).to(angles.dtype) / 2
    difference = angle[:, :, None] - angle[:, None]
    inertia = carried * difference.cos()
    turning = (carried * difference.sin() * speed.square()[:, None]).sum(-1)
    weight = gravity * (beyond + 1 / 2) * angle.cos()
    force = torques - (turning + weight) @ against
    return torch.linalg.solve(against.T @ inertia @ against, force[..., None])[..., 0]


@checked
@dataclass(frozen=True, repr=False)
class ArmTask:
    """Cases of the arm, in units in which each input and each desired output of the training cases has deviation 1.

    x: angles, speeds and torques of the joints, float64 `(N, 12)`; d: accelerations, `(N, 4)`. x_test, d_test: of others.
    scale: the deviation of each acceleration, in radians a second squared, `(4,)`.
    """

    x: Annotated[Tensor, "N D"]
    d: Desired
    x_test: Annotated[Tensor, "T D"]
    d_test: Annotated[Tensor, "T M"]
    scale: Annotated[Tensor, "M"]

    @checked
    def relative_error(self, y: Blend) -> Tensor:
        """The mean squared error of outputs for the test cases, as a part of what the mean of the training cases leaves.

        All accelerations together, in their own units. y: `(…, T, M)`.
        """
        _checks.floats("y", y, *self.d_test.shape)
        _checks.same_dtype(y=y, d_test=self.d_test)

        def squares(residual):
            return (residual * self.scale).square().sum((-1, -2))

        return squares(self.d_test - y) / squares(self.d_test)

    def __repr__(self):
        return f"ArmTask: {len(self.x)} training and {len(self.x_test)} test cases"


@checked
def arm_task(cases: Count = 15_000, test_cases: Count = 5_000, seed: Seed = 0) -> ArmTask:
    """Random states and torques of the arm, and its accelerations, for training and, other ones, for the test.

    >>> arm_task(cases=100, test_cases=50)
    ArmTask: 100 training and 50 test cases

    ValueError: fewer than two cases.
    """
    if cases < 2:
        raise ValueError(f"cases must be at least 2, so that there is a deviation, got {cases}")
    drawn = numpy.random.default_rng(int(seed))
    parts = [torch.from_numpy(drawn.uniform(-size, size, (cases + test_cases, JOINTS))) for size in RANGES]
    angles, speeds, torques = parts
    raw = accelerations(angles, speeds, torques)
    x, d = ((values - values[:cases].mean(0)) / values[:cases].std(0, correction=0)
            for values in (torch.cat(parts, -1), raw))
    return ArmTask(x[:cases], d[:cases], x[cases:], d[cases:], scale=raw[:cases].std(0, correction=0))
