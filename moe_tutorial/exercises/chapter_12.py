"""Chapter 12, only k of K experts."""

import torch

from . import _sparse as sparse
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


EXERCISES.predict(
    "places at an expert", "easy", 5, name="places_of_an_expert", tolerance=0.25,
    statement="""A batch has 1000 cases, a layer 8 experts, and each case chooses two of them. The capacity factor is 1.25. How many
places has each expert? Say a whole number.""",
    hints=(
        "how many choices are there in all, and how many for each expert if they are spread evenly?",
        "2000 choices, 250 for each of 8 experts. Then comes the factor, and then a whole number that is enough.",
    ),
    explanation=r"""$\lceil 1.25 \cdot 2 \cdot 1000 / 8 \rceil = \lceil 312.5 \rceil = 313$. Public code differs in both details:
some rounds down, which is one place less, and some is called with the number of choices and some with that of cases.""",
    reference=313,
    wrong=(
        Wrong(157, "the two choices of a case are forgotten: there are 2000 to be placed.", also=(156,)),
        Wrong(312, "that is rounded down. A half place is no place, so the formula rounds up."),
        Wrong(250, "that is an even load, without the factor of 1.25."),
        Wrong(2500, "those are the places of all experts together. Divide by their number."),
        Wrong(1250, "that is the factor times the cases: two choices a case and eight experts are missing."),
    ),
)


EXERCISES.predict(
    "the slope of a lonely score", "easy", 5, name="gate_gradient_of_one", tolerance=0.004,
    statement="""A gate has the scores 1 and 0, the experts answer 3 and 1, and the desired output is 1. Only the favourite is computed, and its weight
is the softmax over the one score that was chosen. The loss is the squared error of y. What is the slope of the loss with respect to
the favourite's score? Say a number before you run anything.""",
    hints=(
        "what is the softmax of a single number? And of the same number plus one?",
        "the score comes into y only by the weight. By how much does the weight change when the score does?",
    ),
    explanation=r"""The softmax over one score is $e^s / e^s = 1$, whatever the score. So $y = 3$ does not depend on it, and the slope
is exactly 0, though the answer is wrong by 2. The same number is no accident of this case: a gate that is trained so stays as it
began. With the weight $p_0$ in place of 1 the slope is $p_0 (1 - p_0)\, g\, o_0$ with $g = -2 (1 - 3 p_0)$, which is 1.41.""",
    reference=0.0,
    wrong=(
        Wrong(1.4068, "that is Switch's, with the proportion of all as the weight. Here the softmax has one score only.",
              also=(-1.4068, 1.41, 1.4)),
        Wrong(1.0, "the *weight* is 1. Asked is how much it changes with the score."),
        Wrong(4.0, "that is the slope with respect to y. How does y change with the score?", also=(-4.0, 12.0, -12.0)),
        Wrong(0.462, "that is p - h of eq. 1.3, in which the other expert has a part. It was not computed.", also=(-0.462, 0.46)),
        Wrong(1.15, "that is eq. 1.1, with both experts computed.", also=(-1.15, 1.1496)),
    ),
)


