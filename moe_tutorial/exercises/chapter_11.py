"""Chapter 11, a tree of gates."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()
logsigmoid = torch.nn.functional.logsigmoid


def scores_of_trees(draw):
    """Scores of trees of one to four levels, small and large; one case and several; scores of 1e4."""
    drawn = [size * draw(n, 2**depth - 1) for n, depth, size in ((1, 1, 1.0), (4, 2, 1.0), (3, 3, 2.0), (5, 4, 1.0), (3, 2, 5.0))]
    far = torch.tensor([[1e4, -1e4, 3.0], [-1e4, 2.0, 1e4]], dtype=torch.float64)
    return [(scores,) for scores in (*drawn, far)]


def leaves(draw):
    """Responsibilities of the leaves of trees of one to four levels: some of exactly 0 and 1."""
    drawn = [torch.softmax(2 * draw(n, 2**depth), -1) for n, depth in ((1, 1), (4, 2), (3, 3), (5, 4))]
    return [(h,) for h in (*drawn, torch.eye(4, dtype=torch.float64)[[0, 3, 1]])]


def nodes(draw):
    """Inputs with a 1, a gate's weights, and the responsibilities of its left side and of itself; one case that is not its."""
    found = []
    for n, inputs in ((6, 1), (8, 2), (12, 2), (20, 3)):
        x = torch.cat([draw(n, inputs), torch.ones(n, 1, dtype=torch.float64)], 1)
        below = torch.sigmoid(2 * draw(n))
        found.append((x, draw(inputs + 1) / 2, below * torch.sigmoid(draw(n)), below))
    x, gate, left, below = found[-1]
    steep = torch.where(torch.arange(len(gate)) == 0, 3.0, 0.5).to(gate)
    return [*found, (x, steep, left, below), (x, -steep, left, below), (x, 0 * gate, torch.where(below > 0.5, left, 0.0), torch.where(below > 0.5, below, 0.0))]


EXERCISES.predict(
    "a gate's responsibility", "easy", 5, name="node_responsibility", tolerance=0.005,
    statement="""A tree of two levels. For some case the root says 0.25 to the left, and both lower gates say 0.5. The four experts
give the desired output the likelihoods 0.8 and 0 (on the left), 0.2 and 0.2 (on the right). What is the responsibility of the left side,
that is of the lower gate there? Say a number to two decimals before you run anything.""",
    hints=(
        "how likely is the desired output if the case goes left, and if it goes right? Each lower gate takes the mean of its two.",
        "left 0.4 and right 0.2; weigh them with 0.25 and 0.75, and divide by the sum.",
    ),
    explanation=r"""The left side gives the desired output the likelihood $0.5 \cdot 0.8 + 0.5 \cdot 0 = 0.4$, the right side
0.2. Bayes' rule at the root: $0.25 \cdot 0.4 / (0.25 \cdot 0.4 + 0.75 \cdot 0.2) = 0.1 / 0.25 = 0.4$. It is more than the 0.25 that the
gate said before $d$ was known, and less than a half, as the gate was so sure.""",
    reference=0.4,
    wrong=(
        Wrong(0.25, "that is what the root says before the desired output is known. The responsibility is what is probable "
              "once it is."),
        Wrong(2 / 3, "that forgets what the root said: 0.4 / (0.4 + 0.2). The sides are weighted with 0.25 and 0.75."),
        Wrong(1.0, "that is the responsibility of the first expert *on the left side*. Asked is that of the side."),
        Wrong(0.1, "that is 0.25 times 0.4. It has to be divided by what both sides make together, 0.25."),
        Wrong(0.6, "that is the right side."),
    ),
)


