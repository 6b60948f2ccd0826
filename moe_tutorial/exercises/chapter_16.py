"""Chapter 16, on many machines."""

import torch

from . import _processes as processes
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


@EXERCISES.write(
    "between two exchanges", "hard", 20, inputs=processes.arrivals,
    statement="""Write `answers_in_order(rows, counts, first, second)`: what a process does between the two exchanges. `rows` `(A, D)` are those
that came: first all from process 0, then all from process 1 and so on, and from each process in the order of the experts. `counts` `(W, E)`
says how many came from each process for each of the E experts that lie here. Expert e answers `relu(rows @ first[e]) @ second[e]`, with
`first` `(E, D, H)` and `second` `(E, H, M)`. Give the answers `(A, M)` in the order in which the rows came.""",
    hints=(
        "write down which expert each row is for, a whole number for each of the A rows. `repeat_interleave` does that from the counts.",
        "`argsort` of these numbers puts the rows of an expert side by side; `counts.sum(0)` says how many each has. Where "
        "sorted row j came from place `by[j]`, its answer belongs into place `by[j]`.",
    ),
    explanation="""The rows of one expert lie in W pieces, one from each sender. Sorted by expert they are one piece each, and each expert is
computed once. The senders know nothing of that order: they wait for the answers in the order in which they sent, so the sorting has to be
undone. Putting sorted answers into the places `by` undoes it; taking `answers[by]` sorts a second time.

With one process, or with one expert on each, the two orders are the same, and every mistake here is invisible.""",
    wrong=(
        Wrong(processes.as_they_came, "the rows are cut into pieces as if they came sorted by expert. They came sorted by sender, and from each "
              "sender by expert: sort them first."),
        Wrong(processes.left_sorted, "each row has the right expert, but the answers are left in the order of the experts. Each sender waits "
              "for the order in which it sent."),
        Wrong(processes.sorted_once_more, "the sorting is done a second time in place of being undone: `answers[by]` takes from the places, and "
              "the answers have to be put into them."),
        Wrong(processes.senders_for_experts, "the counts are read down their columns. A row of `counts` is a sender, and the rows come "
              "sender by sender."),
        Wrong(lambda rows, counts, first, second: processes.each_row(rows, torch.zeros(len(rows), dtype=torch.long), first, second),
              "expert 0 answers every row. There are as many experts as `counts` has columns."),
    ),
)
def answers_in_order(rows, counts, first, second):
    processes, experts = counts.shape
    whose = torch.arange(experts).repeat(processes).repeat_interleave(counts.flatten())
    by = whose.argsort(stable=True)
    groups = rows[by].split(counts.sum(0).tolist())
    out = torch.cat([torch.relu(group @ first[e]) @ second[e]
                     for e, group in enumerate(groups)])
    return torch.empty_like(out).index_copy(0, by, out)


