"""Chapter 14, a layer in a language model."""

import math

import torch

from . import _language as language
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


@EXERCISES.write(
    "the layer", "hard", 20, inputs=language.cases_and_layers,
    statement=r"""Write `moe_layer(x, v, first, second, k)`: the outputs `(N, D)` of a layer of K experts. `x` is `(N, D)`, the gate's weights `v`
are `(K, D)`, and the gate has no bias. The proportions are the softmax of the scores over all experts. Each case is sent to the `k` experts with the
largest, and their weights are these proportions *as they are*. Expert i answers $\mathrm{relu}(x\,A_i)\,B_i$ with $A_i$ = `first[i]` `(D, H)` and
$B_i$ = `second[i]` `(H, D)`. The output of a case is the sum of the answers of its experts, each times its weight. There are no ties.""",
    hints=(
        "`p.topk(k, dim=1)` gives the weights and the numbers of the experts. Then go through the experts: which cases have "
        "expert i among their choices, and at which place?",
        "`case, choice = torch.where(chosen == i)` finds them. Compute the expert on `x[case]`, multiply by "
        "`share[case, choice, None]`, and add to the rows `case` of y.",
    ),
    explanation=r"""Any order of the work gives the same y, as long as each row comes back to its case. The weight stands *after* the
expert: an expert is not linear, and $\mathrm{relu}(w\,x\,A)\,B$ happens to be $w$ times the answer only as long as there is no bias and no other unit than
relu. With $k = 1$ and weights that are divided by their sum the weight is 1, and the gate has no gradient: a public model with 198 million parameters
was trained so, by its loss for balance alone, and ended behind a dense one of 64 million.""",
    wrong=(
        Wrong(lambda x, v, first, second, k: language.by_expert(x, v, first, second, k, language.renormalised),
              "the weights of the chosen are divided by their sum. Here they are the proportions as they are; with k = 1 yours are 1, "
              "and the gate would never learn."),
        Wrong(lambda x, v, first, second, k: language.by_expert(x, v, first, second, k, language.over_the_cases),
              "the weights are divided by their sum over the *cases*. With one choice a case that is easily done, when a dimension "
              "is lost."),
        Wrong(lambda x, v, first, second, k: language.by_expert(x, v, first, second, k, way="assign"),
              "of a case's answers only the last one is there: rows are assigned, and have to be added."),
        Wrong(language.in_the_order_of_experts, "the answers stand in the order in which the experts gave them. Each has to go back to "
              "its case."),
        Wrong(lambda x, v, first, second, k: language.by_expert(x, v, first, second, k, lambda p, chosen: torch.ones_like(chosen) * 1.0),
              "the answers are added without their weights."),
        Wrong(language.of_the_scores, "the weights are the scores. They are the proportions, from the softmax."),
        Wrong(lambda x, v, first, second, k: moe_layer(x, v, first, second, len(v)), "every expert is computed, with its proportion: that "
              "is 1991's blend. Only `k` of them count."),
        Wrong(lambda x, v, first, second, k: moe_layer(x, v, first, second, 1), "only the favourite counts, whatever `k` is."),
        Wrong(lambda x, v, first, second, k: moe_layer(x, v, first, second, k) + x, "the input is added. That is done by the block, "
              "outside the layer."),
    ),
)
def moe_layer(x, v, first, second, k):
    p = torch.softmax(x @ v.T, dim=1)
    share, chosen = p.topk(k, dim=1)
    y = torch.zeros_like(x)
    for i in range(len(v)):
        case, choice = torch.where(chosen == i)
        out = torch.relu(x[case] @ first[i]) @ second[i]
        y = y.index_add(0, case, share[case, choice, None] * out)
    return y