EXERCISES.predict(
    "numbers to adjust", "easy", 5, name="numbers_of_a_tree",
    statement="""The tree of 1994 has four levels, so 16 experts and 15 gates. Its experts are linear, from 12 inputs to 4 outputs.
How many numbers does training adjust, biases included?""",
    hints=(
        "an output of an expert has 12 weights and a bias, and so has a gate.",
        "16 experts with 4 outputs each, and 15 gates, with 13 numbers each.",
    ),
    explanation=r"""$16 \cdot 4 \cdot 13 + 15 \cdot 13 = 832 + 195 = 1027$. The network that it was compared with, 60 hidden
units, has $60 \cdot 13 + 4 \cdot 61 = 1024$. One softmax gate over 16 experts would have 16 scores in place of 15 gates, of which one
is for nothing.""",
    reference=1027,
    wrong=(
        Wrong(1040, "that is one flat gate with 16 scores. A binary tree over 16 leaves has 15 gates."),
        Wrong(948, "the biases are missing: each of the 64 outputs and of the 15 gates has one."),
        Wrong(832, "those are the experts alone. The 15 gates have 13 numbers each."),
        Wrong(195, "those are the gates alone. There are 16 experts, too."),
        Wrong(403, "an expert has 4 outputs, and each has 13 numbers of its own."),
        Wrong(1024, "that is the network with 60 hidden units."),
    ),
)


def in_products(scores):
    """The proportions first, and then their logarithm."""
    p = scores.new_ones(len(scores), 1)
    place = 0
    while place < scores.shape[1]:
        g = torch.sigmoid(scores[:, place:place + p.shape[1]])
        place += p.shape[1]
        p = torch.stack([p * g, p * (1 - g)], -1).flatten(1)
    return p.log()


def children_swapped(scores):
    return log_leaves(-scores)


