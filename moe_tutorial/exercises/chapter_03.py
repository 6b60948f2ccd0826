"""Chapter 3, the experts."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def points_and_lines(draw):
    """Points `(N, D)` with a line each; the same line with weights ten times as large; points on the line; huge weights."""
    drawn = [(draw(n, 2), draw(2), draw(1)[0]) for n in (4, 2, 1)]
    points, w, b = drawn[0]
    on_the_line = torch.tensor([[0.2, 1.0], [0.4, 2.0], [0.0, 0.0]], dtype=torch.float64)
    return [
        *drawn,
        (points, 10 * w, 10 * b),
        (on_the_line, torch.tensor([-5.0, 1.0], dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)),
        (draw(3, 2), 1000 * draw(2), 1000 * draw(1)[0]),
        (draw(3, 5), draw(5), draw(1)[0]),
    ]


def cases_and_experts(draw):
    """Cases, weights and biases of several sizes: one case, one expert, as many cases as experts, all 0, large sums."""
    drawn = [(draw(n, d), draw(k, m, d), draw(k, m)) for n, k, m, d in
             ((5, 3, 1, 2), (4, 2, 3, 2), (3, 3, 3, 3), (1, 4, 1, 2), (6, 1, 2, 2))]
    return [
        *drawn,
        (draw(4, 2), torch.zeros(3, 1, 2, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)),
        (1000 * draw(3, 2), draw(2, 1, 2), draw(2, 1)),
    ]


EXERCISES.predict(
    "the parameters of a mixture", "easy", 3, name="parameter_count", tolerance=0.1,
    statement="""A mixture has 4 linear experts, 5 inputs and 3 outputs. How many parameters has it, experts and gate together?
Count them on paper.""",
    hints=(
        "count one output of one expert first: what does it weigh, and what does it add?",
        "each output of each expert has 5 weights and a bias. The gate has one score for each expert, and each score has 5 weights "
        "and a bias, too.",
    ),
    explanation=r"""One output of an expert has $D + 1 = 6$ parameters, so the experts have $K \cdot M \cdot (D + 1) = 4 \cdot 3 \cdot 6
= 72$. The gate has one score for each expert, whatever the number of outputs: $K \cdot (D + 1) = 4 \cdot 6 = 24$. Together that is 96.

The number of outputs multiplies the experts' part only. In the same way the table of the chapter goes from 24 to 36 when a
mixture of 4 experts with 2 inputs gets a second output.""",
    reference=96,
    wrong=(
        Wrong(72, "that is the experts' part. The gate has parameters as well: one score for each expert."),
        Wrong(80, "all weights are counted, and no bias. Each output of an expert has one, and so has each score of the "
              "gate."),
        Wrong(84, "the gate is right, but the experts' biases are missing: one for each output of each expert."),
        Wrong(92, "the experts are right, but the gate's scores have a bias each, too."),
        Wrong(88, "each expert has a single bias here. An expert with 3 outputs has 3, one for each."),
        Wrong(144, "that gives the gate a score for each output of each expert. It has one for each expert."),
        Wrong(78, "that gives the gate a single score. It has one for each expert."),
        Wrong(24, "that is the gate's part. The experts have parameters as well: for each output of each expert."),
        Wrong(76, "the experts are right, but the gate has a single number for each expert here. Each of its scores has a "
              "weight for each input, and a bias."),
        Wrong(60, "these are the experts' weights. Each output of an expert has a bias as well, and the gate is missing."),
        Wrong(48, "that is right for experts with one output. These have 3, each with weights and a bias of its own."),
    ),
)


EXERCISES.predict(
    "the same line, twice as steep", "medium", 5, name="doubled_weights", tolerance=0.005,
    statement="""At some point of the plane an expert's output is 0.9. Now all its weights and its bias are multiplied by 2. What is
its output at this point? Say a number to two decimals, without a computer: the number $o / (1 - o)$ helps.""",
    hints=(
        "the decision line stays where it is, and the change across it gets steeper. The point is not on the line.",
        "for a sigmoid o / (1 - o) is e to the power of the sum. For 0.9 it is 9. What becomes of it when the sum doubles, and which output "
        "belongs to that?",
    ),
    explanation=r"""For a sigmoid $o / (1 - o) = e^s$, which is $0.9 / 0.1 = 9$ here. Doubling weights and bias doubles the sum $s$, and
so squares $e^s$: it becomes 81. The output with $o / (1 - o) = 81$ is $o = 81 / 82 \approx 0.99$.

