"""Chapter 6, the competitive loss."""

import math

import torch

from . import _mistakes as mistakes
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def squared_distances(draw):
    drawn = [(draw(n, k).square() * size, torch.softmax(draw(n, k), dim=-1))
             for n, k, size in ((4, 3, 1.0), (3, 2, 4.0), (1, 4, 1.0), (3, 1, 2.0), (2, 3, 1e5))]
    far = torch.tensor([[1e4, 4e4], [0.0, 0.0]], dtype=torch.float64)
    closed = torch.tensor([[0.0, 1e4], [1.0, 0.0]], dtype=torch.float64)
    return [*drawn, (far, torch.tensor([[0.2, 0.8], [0.3, 0.7]], dtype=torch.float64)),
            (closed, torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64))]


def cases_of_a_mixture(draw):
    drawn = [(draw(n, m), draw(n, k, m), torch.softmax(draw(n, k), dim=-1))
             for n, k, m in ((4, 3, 2), (3, 3, 3), (5, 2, 1), (1, 4, 2), (3, 1, 2))]
    unbiased = torch.full((3, 4), 0.25, dtype=torch.float64)
    certain = torch.tensor([[0.0, 1.0], [0.3, 0.7]], dtype=torch.float64)
    return [*drawn, (draw(3, 2), draw(3, 4, 2), unbiased), (draw(2, 1), draw(2, 2, 1), certain),
            (100 + draw(4, 1), draw(4, 3, 1), torch.softmax(draw(4, 3), dim=-1)),
            # The expert that is never chosen is by far the nearest.
            (torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[[0.0], [80.0]]], dtype=torch.float64), certain[:1]),
            (torch.zeros(2, 2, dtype=torch.float64), torch.zeros(2, 2, 2, dtype=torch.float64), certain)]


def first_share(first, second):
    """The share of the first of two, of proportions 0.2 and 0.8, with these densities."""
    return round(0.2 * first / (0.2 * first + 0.8 * second), 4)


EXERCISES.predict(
    "before and after", "easy", 5, name="after_the_fact", tolerance=0.01,
    statement="""A gate gives expert 0 the proportion 0.2 and expert 1 the proportion 0.8. Then the desired output becomes known.
Expert 0 is exactly right, and expert 1 is at a distance of 2 from it. What is the responsibility of expert 0 under eq. 1.3? Say a number
to two decimals, before you run anything. ($e^{-1}$ is about 0.37, $e^{-2}$ about 0.14, and $e^{-4}$ about 0.02.)""",
    hints=(
        "a responsibility weighs two things: the proportion from before, and how probable the desired output is under the expert.",
        "give each expert the number p times exp(-½ distance²): 0.2 times exp(0), and 0.8 times exp(-2). Then divide the first "
        "by the sum of both.",
    ),
    explanation=r"""The densities are $e^0 = 1$ and $e^{-\frac{1}{2} \cdot 2^2} = e^{-2} \approx 0.135$. Times the proportions they are
$0.2$ and $0.8 \cdot 0.135 \approx 0.108$, so $h_0 \approx 0.2 / 0.308 \approx 0.65$.

The evidence has turned the odds round, from 1 to 4 to almost 2 to 1. But what the gate said before still counts: with equal
proportions $h_0$ would be 0.88.""",
    reference=first_share(1, math.exp(-2)),
    wrong=(
        Wrong(0.2, "that is the proportion, the probability before the desired output is known. The desired output "
              "speaks for expert 0, so its share has to grow."),
        Wrong(round(1 / (1 + math.exp(-2)), 4), "that would be it with equal proportions. The gate preferred expert 1, "
              "and this counts, too."),
        Wrong(first_share(1, math.exp(-4)), "the ½ in the exponent is missing: the distance is 2, its square 4, and half "
              "of that is 2."),
        Wrong(first_share(1, math.exp(-1)), "the square is missing: the exponent has half of the squared distance, not "
              "half of the distance."),
        Wrong(first_share(math.exp(-2), 1), "here the densities are swapped: the expert that is right has the larger "
              "one, exp(0) = 1."),
        Wrong(round(1 - first_share(1, math.exp(-2)), 4), "that is the responsibility of expert 1. The two sum to 1."),
        Wrong(0.8, "that is the proportion of expert 1, from before. The desired output speaks against this expert, and "
              "asked for is the share of the other one."),
        Wrong(0.5, "that would need 0.2 times the density of expert 0 to be as much as 0.8 times that of expert 1. Work "
              "both out and compare them."),
        Wrong(1.0, "being exactly right is not enough for all of it: expert 1 is off by 2, but under its Gaussian that "
              "is not impossible, and it had the larger share before."),
    ),
)