def only_the_last_gates(scores):
    last = scores[:, scores.shape[1] // 2:]
    return torch.stack([logsigmoid(last), logsigmoid(-last)], -1).flatten(1)


def level_by_level(scores):
    """All left children of a level first, then all right ones."""
    log_p = scores.new_zeros(len(scores), 1)
    place = 0
    while place < scores.shape[1]:
        s = scores[:, place:place + log_p.shape[1]]
        place += log_p.shape[1]
        log_p = torch.cat([log_p + logsigmoid(s), log_p + logsigmoid(-s)], 1)
    return log_p


@EXERCISES.write(
    "the proportions of the leaves", "medium", 15, inputs=scores_of_trees,
    statement=r"""Write `log_leaves(scores)`: the logarithms of the leaves' proportions, for a tree of any depth. `scores` is `(N, J)`:
of each gate, the root first, level by level and from left to right, so that J is 1, 3, 7, … A case goes to the left of a gate in the
proportion $1 / (1 + e^{-s})$. Give back `(N, J + 1)`, the leaves from left to right. A score may be as large as $10^4$, and the
result has to be finite.""",
    hints=(
        "begin with a 0 for the root. Each level makes of every entry two: one with the logarithm of what goes left added, one "
        "with that of what goes right.",
        "the logarithms are those of `torch.nn.functional.logsigmoid`, of s and of -s; `torch.stack([...], -1).flatten(1)` puts the "
        "two children of each gate side by side.",
    ),
    explanation=r"""A proportion is a product, so its logarithm is a sum of the logarithms on the way. $\log(1 - \sigma(s)) = \log
\sigma(-s)$, and `logsigmoid` computes both without a number that underflows. Level by level every entry becomes two, side by side. The
package has the same without levels, as two products with the table of paths: `log_proportions` in `moe_tutorial/model/tree.py`.""",
    wrong=(
        Wrong(in_products, "this multiplies the proportions first and takes the logarithm of the product, which is 0 for large "
              "scores, and its logarithm is not finite. Add logarithms, those of `logsigmoid`."),
        Wrong(children_swapped, "left and right are exchanged: a large score sends the case to the left."),
        Wrong(only_the_last_gates, "these are the decisions of the last gates alone. The way begins at the root."),
        Wrong(level_by_level, "the leaves are in another order: all that went left at the last gate first. Wanted is from left to "
              "right, the two children of a gate side by side."),
        Wrong(lambda scores: log_leaves(scores).exp(), "these are the proportions. Wanted are their logarithms."),
    ),
)
def log_leaves(scores):
    log_p = scores.new_zeros(len(scores), 1)
    place = 0
    while place < scores.shape[1]:
        s = scores[:, place:place + log_p.shape[1]]
        place += log_p.shape[1]
        left, right = (torch.nn.functional.logsigmoid(t) for t in (s, -s))
        log_p = torch.stack([log_p + left, log_p + right], -1).flatten(1)
    return log_p


def leaves_of_the_last(h):
    return h[:, 0::2] + h[:, 1::2]


def deepest_first(h):
    found: list[torch.Tensor] = []
    while h.shape[1] > 1:
        h = h[:, 0::2] + h[:, 1::2]
        found.append(h)
    return torch.cat(found, 1)


def means_of_leaves(h):
    found: list[torch.Tensor] = []
    while h.shape[1] > 1:
        h = (h[:, 0::2] + h[:, 1::2]) / 2
        found.insert(0, h)
    return torch.cat(found, 1)


def halves(h):
    """A gate's leaves taken as every other one."""
    found: list[torch.Tensor] = []
    while h.shape[1] > 1:
        half = h.shape[1] // 2
        h = h[:, :half] + h[:, half:]
        found.insert(0, h)
    return torch.cat(found, 1)


@EXERCISES.write(
    "the responsibilities of the gates", "medium", 10, inputs=leaves,
    statement="""Write `of_gates(h)`: from the responsibilities of the leaves, `(N, K)` with K = 2, 4, 8, … from left to right, those of
all gates, `(N, K - 1)`, the root first, level by level and from left to right.""",
    hints=(
        "a gate of the last level has two leaves. What is its responsibility? And that of the gate above two such gates?",
        "add neighbours, `h[:, 0::2] + h[:, 1::2]`, until one is left, and put each level before those that you have.",
    ),
    explanation="""The responsibility of a gate is the sum of those of the leaves below it, so each level is the one below with
neighbours added. The root's is 1 in every case: somebody below it is responsible. Bayes' rule from the root down gives the same, with
more work.""",
    wrong=(
        Wrong(leaves_of_the_last, "these are the gates of the last level alone. Wanted are all, the root first."),
        Wrong(deepest_first, "the last level comes first here. Wanted is the root first."),
        Wrong(means_of_leaves, "these are means. A gate is responsible for all that its leaves are responsible for: the sum."),
        Wrong(halves, "the first leaf is added to one of the other half here. The two leaves of a gate are neighbours."),
        Wrong(lambda h: torch.cat([of_gates(h), h], 1), "the leaves stand behind the gates here. Wanted are the gates alone, "
              "(N, K - 1)."),
    ),
)
def of_gates(h):
    levels = [h]
    while levels[0].shape[1] > 1:
        last = levels[0]
        levels.insert(0, last[:, 0::2] + last[:, 1::2])
    return torch.cat(levels[:-1], dim=1)


def stepped(x, gate, target, in_gradient, in_curvature):
    g = torch.sigmoid(x @ gate)
    gradient = x.T @ (in_gradient * (target - g))
    curvature = (x * (in_curvature * g * (1 - g))[:, None]).T @ x
    return gate + torch.linalg.solve(curvature, gradient)


def shares(left, below):
    return torch.where(below > 0, left / below.clamp(min=1e-300), 0.0)


@EXERCISES.repair(
    "a gate below the root", "hard", 15, inputs=nodes, tolerance=1e-6,
    statement=r"""`broken` should be one Newton step of a gate below the root: up $\sum_n h_{\text{left}} \log g + (h_\nu -
h_{\text{left}}) \log(1 - g)$. The inputs `x` `(N, D + 1)` have a 1 in the last place, `gate` `(D + 1,)` are the gate's weights, `left` and
`below` `(N,)` the responsibilities of its left side and of itself. With it the gate of one half of the plane is drawn towards what the
cases of the other half would like. Find out why and write `gate_below`, which gives back the new weights. `below` may be exactly 0 in some
cases, and then `left` is 0, too.""",
    given='''def broken(x, gate, left, below):
    """x (N, D + 1), gate (D + 1,), left (N,), below (N,)."""
    g = torch.sigmoid(x @ gate)
    target = left / below
    gradient = x.T @ (target - g)
    curvature = (x * (g * (1 - g))[:, None]).T @ x
    return gate + torch.linalg.solve(curvature, gradient)''',
    hints=(
        "take the derivative of the sum with respect to the score of one case: what stands before g?",
        "the derivative is left - below · g; each case counts `below` in the gradient and in the curvature, and no division is "
        "needed.",
    ),
    explanation=r"""The derivative of the sum with respect to a score is $h_{\text{left}} - h_\nu\, g$, and the curvature
$h_\nu\, g (1 - g)$: every case counts as much as it is this gate's business. `broken` counts each case once, so the cases that went the
other way at the root decide, too; and where $h_\nu = 0$ it divides 0 by 0.""",
    wrong=(
        Wrong(lambda x, gate, left, below: stepped(x, gate, shares(left, below), 1.0, torch.ones_like(below)), "that is still "
              "`broken`: every case counts alike. A case counts as much as the gate's responsibility for it."),
        Wrong(lambda x, gate, left, below: stepped(x, gate, left, 1.0, torch.ones_like(below)), "the target is the responsibility "
              "of the left side itself, and every case counts alike: a case that is not the gate's business is sent to the right."),
        Wrong(lambda x, gate, left, below: stepped(x, gate, left, below, below), "the cases are weighted, but the target is "
              "left and not left / below: the responsibility is in it twice."),
        Wrong(lambda x, gate, left, below: stepped(x, gate, shares(left, below), below, torch.ones_like(below)), "the gradient is "
              "right, the curvature is not: there every case counts alike."),
        Wrong(lambda x, gate, left, below: 2 * gate - gate_below(x, gate, left, below), "the step goes the wrong way: the sign."),
        Wrong(lambda x, gate, left, below: gate_below(x, gate, left, below) - gate, "this is the step. Wanted are the new "
              "weights: add it to the old ones."),
    ),
)
def gate_below(x, gate, left, below):
    g = torch.sigmoid(x @ gate)
    gradient = x.T @ (left - below * g)
    curvature = (x * (below * g * (1 - g))[:, None]).T @ x
    return gate + torch.linalg.solve(curvature, gradient)


QUIZ = (
    Question(
        "What does a tree of gates change in eq. 1.3?",
        (
            ("It has a sum for each level", "It can be written so, and the sums are the same number: the proportions of the leaves "
             "are products, and one sum over all leaves is left."),
            ("Only how p is made", "The loss takes outputs and proportions. A tree makes the proportions by multiplying decisions, "
             "and nothing else knows of it."),
            ("The experts of a branch are blended before they are compared", "That would be the cooperative loss inside each "
             "branch. Every leaf is compared with the desired output by itself."),
        ),
        right=1,
    ),
    Question(
        "In the M step, how much does a case count for a gate below the root?",
        (
            ("As much as the gate is responsible for it", "The bound has h of the gate before the logarithms of its decisions. A "
             "case that went the other way counts next to nothing."),
            ("As much as the gates above send to it", "That is the proportion before the desired output is known. In the M step it "
             "is the responsibility, which knows it."),
            ("As much as any other case", "Then cases that are other gates' business would decide, too. Exercise 11.5 has what "
             "comes of that."),
        ),
        right=0,
    ),
    Question(
        "In 1994 the tree took 35 epochs on the arm, and backpropagation 5500. What may you conclude?",
        (
            ("The tree learns a hundred times as fast", "An epoch of one is not an epoch of the other: on our arm a pass of the "
             "tree takes about ten times as long as one of the network. What is compared are passes over the data."),
            ("The tree fits better", "Its error was 0.10, and that of the network 0.09. On our arm the network passes the tree, "
             "and goes on."),
            ("It took fewer passes over that data", "That is what was measured. Not less time for a pass, nor a better fit, and of "
             "ten runs of backpropagation five were left out."),
        ),
        right=2,
    ),
)
