"""Chapter 10, expectation maximisation."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def lines_to_fit(draw):
    """Cases on lines, with the responsibilities of several experts: even, uneven, exactly 0 and 1; one expert; far values."""
    drawn = [(draw(n), draw(n), torch.softmax(2 * draw(n, k), dim=-1)) for n, k in ((3, 1), (6, 2), (9, 3), (12, 4))]
    x = torch.linspace(-1, 1, 8, dtype=torch.float64)
    first = (x < 0).double()
    divided = torch.stack([first, 1 - first], dim=1)
    return [*drawn, (x, 4 * x.abs(), divided), (100 + 10 * draw(5), 30 * draw(5), torch.softmax(draw(5, 2), dim=-1))]


def distances(draw):
    """Desired outputs, outputs and responsibilities: several numbers of outputs and of experts, h exactly 0 and 1."""
    drawn = [(draw(n, m), size * draw(n, k, m), torch.softmax(draw(n, k), dim=-1))
             for n, k, m, size in ((2, 1, 1, 1.0), (4, 2, 1, 1.0), (5, 3, 2, 2.0), (6, 2, 3, 0.1))]
    certain = torch.eye(2, dtype=torch.float64)[[0, 1, 1, 0, 0]]
    return [*drawn, (draw(5, 2), draw(5, 2, 2), certain), (20 * draw(3, 1), draw(3, 2, 1), certain[:3])]


def guesses(draw):
    """Desired outputs, outputs, proportions and any distribution q over the experts, with zeros in q and in p."""
    drawn = [(draw(n, m), draw(n, k, m), torch.softmax(draw(n, k), -1), torch.softmax(2 * draw(n, k), -1))
             for n, k, m in ((1, 2, 1), (3, 3, 2), (4, 2, 3), (2, 1, 1))]
    certain = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    d, o, p, q = drawn[0][0].expand(2, 1), draw(2, 2, 1), torch.softmax(draw(2, 2), -1), torch.softmax(draw(2, 2), -1)
    return [*drawn, (d, o, p, certain), (d, o, certain, certain), (d, o, certain, q), (10 * d, o, p, q)]


EXERCISES.predict(
    "one M step", "easy", 5, name="one_m_step", tolerance=0.005,
    statement="""Two cases have the same input, and the desired outputs 0 and 3. An expert, which can only say the same in both,
has the responsibility 0.75 for the first case and 0.25 for the second. What does it say after one M step? Say a number to two decimals
before you run anything.""",
    hints=(
        "the M step minimises the squared error, each case weighted with its responsibility.",
        "set the derivative of 0.75 (0 - a)² + 0.25 (3 - a)² to 0.",
    ),
    explanation=r"""The weighted squared error $0.75\,a^2 + 0.25\,(3 - a)^2$ has its minimum where $0.75\,a = 0.25\,(3 - a)$, at the
weighted mean of the desired outputs, $0.25 \cdot 3 = 0.75$. One M step goes all the way there: no step size says how far.""",
    reference=0.75,
    wrong=(
        Wrong(1.5, "that is the plain mean. The case with the larger responsibility counts three times as much as the other."),
        Wrong(0.0, "that is the desired output of the case with the larger responsibility. The other case counts, too, with a "
              "quarter."),
        Wrong(0.375, "the weighted sum is divided by the number of cases here. It has to be divided by the sum of the weights, "
              "which is 1."),
        Wrong(2.25, "the two weights are exchanged: 0.75 belongs to the desired output 0."),
    ),
)


def plain(x, d, h):
    design = torch.stack([x, torch.ones_like(x)], dim=1)
    return torch.linalg.lstsq(design, d[:, None]).solution[:, 0].expand(h.shape[1], 2)


def with_h_for_its_root(x, d, h):
    design = torch.stack([x, torch.ones_like(x)], dim=1)
    return torch.stack([torch.linalg.lstsq(w[:, None] * design, (w * d)[:, None]).solution[:, 0] for w in h.T])


def hard_choice(x, d, h):
    chosen = torch.nn.functional.one_hot(h.argmax(dim=1), h.shape[1]).to(h)
    return weighted_lines(x, d, chosen)


def through_the_origin(x, d, h):
    slope = (h * (x * d)[:, None]).sum(0) / (h * x.square()[:, None]).sum(0)
    return torch.stack([slope, torch.zeros_like(slope)], dim=1)


@EXERCISES.write(
    "the experts' M step", "medium", 15, inputs=lines_to_fit,
    statement=r"""Write `weighted_lines(x, d, h)`: for each of K experts the line $w x + b$ that fits the cases best, each case
