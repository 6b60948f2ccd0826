"""Chapter 4, the gate."""

import math

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def scores(draw):
    drawn = [(2 * draw(n, k),) for n, k in ((3, 4), (5, 2), (4, 4), (1, 3))]
    far_apart = torch.tensor([[1000.0, 999.0, 0.0], [-1000.0, -999.0, -1001.0]], dtype=torch.float64)
    return [*drawn, (torch.zeros(2, 5, dtype=torch.float64),), (far_apart[:1],), (far_apart,)]


def gates(draw):
    drawn = [(size * draw(2, 2), size * draw(2)) for size in (1.0, 1.0, 10.0, 0.1)]
    steep = torch.tensor([[30.0, 20.0], [1.0, 2.0]], dtype=torch.float64), torch.tensor([9.0, 1.0], dtype=torch.float64)
    parallel = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64)
    return [*drawn, steep, (parallel, torch.tensor([0.0, 0.5], dtype=torch.float64))]


def over_everything(scores):
    exponentials = torch.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def overflowing(scores):
    exponentials = torch.exp(scores)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def zero_for_nan(scores):
    return overflowing(scores).nan_to_num(nan=0.0)


def calls_softmax(calls, cases):
    if any("softmax" in name for name, _ in calls):
        return "`softmax` is called, and it is what to write here: the exponentials, and what they are divided by."


@EXERCISES.write(
    "the softmax", "easy", 5, inputs=scores, watch=calls_softmax,
    statement=r"""Write `proportions(scores)` without `torch.softmax`: from scores `(N, K)`, the mixing proportions `(N, K)`
$p_j = e^{s_j} / \sum_i e^{s_i}$. Scores may be as large as 1000.""",
    hints=(
        "exp() of every score, divided by their sum. Over which dimension? For each case the experts' shares sum to 1.",
        "subtract each case's largest score first (`scores.max(dim=-1, keepdim=True).values`): the proportions stay the "
        "same, and no exponential is too large. Then exponentials / exponentials.sum(dim=-1, keepdim=True).",
    ),
    explanation="""Adding the same number to all scores of a case multiplies all its exponentials by the same factor, which
the division takes out again. So the largest score can be moved to 0, and nothing overflows. The sum runs over the last dimension,
the experts: it is they who share each case.""",
    wrong=(
        Wrong(lambda scores: torch.softmax(scores, dim=0), "the softmax runs over the cases (dim=0) here, so it is the "
              "cases that share 1. For each case it is the experts, the last dimension, that should."),
        Wrong(over_everything, "all cases share one sum here. Each case needs a sum of its own: sum over the last "
              "dimension, and keep it with keepdim=True."),
        Wrong(lambda scores: scores / scores.sum(dim=-1, keepdim=True), "these are the scores divided by their sum, "
              "without the exponential; they can be negative."),
        Wrong(overflowing, "right for small scores, but exp(1000) is infinite, and infinity divided by infinity is NaN. "
              "Subtract each case's largest score first."),
        Wrong(zero_for_nan, "where an exponential overflows, 0 is put in place of NaN, and the case's proportions no "
              "longer sum to 1. Subtract each case's largest score first, and nothing overflows."),
        Wrong(lambda scores: torch.softmax(-scores, dim=-1), "the scores have the other sign here: the expert with the "
              "largest score gets the smallest share."),
        Wrong(lambda scores: torch.log_softmax(scores, dim=-1), "these are the logarithms of the proportions. They are "
              "negative, and shares are between 0 and 1."),
    ),
)
def proportions(scores):
    exponentials = torch.exp(scores - scores.max(dim=-1, keepdim=True).values)
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


EXERCISES.predict(
    "two experts of a hundred", "medium", 5, name="no_more_than_two", tolerance=0.005,
    statement="""A gate has two experts, and for some case their scores are 2 and 0. Now 98 experts are added, each with the
score 0. What is the proportion of the first expert? Say a number to two decimals, before you compute anything.""",
    hints=(
        "write the softmax down: one exponential of 2, and how many exponentials of 0?",
        "e² is about 7.39, and each of the 99 others has e⁰ = 1. Divide 7.39 by the sum of all.",
    ),
    explanation=r"""$e^2 / (e^2 + 99) \approx 7.39 / 106.39 \approx 0.07$. With one rival it was 0.88. A proportion depends on how
many rivals there are, not only on how far ahead one is: with many experts a score has to be much larger to win.""",
    reference=round(math.exp(2) / (math.exp(2) + 99), 4),
    wrong=(
        Wrong(round(math.exp(2) / (math.exp(2) + 1), 4), "that is its share of two experts. The 98 others have a score "
              "of 0, and e⁰ is not 0 but 1."),
        Wrong(0.01, "that would be an equal share, as if all scores were 0. This expert's score is 2."),
        Wrong(0.02, "the exponential is missing: 2 of 100 would be the share if scores were divided by their number."),
        Wrong(1.0, "it wins, but not everything: the 99 others together have 99 exponentials of 1."),
    ),
)


