"""Which class an output stands for, and whether it is the right one."""

from typing import Annotated

from torch import Tensor

from ..shapes import Blend, DesiredOfRuns, checked


@checked
def class_decisions(y: Blend, d: DesiredOfRuns) -> Annotated[Tensor, "… N"]:
    """Whether the most probable class under the combined output is the desired one, bool.

    >>> class_decisions(torch.tensor([[0.7], [0.2]]), d=torch.tensor([[1.0], [1.0]]))
    tensor([ True, False])

    With one output the class is 1 where the output is at least 0.5; with several it is the one with the largest output.

    y: combined outputs. d: desired outputs, for all runs or for each run its own; 0 or 1.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, a desired output besides 0 and 1, or with
    several outputs another number of ones than one.
    """
    if not ((d == 0) | (d == 1)).all():
        raise ValueError("d must hold 0 and 1 only: it names the desired class")
    if d.shape[-1] > 1 and (d.sum(-1) != 1).any():
        row = d[d.sum(-1) != 1][0].tolist()
        raise ValueError(f"each row of d must name one class: one 1 and zeros besides, got {row}")
    if d.shape[-1] == 1:
        return (y[..., 0] >= 0.5) == (d[..., 0] == 1)
    return y.argmax(-1) == d.argmax(-1)
