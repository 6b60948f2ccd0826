"""Chapter 8, the vowel experiment."""

import torch

from . import _mistakes as mistakes
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def mixtures(draw):
    def drawn(n, k, m):
        return (draw(n, m), draw(n, k, m), torch.softmax(draw(n, k), dim=-1))

    d, o, _ = drawn(2, 3, 2)
    unused = (d, o, torch.tensor([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64))
    alike = (torch.ones(1, 1, dtype=torch.float64), torch.zeros(1, 4, 1, dtype=torch.float64), drawn(1, 4, 1)[2])
    far = (torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[[100.0], [101.0]]], dtype=torch.float64),
           torch.tensor([[0.3, 0.7]], dtype=torch.float64))
    closed = (torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[[0.0], [100.0]]], dtype=torch.float64),
              torch.tensor([[0.0, 1.0]], dtype=torch.float64))
    return [drawn(3, 4, 2), drawn(5, 2, 3), drawn(4, 3, 1), drawn(2, 1, 2), unused, alike, far, closed]


def pilots(draw):
    def case(sizes, rows, pilots=10, limit=5000.0):
        """rows: of each step size, the epochs and how many of the pilots arrive."""
        epochs, arrived = (torch.tensor(column, dtype=torch.float64)[:, None] for column in zip(*rows))
        noise = 1 + 0.1 * (draw.uniform(len(rows), pilots) - 0.5)
        converged = torch.arange(pilots, dtype=torch.float64).expand(len(rows), pilots) < arrived
        return torch.tensor(sizes, dtype=torch.float64), (epochs * noise).where(converged, limit), converged

    typical = case([5.0, 10.0, 20.0, 40.0, 80.0], [(0, 0), (4000, 7), (1400, 10), (1200, 3), (0, 0)])
    nearly = case([5.0, 10.0, 20.0, 40.0, 80.0], [(3000, 10), (2000, 10), (1500, 10), (600, 9), (700, 2)])
    middle = case([1.25, 2.5, 5.0, 10.0, 20.0], [(3000, 10), (2000, 10), (1600, 10), (2500, 10), (2200, 4)])
    lucky = case([10.0, 20.0, 40.0], [(2200, 10), (1500, 10), (1900, 10)])
    lucky[1][2, 4] = 700.0
    unsorted = case([40.0, 5.0, 20.0, 10.0], [(1100, 2), (3000, 6), (1300, 6), (2100, 6)], pilots=6)
    alone = case([20.0], [(1300, 1)], pilots=1)
    fraction = case([1.25, 2.5, 5.0], [(2000, 10), (1500, 10), (2500, 10)])
    everywhere = torch.tensor([True]).expand(2, 4)
    uneven = (torch.tensor([10.0, 20.0], dtype=torch.float64),
              torch.tensor([[1500.0] * 4, [600.0, 2200.0, 700.0, 2300.0]], dtype=torch.float64), everywhere)
    return [typical, nearly, middle, lucky, unsorted, alone, fraction, uneven]


def pooled_variance(one, other):
    n, m = len(one), len(other)
    return ((n - 1) * one.var() + (m - 1) * other.var()) / (n + m - 2)


def samples(draw):
    def drawn(n, mean, deviation):
        return mean + deviation * draw(n)

    same = drawn(6, 0.0, 1.0)
    return [(drawn(25, 1200.0, 100.0), drawn(25, 1700.0, 350.0)),
            (drawn(5, 1200.0, 50.0), drawn(25, 1300.0, 300.0)),
            (drawn(7, 3.0, 2.0), drawn(3, 1.0, 0.5)),
            (drawn(2, 0.0, 1.0), drawn(2, 1.0, 1.0)),
            (same, same.flip(0)),
            (drawn(8, -1.0, 2.0), drawn(6, -0.5, 2.0)),
            (drawn(4, 1e6, 1.0), drawn(9, 1e6 + 2, 3.0)),
            (torch.full((3,), 5.0, dtype=torch.float64), drawn(4, 2.0, 1.0))]


def of_the_expected_error(d, o, p):
    squared = (d[:, None, :] - o).square().sum(dim=-1)
    return p * (squared - (p * squared).sum(dim=-1, keepdim=True))


def calls_autograd(calls, cases):
    if any(name in ("grad", "backward") for name, _ in calls):
        return "autograd computes them here, and this exercise is to write them down without it."