@EXERCISES.write(
    "the loss of several layers", "medium", 15, inputs=language.layers_with_padding,
    statement=r"""Write `loss_for_balance(scores, keep, k)`: one number for a model of several layers. `scores` is `(L, N, K)`, without ties, those of each
layer's gate for the same N cases. `keep` `(N,)` is False where a case is padding, which fills short texts up, and does not count at all. For
each layer take Switch's loss $K \sum_i f_i P_i$ over the other cases: $f_i$ is the share of *all choices* that expert i has when each case is sent
to `k` of them, so that f sums to 1, and $P_i$ the mean of its proportion. Return the mean of the layers' losses.""",
    hints=(
        "leave the padding out before anything is counted: `scores[:, keep]`. Then it is chapter 13's loss, for each layer.",
        "for one layer: the softmax p, a table of ones and zeros of the k largest, f its mean divided by k, P the mean of p, and "
        "K times the sum of the products. Then the mean over the layers.",
    ),
    explanation="""Joined before they are counted, two layers that have collapsed on different experts look even: 1 in place of 2. A widely
used program joins them so, and people have asked about it for years. Padding counted as text has been another report: padding looks alike,
so it all goes to one expert, and the loss pushes the others towards text that is not there.""",
    wrong=(
        Wrong(language.joined, "the layers are joined before counting. Two layers that each use one expert, and not the same, look even then."),
        Wrong(lambda scores, keep, k: loss_for_balance(scores, torch.ones_like(keep), k), "the padding is counted."),
        Wrong(language.divided_by_all, "the padding is left out of the sums, but counted when they are divided."),
        Wrong(lambda scores, keep, k: language.over_layers(scores, keep, k, per_choice=False), "your f sums to k. Divide by the number of "
              "choices, and not of cases."),
        Wrong(lambda scores, keep, k: language.over_layers(scores, keep, k, choices=1), "only the first choice of each case is counted."),
        Wrong(lambda scores, keep, k: language.over_layers(scores, keep, k, soft=True), "f is made of proportions. It counts choices."),
        Wrong(lambda scores, keep, k: loss_for_balance(scores, keep, k) * len(scores), "this is the sum over the layers. Wanted is the mean."),
        Wrong(lambda scores, keep, k: loss_for_balance(scores, keep, k) / scores.shape[2], "the factor K is missing."),
        Wrong(lambda scores, keep, k: loss_for_balance(scores[:1], keep, k), "this is the first layer's loss alone."),
    ),
)
def loss_for_balance(scores, keep, k):
    losses = []
    for layer in scores[:, keep]:
        p = torch.softmax(layer, dim=1)
        kept = torch.zeros_like(p).scatter(1, p.topk(k, dim=1).indices, 1.0)
        losses.append(p.shape[1] * (kept.mean(0) / k * p.mean(0)).sum())
    return torch.stack(losses).mean()


@EXERCISES.repair(
    "a capacity that never drops", "easy", 10, inputs=language.crowds,
    statement=r"""`broken` should say which cases find room at their expert, a tensor of True and False `(N,)`. `chosen` `(N,)` has the one expert of each
case, `experts` is K, and each expert has $\lceil \text{factor} \cdot N / K \rceil$ places, which are given in the order of the cases. `broken` never
drops anybody. Find out why, and write `who_has_room`.""",
    given='''def broken(chosen, experts, factor):
    room = math.ceil(factor * len(chosen))
    before = [(chosen[:n] == chosen[n]).sum() for n in range(len(chosen))]
    return torch.stack(before) < room''',
    hints=(
        "twelve cases, three experts, a factor of 1: how many places should each expert have, and how many has it in `broken`?",
        "`before` is right: it counts who stands before a case in its queue. Divide the places among the experts.",
    ),
    explanation="""N is the number of all cases, and an expert has an even share of them, N / K. The mistake was in a public library, and no
test saw it, since y comes out right: nothing is dropped, the buffers are only K times as large. With a factor below 1, or all cases at one expert, it
shows.""",
    wrong=(
        Wrong(lambda chosen, experts, factor: language.places(chosen) < math.ceil(factor * len(chosen)), "that is still `broken`: each "
              "expert has room for all cases."),
        Wrong(lambda chosen, experts, factor: language.places(chosen) < math.floor(factor * len(chosen) / experts), "the places are "
              "rounded down. Half a place is none, so round up."),
        Wrong(lambda chosen, experts, factor: language.places(chosen) <= math.ceil(factor * len(chosen) / experts), "each expert takes one "
              "case too many: places are counted from 0."),
        Wrong(lambda chosen, experts, factor: language.places(chosen.flip(0)).flip(0) < math.ceil(factor * len(chosen) / experts),
              "the *last* cases are kept. Places are given in the order of the cases."),
        Wrong(lambda chosen, experts, factor: language.places(chosen) < math.ceil(len(chosen) / experts), "the factor is missing."),
        Wrong(lambda chosen, experts, factor: ~who_has_room(chosen, experts, factor), "these are the cases that are dropped."),
        Wrong(lambda chosen, experts, factor: torch.arange(len(chosen)) < math.ceil(factor * len(chosen) / experts), "there is one queue for "
              "all experts. Each has its own."),
    ),
)
def who_has_room(chosen, experts, factor):
    room = math.ceil(factor * len(chosen) / experts)
    before = [(chosen[:n] == chosen[n]).sum() for n in range(len(chosen))]
    return torch.stack(before) < room