EXERCISES.predict(
    "which distance is pushed hardest", "medium", 5, name="adapted_fastest", tolerance=0.05,
    statement=r"""Four experts have equal proportions. For one case their outputs are at the distances 0.2, 0.9, 1.6 and 3.0 from the
desired output. Which of them is adapted fastest by eq. 1.5, that is, for which is $\lVert \partial E / \partial o_i \rVert$ the largest?
Give its distance.""",
    hints=(
        "two things are multiplied: the distance, and the responsibility, which gets smaller with the distance.",
        "with equal proportions the strength goes like u exp(-½u²), with u the distance. Where does this function stop to rise and "
        "begin to fall?",
    ),
    explanation=r"""The strength is $h_i u_i$ with $u_i = \lVert d - o_i \rVert$, and with equal proportions it is proportional to
$u_i\, e^{-u_i^2/2}$. This rises up to $u = 1$ and falls after it. For the four distances it is about 0.20, 0.60, 0.44 and 0.03.

So neither the best expert nor the worst is adapted fastest. The best one has the largest responsibility but little to correct, and the
worst one has much to correct but hardly any responsibility. That the best is adapted fastest holds if all distances are above 1.""",
    reference=0.9,
    wrong=(
        Wrong(0.2, "this is the best expert, and it has the largest responsibility. The rule that the best is adapted "
              "fastest needs all distances above 1; this expert has little left to correct."),
        Wrong(1.6, "among distances above 1 the smallest one would be adapted fastest, but two of these are below 1. "
              "Compare the values of u exp(-½u²) on both sides of 1."),
        Wrong(1.0, "u exp(-½u²) is largest there, but no expert is at this distance: compare its values at the four. (If "
              "it is the number of an expert, give its distance.)"),
        Wrong(2.0, "none of the four is at this distance. If it is the number of an expert, give its distance.",
              also=(0.0, 4.0)),
        Wrong(3.0, "this expert is adapted fastest by eq. 1.4. In eq. 1.5 the responsibility stands in place of the "
              "proportion, and at this distance there is hardly any."),
    ),
)


