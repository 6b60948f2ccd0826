"""Chapter 1, interference."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def gradients(draw):
    drawn = [(draw(size), draw(size), step_size)
             for size, step_size in ((4, 0.1), (25, 5.0), (2, 0.5), (1, 2.0))]
    at_right_angles = torch.tensor([3.0, 0.0, 1.0], dtype=torch.float64), torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)
    alike = torch.tensor([1000.0, -2000.0], dtype=torch.float64), torch.tensor([500.0, 0.0], dtype=torch.float64)
    return [*drawn, (*at_right_angles, 5.0), (*alike, 0.01)]


def answers_of_two(draw):
    def case(subtask):
        outputs = draw.uniform(len(subtask), 2)
        d = torch.randint(2, (len(subtask), 1), generator=draw.generator).to(torch.float64)
        return outputs, d, torch.tensor(subtask, dtype=torch.float64)

    drawn = [case(subtask) for subtask in ([0, 0, 1, 1], [1, 0, 1, 1, 0, 1, 1], [0, 1], [0, 0, 0], [1])]
    far_off = torch.tensor([[1000.0, 0.0], [0.0, -1000.0], [2.0, 2.0]], dtype=torch.float64)
    return [*drawn, (far_off, torch.tensor([[0.0], [1.0], [0.0]], dtype=torch.float64), torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64))]


EXERCISES.predict(
    "short occasions", "easy", 5, name="every_other_epoch", choices=("a", "b", "both", "neither"),
    statement="""The network with 6 hidden units changes its subtask not every 1000 epochs but in *every* epoch: one step on A,
one step on B, one on A, and so on, 3000 steps on each, with the step size of the chapter. The last step is on B. Say that the network
knows a subtask if it is right on more than 85 % of its cases. What does it know in the end: `"A"`, `"B"`, `"both"` or `"neither"`?""",
    hints=(
        "how far can one single step on B take the network from what it knew of A? Compare that with 1000 steps.",
        "two short steps, one after the other, move the weights almost as one step against the sum of the two gradients "
        "does. Which of the chapter's runs followed that sum?",
    ),
    explanation="""After one step the weights have hardly moved, so the gradient of B is almost what it was before the step on A.
A step on A and a step on B together are then nearly one step against the sum of both gradients, and that step does take account of
both subtasks. It is what the network did in the chapter when it saw A and B in each of 4000 epochs, and it learned both.

Run it: from the chapter's five starts the network ends right on about 95 % of A and 91 % of B. What does the damage is not that A and B
take turns, but that one of them stays away for long.""",
    reference="both",
    wrong=(
        Wrong("a", "A comes first in every round, but it is never alone for longer than one step. B gets as many steps "
              "as A."),
        Wrong("b", "the last step is on B, and after 1000 steps on B alone A was lost. Here there is only one step "
              "before A returns: how much can it spoil?"),
        Wrong("neither", "the steps would have to undo each other for that. But there are weights that serve both "
              "subtasks: the chapter found them when the network saw both at once."),
    ),
)


EXERCISES.predict(
    "wrong and sure of it", "easy", 3, name="no_opinion", tolerance=0.01,
    statement="""While the network learns B, its mean squared error on A rises to 0.5. Another network has learned nothing and gives
the output 0.5 to every case of A. Half of these cases have the desired output 1, the other half 0. What is the mean squared error of this
other network on A?""",
    hints=(
        "take one case with the desired output 1 and one with 0. How far off is the output, each time?",
        "it is off by the same amount for every case. Square that amount; the mean of equal numbers is that number.",
    ),
    explanation="""Every case is missed by 0.5, so every squared error is $0.5^2 = 0.25$, and so is their mean. The curves of the
chapter's figure begin close to it, with a network that has not learned yet.

The network that has learned B does worse on A than one that has learned nothing. It gives nearly the same answer, close to 0 or to 1,
to all cases of A. Half of them it gets right, with an error near 0, and half of them wrong, with an error near 1. Both networks are right
on half of the cases, but one of them is sure of itself, and the squared error makes it pay for that.""",
    reference=0.25,
    wrong=(
        Wrong(0.5, "0.5 is how far the output is off, before it is squared. (It is also the share of right answers that "
              "a coin gets, and the squared error of a network that is sure of one answer.)"),
        Wrong(0.0, "the errors of the two halves are +0.5 and -0.5 and would cancel, but they are squared before the "
              "mean is taken."),
        Wrong(0.125, "there is a factor ½ in it, as some texts have it. The chapter's error is the mean of the squares "
              "without that factor."),
        Wrong(0.75, "no case can have that much. The output is off by the same amount for each of them, and the mean of "
              "equal squares is one such square."),
        Wrong(1.0, "an error of 1 belongs to a case whose output is 0 where 1 is wanted, or 1 where 0 is. This output is "
              "only half as far off."),
    ),
)


@EXERCISES.write(
    "what a step on B does to A", "medium", 10, inputs=gradients,
    statement="""Write `side_effect(on_a, on_b, step_size)`. `on_a` `(P,)` is the gradient of the error on A with respect to the P