weighted with the expert's responsibility for it, the minimum of $\sum_n h_{nk}\,(d_n - w_k x_n - b_k)^2$. The inputs `x` and the desired
outputs `d` are `(N,)`, the responsibilities `h` are `(N, K)`; give back slopes and biases, `(K, 2)`. A responsibility may be exactly 0,
and each expert has enough cases left to decide its line.""",
    hints=(
        "for one expert: a case that counts h times as much is a case whose row is multiplied by the square root of h.",
        "with the rows (x_n, 1) as a matrix, multiply each row and each d_n by √h_n, and give both to `torch.linalg.lstsq`; one "
        "expert after the other, then `torch.stack`.",
    ),
    explanation=r"""Least squares squares what it is given, so each row is multiplied by $\sqrt{h}$: $(\sqrt{h}\,(d - w x - b))^2 =
h\,(d - w x - b)^2$. With $h$ itself the cases would count $h^2$ times. The other way are the normal equations, with $h$ in both sums:
$(\tilde X^\top H \tilde X)\,(w, b)^\top = \tilde X^\top H d$. The package's `weighted_least_squares` does it for all runs and experts at
once.""",
    wrong=(
        Wrong(with_h_for_its_root, "the rows are multiplied by h, and least squares squares them: each case counts h² times. "
              "Multiply by the square root of h."),
        Wrong(plain, "all experts get the same line, that of all cases. Each expert weighs the cases with its own column of h."),
        Wrong(hard_choice, "each case is given to the expert with the largest responsibility, whole. An expert learns from all "
              "cases, with its responsibility as the weight."),
        Wrong(through_the_origin, "these lines go through the origin: the bias is missing. The rows need a 1 beside x."),
        Wrong(lambda x, d, h: weighted_lines(x, d, h).flip(1), "slope and bias are exchanged: slopes come first."),
        Wrong(lambda x, d, h: weighted_lines(x, d, h).T, "this is (2, K), a row for the slopes and one for the biases. Wanted "
              "is a row for each expert, (K, 2)."),
    ),
)
def weighted_lines(x, d, h):
    design = torch.stack([x, torch.ones_like(x)], dim=1)
    roots = h.sqrt()
    return torch.stack([
        torch.linalg.lstsq(root[:, None] * design, (root * d)[:, None]).solution[:, 0]
        for root in roots.T
    ])


@EXERCISES.repair(
    "a variance for each expert", "medium", 10, inputs=distances,
    statement=r"""`broken` should give the variance of each expert, $\sigma_k^2 = \sum_n h_{nk} \lVert d_n - o_{nk} \rVert^2 / (M \sum_n
h_{nk})$, from the desired outputs `d` `(N, M)`, the outputs `o` `(N, K, M)` and the responsibilities `h` `(N, K)`. With two experts that
share the cases it says that both have far too little noise. Find out why and write `variances`, `(K,)`. Each expert has some cases.""",
    given='''def broken(d, o, h):
    """d (N, M), o (N, K, M), h (N, K)."""
    squared = (d[:, None] - o).square().sum(dim=-1)
    return (h * squared).sum(dim=0) / (d.shape[1] * len(d))''',
    hints=(
        "an expert that has one case in ten: by how much is its sum divided in `broken`, and how many cases went into it?",
        "a weighted mean is divided by the sum of its weights: M times h.sum(dim=0) in place of M times the number of cases.",
    ),
    explanation=r"""A variance is a weighted mean of squared distances, and a weighted mean is divided by the sum of its weights,
