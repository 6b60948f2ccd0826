"""Chapter 7, training."""

import torch

from . import _mistakes as mistakes
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def runs_of_proportions(draw):
    drawn = [(torch.softmax(4 * draw(r, n, k), dim=-1),)
             for r, n, k in ((3, 6, 4), (2, 5, 8), (4, 3, 2))]
    specialist = torch.zeros(1, 200, 3, dtype=torch.float64)  # expert 2 has half of one case only, and expert 1 never leads
    specialist[..., 0], specialist[..., 1] = 0.7, 0.3
    specialist[0, 7] = torch.tensor([0.5, 0.0, 0.5], dtype=torch.float64)
    equal = torch.full((2, 4, 4), 0.25, dtype=torch.float64)
    # In each run the largest proportions of experts 1 to 5 are these; expert 0 has what is left.
    largest = torch.tensor([[0.0, 0.005, 0.01, 0.0101, 0.05], [0.0, 0.008, 0.015, 0.0, 0.0], [0.0] * 5], dtype=torch.float64)
    faint = torch.zeros(3, 200, 6, dtype=torch.float64)
    faint[:, 7, 1:] = largest
    faint[..., 1] = 0.001  # in every case, so that these add up to a lot
    faint[..., 0] = 1 - faint[..., 1:].sum(dim=-1)
    return [*drawn, (specialist,), (faint,), (equal,), (torch.ones(1, 1, 1, dtype=torch.float64),)]


def constant_experts(draw):
    def drawn(n, k, step_size, scale=1.0):
        return (scale * draw(n), draw(k), draw(k), step_size)

    alike = drawn(4, 3, 0.5)
    alike = (alike[0], torch.full((3,), 0.2, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), 0.5)
    far = (torch.tensor([200.0, 0.1], dtype=torch.float64), *drawn(2, 3, 0.1)[1:])
    long_step = (torch.tensor([-30.0, -20.0, -10.0], dtype=torch.float64), torch.tensor([-1.0, 2.0], dtype=torch.float64),
                 torch.zeros(2, dtype=torch.float64), 4.0)
    return [drawn(5, 3, 0.5), drawn(8, 2, 0.2, 3.0), drawn(1, 4, 1.0), drawn(4, 1, 0.5), alike, far, long_step]


def histories(draw):
    falling = torch.linspace(0.25, 0.04, 12, dtype=torch.float64)[:, None]
    noise = 0.04 * draw(12, 5)
    corners = torch.tensor([[0.25, 0.25, 0.07, 0.25, 0.25], [0.07, 0.20, 0.20, 0.08, 0.20], [0.09, 0.15, 0.06, 0.07, 0.09],
                            [0.05, 0.12, 0.05, 0.05, 0.06]], dtype=torch.float64)
    return [((falling + noise).abs(), 0.08),
            (0.3 * draw.uniform(6, 4), 0.1),
            (corners, 0.08),
            (torch.full((3, 2), 0.2, dtype=torch.float64), 0.08),
            (torch.tensor([[0.05]], dtype=torch.float64), 0.08)]


