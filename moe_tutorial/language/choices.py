"""Other choices of the experts than the gate's, to see what the gate's are worth: for `choose` of a model."""

import torch

from ..shapes import CountFrom0, Seed, checked


@checked
def permuted_choices(seed: Seed = 0):
    """For `choose` of a model with one expert a case: each case gets the expert of another one, and every load stays.

    >>> permuted_choices()(torch.tensor([[0.1, 0.9], [0.2, 0.8]]))
    tensor([[1],
            [1]])

    seed: of the order.
    """
    generator = torch.Generator().manual_seed(int(seed))

    def choose(p):
        return p.argmax(-1, keepdim=True)[torch.randperm(len(p), generator=generator)]

    return choose


@checked
def without_expert(expert: CountFrom0):
    """For `choose` of a model with one expert a case: the best of the others takes this expert's cases.

    >>> without_expert(1)(torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]))
    tensor([[2],
            [0]])
    """
    def choose(p):
        if expert >= p.shape[-1] or p.shape[-1] == 1:
            raise ValueError(f"expert is {expert}, and there are {p.shape[-1]}, of which another has to be left")
        return p.index_fill(-1, torch.tensor(expert), -1.0).argmax(-1, keepdim=True)

    return choose