On the line $s = 0$, and twice 0 is 0, so the output there stays 0.5. Everywhere else the output moves away from 0.5, towards 0 or 1, and
reaches neither. So the same line can be drawn by an expert that hesitates and by one that is sure.""",
    reference=round(81 / 82, 4),
    wrong=(
        Wrong(0.9, "the *line* stays where it is, and on it the output stays 0.5. Beside it the sum doubles, and the "
              "output changes with it."),
        Wrong(1.0, "so near to 1, but not there: the sum doubles, and the sigmoid of a finite sum is below 1. The answer "
              "differs from 1 in its second decimal."),
        Wrong(0.81, "this is 0.9 squared, and it is nearer to 0.5 than before. Larger weights make the expert surer. Not "
              "the output is squared, but o / (1 - o)."),
        Wrong(0.95, "the gap to 1 is halved here. What doubles is the sum, before the sigmoid, and the gap shrinks by "
              "more than that. Ask what doubling the sum does to o / (1 - o)."),
        Wrong(0.98, "so near that only the rounding may be missing: cutting decimals off makes a number too small. (For "
              "0.98 itself o / (1 - o) is 49.)"),
        Wrong(1.8, "this is twice the output. What doubles is the sum; the sigmoid comes after it, and keeps the output "
              "below 1."),
    ),
)


def distance_from_the_foot(points, w, b):
    foot = -b / (w @ w) * w
    return (points - foot).norm(dim=-1)


@EXERCISES.write(
    "how far from the line", "medium", 10, inputs=points_and_lines,
    statement=r"""Write `signed_distance(points, w, b)`: how far each point lies from an expert's decision line
$w \cdot x + b = 0$. In go `points` of shape `(N, D)`, the weights `w` of shape `(D,)`, which are not all 0, and the bias `b`, a tensor
with one number. Out come the distances, `(N,)`: positive where the expert's output is above 0.5, negative where it is below.""",
    hints=(
        "the sum w · x + b is 0 on the line and has the right sign on both sides. But with all weights and the bias times 10 it is 10 "
        "times as large, and the line has not moved.",
        "go a step of length 1 along w, straight away from the line: the sum grows by the length of w. So divide the whole sum by that "
        "length; `w.norm()` gives it.",
    ),
    explanation=r"""The shortest way from a point to the line runs along $w$. A step of length 1 in that direction changes the sum
$w \cdot x + b$ by $\lVert w \rVert$, and the sum is 0 on the line, so the distance is
$(w \cdot x + b) / \lVert w \rVert$. Its sign is that of the sum, which says on which side of 0.5 the output lies.

Multiplying $w$ and $b$ by the same positive number changes nothing in it. For the origin it is $b / \lVert w \rVert$, without its
sign the distance of the line's foot from the origin.""",
    wrong=(
        Wrong(lambda points, w, b: points @ w + b, "this is the sum behind the output. Its sign is right, but weights "
              "ten times as large make it ten times as large, and they do not move the line."),
        Wrong(lambda points, w, b: (points @ w + b) / (w @ w), "the sum is divided by the *squared* length of w. In the "
              "formula of the foot the square is right, because there w stands in the numerator once more."),
        Wrong(lambda points, w, b: (points @ w + b).abs() / w.norm(), "the distance is right, but its sign is lost. It "
              "should be negative where the output is below 0.5."),
        Wrong(lambda points, w, b: points @ w / w.norm() + b, "only a part of the sum is divided by the length of w "
              "here. The bias belongs to the sum, and has to be divided with it."),
        Wrong(lambda points, w, b: points @ w / w.norm(), "the bias is missing, so this is the distance from the "
              "parallel line through the origin."),
        Wrong(distance_from_the_foot, "this is the distance from the foot, the point of the line that is nearest to the "
              "*origin*. For another point another point of the line is nearest, and a sign is needed."),
        Wrong(lambda points, w, b: -signed_distance(points, w, b), "the distance is right and the sign is turned around: "
              "the output is above 0.5 where the sum is positive."),
        Wrong(lambda points, w, b: (points @ w - b) / w.norm(), "the bias is taken away here. The line is where w · x + b "
              "is 0, so the sum has plus b in it."),
        Wrong(lambda points, w, b: (points @ w + b) / torch.cat([w, b.reshape(1)]).norm(), "the bias is in the length "
              "that the sum is divided by. A step along w changes the sum by the length of w alone."),
        Wrong(lambda points, w, b: (points @ w + b).abs(), "two things: the sum is not divided by the length of w, and its "
              "sign is lost. It should be negative where the output is below 0.5."),
        Wrong(lambda points, w, b: torch.sigmoid(points @ w + b) - 0.5, "this is by how much the output is above 0.5. It "
              "is never more than 0.5, however far the point lies from the line; the distance comes from the sum, before "
              "the sigmoid."),
    ),
)
def signed_distance(points, w, b):
    return (points @ w + b) / w.norm()


def reshaped(x, weight, bias):
    sums = x @ weight.transpose(1, 2) + bias[:, None]
    return torch.sigmoid(sums).reshape(len(x), *bias.shape)


def experts_in_front(x, weight, bias):
    sums = x @ weight.transpose(1, 2) + bias[:, None]
    return torch.sigmoid(sums)