$\sum_n h_{nk}$: the cases that the expert *has*. `broken` divides by all cases, so an expert with a tenth of them seems to have a tenth of
its noise. The factor $M$ is there because $\lVert d - o \rVert^2$ is a sum over $M$ outputs, and $\sigma^2$ is the variance of one.""",
    wrong=(
        Wrong(lambda d, o, h: (h * (d[:, None] - o).square().sum(-1)).sum(0) / (d.shape[1] * len(d)), "that is still `broken`: "
              "the sum is divided by the number of all cases, and an expert has only a part of them."),
        Wrong(lambda d, o, h: variances(d, o, h) * d.shape[1], "the number of outputs M is missing: the squared distance is a "
              "sum over M outputs, the variance is that of one."),
        Wrong(lambda d, o, h: variances(d, o, h).sqrt(), "these are standard deviations. The variance is their square."),
        Wrong(lambda d, o, h: (d[:, None] - o).square().mean(dim=(0, 2)), "the responsibilities are not used: each expert is "
              "held to all cases alike."),
        Wrong(lambda d, o, h: ((h * (d[:, None] - o).square().sum(-1)).sum() / (d.shape[1] * h.sum())).expand(h.shape[1]),
              "this is one variance for all experts together. Each has its own."),
    ),
)
def variances(d, o, h):
    squared = (d[:, None] - o).square().sum(dim=-1)
    return (h * squared).sum(dim=0) / (d.shape[1] * h.sum(dim=0))


def without_the_entropy(d, o, p, q):
    half = (d[:, None] - o).square().sum(-1) / 2
    return torch.where(q > 0, q * (p.log() - half), 0.0).sum(-1)


def nan_at_0(d, o, p, q):
    half = (d[:, None] - o).square().sum(-1) / 2
    return (q * (p.log() - half - q.log())).sum(-1)


def with_a_small_number(small):
    def answer(d, o, p, q):
        half = (d[:, None] - o).square().sum(-1) / 2
        return (q * ((p + small).log() - half - (q + small).log())).sum(-1)
    return answer


def largest_for_infinity(d, o, p, q):
    half = (d[:, None] - o).square().sum(-1) / 2
    return (q * (p.log() - half - q.log())).nan_to_num().sum(-1)


def without_the_half(d, o, p, q):
    squared = (d[:, None] - o).square().sum(-1)
    return torch.where(q > 0, q * (p.log() - squared - q.log()), 0.0).sum(-1)


def the_likelihood(d, o, p, q):
    return torch.logsumexp(p.log() - (d[:, None] - o).square().sum(-1) / 2, dim=-1)


@EXERCISES.write(
    "the bound", "hard", 15, inputs=guesses,
    statement=r"""Write `lower_bound(d, o, p, q)`: for each case $\sum_k q_k\,(\log p_k - \frac12 \lVert d - o_k \rVert^2 - \log q_k)$,
`(N,)`. The desired outputs `d` are `(N, M)`, the outputs `o` `(N, K, M)`, the proportions `p` and the guess `q` `(N, K)`; the rows of `q`
add up to 1. Where $q_k = 0$ its whole term is 0, also if $p_k$ is 0. (Where $p_k$ is 0 and $q_k$ is not, the
bound is minus infinity.)""",
    hints=(
        "four things of the shape (N, K) are put together and summed over the experts. Which of them is not finite for q = 0?",
        "compute q * (p.log() - half - q.log()) everywhere, and take 0 instead where q is 0: `torch.where(q > 0, ..., 0.0)`.",
    ),
    explanation=r"""$0 \cdot \log 0$ is NaN for a computer and 0 for the bound, because $q \log q \to 0$ as $q \to 0$. `torch.where`
