"""Chapter 5, the cooperative loss."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def mixtures(draw):
    """Desired outputs, expert outputs and proportions of several sizes, with corner cases."""
    drawn = [(draw(n, m), draw(n, k, m), torch.softmax(draw(n, k), dim=-1))
             for n, k, m in ((4, 3, 2), (3, 3, 3), (6, 2, 1), (1, 4, 2), (3, 1, 2))]
    certain = torch.eye(3, dtype=torch.float64)[[0, 2, 1, 2]]
    tied = torch.full((3, 2), 0.5, dtype=torch.float64)
    return [*drawn, (draw(4, 2), draw(4, 3, 2), certain), (1000 * draw(5, 1), 1000 * draw(5, 3, 1), torch.softmax(draw(5, 3), -1)),
            (draw(3, 2), draw(3, 1, 2).expand(3, 2, 2).contiguous(), tied)]


def mixtures_and_an_expert(draw):
    return [(number % case[2].shape[1], *case) for number, case in enumerate(mixtures(draw))]


EXERCISES.predict(
    "an expert that is right", "easy", 5, name="right_yet_pushed", tolerance=0.01,
    statement=r"""One case has the desired output 1. Expert 0 answers 1 and has the proportion 0.75; expert 1 answers 5 and has
the proportion 0.25. What is the gradient of eq. 1.1 with respect to the output of expert 0, $\partial E / \partial o_0$? Say a number
with its sign, before you compute anything.""",
    hints=(
        "the gradient has the residual of the whole mixture in it. What is the blend of these two answers?",
        "the blend is 0.75 times 1 plus 0.25 times 5. Take it from the desired output, and multiply what is left by the "
        "expert's proportion and by -2.",
    ),
    explanation=r"""The blend is $0.75 \cdot 1 + 0.25 \cdot 5 = 2$, so the residual is $d - y = 1 - 2 = -1$. The gradient is
$-2\,p_0\,(d - y) = -2 \cdot 0.75 \cdot (-1) = 1.5$.

It is above 0, so descent lowers the output of expert 0, away from the answer that it already has. Under eq. 1.1 it has to make up for
the mistake of expert 1. Under eq. 1.2 its gradient would be $-2\,p_0\,(d - o_0) = 0$.""",
    reference=1.5,
    wrong=(
        Wrong(0.0, "that is its gradient under eq. 1.2, where an expert that is right is left alone. Eq. 1.1 looks at "
              "the residual of the blend, and the blend is not right."),
        Wrong(-1.5, "the size is right, the sign is not. The blend is too large, so it is a smaller output that lowers "
              "the error."),
        Wrong(0.75, "the factor 2 is missing, which comes from differentiating the square."),
        Wrong(2.0, "the proportion of expert 0 is missing. (Or it is the blend: that is 2, too, but the gradient was "
              "asked for.)"),
        Wrong(0.5, "that is the gradient for expert 1: both have the same residual, but each has its own proportion."),
        Wrong(1.0, "that is the error itself, the square of the residual. Asked for is its slope in the output of expert "
              "0."),
        Wrong(-0.75, "two things: the factor 2 is missing, which comes from differentiating the square, and the sign is not "
              "right. The blend is too large, so a larger output makes the error larger."),
        Wrong(3.0, "that is twice as large. One gets it with the blend itself where the residual belongs, what the blend "
              "leaves of the desired output. (Or with the factor 2 twice.)"),
        Wrong(-0.5, "two things: this is the proportion of expert 1, and the sign is not right. The blend is too large, so "
              "a larger output makes the error larger."),
        Wrong(-1.0, "that is the residual of the mixture. The gradient has two more factors in front of it."),
    ),
)


def others_share_everything(i, d, o, p):
    shares = p.clone()
    shares[:, i] = 0
    return d - (shares[..., None] * o).sum(dim=1) / shares.sum(dim=1, keepdim=True)


@EXERCISES.write(
    "what the others leave", "medium", 10, inputs=mixtures_and_an_expert,
    statement="""Write `residual_without(i, d, o, p)`: what is left of the desired outputs when the contributions $p_j o_j$ of all
experts except expert `i` are taken away. In go the number `i` of an expert, `d` of shape `(N, M)`, `o` of shape `(N, K, M)` and `p` of
shape `(N, K)`; out comes a tensor `(N, M)`. There may be one expert only, and proportions may be 0.""",
    hints=(
        "what do the other experts add to the blend? Each of them adds its output times its own proportion, unchanged.",
        "make the contributions of all experts with p[..., None] * o, of shape (N, K, M). Sum over the experts, leave expert i out "
        "of the sum, and take the result from d.",
    ),
    explanation=r"""Under eq. 1.1 the error is $\lVert r_i - p_i o_i \rVert^2$ with $r_i = d - \sum_{j \ne i} p_j o_j$, and $r_i$ is