@EXERCISES.write(
    "who is live?", "easy", 5, inputs=runs_of_proportions,
    statement="""An expert is live in a run if in *some* case its proportion is more than 0.01. Write
`live_experts(p)`: from the proportions `(R, N, K)` of R runs, N cases and K experts, the number of live experts in each
run, `(R,)`.""",
    hints=(
        "one case is enough to make an expert live. Which number of an expert's N proportions decides?",
        "take the largest proportion of each expert over the cases, which leaves `(R, K)`; compare it with 0.01, and "
        "count over the experts.",
    ),
    explanation="""An expert is live if its largest proportion over the cases is above 0.01. So the cases go first,
by their maximum, and what is left is counted over the experts. The mean would not do. An expert that has one case of 200,
and half of that, has a mean proportion of 0.0025, yet it makes half of the blend there.""",
    wrong=(
        Wrong(lambda p: (p.mean(dim=1) > 0.01).sum(dim=-1), "this asks whether an expert's *mean* proportion is above "
              "0.01. An expert that has a single case of many is live too, and its mean is tiny."),
        Wrong(lambda p: (p.min(dim=1).values > 0.01).sum(dim=-1), "this counts the experts that have a share in *every* "
              "case. A specialist has none in the cases of the others, and one case is enough."),
        Wrong(lambda p: torch.nn.functional.one_hot(p.argmax(dim=-1), p.shape[-1]).amax(dim=1).sum(dim=-1),
              "this counts the experts that have the largest proportion in some case. An expert with a share of 0.3 "
              "everywhere need not lead anywhere, and it is live."),
        Wrong(lambda p: (p.max(dim=-1).values > 0.01).sum(dim=-1), "this takes the maximum over the experts, so it "
              "counts cases. Take it over the cases, the dimension in the middle, and count experts."),
        Wrong(lambda p: torch.full((len(p),), p.shape[-1]), "every expert is counted here, whatever its proportions are."),
        Wrong(mistakes.more_than(0.0), "the largest proportions over the cases are the right ones, but they are compared with "
              "another number than 0.01.", also=tuple(map(mistakes.more_than, (0.001, 0.005, 0.02, 0.05, 0.1, 0.5)))),
        Wrong(lambda p: (p.amax(dim=1) >= 0.01).sum(dim=-1), "an expert whose largest proportion is exactly 0.01 is "
              "counted here. It has to be *more* than that."),
        Wrong(lambda p: (p.amax(dim=1) != 0.01).sum(dim=-1), "this counts all experts whose largest proportion is not "
              "exactly 0.01, also those below it."),
        Wrong(lambda p: (p.sum(dim=1) > 0.01).sum(dim=-1), "the proportions are added up over the cases here. An expert "
              "with next to nothing in each of many cases is not live: its largest proportion decides."),
        Wrong(lambda p: (p[0].amax(dim=0) > 0.01).sum().expand(len(p)), "this counts in the first run and says the same of "
              "all runs. Each run has a number of its own."),
        Wrong(lambda p: (p > 0.01).sum(dim=-1).amax(dim=-1), "this is the largest number of experts that share one case. "
              "Different cases have different experts: join an expert's cases first, then count."),
        Wrong(lambda p: (p > 0.01).sum(dim=-1).double().mean(dim=-1), "this is the number of experts that share a case, as "
              "a mean over the cases. Different cases have different experts: join an expert's cases first, then count."),
        Wrong(lambda p: (p > 0.01).sum(dim=(1, 2)), "an expert is counted once for each of its cases here. Join its "
              "cases into one answer first, then count."),
    ),
)
def live_experts(p):
    return (p.max(dim=1).values > 0.01).sum(dim=-1)


def in_turn(d, o, scores, step_size):
    o = one_update(d, o, scores, step_size)[0]
    return torch.stack([o, one_update(d, o, scores, step_size)[1]])


def shares_for_all(d, o, scores, step_size):
    to_o = (-torch.softmax(scores, dim=0) * (d[:, None] - o)).mean(0)
    return torch.stack([o - step_size * to_o, one_update(d, o, scores, step_size)[1]])


def gate_first(d, o, scores, step_size):
    scores = one_update(d, o, scores, step_size)[1]
    return torch.stack([one_update(d, o, scores, step_size)[0], scores])


def gate_turned(d, o, scores, step_size):
    moved = one_update(d, o, scores, step_size)
    return torch.stack([moved[0], 2 * scores - moved[1]])