weights of a network, `on_b` `(P,)` that of the error on B, and `step_size` is a number. The network takes one step of gradient descent *on
B*. Return by how much this changes the error *on A*, as a tensor with one number, positive if the error rises. The step is so short that the
gradient of A hardly changes on the way, so the change is the sum of each weight's change times that weight's entry in `on_a`.""",
    hints=(
        "two questions, one after the other: by how much does each weight change in a step on B? And what does a change of "
        "each weight do to the error on A?",
        "the step changes the weights by minus step_size times `on_b`. Multiply each of these changes by the entry of `on_a` "
        "for the same weight, and add everything up.",
    ),
    explanation=r"""A step on B changes the weights $w$ by $-\varepsilon\, \nabla E_B$. A small change $\Delta w$ of the weights changes
the error on A by $\nabla E_A \cdot \Delta w$. Together: $\Delta E_A \approx -\varepsilon\, \nabla E_A \cdot \nabla E_B$.

The sign is decided by the angle between the two gradients. If it is less than a right angle, the step on B helps A. If it is more, the
step on B spoils A: this is interference, in one number. Nothing in the rule of descent looks at this number. It changes
from step to step. In the chapter the first steps on B *help* A, with a cosine of +0.25. Each of them is short, because the gradient of B is
nearly 0, but 100 of them lower the error on A from 0.049 to 0.040. The damage comes later, with a cosine of -0.38 after 180.

For two networks with no weight in common the product is 0: for each weight, one of the two gradients is 0.""",
    wrong=(
        Wrong(lambda on_a, on_b, step_size: step_size * (on_a * on_b).sum(), "the sign is the wrong way round. Descent "
              "goes *against* the gradient of B, so where both gradients agree the error on A must fall."),
        Wrong(lambda on_a, on_b, step_size: -(on_a * on_b).sum(), "the step size is missing. A step that is twice as "
              "long has twice the side effect."),
        Wrong(lambda on_a, on_b, step_size: -step_size * on_b.square().sum(), "this is what the step does to the error "
              "on B itself, which a short step always lowers. For the error on A the gradient of A must come in."),
        Wrong(lambda on_a, on_b, step_size: (on_a * on_b).sum() / (on_a.norm() * on_b.norm()),
              "this is the cosine of the angle between the gradients. Only the direction is left in it: the change of "
              "the error also depends on the gradients' lengths and on the step."),
        Wrong(lambda on_a, on_b, step_size: -step_size * on_a * on_b, "these are the contributions of the single "
              "weights. The error is one number: add them up."),
        Wrong(lambda on_a, on_b, step_size: -step_size * (on_a * on_b).mean(), "the contributions of the weights are "
              "averaged here. Each weight moves, and what its move does to the error is added to that of the others."),
        Wrong(lambda on_a, on_b, step_size: (on_a * on_b).sum(), "two things are missing: the step size, and the sign. "
              "Descent goes against the gradient of B, as far as the step size says."),
    ),
)
def side_effect(on_a, on_b, step_size):
    return -step_size * (on_a * on_b).sum()


def divided_by_all_the_cases(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    return (own * (outputs - d).square()).mean(dim=0)


def added_up_only(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    return (own * (outputs - d).square()).sum(dim=0)


def one_error_for_both(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    return (own * (outputs - d).square()).sum(dim=1).mean()


def not_squared(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    return (own * (outputs - d)).sum(dim=0) / own.sum(dim=0).clamp(min=1)


def mean_of_no_cases(outputs, d, subtask):
    squared = (outputs - d).square()
    return torch.stack([squared[subtask == k, k].mean() for k in (0, 1)])


def absolute_errors(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    return (own * (outputs - d).abs()).sum(dim=0) / own.sum(dim=0).clamp(min=1)


@EXERCISES.repair(
    "to each its own cases", "medium", 10, inputs=answers_of_two,
    statement="""Two networks have one subtask each, and `broken` should return the errors that they learn from, as a tensor `(2,)`:
for each network, its mean squared error over the cases of its *own* subtask. `outputs` `(N, 2)` has one column for each network, `d` `(N, 1)` is
the desired output, and `subtask` `(N,)` is 0.0 or 1.0 (float64, like the rest), the number of the network that a case
belongs to. With `broken`, both networks learn A and B and so both are like the one network of the chapter. Write
`known_split`, which does what it should. A network without any case has the error 0.""",
    given='''def broken(outputs, d, subtask):
    """outputs (N, 2), d (N, 1), subtask (N,) of 0 and 1."""
    return (outputs - d).square().mean(dim=0)''',
    hints=(
        "`broken` never looks at `subtask`. Which of the squared errors in each column should count, and how many are they?",
        "make a table `(N, 2)` with a 1 where the network owns the case and a 0 elsewhere. Multiply the squared errors by it, "
        "sum over the cases, and divide by each network's number of own cases, or by 1 if it has none.",
    ),
    explanation="""The table `own` has one 1 in each row: each case belongs to one network. A squared error that is multiplied by 0
has no gradient, so a case of A cannot move a weight of network B. Weights
of one's own are not enough: a network B that also learned from the cases of A
would be one network for both subtasks again.

Here somebody has to hand over `subtask`. The paper's gate will replace this table of 0 and 1 by proportions that it computes from the input,
and that are learned.""",
    wrong=(
        Wrong(lambda outputs, d, subtask: (outputs - d).square().mean(dim=0), "that is still `broken`: each network's "
              "error runs over all cases, also over those of the other subtask, so it would learn from them."),
        Wrong(divided_by_all_the_cases, "the right squared errors are added up, but then they are divided by the number "
              "of all cases. Divide by the number of the network's own cases."),
        Wrong(added_up_only, "these are sums over the own cases, not means: a network with many cases would take longer "
              "steps."),
        Wrong(lambda outputs, d, subtask: known_split(outputs, d, 1 - subtask), "the networks are swapped: this is each "
              "network's error on the cases of the other one."),
        Wrong(one_error_for_both, "this is one error for the pair of networks. Each of them learns from its own: sum "
              "over the cases, not over the networks."),
        Wrong(not_squared, "the differences are not squared, so that errors upwards and downwards cancel."),
        Wrong(absolute_errors, "these are the mean absolute differences. The squared error wants each difference "
              "squared before the mean is taken."),
        Wrong(lambda outputs, d, subtask: known_split(outputs, d, subtask) / 2, "there is a factor ½ in it, as some "
              "texts have it. The chapter's error is the mean of the squares without that factor."),
        Wrong(lambda outputs, d, subtask: known_split(outputs, d, subtask).flip(0), "both errors are right and stand in "
              "each other's place: that of network 0 comes first, as its outputs do."),
        Wrong(mean_of_no_cases, "right as long as both networks have cases. The mean over no cases is 0 / 0, which is "
              "NaN; the error should then be 0."),
    ),
)
def known_split(outputs, d, subtask):
    own = torch.stack([subtask == 0, subtask == 1], dim=1).to(outputs)
    squared = (outputs - d).square()
    return (own * squared).sum(dim=0) / own.sum(dim=0).clamp(min=1)


QUIZ = (
    Question(
        "The network has learned A. Why does it lose A while it learns B?",
        (
            ("With 6 hidden units it is too small for both", "If it sees A and B in every epoch it learns both. There are weights "
             "that serve both subtasks; the steps on B alone do not look for them."),
            ("A step on B follows the error on B only, and all weights are shared", "The error that it descends on that occasion "
             "has no case of A in it. What the shared weights did for A counts for nothing there."),
            ("The step size is too large, so the weights jump away from A", "With a tenth of the step size, and 4000 epochs of B, "
             "this network is right on 50 % of A as well. Shorter steps on B are still steps on B alone."),
        ),
        right=1,
    ),
    Question(
        "At the beginning of B's occasion the error on B stays high for a while before it falls. Why?",
        (
            ("The network gives confident answers there, where the sigmoid is flat and the gradient is small", "The answers to B are "
             "all close to 0. A change of the weights hardly moves them, so the first steps are short."),
            ("It has to forget A first, and only then is there room for B", "No such order is built in: every step is a step "
             "on B. The first steps are short because the gradient is."),
            ("The error on B is small there, so there is little to learn", "The error is large, near one half. A large squared error "
             "can have a small gradient if the output sits on the flat part of the sigmoid."),
        ),
        right=0,
    ),
    Question(
        "Two networks with a known split do not disturb each other. What has to be known to train *and* to use them?",
        (
            ("Nothing: two networks divide the work by themselves", "In the chapter we told each network which cases were its own. "
             "Two networks that both learn from every case would each be where the one network was."),
            ("The subtask of each training case, and no more", "That is enough to train them. But a new case comes without a label, "
             "and the wrong network is right on only half of the cases."),
            ("The subtask of each training case and of each new case", "During learning somebody decides who learns from a case, and "
             "afterwards who answers it. Both are the gate's job in the paper."),
        ),
        right=2,
    ),
)