@EXERCISES.write(
    "the gradient at the gate", "medium", 10, inputs=mixtures, watch=calls_autograd,
    statement="""Write `gradient_at_the_gate(d, o, p)` without autograd: the gradient of eq. 1.3 at the gate's total
inputs, for each case and expert, `(N, K)`. The desired outputs `d` are `(N, M)`, the outputs of the experts `o` are
`(N, K, M)`, and the mixing proportions `p` are `(N, K)`. A proportion may be 0, and all experts may be at a distance of 100
or more from `d`.""",
    hints=(
        "it is the difference of prior and posterior. Which of the two is subtracted?",
        "squared distances first, `(N, K)`: the difference of d[:, None, :] and o, squared, summed over the outputs. "
        "The responsibilities h are the softmax over the experts of log p minus half of these. Then p - h.",
    ),
    explanation=r"""The gradient at the total inputs is $p - h$. Descent subtracts it, so a total input rises where the
expert did better than the gate expected, $h_i > p_i$. Both $p$ and $h$ sum to 1 over the experts, so the gradient of a
case sums to 0.

The responsibilities are a softmax of $\log p_i - \frac12 \lVert d - o_i \rVert^2$. `torch.softmax` subtracts the
largest exponent, so at least one exponential is 1, however far away all experts are. A proportion of 0 has the logarithm
$-\infty$ and gets the responsibility 0.""",
    wrong=(
        Wrong(lambda d, o, p: -gradient_at_the_gate(d, o, p), "the sign is the wrong one: descent along this lowers the "
              "total input of the expert that did better than expected."),
        Wrong(mistakes.less(mistakes.prior_forgotten), "the posterior is without its prior here: responsibilities depend on "
              "how well an expert fits *and* on its proportion."),
        Wrong(mistakes.less(mistakes.half_forgotten), "the ½ of eq. 1.3 is missing in the exponent, so the responsibilities "
              "are too extreme."),
        Wrong(mistakes.less(mistakes.square_forgotten), "the exponent has the distance itself, and eq. 1.3 has its square."),
        Wrong(mistakes.less(mistakes.mean_over_the_outputs), "the squared differences are averaged over the M outputs here. A "
              "squared distance is their sum."),
        Wrong(mistakes.less(mistakes.the_winner_takes_all), "the expert with the largest responsibility gets all of the case. "
              "Responsibilities are shares."),
        Wrong(lambda d, o, p: -(p - gradient_at_the_gate(d, o, p)) / p, "these are -h/p, derivatives with respect to the "
              "proportions. Between them and the total inputs there is still the softmax."),
        Wrong(of_the_expected_error, "this is the gradient of eq. 1.2, the expected squared error. Eq. 1.3 has the "
              "responsibilities in it."),
        Wrong(mistakes.less(mistakes.zero_by_zero), "right where an expert is near, but far from all of them every exponential "
              "is 0, and 0 divided by 0 is NaN. Keep the logarithms: a softmax of log p minus half the squared distance."),
        Wrong(mistakes.less(mistakes.small_denominator(1e-12)), "a small number in the denominator avoids NaN, but if all "
              "experts are far, all responsibilities are 0. Keep the logarithms: a softmax of log p minus half the squared "
              "distance.", also=tuple(map(mistakes.less, (mistakes.zero_for_nan, *map(mistakes.small_denominator,
                                                                                      mistakes.SMALL[1:-2]))))),
        Wrong(mistakes.less(mistakes.never_closed(1e-12)), "a proportion of 0 gets a small number here, and if its expert is by "
              "far the nearest, that expert gets a share. It is never chosen: leave the 0, and its exponent is minus infinity.",
              also=tuple(map(mistakes.less, (mistakes.clamped, *map(mistakes.never_closed, mistakes.SMALL[1:]))))),
        Wrong(lambda d, o, p: p - gradient_at_the_gate(d, o, p), "these are the responsibilities. The gradient at the "
              "total inputs is the difference of two things, and they are one of them."),
    ),
)
def gradient_at_the_gate(d, o, p):
    squared = (d[:, None, :] - o).square().sum(dim=-1)
    h = torch.softmax(p.log() - squared / 2, dim=-1)
    return p - h


def of_those_that_arrived(sizes, stopped, converged):
    mean = stopped.where(converged, torch.nan).nanmean(dim=1)
    return sizes[mean.nan_to_num(nan=torch.inf).argmin()]