@EXERCISES.write(
    "weights of the chosen", "medium", 10, inputs=sparse.scores_and_numbers,
    statement="""Write `chosen_weights(scores, k, renormalise)`: the weights of all experts, `(N, K)`, when only the `k` with the largest
scores of each case count. `scores` is `(N, K)`, without ties, and a score may be as large as 1000. If `renormalise` is True, the weights
are the softmax over the k chosen scores; if it is False, they are the proportions of the softmax over all, as they are. An expert that is
not chosen has exactly 0.""",
    hints=(
        "`scores.topk(k, dim=1).indices` has the chosen experts of each case, and `scatter` makes a table of True and False of it.",
        "renormalised: a score of minus infinity has the exponential 0, so `masked_fill` those that are not chosen, and take the "
        "softmax. As they are: the softmax of all, times the table.",
    ),
    explanation=r"""Minus infinity is the score that has no share: $e^{-\infty} = 0$, exactly. The package has the same as
`sparse_weights`. One can also divide the kept proportions by their sum: that is the same softmax. Taking the softmax of the
*proportions* is not: they lie between 0 and 1, and their exponentials hardly differ.""",
    wrong=(
        Wrong(lambda scores, k, renormalise: torch.softmax(scores, dim=1) * sparse.is_chosen(scores, k), "the weights are always the "
              "proportions as they are; where `renormalise` is True they have to be a softmax over the chosen scores."),
        Wrong(lambda scores, k, renormalise: chosen_weights(scores, k, True), "the weights always sum to 1; where `renormalise` "
              "is False the proportions of all are wanted as they are."),
        Wrong(sparse.zero_for_minus_infinity, "scores that are not chosen are set to 0, and the exponential of 0 is 1: they get a share. "
              "Set them to minus infinity."),
        Wrong(sparse.softmax_of_softmax, "this takes the softmax twice: of the scores, and then of the proportions. The second one "
              "makes them nearly alike."),
        Wrong(sparse.once_for_the_batch, "the same experts are chosen for all cases. Each case has its own."),
        Wrong(lambda scores, k, renormalise: chosen_weights(scores, scores.shape[1], True), "these are the proportions of all; `k` "
              "is not used."),
        Wrong(lambda scores, k, renormalise: torch.softmax(scores.topk(k, dim=1).values, dim=1), "these are the weights of the "
              "chosen alone, in the order of their scores. Wanted is a table with a column for each expert."),
    ),
)
def chosen_weights(scores, k, renormalise):
    chosen = scores.topk(k, dim=1).indices
    kept = torch.zeros_like(scores, dtype=torch.bool).scatter(1, chosen, True)
    if renormalise:
        return torch.softmax(scores.masked_fill(~kept, -torch.inf), dim=1)
    return torch.softmax(scores, dim=1) * kept


@EXERCISES.write(
    "places in the queue", "medium", 15, inputs=sparse.choices,
    statement="""Write `queue_places(chosen, experts)`: the place of each choice in the queue of its expert, from 0. `chosen` is `(N, k)`,
whole numbers, the first choice of each case in the first column; give back `(N, k)`. All first choices stand before all second ones, those
before all third ones, and among them the cases stand in their order.""",
    hints=(
        "put all choices in one line first, in the order in which they are served: `chosen.T.flatten()`. How many before a choice have "
        "the same expert?",
        "`torch.nn.functional.one_hot` of that line has a column for each expert. Its `cumsum` downwards counts; each choice needs "
        "the count of its own column, minus 1. Then back to `(N, k)`.",
    ),
    explanation=r"""The line is column after column of `chosen`, since first choices go first. In the table of ones and zeros the
cumulative sum *down* a column counts how many chose that expert so far, the choice itself included, so 1 has to be taken off.
Multiplied by the table and summed along the experts, the own column remains.

In 2026 a library of many users summed along the other dimension: each row has a single 1, so every place came out as 0, and nobody
was ever dropped. It raised no error. The package's `places` sorts in place of the table, which is faster with many experts.""",
    wrong=(
        Wrong(sparse.along_the_experts, "every place is 0, so nobody would ever be dropped: the sum runs along the experts. Count down the "
              "choices."),
        Wrong(lambda chosen, experts: queue_places(chosen, experts) + 1, "the first in a queue has the place 1 here. Counted from 0, "
              "the places below the capacity are kept."),
        Wrong(lambda chosen, experts: sparse.in_order(chosen.flatten(), experts).view(chosen.shape), "the second choice of case 0 stands "
              "before the first one of case 1. First choices of all cases come first."),
        Wrong(sparse.whole_line, "this is the place in one line of all choices. Each expert has a queue of its own."),
        Wrong(sparse.column_by_column, "the second choices are counted from 0 again. They stand behind the first ones, in the same queue."),
        Wrong(sparse.from_the_end, "the queues begin with the last case."),
    ),
)
def queue_places(chosen, experts):
    queued = chosen.T.flatten()
    onehot = torch.nn.functional.one_hot(queued, experts)
    place = (onehot.cumsum(dim=0) * onehot).sum(dim=1) - 1
    return place.view(chosen.shape[1], chosen.shape[0]).T