what this function returns. So eq. 1.1 asks expert $i$ to make its contribution $p_i o_i$ equal to what the others leave.

If one of the others changes its output, $r_i$ changes, and with it what expert $i$ is told. This is the coupling of the experts. With
one expert alone nothing is taken away, and $r_i = d$.""",
    wrong=(
        Wrong(lambda i, d, o, p: d - (p[..., None] * o).sum(dim=1), "this is the residual of the whole mixture: the "
              "contribution of expert i is taken away as well. It has to stay out of the sum."),
        Wrong(lambda i, d, o, p: d - p[:, i, None] * o[:, i], "it is the other way round: this takes the contribution of "
              "expert i away and leaves those of the others in."),
        Wrong(lambda i, d, o, p: d - o.sum(dim=1) + o[:, i], "the outputs of the others are taken away in full. What an "
              "expert adds to the blend is its output times its proportion."),
        Wrong(others_share_everything, "the proportions of the others are scaled up here until they sum to 1. Leaving "
              "expert i out of the sum does not change what the others contribute."),
        Wrong(lambda i, d, o, p: d - (p[..., None] * o).sum(dim=1) + o[:, i], "all contributions are taken away, and then "
              "the output of expert i is given back in full. What was taken is its contribution, the output times its "
              "proportion."),
        Wrong(lambda i, d, o, p: -residual_without(i, d, o, p), "the size is right, the sign is not. It is the desired "
              "output from which the contributions are taken."),
        Wrong(lambda i, d, o, p: residual_without(i, d, o, p) / p[:, i, None], "this is divided by the proportion of "
              "expert i: it is the output that would close the gap. Asked for is the gap itself; with a proportion of 0 "
              "no output could close it."),
    ),
)
def residual_without(i, d, o, p):
    contributions = p[..., None] * o
    others = torch.arange(p.shape[1]) != i
    return d - contributions[:, others].sum(dim=1)


def one_favourite_for_all_cases(d, o, p):
    favourite = p.mean(dim=0).argmax()
    return (d - o[:, favourite]).square().sum(dim=-1).mean()


def favourite_s_contribution(d, o, p):
    share, favourite = p.max(dim=-1)
    return (d - share[:, None] * o[torch.arange(len(p)), favourite]).square().sum(dim=-1).mean()


def every_favourite_for_every_case(d, o, p):
    return (d - o[:, p.argmax(dim=-1)]).square().sum(dim=-1).mean()


def every_favourite_beside_its_case(d, o, p):
    return (d[:, None] - o[:, p.argmax(dim=-1)]).square().sum(dim=-1).mean()


def weighed_by_its_share(d, o, p):
    share, favourite = p.max(dim=-1)
    return (share * (d - o[torch.arange(len(p)), favourite]).square().sum(dim=-1)).mean()


def not_squared(d, o, p):
    return (d - o[torch.arange(len(p)), p.argmax(dim=-1)]).norm(dim=-1).mean()


@EXERCISES.repair(
    "the favourite, for each case", "medium", 10, inputs=mixtures,
    statement=r"""`broken` should give the mean squared error of the gate's favourite alone: for each case only the expert with the