@EXERCISES.repair(
    "whose output is it?", "hard", 10, inputs=cases_and_experts,
    statement="""`broken` should give the output of each expert for each case. The shape of what it returns is right, and for a single
case, or for a single expert, the numbers are right as well. For more of both they are in the wrong places. Find out why, and write
`all_outputs`, which does what it should. In go `x` of shape `(N, D)`, `weight` of shape `(K, M, D)` and `bias` of shape `(K, M)`; out come
the outputs, `(N, K, M)`.""",
    given='''def broken(x, weight, bias):
    """x (N, D); weight (K, M, D), bias (K, M)."""
    sums = x @ weight.transpose(1, 2) + bias[:, None]
    return torch.sigmoid(sums).reshape(len(x), *bias.shape)''',
    hints=(
        "which shape has `sums` in `broken`? Say for each of its dimensions what it counts.",
        "`sums` is (K, N, M), with the experts in front. A reshape keeps the numbers in their order and only sets the brackets anew. "
        "What you need is to exchange two dimensions; or write the sums with `einsum`, as in the chapter.",
    ),
    explanation="""`x @ weight.transpose(1, 2)` multiplies the cases with each expert's matrix in turn, so `sums` has the shape
`(K, N, M)`: first all outputs of expert 0, then all of expert 1. `reshape` leaves the numbers in this order and counts them off anew, so the
outputs of expert 0 for the first cases become the outputs of all experts for case 0. `transpose(0, 1)` exchanges the two dimensions and moves
the numbers along. With one case or one expert both do the same.

A wrong shape stops a program. A right shape with the numbers in the wrong places does not, so a check has to look at the numbers.
That is why the chapter compares its tensor with a loop over the experts.""",
    wrong=(
        Wrong(reshaped, "that is still `broken`: reshape does not move a number. It reads off the outputs expert by "
              "expert and hands them out case by case."),
        Wrong(experts_in_front, "the numbers are right, and the experts are in front of the cases. Exchange these two "
              "dimensions."),
        Wrong(lambda x, weight, bias: torch.sigmoid(torch.einsum("nd,kmd->nkm", x, weight)),
              "the biases are missing: each output of each expert has one, and it is added before the sigmoid."),
        Wrong(lambda x, weight, bias: torch.sigmoid(torch.einsum("nd,kmd->nkm", x, weight)) + bias,
              "the biases are added to the outputs. They belong to the sums, before the sigmoid; here an output can "
              "leave the range from 0 to 1."),
        Wrong(lambda x, weight, bias: torch.einsum("nd,kmd->nkm", x, weight) + bias,
              "these are the sums, in the right places. The sigmoid is missing."),
        Wrong(lambda x, weight, bias: torch.softmax(torch.einsum("nd,kmd->nkm", x, weight) + bias, dim=1),
              "this is a softmax over the experts, so that they share 1. Experts do not share: each gives an output of "
              "its own, by a sigmoid. The gate is what shares."),
    ),
)
def all_outputs(x, weight, bias):
    sums = x @ weight.transpose(1, 2) + bias[:, None]
    return torch.sigmoid(sums).transpose(0, 1)


QUIZ = (
    Question(
        "All targets are exchanged, 0 for 1 and 1 for 0, and T0 is fitted again. Where is its dot, the foot of the normal, now?",
        (
            ("Where it was", "The new line has $(-w, -b)$, the same line with its sides exchanged. In "
             r"$-\frac{b}{\lVert w \rVert^2} w$ both signs change, so the foot does not. The dot cannot show which side is 1."),
            ("On the opposite side of the origin", "$w$ does turn around. But $b$ changes its sign with it, and in the formula of the foot "
             "the two changes cancel."),
            ("At the origin", "All lines *through the origin* have their dot there. This line passes close by, and exchanging the targets "
             "does not move it."),
        ),
        right=0,
    ),
    Question(
        "On all four vowels T0 is right on more tokens than X, and its squared error is larger. How can that be?",
        (
            ("It cannot: fewer mistakes are a smaller squared error", "Where 1 is wanted, 0.49 and 0.00 are one mistake each. The "
             "squared error of the first is 0.26, and that of the second 1."),
            ("T0 saw only half of the tokens, so its error is a mean over fewer", "It was fitted to half of them. But here both lines "
             "are measured on the same 400 tokens."),
            ("Where T0 is wrong, it is wrong with certainty", "It answers 0 for every [a] and [ʌ], and half of the time that "
             "costs nearly 1, the most there is. "
             "The outputs of X stay away from 0 and 1, so it makes more mistakes and pays less for them."),
        ),
        right=2,
    ),
    Question(
        "With 1 for [i] and [a], instead of 1 for [i] and [ʌ], the error of X is hardly below that of a constant output of 0.5. Why?",
        (
            ("[a] and [ʌ] are harder to tell apart when [a] is 1", "T1 is as good as before. It is the same line, with its 1-side and "
             "its 0-side exchanged."),
            ("What helps one pair now harms the other", "The directions of T0 and T1 are 158° apart under this coding, where they were 22° "
             "apart. One line cannot have its 1-side on both sides."),
            ("The lines T0 and T1 lie further from each other", "Both lines stay where they are. What turns around is the side "
             "of T1 that is 1."),
        ),
        right=1,
    ),
)