@EXERCISES.write(
    "one step for gate and experts", "hard", 15, inputs=constant_experts,
    statement=r"""Take a mixture without inputs: each expert gives the same output in all cases, and so do the gate's
scores. Write `one_update(d, o, scores, step_size)`, one step of gradient descent on the *mean* over the cases of eq. 1.3,
$E = -\log \sum_i p_i e^{-\frac12 (d - o_i)^2}$. The desired outputs `d` are `(N,)`, the outputs `o` and the `scores`
are `(K,)`, and $p$ is the softmax of the scores. Give back the new outputs and the new scores as one tensor `(2, K)`. A
case may be as far as 200 from every expert.""",
    hints=(
        "there is one loss, and both gradients are taken of it at the same place, before anything moves. Autograd "
        "may do it, or eq. 1.5 and p - h.",
        "make copies of o and scores that require gradients; the loss is minus torch.logsumexp of log p - ½(d - o)² "
        "over the experts, then the mean over the cases. torch.autograd.grad gives both gradients, and both tensors "
        "take their step. Stack them and detach the result.",
    ),
    explanation=r"""Both gradients are taken of the same number at the same place, and only then does anything move:
this is what it means that gate and experts are trained together. By hand they are $\partial E/\partial o_i = -h_i (d -
o_i)$, and $p_i - h_i$ for the scores, each as a mean over the cases.

The logarithm of the sum is taken with `logsumexp`. At a distance of 200 the exponential itself is $e^{-20000}$, which is
0 in a computer, and its logarithm is infinite.""",
    wrong=(
        Wrong(lambda d, o, scores, step_size: one_update(d, o, scores, step_size * len(d)),
              "this follows the sum over the cases, so the step grows with their number. The loss is the mean."),
        Wrong(lambda d, o, scores, step_size: one_update(d, o, scores, -step_size),
              "this step goes up the gradient: the loss grows. Descent subtracts."),
        Wrong(in_turn, "the experts move first here, and the gate then follows them from where they have gone. In one "
              "step both gradients are taken before anything moves."),
        Wrong(gate_first, "the gate moves first here, and the experts' responsibilities are taken with its new scores. In "
              "one step both gradients are taken before anything moves."),
        Wrong(gate_turned, "the experts' step is right, and the gate's goes up the gradient. Its gradient is p - h, and "
              "descent subtracts it: a score rises where h is above p."),
        Wrong(mistakes.without_the_half(2), "the ½ in the exponent is missing, so the responsibilities are too extreme.",
              also=(mistakes.without_the_half(1),)),
        Wrong(lambda d, o, scores, step_size: torch.stack([o, scores]) - one_update(d, o, scores, 1.0),
              "these are the gradients. A step subtracts them, times the step size, from the outputs and the scores.",
              also=(lambda d, o, scores, step_size: torch.stack([o, scores]) - one_update(d, o, scores, step_size),)),
        Wrong(lambda d, o, scores, step_size: one_update(d, o, scores, 1.0), "the step size is not used: this is a step of "
              "size 1."),
        Wrong(mistakes.of_the_expected_error(1), "this is the step of eq. 1.2, the expected squared error. Eq. 1.3 has the "
              "logarithm of a sum, and so the responsibilities, in it.", also=(mistakes.of_the_expected_error(0.5),)),
        Wrong(lambda d, o, scores, step_size: torch.stack([one_update(d, o, scores, step_size)[0], scores]),
              "the experts take their step, and the scores stay as they were. The loss depends on both, and both are "
              "trained."),
        Wrong(mistakes.by_the_blend, "this is the step of eq. 1.1, which compares the *blend* with d. Eq. 1.3 compares each "
              "expert with it, by itself."),
        Wrong(shares_for_all, "the experts' steps are weighted with the proportions p here. Under eq. 1.3 it is the "
              "responsibilities h, which differ from case to case."),
        Wrong(mistakes.vanishing_exponentials, "right where an expert is near, but in a case far from all of them every "
              "exponential is 0, and 0 divided by 0 is NaN. Stay with the logarithms; torch.logsumexp or a softmax "
              "helps."),
    ),
)
def one_update(d, o, scores, step_size):
    o, scores = o.clone().requires_grad_(), scores.clone().requires_grad_()
    half_squared = (d[:, None] - o).square() / 2
    log_p = torch.log_softmax(scores, dim=0)
    loss = -torch.logsumexp(log_p - half_squared, dim=1).mean()
    to_o, to_scores = torch.autograd.grad(loss, (o, scores))
    moved = (o - step_size * to_o, scores - step_size * to_scores)
    return torch.stack(moved).detach()


EXERCISES.predict(
    "equal experts, one favourite", "medium", 5, name="one_favourite", tolerance=0.1,
    statement="""Four equal experts with an unbiased gate stayed equal. Now start again with four exactly equal
experts, and with a gate whose weights are all 0 but whose biases are 6, 0, 0 and 0. Train as before, for 4000 epochs. How
many *different* experts will there be? Say a number before you run anything.""",
    hints=(
        "two experts stay equal as long as they get equal gradients. Which experts have equal responsibilities in "
        "the first epoch?",
        "equal outputs make the responsibilities equal to the proportions: a large one for expert 0 and three small "
        "ones, alike. What can ever tell those three apart?",
    ),
    explanation="""In the first epoch all outputs are equal, so $h = p$. Expert 0 follows its gradient with a weight
of 0.993, and the three others with 0.002 each. Expert 0 leaves the others at once. Experts 1, 2 and 3 have equal weights,
equal scores and so equal gradients, in this epoch and in every later one. There are two different experts, one of them
three times.

Two are enough for this task: the run reaches the criterion. So equal experts are not stuck if the gate prefers one of
them: a difference in the gate breaks the symmetry too. But the three are equal as a pencil stands on its tip. Move one of
them by $10^{-14}$, no more than rounding may do, and by epoch 4000 they have parted as well.""",
    reference=2,
    wrong=(
        Wrong(1, "that needs equal gradients for all four. The gradients of eq. 1.5 have the factor h, and expert 0's is "
              "not like the others'."),
        Wrong(4, "something would have to tell experts 1, 2 and 3 apart. They have the same weights and the same scores, "
              "so what can differ?"),
        Wrong(3, "three is the number of experts that stay alike. How many different ones is that, with the fourth?"),
    ),
)