EXERCISES.predict(
    "how many are active", "easy", 10, name="active_parameters", tolerance=0.5,
    statement="""A layer has 8 experts, of which two are computed for a case, and a linear gate without a bias. A case is a vector of 64 numbers; each expert
has a hidden layer of 256 units, and biases in both its layers. How many parameters of this layer are *active*: used for one case? Say a whole number.""",
    hints=(
        "one expert: 64 times 256 weights there, as many back, and a bias for each unit of both layers. How many experts are used? And "
        "what else is?",
        "two experts have 2 times (2 times 64 times 256, and 256, and 64). The gate looks at all eight, for every case.",
    ),
    explanation="""One expert has $2 \\cdot 64 \\cdot 256 + 256 + 64 = 33\\,088$, two have 66 176. The gate has a row of 64 for each of the eight, 512 in
all, and computes all of them for each case, so that it is active as a whole: 66 688. In all the layer has 265 216. In a model attention and
embeddings come on top, once and not eight times: that is why a model called 8x7B does not have 56 billion.""",
    reference=66688,
    wrong=(
        Wrong(66176, "the gate is missing. It has 8 times 64 weights, and all of them are used for every case."),
        Wrong(265216, "that is the total. Only two of the eight experts are used for a case.", also=(264704,)),
        Wrong(33600, "that is one expert and the gate. Two are computed.", also=(33088,)),
        Wrong(66048, "the biases are missing: 256 and 64 for each expert that is used.", also=(65536,)),
        Wrong(66304, "of the gate's rows you counted only those of the two chosen experts. It has to look at all eight to choose."),
        Wrong(66304 + 392, "the gate has no bias here.", also=(66696,)),
    ),
)


QUIZ = (
    Question(
        "Top-1 of 8 and a dense net have the same number of active parameters. What else is about the same?",
        (
            ("The memory", "The mixture holds eight experts, and uses one for a case."),
            ("The arithmetic for a case", "Each case passes one expert of the same size, and a small gate."),
            ("The seconds of a step", "It took about one and a half times as long: it sorts, it moves rows, and eight small products are slower than "
             "a large one."),
        ),
        right=1,
    ),
    Question(
        "Without a falling-off with the distance the mixture is behind after 0.77 million characters, and ahead after 1.02 million. Why can "
        "that be?",
        (
            ("Each expert sees an eighth of the cases, so it begins more slowly", "And what it gains by knowing its part comes later. The numbers fit "
             "that; they do not prove it."),
            ("The gate is broken at first", "A gate that is as good as chance does not put a mixture *ahead* later on."),
            ("The held-out text is too small", "It is the same text at both moments, for both models."),
        ),
        right=0,
    ),
    Question(
        "One expert is computed, with the proportion divided by the sum of the chosen ones. What trains the gate?",
        (
            ("The loss of the text, as before", "It would have to come through the weight, and the weight is always 1."),
            ("Nothing, not even the loss for balance", "That one has the proportions in it, and so a gradient."),
            ("The loss for balance alone", "The weight is 1 whatever the gate says, so the loss of the text has no gradient there."),
        ),
        right=2,
    ),
)