@EXERCISES.write(
    "back at home", "medium", 15, inputs=processes.returned,
    statement="""Write `back_at_home(answers, chosen, share)`: the last step of a process. It had sorted its choices by expert with
`order = chosen.flatten().argsort(stable=True)`, and sent the case of each. Now `answers` `(n · k, M)` came back in that same order.
`chosen` `(n, k)` holds the experts that its cases chose, and `share` `(n, k)` how much each choice counts. Give y `(n, M)`.""",
    hints=(
        "the choices lie case by case: those of case 0 first, k of them. Which case does choice number 7 belong to?",
        "`order // k` is the case of each answer, and `share.flatten()[order]` its share. A case has k answers, so add them up with "
        "`index_add`.",
    ),
    explanation="""In `chosen.flatten()` the k choices of a case lie side by side, so choice j belongs to case `j // k`. The remainder `j % n` would
be right if all first choices came before all second ones, as in the queues of chapter 12. The shares lie in the order of the cases, and the
answers in that of the experts; one of the two has to be put into the order of the other.""",
    wrong=(
        Wrong(processes.by_remainder, "the case of a choice is taken as the remainder, `order % n`. The choices of a case lie side by side: divide "
              "by k."),
        Wrong(processes.shares_as_they_lie, "the answers come in the order of the experts, and the shares are taken in the order of the cases. Each "
              "answer gets somebody else's share."),
        Wrong(processes.answers_as_they_lie, "the answers are taken as if they lay case by case. They lie expert by expert."),
        Wrong(processes.without_shares, "the answers are in their places, but their shares are not used."),
        Wrong(processes.last_one_stays, "of a case's answers only one is left. Add them up."),
    ),
)
def back_at_home(answers, chosen, share):
    n, k = chosen.shape
    order = chosen.flatten().argsort(stable=True)
    weighed = share.flatten()[order, None] * answers
    return answers.new_zeros(n, answers.shape[1]).index_add(0, order // k, weighed)


@EXERCISES.repair(
    "what is added up", "medium", 15, inputs=processes.steps,
    statement="""A training step of W virtual processes, small enough for the eye. Process r has the cases `x[r]` and `d[r]` `(n,)`, one expert, the
number `expert[r]`, and a copy of the number `common`, as it would have one of the gate. The answer for a case is `common * x` times the
expert that it chose. `broken` gives the slopes with which everybody goes on, that of `common` first and then those of the W experts,
`(W + 1,)`. They should be those of the mean of $(d - y)^2$ over the cases of *all* processes. The losses look right, and some slopes
are not. Find out which, and write `slopes_of_step`.""",
    given='''def broken(x, d, chosen, common, expert):
    copies = common.repeat(len(x)).requires_grad_()  # one a process
    expert = expert.clone().requires_grad_()
    y = copies[:, None] * x * expert[chosen]
    loss = (d - y).square().mean(dim=1)  # of each process
    slopes = torch.autograd.grad(loss.sum(), [copies, expert])
    return torch.cat([slopes[0].mean().view(1), slopes[1]])''',
    hints=(
        "let every process have the same cases. What is the slope of an expert then, and what would it be on a single process?",
        "an expert has got the slopes of all cases that chose it, whosever they are; nobody divides them by W any more. So let each "
        "process divide its loss by the cases of all. What has then to be done with the copies of `common`?",
    ),
    explanation="""Averaging the copies' slopes over the processes makes up for losses that are divided by one's own cases only. But an expert
lies on one process, its slope is a sum over the cases of all, and nobody averages it: it comes out W times too large. With a loss that
is divided by the cases of all there is one rule: add up what is copied, and leave the experts alone.

The mistake has been made and repaired in several libraries. The loss shows nothing of it, and with Adam, which divides by the
size of the slopes, hardly anything does; clipping, and plain gradient descent, it changes.""",
    wrong=(
        Wrong(lambda x, d, chosen, common, expert: processes.summed(x, d, chosen, common, expert, False, torch.mean),
              "the slopes of the experts are as many times too large as there are processes. That is still `broken`: divide the loss by the "
              "cases of all."),
        Wrong(lambda x, d, chosen, common, expert: processes.summed(x, d, chosen, common, expert, True, torch.mean),
              "the experts are right now, and the slope of `common` is as many times too small as there are processes: its copies' slopes are to "
              "be added up, not averaged."),
        Wrong(lambda x, d, chosen, common, expert: processes.summed(x, d, chosen, common, expert, False),
              "all slopes are as many times too large as there are processes: each process divides by its own cases only."),
        Wrong(lambda x, d, chosen, common, expert: processes.summed(x, d, chosen, common, expert, experts=1 / len(x)),
              "the slopes of the experts are averaged over the processes. Each expert lies on one of them only, and has the slopes of all "
              "cases already."),
        Wrong(lambda x, d, chosen, common, expert: processes.summed(x, d, chosen, common, expert, True, lambda slopes: slopes[0]),
              "`common` has the slope of process 0 alone. Every process has a part of it."),
    ),
)
def slopes_of_step(x, d, chosen, common, expert):
    copies = common.repeat(len(x)).requires_grad_()
    expert = expert.clone().requires_grad_()
    y = copies[:, None] * x * expert[chosen]
    loss = (d - y).square().sum(dim=1) / x.numel()  # the cases of all
    slopes = torch.autograd.grad(loss.sum(), [copies, expert])
    return torch.cat([slopes[0].sum().view(1), slopes[1]])


@EXERCISES.repair(
    "the process that gets nothing", "medium", 10, inputs=processes.idle, watch=processes.takes_too_few_slopes,
    statement="""`broken` gives the slope with respect to `first` `(D, H)` of a process's part of the loss: the squared errors of its answers to
the `rows` `(A, D)` that came, divided by the `cases` of all processes. `d` is `(A, M)` and `second` `(H, M)`. When no row comes it answers with a new empty tensor. On real
processes that raises nothing: forward all goes well, and backward this process does not join the exchanges, so that the others wait until their time is up.
Here autograd says what is missing. Write `slope_of_first`, in which a process without rows goes the same way as all others.""",
    given='''def broken(rows, d, first, second, cases):
    first = first.clone().requires_grad_()
    if len(rows) == 0:
        y = rows.new_empty(0, second.shape[1])
    else:
        y = torch.relu(rows @ first) @ second
    loss = (d - y).square().sum() / cases
    return torch.autograd.grad(loss, first)[0]''',
    hints=(
        "what is the product of an array of shape (0, D) with one of shape (D, H)? Try it.",
        "an empty product is a product: its result follows from `first`, and the sum of no numbers is 0 and has slopes of 0.",
    ),
    explanation="""The special case is the fault: without it everything is right. Products of empty arrays are empty, their sum is 0, and
autograd knows where they come from, so that the backward pass goes through the same two exchanges with empty parcels. The slope is 0
everywhere, which is also what a step of the optimizer wants to see in place of nothing. Dividing by one's own cases would be 0/0 here.""",
    wrong=(
        Wrong(processes.of_my_rows, "the loss is divided by the rows that came here, which is 0/0 where none came. Divide by the cases of all."),
        Wrong(processes.mean_of_numbers, "this takes the mean over the rows here and their outputs, which is 0/0 where none came. Wanted is the "
              "sum, divided by the cases of all."),
        Wrong(processes.not_divided, "the loss is not divided by the cases of all processes."),
        Wrong(processes.invented_row, "where no row comes you invent one, and its error changes the expert. No row is needed."),
    ),
)
def slope_of_first(rows, d, first, second, cases):
    first = first.clone().requires_grad_()
    y = torch.relu(rows @ first) @ second
    loss = (d - y).square().sum() / cases
    return torch.autograd.grad(loss, first)[0]


EXERCISES.predict(
    "bytes of a case", "medium", 10, name="bytes_of_a_case", tolerance=1.0,
    statement="""Eight processes, 64 experts, two of them for each case, 4096 numbers a case, two bytes a number, and a fair gate. How many
bytes does a layer's forward pass send from one process to *another*, for each case, the counts left aside? Say a whole number.""",
    hints=(
        "a case is sent to each of its two experts, and each sends an answer of the same size back.",
        "of the experts a case may choose, an eighth lies where the case is. What goes there is sent to nobody.",
    ),
    explanation=r"""$2 k D b\, (W - 1)/W = 2 \cdot 2 \cdot 4096 \cdot 2 \cdot 7/8 = 28672$: out and back, two experts, 4096 numbers of two bytes, and seven
of eight choices on another process. The number of experts is not in it. Collecting all cases everywhere and adding up all answers would
send $2 (W - 1) D b = 114688$, four times as much, since $W/k = 4$.""",
    reference=28672,
    wrong=(
        Wrong(14336, "that is one way only. The answers come back, and are as long.", also=(16384,)),
        Wrong(32768, "that is what is handed to the exchange. An eighth of it stays on the process."),
        Wrong(114688, "that is what collecting all cases everywhere would send. Here a case goes to its two experts only.", also=(131072,)),
        Wrong(57344, "that is the forward pass and the backward pass together, or one way of collecting all cases everywhere.", also=(65536,)),
        Wrong(917504, "that is as if each case went to all 64 experts.", also=(1048576,)),
        Wrong(28.672, "that is in thousands of bytes. Say the bytes.", also=(28.0, 28.7)),
    ),
)


@EXERCISES.write(
    "the slowest process", "easy", 10, inputs=processes.loads,
    statement="""Write `slowest_over_mean(counts, processes)`: how long a step takes, divided by how long it takes with an even load, one number. `counts` `(K,)`
says how many cases each expert has. The first K / W experts lie on process 0, the next ones on process 1, and so on. A process takes as
long as it has rows, and all wait for the slowest.""",
    hints=(
        "how many rows has each process? `counts.view(processes, -1)` has a row for each.",
        "the largest number of rows, divided by their mean over the processes.",
    ),
    explanation="""The same max/mean as in chapter 13, of processes in place of experts. Experts that share a process even each other out, so it
is smaller than that of the experts, or the same. Put a popular expert beside an unpopular one and it falls further: that is a matter
of where the experts lie, and some systems move or copy them while they run.""",
    wrong=(
        Wrong(lambda counts, processes: counts.max() / counts.double().mean(), "this is the busiest *expert* over the mean. Experts that lie on one process "
              "are computed one after the other: add their rows up first."),
        Wrong(processes.strided, "the experts are dealt out like cards. The first K / W lie on process 0."),
        Wrong(lambda counts, processes: counts.view(processes, -1).sum(1).max().double(), "these are the rows of the slowest process. Divide by the mean."),
        Wrong(lambda counts, processes: counts.view(processes, -1).sum(1).max() / counts.sum().double(), "this is the share of all rows that the slowest "
              "process has. With an even load that is 1 / W; divide by the mean, so that it is 1."),
        Wrong(lambda counts, processes: counts.view(processes, -1).sum(1).min() / counts.view(processes, -1).sum(1).double().mean(),
              "this is the process with the fewest rows. The others wait for the one with the most."),
    ),
)
def slowest_over_mean(counts, processes):
    rows = counts.view(processes, -1).sum(dim=1)
    return rows.max() / rows.double().mean()


QUIZ = (
    Question(
        "Each process has its own cases, a copy of the gate, and its own experts. The loss of each is divided by the cases of all. Which slopes "
        "have to be added up over the processes?",
        (
            ("All of them", "The experts of process 0 are other experts than those of process 1. Their slopes have nothing to do with "
             "each other."),
            ("Those of the experts", "An expert has already got the slopes of all cases that chose it, wherever these are at home."),
            ("Those of the gate, and of everything else that is copied", "Each copy knows the cases of its own process only. The experts have "
             "seen the cases of all."),
        ),
        right=2,
    ),
    Question(
        "In some step nobody chooses an expert of process 3. What does process 3 have to do?",
        (
            ("Take part in every exchange, also where it has nothing to give", "Forward and backward, and its own cases go to their experts as always. An exchange is over when all have joined."),
            ("Skip the layer in this step", "Then the others wait for it in the first exchange, until their time is up."),
            ("Send its own cases back to itself", "Its cases have chosen experts elsewhere. They go there, as always."),
        ),
        right=0,
    ),
    Question(
        "Four processes, and each case is sent to eight experts. What sends fewer bytes: each case to its experts and back, or all cases to all "
        "processes, and the answers added up?",
        (
            ("Each case to its experts", "That sends 2 k (W - 1) / W times the bytes of a case, which is twelve times here."),
            ("All cases to all processes", "That is 2 (W - 1) = 6 times the bytes of a case, and the other way 12. With k above W a case goes to "
             "a process more than once."),
            ("Both the same", "That is so for k = W, with four experts a case."),
        ),
        right=1,
    ),
)