@EXERCISES.repair(
    "the run that never arrived", "medium", 10, inputs=histories,
    statement="""`broken` should say when each run stops, that is the first epoch at which its error is *at most* the
criterion. From errors `(T, R)`, whose row 0 is epoch 0, before any update, it gives the R epochs. But the runs with a
step size far too large come out as the fastest. Find out why and write `stopped_at`, which gives NaN for a run that never
reaches the criterion, `(R,)`. Errors may rise again.""",
    given='''def broken(errors, criterion):
    """errors (T, R), a row for each epoch."""
    return (errors <= criterion).double().argmax(dim=0)''',
    hints=(
        "argmax gives the place of the first largest value. Which place is that in a column where nothing is true?",
        "keep the argmax, as floating-point numbers, and put torch.nan in the columns in which no epoch reaches the "
        "criterion; any(dim=0) says which do.",
    ),
    explanation="""In a column without a `True` all values are equally large, and `argmax` gives the first place, 0.
So the runs that never arrive seem to have arrived at once, and the mean epochs look the better, the more runs fail. NaN
cannot be mistaken for an epoch.

To count the epochs above the criterion is no way out. The error jumps up and down, as in the run with eight experts, and
a run stops at the *first* epoch that reaches the criterion.""",
    wrong=(
        Wrong(lambda errors, criterion: (errors <= criterion).double().argmax(dim=0),
              "that is still `broken`: a run that never reaches the criterion seems to stop at epoch 0."),
        Wrong(lambda errors, criterion: stopped_at(errors, criterion).nan_to_num(nan=float(len(errors) - 1)),
              "a run that never reaches the criterion gets the last epoch here, as if it had arrived there. It has no "
              "such epoch: NaN."),
        Wrong(mistakes.counted_above, "this counts the epochs above the criterion. Where the error rises again after the first "
              "success, that is too many."),
        Wrong(mistakes.for_good, "this is the epoch from which the error *stays* at or below the criterion. A run stops at the "
              "first one."),
        Wrong(mistakes.strictly_below, "an error equal to the criterion is enough: at most, not below."),
        Wrong(lambda errors, criterion: stopped_at(errors, criterion) + 1, "this is one too many: row 0 is epoch 0, "
              "before any update."),
    ),
)
def stopped_at(errors, criterion):
    reached = errors <= criterion
    first = reached.double().argmax(dim=0).double()
    return first.where(reached.any(dim=0), torch.nan)


QUIZ = (
    Question(
        "Why do all experts first become more like X, the best compromise of a single expert?",
        (
            ("The loss rewards experts that agree with each other", "In eq. 1.3 each output is compared with $d$, and none with "
             "another output. They come near the same place because they learn from the same cases, each with about the "
             "same share of every one."),
            ("The experts are trained one by one on all cases", "Nothing is trained separately. All move in the same "
             "epoch, by the gradient of one loss."),
            ("Each expert's share, large or small, is much the same in all cases", "An expert's share is about the same for "
             "all cases at first, so it learns what a single expert would, faster if the share is large, slower if it is "
             "small."),
        ),
        right=2,
    ),
    Question(
        "The error of a mixture has hardly changed for some hundred epochs. What does this say?",
        (
            ("It may be that a small difference between the experts is growing", "On the plateau the experts are nearly "
             "alike, and what tells them apart is small at first. In the chapter a millionth was enough, given time."),
            ("The mixture has found its minimum, and training can end", "The run with eight experts looked like this and "
             "then went down to the criterion. A small gradient is no minimum."),
            ("The outputs of the experts no longer change", "The error of the blend hardly changes. What the experts answer, "
             "and what the gate gives them, changes all the time, as the shares and the distances from X show."),
        ),
        right=0,
    ),
    Question(
        "Six of the eight experts are left on their way. Why do they hardly learn any more?",
        (
            ("They have learned their cases perfectly", "They have no cases: the gate gives them next to nothing."),
            ("Their responsibilities are nearly 0 in all cases", "The gradient at an expert is $-h_i (d - o_i)$. Without "
             "responsibility there is no gradient, however wrong the expert is."),
            ("Training removes experts that are not needed", "Nothing in the algorithm removes an expert. It is still "
             "computed for each case, and it would move again if the gate gave it a share."),
        ),
        right=1,
    ),
    Question(
        "With a step of 5, four experts on the vowels in kHz stay at an error of 0.23 for 10 000 epochs. What helps?",
        (
            ("More epochs", "One expert has all the cases and rests at X. The others, with shares near 0, learn next to nothing. "
             "The start with seed 3 does leave X in the end, after about 250 000 epochs; with a step of 20 a run takes "
             "about 1200."),
            ("A smaller step", "It is the reflex, and here it is the wrong way: a smaller step rests at X even more safely."),
            ("A larger step", "At X the largest curvature is 0.2583. A step above $2/0.2583 = 7.74$ cannot rest there; in the "
             "chapter 10 was enough in all six starts."),
        ),
        right=2,
    ),
)