@EXERCISES.repair(
    "put back together", "medium", 10, inputs=sparse.answers_of_cases,
    statement="""`broken` should put the answers of the experts together: each choice has an answer, a row of `out` `(A, M)`, belongs to the
case `whose` `(A,)`, and counts with its `share` `(A,)`. `y` has a row for each case, as many as the inputs `x` `(N, M)`, of which only the shape is used: the sum of
its answers, each times its share. A case that was dropped is in `whose` not at all, and gets 0. With one choice a case `broken` is right; with two
it is not. Find out why, and write `combine`.""",
    given='''def broken(out, whose, share, x):
    y = torch.zeros_like(x)
    y[whose] = share[:, None] * out
    return y''',
    hints=(
        "let case 0 have the answers 1 and 10, each with the share 1. What is in `y[0]` after the assignment, and what should be?",
        "`y[whose] += ...` does not help: it reads, adds and writes once for each row of y. There is a function that adds for "
        "each row of `out`.",
    ),
    explanation="""An assignment to a row that is named twice keeps one of the two values, in practice the last. `+=` with an index is the
same assignment, with a sum on its right. `index_add` adds every row. Where a case has no answer it stays 0; in one library the dropped
cases got their input back, times the proportion. And the shares weigh the *answers*: a logarithm of a sum of
exponentials, which stands in a program that many have copied, is the same only where all answers of a case are equal.""",
    wrong=(
        Wrong(sparse.overwritten, "of two answers to a case only the last one is there. That is still `broken`, and so is `y[whose] += ...`: "
              "add each row with `index_add`."),
        Wrong(sparse.input_for_the_dropped, "cases that were dropped get their input. The layer's answer for them is 0."),
        Wrong(sparse.log_of_exponentials, "this is the logarithm of a sum of exponentials. Wanted is the sum of the answers, each times its "
              "share."),
        Wrong(lambda out, whose, share, x: combine(out, whose, torch.ones_like(share), x), "the answers are added, but their shares "
              "are not used."),
        Wrong(sparse.mean_of_choices, "this divides by the number of choices. The shares are weights already."),
        Wrong(lambda out, whose, share, x: share[:, None] * out, "the answers are weighted, but they are not put back to their cases."),
    ),
)
def combine(out, whose, share, x):
    y = torch.zeros_like(x)
    return y.index_add(0, whose, share[:, None] * out)


def only_the_favourite(d, o, scores):
    return sparse.parts_of_switch(d, o, scores)[1] * switch_gradient(d, o, scores)


@EXERCISES.write(
    "Switch's gradient", "hard", 20, inputs=sparse.errors_of_one, watch=sparse.calls_autograd,
    statement=r"""Write `switch_gradient(d, o, scores)`, without autograd: the slope of $E = \tfrac12 \|d - y\|^2$ with respect to each score,
`(N, K)`, where $y = p_i\, o_i$ with $i$ the favourite of the case and $p$ the softmax over *all* scores. The arguments are `d`
`(N, M)`, `o` `(N, K, M)` and `scores` `(N, K)`, without ties. Mind the half.""",
    hints=(
        "the chain rule: how does E change with y, y with p of the favourite, and that p with each score, its own and the others'?",
        r"the slope of a softmax: $\partial p_i / \partial s_j = p_i ([i = j] - p_j)$. With $g = y - d$ the slope is "
        r"$g \cdot o_i$ times that.",
    ),
    explanation=r"""With $g = y - d$ the slope of the favourite's $p_i$ is $g \cdot o_i$, and the softmax has
$\partial p_i / \partial s_j = p_i ([i = j] - p_j)$. So the favourite's score has $p_i (1 - p_i)\, g \cdot o_i$, and every other one
$-p_i p_j\, g \cdot o_i$: all scores are moved, the others in proportion to their $p_j$ alone. Only the favourite's answer is in the
formula.""",
    wrong=(
        Wrong(only_the_favourite, "the favourite's slope is right, and the others are 0. Their scores are in the denominator of "
              "the softmax, so they move p of the favourite, too."),
        Wrong(lambda d, o, scores: -switch_gradient(d, o, scores), "the sign is the other way round: this is the direction in which "
              "gradient descent goes."),
        Wrong(lambda d, o, scores: 2 * switch_gradient(d, o, scores), "twice too much: the loss here is *half* the squared error."),
        Wrong(lambda d, o, scores: torch.zeros_like(scores), "all 0: that would be so with a softmax over the one chosen score. "
              "Here it runs over all."),
        Wrong(sparse.as_if_all_were_computed, "in this formula every expert's own answer moves its score. Only the favourite was computed."),
        Wrong(sparse.cooperative, "this is eq. 1.1, with all experts blended in y."),
        Wrong(sparse.of_the_weights, "this is the slope with respect to the weight. One step is missing: how the weight changes with "
              "the scores."),
    ),
)
def switch_gradient(d, o, scores):
    p = torch.softmax(scores, dim=1)
    i = scores.argmax(dim=1, keepdim=True)
    p_i = p.gather(1, i)
    o_i = o.take_along_dim(i[:, :, None], dim=1)[:, 0]
    slope = ((p_i * o_i - d) * o_i).sum(dim=1, keepdim=True)
    own = torch.zeros_like(p).scatter(1, i, 1.0)
    return slope * p_i * (own - p)