largest proportion answers. For two experts that are each right on their own side of $4|x|$ it should give 0, and it gives a large
error. Find out why, and write `favourite_error`, which does what it should. In go `d` of shape `(N, M)`, `o` of shape `(N, K, M)` and
`p` of shape `(N, K)`; out comes one number, the mean over the cases of $\lVert d - o \rVert^2$, with $o$ the favourite's output.""",
    given='''def broken(d, o, p):
    favourite = p.mean(dim=0).argmax()
    answers = o[:, favourite]
    return (d - answers).square().sum(dim=-1).mean()''',
    hints=(
        "how many favourites does `broken` have for a hundred cases, and how many should there be?",
        "take the argmax of p over the experts, without a mean before it: one number for each case. Then pick from o, for each "
        "case, the output of that expert; indexing with two tensors does it, the numbers of the cases and the favourites.",
    ),
    explanation="""`p.mean(dim=0)` averages the proportions over the cases, so `broken` finds the expert that is used most and
lets it answer every case. But a gate chooses anew for each case: `p.argmax(dim=-1)` has one favourite for each. Where two experts have
divided the cases, as those two on $4|x|$, the one that answers for both is wrong on the cases of the other one.

The repaired function is the measure of the chapter. Beside the error of the blend it shows whether an expert has the answer by itself
or only together with the others.""",
    wrong=(
        Wrong(one_favourite_for_all_cases, "that is still `broken`: the mean over the cases leaves one favourite for all "
              "of them. Each case has a favourite of its own."),
        Wrong(lambda d, o, p: (d - (p[..., None] * o).sum(dim=1)).square().sum(dim=-1).mean(),
              "this is the error of the blend, to which all experts contribute. Only one expert should answer each case."),
        Wrong(lambda d, o, p: (p * (d[:, None] - o).square().sum(dim=-1)).sum(dim=-1).mean(),
              "this weighs the errors of all experts by their proportions, as eq. 1.2 does. Only the expert with the "
              "largest proportion counts here, and it counts fully."),
        Wrong(lambda d, o, p: (d[:, None] - o).square().sum(dim=-1).min(dim=-1).values.mean(),
              "this picks the expert that is nearest to the desired output. The gate does not know the desired output; "
              "its favourite is the one with the largest proportion."),
        Wrong(favourite_s_contribution, "the favourite's output is multiplied by its proportion here. If it answers "
              "alone, its output stands as it is."),
        Wrong(every_favourite_for_every_case, "`o[:, favourite]` takes, for each case, the outputs of *all* cases' "
              "favourites. Index both dimensions together, the number of the case and its favourite.",
              also=(every_favourite_beside_its_case,)),
        Wrong(lambda d, o, p: favourite_error(d, o, -p), "the expert with the *smallest* proportion answers here."),
        Wrong(weighed_by_its_share, "the favourite's error is multiplied by its proportion here. If it answers alone, its "
              "error counts fully."),
        Wrong(not_squared, "these are distances, and their squares were asked for: the root is one step too many.",
              also=(lambda d, o, p: favourite_error(d, o, p).sqrt(),)),
        Wrong(lambda d, o, p: favourite_error(d, o, p) / 2, "there is a factor ½ in it. The squared distance was asked "
              "for, without that factor."),
        Wrong(lambda d, o, p: favourite_error(d, o, p) / d.shape[1], "right for one output, but with several of them the "
              "squared differences of a case are averaged here; the squared distance is their sum. The mean is over the "
              "cases only."),
        Wrong(lambda d, o, p: favourite_error(d, o, p) * len(d), "the squared errors of the cases are summed here. The "
              "mean was asked for."),
    ),
)
def favourite_error(d, o, p):
    cases = torch.arange(len(p))
    answers = o[cases, p.argmax(dim=-1)]
    return (d - answers).square().sum(dim=-1).mean()


QUIZ = (
    Question(
        "A summary says: the loss of the paper is the squared error of the weighted sum of the experts' outputs. What is right about it?",
        (
            ("All of it; this is the error that the experts are trained with", "The paper prints this error first, as eq. 1.1, and that is "
             "where the mistake comes from. It then argues against it, because it couples the experts."),
            ("Nothing; the paper does not mention this error", "It does: it is eq. 1.1, the first equation of the paper. What the summary "
             "misses is the argument that follows it."),
            ("The paper does print it, and then argues against it", "Eq. 1.1 is where the paper begins. Its own loss compares each "
             "expert's output with the whole desired output, not with what the others leave over."),
        ),
        right=2,
    ),
    Question(
        "One case, one output, eq. 1.1, and a blend that is not right. Which expert's output gets the largest gradient?",
        (
            ("The one with the largest proportion, however good it is", r"The gradient is $-2\,p_i\,(d - y)$. The residual is the same for "
             "all experts, so only the proportion makes a difference."),
            ("The one that is furthest from the desired output", "Its own distance $d - o_i$ does not appear in the gradient of eq. 1.1. "
             "It does in that of eq. 1.2, times the proportion."),
            ("The one that is nearest to the desired output", "An expert's own distance does not appear in the gradient of eq. 1.1 at "
             "all. In the chapter the nearest expert has the strongest push because its proportion is the largest."),
        ),
        right=0,
    ),
    Question(
        "On the vowels, with sigmoid outputs, the favourite alone does about as well under eq. 1.1 as under the other two losses. What "
        "follows from that?",
        (
            ("The argument against eq. 1.1 is wrong", "On $4|x|$ it holds in each of ten runs: the favourite alone is more than ten times "
             "worse than the blend. One task where no harm shows does not refute what the gradient says."),
            ("Whether the coupling does visible harm depends on the task and on the experts", "The gradient of eq. 1.1 couples the experts on "
             "every task. On $4|x|$ it leaves the answer to the blend alone. On the vowels the favourite has it, too, if outputs "
             "are sigmoids, and has it not if they are linear."),
            ("On the vowels eq. 1.1 does not couple the experts", "It does: for the first token the push on expert 0 changed with what "
             "expert 3 said. Coupled experts may still come to have the answer each by itself."),
        ),
        right=1,
    ),
)