@EXERCISES.write(
    "eq. 1.3 from afar", "medium", 10, inputs=squared_distances,
    statement=r"""The formula of eq. 1.3, typed as it stands, gives infinity when all experts are far away, because
$e^{-5000}$ is 0 on a computer. Write `safe_nll(squared, p)`, which does not. In go the squared distances
$\lVert d - o_i \rVert^2$ and the proportions, both of shape `(N, K)`; out comes the loss of each case, of shape `(N,)`. Squared
distances may be as large as a million, and some proportions of a case may be 0.""",
    hints=(
        "a product of a tiny number and a proportion is the exponential of a sum of logarithms. What is the logarithm of each term "
        "of the sum in eq. 1.3?",
        "the logarithm of a term is log p minus half of the squared distance, and no exponential is needed for that. "
        "`torch.logsumexp` gives the logarithm of the sum of the exponentials, over the dimension you name, and never "
        "computes an exponential that is too small.",
    ),
    explanation=r"""Each term of the sum is $p_i\, e^{-\frac{1}{2} \lVert d - o_i \rVert^2} = e^{\log p_i - \frac{1}{2} \lVert d -
o_i \rVert^2}$, so the loss is minus the `logsumexp` of these exponents over the experts.

`torch.logsumexp` takes the largest exponent of a case out of the sum before it computes exponentials, and adds it again at the end. So
the largest term becomes $e^0 = 1$, and the logarithm is never that of 0. An expert with the proportion 0 has the exponent $-\infty$ and
adds nothing.""",
    wrong=(
        Wrong(lambda squared, p: -(p * torch.exp(-0.5 * squared)).sum(dim=-1).log(),
              "this is right near the experts, but for cases that are far from all of them every exponential is 0, and "
              "the logarithm of 0 makes the loss infinite. Work with the logarithms of the terms."),
        Wrong(mistakes.with_a_small_number(1e-12),
              "a small number inside the logarithm avoids the infinity, but the loss of a far case then no longer grows "
              "with the distance, and its gradient vanishes. Work with the logarithms of the terms.",
              also=(*map(mistakes.with_a_small_number, mistakes.SMALL[1:]), *map(mistakes.never_below, mistakes.SMALL))),
        Wrong(mistakes.loss_never_closed(1e-12), "a proportion of 0 gets a small number here, and if its expert is by far the nearest, "
              "the loss follows an expert that is never chosen. The logarithm of 0 does no harm: minus infinity in the "
              "exponent adds nothing.",
              also=(lambda squared, p: -torch.logsumexp(p.clamp(min=1e-12).log() - 0.5 * squared, dim=-1),
                    *map(mistakes.loss_never_closed, mistakes.SMALL[1:]))),
        Wrong(mistakes.moved_by_the_nearest, "nearly: the nearest expert's exponent is taken out first, but if its proportion is "
              "0 and the others are far, all that is left is 0 again. The proportions belong in the exponents, before "
              "the largest one is taken out."),
        Wrong(lambda squared, p: -torch.logsumexp(p - 0.5 * squared, dim=-1), "the proportions are added as they are "
              "here. A factor p in front of an exponential becomes its logarithm in the exponent."),
        Wrong(lambda squared, p: -torch.logsumexp(-0.5 * squared, dim=-1), "the proportions are not used: every expert "
              "counts alike here, with the weight 1."),
        Wrong(lambda squared, p: -torch.logsumexp(p.log() - squared, dim=-1), "the ½ in front of the squared distance is "
              "missing."),
        Wrong(lambda squared, p: -torch.logsumexp(p.log() + 0.5 * squared, dim=-1), "half of the squared distance is "
              "added to the exponent: this expects the desired output far from the experts. It is subtracted."),
        Wrong(lambda squared, p: -torch.logsumexp(p.log() - 0.5 * squared, dim=0), "the sum runs over the cases here, the "
              "first dimension. Each case has a loss of its own; sum over the experts, the last one."),
        Wrong(lambda squared, p: safe_nll(squared, p) + 0.5 * math.log(2 * math.pi), "the constant of a Gaussian is in it, "
              "½ log 2π. It is right for a density, and eq. 1.3 leaves it out."),
        Wrong(lambda squared, p: -safe_nll(squared, p), "the sign is the other way round: this is the log probability "
              "itself, and the loss is its negative."),
        Wrong(lambda squared, p: 0.5 * (p * squared).sum(dim=-1), "here the logarithm is taken of each exponential "
              "first, and the sum comes after: that gives half of eq. 1.2. In eq. 1.3 the sum is inside the logarithm."),
        Wrong(lambda squared, p: safe_nll(squared, p).sum(), "the losses of all cases are summed here. Keep one for each "
              "case."),
        Wrong(lambda squared, p: safe_nll(squared, p).mean(), "the losses of all cases are averaged here. Keep one for "
              "each case."),
    ),
)
def safe_nll(squared, p):
    return -torch.logsumexp(p.log() - 0.5 * squared, dim=-1)