def first_choice_only(x, chosen, share, first, second):
    return dispatch_top_k(x, chosen[:, :1], share[:, :1], first, second)


def share_of_the_first(x, chosen, share, first, second):
    return dispatch_top_k(x, chosen, share[:, :1].expand_as(share), first, second)


@EXERCISES.write(
    "a layer that computes only what was chosen", "hard", 20, inputs=sparse.layers, watch=sparse.computes_more_rows,
    statement=r"""Write `dispatch_top_k(x, chosen, share, first, second)`: the layer's answers `(N, M)`. Case n chose the experts in row n of
`chosen` `(N, k)`, all different, and each counts with its `share` `(N, k)`. Expert i answers `relu(x @ first[i]) @ second[i]`, with `x` `(N, D)`,
`first` `(K, D, H)` and `second` `(K, H, M)`. No expert may be computed for a case that did not choose it, and some expert may
be chosen by nobody.""",
    hints=(
        "`torch.where(chosen == i)` gives the cases that chose expert i, and which of their choices it was.",
        "for each expert: its rows of x, its answer, times the share of just that choice; added to y at its cases.",
    ),
    explanation="""Expert by expert, or all sorted by expert first: either way an expert sees its own rows, as many as there are choices of
it, and an expert without choices sees none. The share is that of the choice, `share[case, choice]`, and not that of the first one. The
answers are added, so that a case's second choice does not wipe out its first. In this loop `y[case] += ...` would add as well, since no case
comes twice to one expert; after sorting, with all choices in one `case`, only `index_add_` does. Computing all experts and multiplying by 0 gives the same numbers,
and saves nothing.""",
    wrong=(
        Wrong(first_choice_only, "only the first choice of each case is there. All k of them count."),
        Wrong(sparse.last_choice_stays, "the answers of the experts overwrite each other: of a case's choices only the one with the largest "
              "number is left. Add them."),
        Wrong(share_of_the_first, "every choice counts with the share of the first one. Each has its own, `share[case, choice]`."),
        Wrong(lambda x, chosen, share, first, second: dispatch_top_k(x, chosen, torch.ones_like(share), first, second),
              "the right experts in the right places, but the shares are not used."),
        Wrong(sparse.without_the_kink, "the hidden layer's `relu` is missing."),
    ),
)
def dispatch_top_k(x, chosen, share, first, second):
    y = x.new_zeros(len(x), second.shape[2])
    for i in range(len(first)):
        case, choice = torch.where(chosen == i)
        out = torch.relu(x[case] @ first[i]) @ second[i]
        y.index_add_(0, case, share[case, choice, None] * out)
    return y


QUIZ = (
    Question(
        "A layer computes the favourite only. Its weight is the softmax over the one chosen score. After training the gate is as it "
        "began. Why?",
        (
            ("The softmax of one number is 1, whatever the number is", "So the score is in the choice only, and the output does not "
             "change with it."),
            ("The choice of the largest score has no gradient", "True, but that is so in Switch, too, whose gate learns. The weight "
             "of the chosen one can have a gradient."),
            ("A loss for balance is missing", "That would move the gate, but towards an even use, not towards the better expert."),
        ),
        right=0,
    ),
    Question(
        "The number of experts is doubled, and each case is still sent to two of them. What grows?",
        (
            ("The arithmetic of the experts", "Each case still has two answers computed."),
            ("Nothing", "The arithmetic of the experts does not. But somebody has to choose among twice as many, and to hold them."),
            ("The gate, the memory for the weights, and a little the sorting", "The gate has to score everybody, and all "
             "weights have to lie somewhere. The rows that are computed stay as many."),
        ),
        right=2,
    ),
    Question(
        "An expert that was not chosen for a case: what does it learn from that case, in 1991 and in a sparse layer?",
        (
            ("Nothing in either", "In 1991 nobody is left out. Every expert is computed, and learns by its responsibility."),
            ("In 1991 by its responsibility, in a sparse layer nothing", "Without its answer nobody can say how well it would have "
             "fitted."),
            ("In both by its proportion", "Under eq. 1.2 it is the proportion, under eq. 1.3 the responsibility. In a sparse layer it "
             "is not computed at all."),
        ),
        right=1,
    ),
)
