"""Which experts a case is sent to, and how much each of them counts."""

from typing import Annotated

import torch
from torch import Tensor

from ..shapes import WHOLE, Count, Scores, checked

Weights = Annotated[Tensor, "… N K"]
Chosen = Annotated[Tensor, "… N k", WHOLE]


@checked
def chosen_experts(scores: Scores, k: Count) -> Chosen:
    """The numbers of the k experts with the largest scores of each case, the largest first.

    >>> chosen_experts(torch.tensor([[1.0, 3.0, 2.0]]), k=2)
    tensor([[1, 2]])

    Of equal scores the expert with the smaller number comes first, in every case alike.

    ValueError: k is larger than the number of experts; a score is NaN or infinite.
    """
    if k > scores.shape[-1]:
        raise ValueError(f"k is {k}, but scores has only {scores.shape[-1]} experts")
    return scores.argsort(dim=-1, descending=True, stable=True)[..., :k]


@checked
def sparse_weights(scores: Scores, k: Count, renormalise: bool = True) -> Weights:
    """How much each expert counts when only the k with the largest scores of a case are computed; exactly 0 for the others.

    >>> sparse_weights(torch.tensor([[0.0, 0.0, -1.0]]), k=2)
    tensor([[0.5000, 0.5000, 0.0000]])

    renormalise: the softmax over the k chosen scores, so that the weights sum to 1, as Shazeer and others (2017) have it. If
    False, the proportions of all experts as they are, and only those of the k are kept, as in the Switch Transformer (2021).

    With k = K both are the proportions of 1991. Ties as in `chosen_experts`.

    ValueError: k is larger than the number of experts; a score is NaN or infinite.
    """
    if k > scores.shape[-1]:
        raise ValueError(f"k is {k}, but scores has only {scores.shape[-1]} experts")
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, chosen_experts(scores.detach(), k), True)
    if renormalise:
        return torch.softmax(scores.masked_fill(~kept, -torch.inf), dim=-1)
    return torch.softmax(scores, dim=-1) * kept