@EXERCISES.repair(
    "right as long as the gate knows nothing", "medium", 10, inputs=cases_of_a_mixture,
    statement="""`broken` should give the responsibilities $h$. While the gate is still unbiased it does, but the more the gate learns, the
more it is off. Find out why, and write `posterior`, which is right for any gate. In go `d` of shape `(N, M)`, `o` of
shape `(N, K, M)` and `p` of shape `(N, K)`; out come the responsibilities, of shape `(N, K)`. All experts may be as far as 100 from the
desired output, and some proportions of a case may be 0.""",
    given='''def broken(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(-0.5 * squared, dim=-1)''',
    hints=(
        "which of its three arguments does `broken` not use?",
        "by Bayes' rule the proportion is a factor in front of each exponential. Inside a softmax, which takes the exponential "
        "itself, a factor becomes an addend: which one?",
    ),
    explanation=r"""By Bayes' rule $h_i \propto p_i\, e^{-\frac{1}{2} \lVert d - o_i \rVert^2} = e^{\log p_i - \frac{1}{2} \lVert d - o_i
\rVert^2}$. The softmax of these exponents is $h$, and it survives large distances.

`broken` leaves the prior $p$ out. If all proportions are equal, $\log p_i$ is the same number for all experts, and the softmax takes it
out again; so a test with an unbiased gate does not find this mistake. Test a function with arguments that are all different.""",
    wrong=(
        Wrong(mistakes.prior_forgotten, "that is still `broken`: the proportions are not used, so this is right only where they "
              "are all equal."),
        Wrong(mistakes.prior_without_the_logarithm, "the proportions are added inside the softmax as they are. A factor in front "
              "of the exponential becomes its logarithm in the exponent."),
        Wrong(lambda d, o, p: p * mistakes.prior_forgotten(d, o, p), "the proportions are multiplied in after the softmax, and "
              "then the numbers of a case no longer sum to 1. They belong inside the softmax, or the result has to be "
              "divided by its sum once more."),
        Wrong(mistakes.not_divided, "these are the numerators of Bayes' rule. They do not sum to 1 for each case yet."),
        Wrong(mistakes.zero_by_zero, "right for experts that are near, but if all are far, every exponential is 0, and 0 divided "
              "by 0 is NaN. A softmax of the exponents avoids it."),
        Wrong(mistakes.small_denominator(1e-12), "a small number in the denominator avoids NaN, but if all experts are far, all "
              "responsibilities are 0, and the experts no longer share the case. A softmax of the exponents shares it.",
              also=(mistakes.zero_for_nan, *map(mistakes.small_denominator, mistakes.SMALL[1:-2]))),
        Wrong(mistakes.never_closed(1e-12), "a proportion of 0 gets a small number here, and if its expert is by far the "
              "nearest, that expert gets a share. It is never chosen: leave the 0, and its exponent is minus infinity.",
              also=(mistakes.clamped, *map(mistakes.never_closed, mistakes.SMALL[1:]))),
        Wrong(mistakes.the_winner_takes_all, "the expert with the largest responsibility gets all of the case. Responsibilities are "
              "shares: give the probabilities themselves."),
        Wrong(mistakes.logarithm_of_h, "these are the logarithms of the responsibilities. They are negative, and shares are between "
              "0 and 1."),
        Wrong(mistakes.half_forgotten, "the ½ in front of the squared distance is missing, so the competition is sharper than it "
              "should be."),
        Wrong(mistakes.square_forgotten, "the exponent has half of the distance here. It should be half of the squared distance."),
        Wrong(mistakes.over_the_cases, "the softmax runs over the cases here. It is the experts, the last dimension, that share "
              "each case."),
        Wrong(mistakes.mean_over_the_outputs, "right for one output, but with several of them the squared differences are "
              "averaged here. The squared distance is their sum."),
        Wrong(lambda d, o, p: p, "these are the proportions, the shares before the desired output is known. The "
              "distances have to come in."),
    ),
)
def posterior(d, o, p):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return torch.softmax(p.log() - 0.5 * squared, dim=-1)


QUIZ = (
    Question(
        "For a new case, why does the mixture weigh its experts with the proportions and not with the responsibilities?",
        (
            ("The responsibilities take too long to compute", "They are the terms of the sum in eq. 1.3, each divided by the sum. The "
             "reason is that something they need is missing."),
            ("The responsibilities need the desired output", "$h$ compares each output with $d$, and for a new case $d$ is what we want to "
             "know. So the gate is trained to say before what turns out after."),
            ("After training the two are the same", "Training moves $p$ towards $h$, but they are equal for a case only if the desired output "
             "says nothing new. Even then $h$ could not be computed without $d$."),
        ),
        right=1,
    ),
    Question(
        "Someone types the proportion for the responsibility in eq. 1.5, and trains experts with it while the proportions stay fixed. Which "
        "loss do the experts then minimise?",
        (
            ("Eq. 1.3, only more slowly", "The gradient of eq. 1.3 has the responsibility in it. With the proportion in its place another "
             "expert is adapted fastest: with equal proportions and distances above 1 it is the worst instead of the best."),
            ("Eq. 1.1, the error of the blend", "The gradient of eq. 1.1 has the residual of the blend, $d - y$, for all experts. Here each has "
             "its own distance $d - o_i$."),
            ("Half of eq. 1.2, the expected error", r"$-p_i\,(d - o_i)$ is half of eq. 1.4, and eq. 1.4 is the gradient of eq. 1.2. What is lost "
             "with the letter is the evidence of the desired output: the share from before is used again."),
        ),
        right=2,
    ),
    Question(
        "With a learned variance the variance goes to 0 on the vowels, while the blend does no better than one half for every token. How do these go "
        "together?",
        (
            ("Some expert hits each target exactly, but the gate has not learned which one will", "Experts that always answer 0 or always "
             "1 have divided the targets among them. For each token one of them is right, so the likelihood grows, but the "
             "blend has to rely on the gate, which does not know which one."),
            ("The experts have learned the training tokens by heart", "Then the blend would be good on these tokens, and the blend's error was "
             "measured on them. In every run some experts answer almost the same to every token."),
            ("A variance near 0 makes all responsibilities equal", "It is the other way round: the smaller the variance, the sharper the "
             "responsibilities. For each token the one that is right takes nearly everything."),
        ),
        right=0,
    ),
)