@EXERCISES.repair(
    "the rule for the step size", "medium", 10, inputs=pilots,
    statement="""`broken` should choose the step size by the chapter's rule: of those with which *all* pilot runs
reach the criterion, the one with the fewest epochs on average. Sometimes it chooses one with which most runs fail. Find
out why and write `chosen_step(sizes, stopped, converged)`, which gives the step size, one number. There are S step sizes,
`sizes` `(S,)`, and P pilot runs with each: `stopped` `(S, P)` has their epochs, which are 5000 where the run did not
arrive, and `converged` `(S, P)` says whether it did. All runs arrive with at least one step size.""",
    given='''def broken(sizes, stopped, converged):
    """sizes (S,), stopped (S, P), converged (S, P) of True and False."""
    arrived = stopped.where(converged, torch.nan)
    mean = arrived.nanmean(dim=1)  # NaN where no run arrived
    return sizes[mean.nan_to_num(nan=torch.inf).argmin()]''',
    hints=(
        "three runs of ten may arrive sooner than ten of ten do with another step size. What does the mean of those "
        "three say of the other seven?",
        "find the step sizes with which all runs arrive, converged.all(dim=1), and put torch.inf in place of the "
        "mean epochs of all others. Then take the step size with the smallest mean.",
    ),
    explanation="""A mean over the runs that arrived leaves out the failures, and a few lucky runs may be fast ones.
So `broken` can prefer a step size with which most runs fail. The rule asks first whether *all* pilots arrive, and
compares means only after that.

To count a failure with the 5000 epochs at which it was cut off does not help either: one failure of ten can hide in a
mean.""",
    wrong=(
        Wrong(of_those_that_arrived, "that is still `broken`: the mean over the runs that arrived says nothing of those "
              "that did not. The rule asks for all of them first."),
        Wrong(lambda sizes, stopped, converged: sizes[stopped.mean(dim=1).argmin()],
              "the runs that failed are in the mean with their 5000 epochs here, but a step size with a failure can "
              "still win. The rule leaves it out."),
        Wrong(lambda sizes, stopped, converged: sizes[converged.all(dim=1)].max(),
              "this is the largest step size with which all runs arrive. A larger step is not always a faster one: "
              "compare the epochs."),
        Wrong(lambda sizes, stopped, converged: sizes[converged.all(dim=1)].min(),
              "this is the smallest step size with which all runs arrive. It is safe, but the rule asks for the fewest "
              "epochs among these."),
        Wrong(lambda sizes, stopped, converged: sizes[stopped.min(dim=1).values.where(converged.all(dim=1), torch.inf).argmin()],
              "this compares the fastest single run of each step size. The rule compares the means."),
        Wrong(lambda sizes, stopped, converged: stopped.mean(dim=1).where(converged.all(dim=1), torch.inf).argmin(),
              "this is the place of the step size in the list. The step size itself is wanted."),
    ),
)
def chosen_step(sizes, stopped, converged):
    mean = stopped.mean(dim=1)
    mean = mean.where(converged.all(dim=1), torch.inf)
    return sizes[mean.argmin()]


def divided_by_the_runs(one, other):
    n, m = len(one), len(other)
    return pooled_t(one, other) * ((n + m) / (n + m - 2)) ** 0.5


def equal_weights(one, other):
    variance = (one.var() + other.var()) / 2
    return (one.mean() - other.mean()) / (variance * (1 / len(one) + 1 / len(other))).sqrt()


@EXERCISES.write(
    "Student's t", "medium", 10, inputs=samples,
    statement=r"""Write `pooled_t(one, other)`, Student's t with pooled variance: from two lists of epochs, tensors
`(n,)` and `(m,)`, the number $t = (\bar a - \bar b) / \sqrt{s^2 (1/n + 1/m)}$, with $\bar a$ and $\bar b$ the means
of `one` and of `other`. The pooled variance $s^2$ is the sum of all squared deviations, each from the mean of its own
list, divided by the degrees of freedom, $n + m - 2$. Both lists have at least two numbers, but not always the same number
of them.""",
    hints=(
        "each list's squared deviations are its variance times its number less one, if the variance is torch's var().",
        "add (n - 1) * one.var() and (m - 1) * other.var(), and divide by n + m - 2. Times (1/n + 1/m), and the root "
        "of it, that is the standard error of the difference. Divide the difference of the means by it.",
    ),
    explanation="""The numerator is the difference of the means, and the denominator is the standard error of this
difference. Pooling takes both lists to have the same variance and estimates it from all deviations together. Two means
were estimated on the way, which leaves $n + m - 2$ degrees of freedom: $25 + 25 - 2 = 48$ in the paper.

With lists of equal length, as in Table 1, it makes no difference to $t$ if each variance is divided by its own number
instead (Welch's test). With other lengths it does.""",
    wrong=(
        Wrong(lambda one, other: (one.mean() - other.mean()) / (one.var() / len(one) + other.var() / len(other)).sqrt(),
              "each variance is divided by its own number here, which is Welch's test. It agrees for lists of equal "
              "length only. Pool the squared deviations first."),
        Wrong(lambda one, other: (one.mean() - other.mean()) / pooled_variance(one, other).sqrt(),
              "the difference is divided by the standard deviation of single runs here. Means vary less than runs: 1/n + "
              "1/m is missing."),
        Wrong(lambda one, other: (one.mean() - other.mean()) / (pooled_variance(one, other) * (1 / len(one) + 1 / len(other))),
              "the root is missing: the difference of the means is divided by a variance."),
        Wrong(divided_by_the_runs, "the squared deviations are divided by the number of runs here. Two means were "
              "estimated, which leaves n + m - 2 degrees of freedom."),
        Wrong(equal_weights, "this is the plain average of the two variances. The longer list says more about the "
              "variance: weigh each by its number less one."),
        Wrong(lambda one, other: pooled_t(other, one), "the sign is the other way round: t is negative where `one` has "
              "the smaller mean."),
    ),
)
def pooled_t(one, other):
    n, m = len(one), len(other)
    squares = (n - 1) * one.var() + (m - 1) * other.var()
    pooled = squares / (n + m - 2)
    standard_error = (pooled * (1 / n + 1 / m)).sqrt()
    return (one.mean() - other.mean()) / standard_error