@EXERCISES.repair(
    "the gate's line", "medium", 10, inputs=gates, normalise=lambda line: line / line[:2].norm(),
    statement="""`broken` should give the line on which the two experts of a gate have the same proportion, as
`(w_1, w_2, c)` of $w_1 x_1 + w_2 x_2 + c = 0$, positive where expert 0 has the larger share (any positive multiple of the three numbers is as good). Its line lies somewhere
else. Find out what is wrong with it and write `line_between`, which does what it should.""",
    given='''def broken(weight, bias):
    """weight (2, 2), one row for each expert; bias (2,)."""
    return torch.cat([weight[0] + weight[1], (bias[0] + bias[1])[None]])''',
    hints=(
        "two proportions are equal where the two scores are equal. Write both scores down and set them equal.",
        "w₀·x + b₀ = w₁·x + b₁; bring everything to the left side, where it is positive if expert 0 has the larger score.",
    ),
    explanation=r"""The proportions are equal where the scores are, $w_0 \cdot x + b_0 = w_1 \cdot x + b_1$, so the line is
$(w_0 - w_1) \cdot x + (b_0 - b_1) = 0$. On its positive side expert 0 has the larger score. The sum in `broken` is 0 where the scores
are *opposite*, which says nothing of the shares.""",
    wrong=(
        Wrong(lambda weight, bias: torch.cat([weight[0] + weight[1], (bias[0] + bias[1])[None]]),
              "that is still `broken`: the sum of the scores is 0 where they are opposite, not where they are equal."),
        Wrong(lambda weight, bias: torch.cat([weight[0] - weight[1], torch.zeros(1, dtype=weight.dtype)]),
              "the biases are missing; this line always goes through the origin."),
        Wrong(lambda weight, bias: torch.cat([weight[0] - weight[1], (bias[1] - bias[0])[None]]), "the weights are "
              "subtracted in one order and the biases in the other. Bring the whole second score to the left side."),
        Wrong(lambda weight, bias: torch.cat([weight[0] - weight[1], (bias[0] + bias[1])[None]]), "the weights are "
              "right, and the biases are still added. They belong to the scores, which are subtracted."),
        Wrong(lambda weight, bias: torch.cat([weight[1] - weight[0], (bias[0] - bias[1])[None]]), "the biases are "
              "subtracted in one order and the weights in the other. Bring the whole second score to the left side."),
        Wrong(lambda weight, bias: torch.cat([weight[:, 0] - weight[:, 1], (bias[0] - bias[1])[None]]), "the columns of "
              "`weight` are subtracted here. An expert's weights are a row."),
        Wrong(lambda weight, bias: -line_between(weight, bias), "the line is right, its sign is not: it is positive "
              "where expert 1 has the larger share."),
    ),
)
def line_between(weight, bias):
    return torch.cat([weight[0] - weight[1], (bias[0] - bias[1])[None]])


QUIZ = (
    Question(
        "What does the gate see?",
        (
            ("The outputs of the experts", "The gate of this paper does not look at the outputs. It chooses from the input alone, "
             "so it could choose before any expert has computed anything."),
            ("The same input as the experts", "Gate and experts all see the input $x$."),
            ("The desired output", "The desired output is there in training only, in the loss. A gate that saw it could not be used "
             "on a new case."),
        ),
        right=1,
    ),
    Question(
        "The gate's weights and biases are all 0. Which expert does the stochastic switch choose?",
        (
            ("Expert 0, always", "That would be `argmax` with ties broken by order. The switch draws with the probabilities $p$, "
             "and these are equal."),
            ("None of them", "The proportions sum to 1 for every case: someone is always chosen."),
            ("Each with the same probability", "Equal scores give equal proportions. The paper's system begins like this, "
             "unbiased."),
        ),
        right=2,
    ),
    Question(
        "Two experts answer 0 and 1, each with proportion 0.5, and 1 is wanted. What is the squared error of the blend, and what the "
        "expected squared error under the switch?",
        (
            ("0.25 and 0.25", "The first is right. The switch chooses the wrong answer half of the time, with an error of 1 each time."),
            ("0.25 and 0.5", "The blend is 0.5, with error 0.25. The switch chooses a perfect answer half of the time and an error "
             "of 1 the other half."),
            ("0.5 and 0.25", "That is the wrong way round: where outputs differ, averaging them first makes the error smaller."),
        ),
        right=1,
    ),
)