takes the 0 there. The part $-\sum_k q_k \log q_k$ is the entropy of the guess: without it the bound would reward a guess that puts
everything on one expert. For $q = h$ the bound is the log likelihood itself, and for any other $q$ it is below it.""",
    wrong=(
        Wrong(nan_at_0, "0 times the logarithm of 0 is NaN for a computer. Where q is 0 the whole term is 0."),
        Wrong(with_a_small_number(1e-12), "a small number inside the logarithms avoids NaN, but where p is 0 and q is not, "
              "the bound is minus infinity, and this gives a number. Take 0 where q is 0, and leave p as it is.",
              also=tuple(map(with_a_small_number, (1e-8, 1e-9, 1e-10, 1e-16, 1e-20, 1e-30, 1e-300)))),
        Wrong(largest_for_infinity, "`nan_to_num` also puts a finite number in place of minus infinity, which is the bound "
              "where p is 0 and q is not. Take 0 where q is 0, and leave the rest as it is."),
        Wrong(without_the_entropy, "the last part, -log q, is missing. Without it this is no bound."),
        Wrong(without_the_half, "the ½ before the squared distance is missing."),
        Wrong(the_likelihood, "this is the log likelihood itself; it does not use q. The bound is at most that."),
        Wrong(lambda d, o, p, q: lower_bound(d, o, p, q).sum(), "this is the sum over all cases. Wanted is one value for each "
              "case, (N,)."),
        Wrong(lambda d, o, p, q: -lower_bound(d, o, p, q), "the sign is the wrong one: this is an upper bound of the loss, and "
              "wanted is the lower bound of the log likelihood."),
    ),
)
def lower_bound(d, o, p, q):
    half = (d[:, None] - o).square().sum(dim=-1) / 2
    terms = q * (p.log() - half - q.log())
    return torch.where(q > 0, terms, 0.0).sum(dim=-1)


QUIZ = (
    Question(
        "The gate's M step in the chapter is one Newton step and not the whole way to the top. May it stop there?",
        (
            ("Yes: any rise of the bound is enough", "After the E step the bound touches the likelihood. If an M step raises the "
             "bound by anything, the likelihood, which is nowhere below it, has risen as well."),
            ("No: the likelihood may then fall", "The bound touches the likelihood before the step and is nowhere above it. Where "
             "the bound has risen the likelihood cannot have fallen."),
            ("Only because the next E step repairs it", "There is nothing to repair. The next E step makes the bound touch again, "
             "as after any other M step."),
        ),
        right=0,
    ),
    Question(
        "What does EM ask for in place of a step size?",
        (
            ("Nothing: it works from anywhere", "It still begins somewhere. On the zigzag 18 of 25 starts ended at a wrong "
             "answer."),
            ("Fewer experts than the gradient needs", "The model and its likelihood are the same. Only the way up is another one."),
            ("A linear system for each expert in each iteration, and still a start", "The matrix in front of the gradient does what "
             "a step size does, and it has to be computed and solved. Where one begins still decides where one ends."),
        ),
        right=2,
    ),
    Question(
        "On the vowels, with the variance 1 of 1991, EM takes hundreds of iterations. Why?",
        (
            ("The M step is not exact there", "It is not, but neither is it with the Bernoulli likelihood, which takes some "
             "forty iterations."),
            ("The responsibilities hardly differ from the proportions", "The E step asks which expert was probably chosen. "
             "With a variance of 1 the first iterations make the experts alike, and then the answer is hardly more than what the "
             "gate said before."),
            ("Four experts are too few for the vowels", "Two of them are enough, as chapters 7 and 9 have it, and with another "
             "likelihood the same four take some forty iterations."),
        ),
        right=1,
    ),
)