EXERCISES.predict(
    "four times the runs", "easy", 5, name="four_times_the_runs", tolerance=0.1,
    statement="""Two systems are compared by Student's t, with 25 simulations of each. Somebody repeats the comparison
with 100 simulations of each, and it happens that both means and both standard deviations come out exactly as before. By
what factor is the new $t$ larger? Say a number before you compute anything.""",
    hints=(
        "the numerator of t is the difference of the means. What does the denominator do when the number of runs grows?",
        "with n runs of each the denominator is the standard deviation times the root of 2/n. Put in 25 and 100.",
    ),
    explanation=r"""With $n$ runs of each system $t = (\bar a - \bar b) / (s \sqrt{2/n})$. Four times the runs make
the root half as large and $t$ twice as large.

The means are as far apart as before. So a large $t$, or a small $p$, does not say that a difference is large; it says
that so large a difference would rarely turn up if there were none. Under our reading the mixtures need a fraction of 0.66 of the networks'
epochs, with $p < 0.001$, and 0.66 is not one half.""",
    reference=2,
    wrong=(
        Wrong(1, "the means and standard deviations are the same, but t divides by the standard error of the means, "
              "which depends on the number of runs."),
        Wrong(4, "the variance of a mean falls with the number of runs, and t has its root in the denominator."),
        Wrong(0.5, "the standard error changes by this factor. It stands in the denominator of t."),
    ),
)


QUIZ = (
    Question(
        "Why are the seeds with which a step size is chosen not among those that are reported?",
        (
            ("So that the step size is not fitted to the very runs it is judged by", "A step size that is best for some "
             "starts is partly so by chance. Reported on the same starts, it would tend to look better than it is."),
            ("So that all systems are tried from the same starts", "The pilot seeds are the same for each step size, and "
             "this makes the step sizes comparable. It does not need other seeds than the reported ones."),
            ("So that more simulations enter Table 1", "The pilot runs do not enter the table at all. They serve the "
             "choice of the step size only."),
        ),
        right=0,
    ),
    Question(
        "A backpropagation network is taken as a mixture of one expert. What is its responsibility, and so its gradient?",
        (
            ("It is small where the network's error is large, so hard cases count less", "That needs another expert that "
             "could take over. Responsibilities sum to 1 over the experts, and here there is one."),
            ("It has none, because it has no gate", "A gate of one expert gives $p_1 = 1$ always. Eq. 1.3 stays "
             "meaningful, and becomes half the squared error."),
            ("It is 1 in every case, so the gradient is that of half the squared error", "With $p_1 = 1$ and $h_1 = 1$ "
             "the gradient at the output is $-(d - y)$. So a step size means the same for networks and mixtures."),
        ),
        right=2,
    ),
    Question(
        "With initial weights within 0.5, and the step sizes that the rule chooses for them, the mixtures need 0.66 of the "
        "networks' epochs. With weights within 0.1, and the step sizes for these, they need 0.47. The paper says about half, "
        "and states neither. What follows?",
        (
            ("The paper's weights were within 0.1", "Perhaps, but the outcome is no evidence of it: with a step of 15 the "
             "same weights give 0.56. A choice made because it gives the wanted number cannot confirm that number."),
            ("The claim depends on choices that are not stated", "Under one reading it comes out and under the other it "
             "does not. So both belong in the report."),
            ("The claim is wrong, because it fails under the default reading", "The default is our reading, not the "
             "paper's. Nothing in the paper speaks for 0.5 rather than 0.1."),
        ),
        right=1,
    ),
)
