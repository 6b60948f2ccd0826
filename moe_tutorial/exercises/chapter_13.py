"""Chapter 13, keeping everyone busy."""

import torch

from . import _balance as balance
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


@EXERCISES.write(
    "how uneven", "easy", 10, inputs=balance.sparse_weights,
    statement="""Write `importance_cv(weights)`: the importance loss of 2017, one number. `weights` is `(N, K)`; an expert's importance is the
sum of its weights over the cases. The loss is the variance of the K importances, divided by the square of their mean. The variance is the mean
of the squared distances from the mean, of all K.""",
    hints=(
        "over which of the two dimensions is the sum that gives one importance for each expert?",
        "`weights.sum(dim=0)`, then its variance over its mean squared. What does `var()` divide by unless it is told otherwise?",
    ),
    explanation=r"""With the shares $q_i$ of all weight the same number is $K \sum_i q_i^2 - 1$, which is 0 if all are alike and $K - 1$ if one
has everything. `torch.var` divides by $K - 1$ unless one says `correction=0`. The code of the authors divides by $K$, and a much used
port of it by $K - 1$. With many experts that hardly matters. With one it is NaN.""",
    wrong=(
        Wrong(lambda weights: importance_cv(weights).sqrt(), "this is the coefficient of variation. The loss is its square."),
        Wrong(balance.with_k_minus_1, "the variance is divided by K - 1. Say `correction=0` for that of all K."),
        Wrong(balance.of_counts, "these are counts of cases, which have no gradient. Add up the weights."),
        Wrong(lambda weights: weights.sum(0).var(correction=0), "this is the variance alone. Divide it by the square of the mean, so "
              "that twice as many cases give the same loss."),
        Wrong(lambda weights: importance_cv(weights.T), "this adds up the weights of each case. Add up those of each expert."),
    ),
)
def importance_cv(weights):
    importance = weights.sum(dim=0)
    return importance.var(correction=0) / importance.mean() ** 2


@EXERCISES.write(
    "a count that has a gradient", "hard", 20, inputs=balance.noisy_scores,
    statement=r"""Write `noisy_load(scores, noisy, spread, k)`: the smooth load of 2017, `(K,)`. `scores` `(N, K)` are those without noise, `noisy`
those with it, `spread` the standard deviations of the noise. For each case and expert take the probability that the expert would be among
the k if its own noise alone were drawn anew, and add up over the cases. `torch.special.ndtr` is the distribution function of the
normal distribution. There are no ties, and k is smaller than K.""",
    hints=(
        "the noise of the others stays. Whom does an expert have to beat that is among the k now? And whom one that is not?",
        "who is in has to beat the (k + 1)-th largest noisy score, who is out the k-th. The probability is "
        "`ndtr((scores - threshold) / spread)`, with the score *without* noise.",
    ),
    explanation=r"""Take expert i away. Then the k-th largest noisy score of the *others* is what it has to exceed. If i is among the k, that is
the (k + 1)-th of all; if it is not, the k-th. With new noise its score is normal around $s_i$ with the standard deviation $\sigma_i$, so it is above
the threshold $t$ with the probability $\Phi((s_i - t)/\sigma_i)$. The sum over the cases is the expected load, and unlike the load it has a
gradient. Without noise, as when a trained model is asked, $\sigma$ is 0 and there is nothing to divide by: count then.""",
    wrong=(
        Wrong(balance.one_threshold(0), "the threshold is the k-th largest score for everybody. Who is among the k would have to beat itself "
              "or a weaker one: for it the next one outside counts."),
        Wrong(balance.one_threshold(1), "the threshold is the (k + 1)-th largest score for everybody. Who is outside has to beat the last "
              "one of those inside."),
        Wrong(balance.noisy_in_the_numerator, "the old noise is still in: in the numerator stands the score without noise."),
        Wrong(balance.swapped_thresholds, "the two thresholds are exchanged."),
        Wrong(balance.without_the_spread, "the difference has to be divided by the spread of the noise."),
        Wrong(balance.counted, "this counts. The count has no gradient; wanted is its expectation."),
    ),
)
def noisy_load(scores, noisy, spread, k):
    order = noisy.sort(dim=1, descending=True).values
    inside = noisy >= order[:, k - 1, None]
    threshold = torch.where(inside, order[:, k, None], order[:, k - 1, None])
    return torch.special.ndtr((scores - threshold) / spread).sum(dim=0)


@EXERCISES.write(
    "the loss of Switch", "medium", 15, inputs=balance.scores_and_k,
    statement=r"""Write `balance_of(scores, k)`: the Switch Transformer's loss $K \sum_i f_i P_i$, one number. `scores` is `(N, K)`, without ties, and
each case is sent to the `k` experts with the largest. $f_i$ is the share of *all choices* that expert i has, so that f sums to 1; $P_i$ is the
mean of its proportion, from the softmax over all experts.""",
    hints=(
        "f is counted from `topk`, P is a mean over the softmax. Which of the two has a gradient?",
        "a table of ones and zeros, its mean over the cases divided by k; the mean of `torch.softmax(scores, dim=1)`; K times the "
        "sum of the products.",
    ),
    explanation=r"""The gradient comes through $P$ alone. So $P$ has to be of *all* proportions, also of those who were not chosen. Made of the k
renormalised weights it hardly moves, as these sum to 1 among the chosen, and several programs had that. And mind which
convention a program has: where f sums to k the loss is k times as large, and the same $\alpha$ means another thing.""",
    wrong=(
        Wrong(balance.f_that_sums_to_k, "k times too large with the convention of the statement: your f sums to k. Divide by the number of "
              "choices."),
        Wrong(balance.mean_over_experts, "this is the mean over the experts. Wanted is K times the sum."),
        Wrong(balance.with_chosen_weights, "P is made of the weights of the chosen. Take the softmax over all experts."),
        Wrong(balance.with_raw_scores, "P is the mean of the scores. It is the mean of the proportions."),
        Wrong(balance.of_proportions_alone, "this has P in both places. f is counted."),
        Wrong(balance.importance_for_counts, "f is made of weights. It counts choices, each as 1."),
    ),
)
def balance_of(scores, k):
    kept = torch.zeros_like(scores).scatter(1, scores.topk(k, dim=1).indices, 1.0)
    f = kept.mean(dim=0) / k
    P = torch.softmax(scores, dim=1).mean(dim=0)
    return scores.shape[1] * (f * P).sum()


EXERCISES.predict(
    "four layers", "medium", 10, name="loss_of_layers", tolerance=0.004,
    statement="""A model has four layers with four experts each. In the first layer every case has the proportion 0.91 for expert 0 and 0.03 for the
others; in the second 0.91 for expert 1, in the third for expert 2, in the fourth for expert 3. Each case is sent to its favourite. What is the
mean of the four layers' Switch losses?""",
    hints=(
        "in one layer: what is f, and what is P of the expert that has everything?",
        "four times 1 times 0.91 in the first layer. Is it another number in the others?",
    ),
    explanation=r"""Each layer is collapsed: $f = 1$ and $P = 0.91$ for one expert, so the loss is $4 \cdot 0.91 = 3.64$, in each. If one joins the scores
of all layers and takes the loss once, each number of an expert has a quarter of the cases, and the loss is 1.0, as for a perfect balance, while
every layer has one expert at work. A library of many users joined them so.""",
    reference=3.64,
    wrong=(
        Wrong(1.0, "that comes out if the layers are joined: each is collapsed, and together they look even. Each layer has its own "
              "experts."),
        Wrong(0.91, "K is missing: the loss is K times the sum."),
        Wrong(4.0, "that would be with proportions of 1 and 0. P is 0.91 here."),
        Wrong(14.56, "that is the sum over the layers. Asked is their mean."),
    ),
)


@EXERCISES.write(
    "the size of scores", "easy", 10, inputs=balance.scores,
    statement=r"""Write `z_of(scores)`: the z-loss, one number, the mean over the cases of $\big(\log \sum_j e^{s_j}\big)^2$. `scores` is `(N, K)`, and a score
may be 1000.""",
    hints=(
        "what is `exp` of 1000? torch has a function that does the logarithm of the sum of exponentials without computing them.",
        "`torch.logsumexp(scores, dim=1)`, then the square of each, and then the mean.",
    ),
    explanation=r"""First the square, then the mean: z of one case may be positive and that of another negative, and the square of the mean lets them
cancel. `logsumexp` takes the largest score out first, so that nothing overflows. All proportions stay the same if all scores of a
case are shifted; this loss does not, and that is what it is for.""",
    wrong=(
        Wrong(lambda scores: torch.logsumexp(scores, 1).mean(), "the square is missing."),
        Wrong(lambda scores: torch.logsumexp(scores, 1).mean().square(), "this is the square of the mean. Square each case first."),
        Wrong(lambda scores: torch.logsumexp(torch.softmax(scores, 1), 1).square().mean(), "the exponentials are of proportions. They "
              "are of scores."),
        Wrong(lambda scores: scores.exp().sum(1).log().square().mean(), "with a score of 1000 the exponential is infinite. "
              "`torch.logsumexp` does it without."),
        Wrong(lambda scores: torch.logsumexp(scores, 1).square().sum(), "this is the sum over the cases. Take the mean."),
    ),
)
def z_of(scores):
    return torch.logsumexp(scores, dim=1).square().mean()


@EXERCISES.write(
    "the bias after a batch", "easy", 5, inputs=balance.loads,
    statement="""Write `moved_bias(bias, counts, rate)`: the biases `(K,)` after a batch in which the experts had `counts` `(K,)` cases, whole numbers. Who
had fewer than the mean of the counts goes up by `rate`, who had more goes down by `rate`, and who had just the mean stays.""",
    hints=(
        "torch has a function that is 1, 0 or -1. Of which difference?",
        "`torch.sign` of the mean minus the counts, times the rate. Whole numbers have no mean: make them floating-point numbers first.",
    ),
    explanation="""A bias is added to the score when experts are chosen. Who has too little is made more attractive: mean minus count. With the sign the
other way round nothing crashes, the model learns all the same, and in the end a few experts have everything, so plot the load. Counts have to be
compared with their own mean. In one program they were compared with the share 1/K: every expert with a single case was above it.""",
    wrong=(
        Wrong(lambda bias, counts, rate: 2 * bias - moved_bias(bias, counts, rate), "the sign is the other way round: who has much gets more."),
        Wrong(balance.against_the_share, "counts are compared with the share 1 / K, so that whoever has a case is above it. Compare with "
              "the mean of the counts."),
        Wrong(balance.by_the_difference, "this moves by the difference. The rule takes its sign only."),
        Wrong(balance.against_the_median, "this compares with the median. The prices' slope is the distance from the mean."),
        Wrong(lambda bias, counts, rate: moved_bias(bias, counts, rate) - bias, "this is the step. Add it to the bias."),
    ),
)
def moved_bias(bias, counts, rate):
    counts = counts.double()
    return bias + rate * torch.sign(counts.mean() - counts)


@EXERCISES.write(
    "choose with it, weigh without it", "medium", 15, inputs=balance.biased_scores,
    statement="""Write `biased_weights(score, bias, k)`: the weights of all experts, `(N, K)`. `score` `(N, K)` is positive, as from a sigmoid. Each case is sent to
the `k` experts with the largest score plus `bias` `(K,)`. Their weights are their scores, without the bias, divided by the sum of the *chosen*
scores. An expert that is not chosen has exactly 0. There are no ties.""",
    hints=(
        "two steps that look at different numbers: who is chosen, and how much each of those counts.",
        "a table of the `topk` of `score + bias`; the scores times that table; divided by the row's sum.",
    ),
    explanation="""The bias says what the other cases have done to the load. In the choice it does its work, and so the load of others is in this case's
answer already. With the bias in the weights it would be in them, too, and not only in the choice, and it would bring the gate a gradient from the wrong number. With k = 1 the weight is 1 whatever the score: chapter 12's
trap, which divides by itself. So with k = 1 one takes the score as it is.""",
    wrong=(
        Wrong(balance.weighed_with_the_bias, "the bias is in the weights, too. It chooses and does not weigh."),
        Wrong(balance.softmax_of_the_biased, "the weights are a softmax of scores and biases. They are the scores themselves, divided by "
              "their sum."),
        Wrong(balance.divided_by_all, "this divides by the sum over all experts. Take that of the chosen ones."),
        Wrong(balance.as_it_is, "the chosen scores are not divided by their sum."),
        Wrong(balance.without_the_bias, "the bias is not used. It decides who is chosen."),
    ),
)
def biased_weights(score, bias, k):
    chosen = (score + bias).topk(k, dim=1).indices
    w = score * torch.zeros_like(score).scatter(1, chosen, 1.0)
    return w / w.sum(dim=1, keepdim=True)


@EXERCISES.write(
    "experts choose", "medium", 15, inputs=balance.scores_and_room,
    statement="""Write `experts_choose(scores, room)`: the weights of all experts, `(N, K)`. Each *expert* takes the `room` cases in which its proportion, of the
softmax over the experts, is the largest, or all cases if there are fewer. The weight is that proportion, as it is, and 0 where an expert did not
take the case. `scores` is `(N, K)`, without ties.""",
    hints=(
        "the softmax is along the experts as always. Along which dimension is the choice?",
        "`p.topk(min(room, N), dim=0).indices` has the cases of each expert; `scatter` along dimension 0 makes a table of it.",
    ),
    explanation="""Every expert has the same number of cases, so that no loss is needed. A case may have several experts, or none. Where it has none its row
is 0: dividing by the row's sum would give NaN there, so the proportions stay as they are. And which cases an expert takes depends on the
others in the batch: with a text, on words that come later.""",
    wrong=(
        Wrong(balance.cases_choose, "the cases choose here: the largest of each row. Let the experts choose, the largest of each column."),
        Wrong(balance.over_the_cases, "the softmax is over the cases. It is over the experts, and only the choice is over the cases."),
        Wrong(balance.by_the_scores, "experts choose by the score here. Choose by the proportion: a case whose scores are all large "
              "does not prefer anybody."),
        Wrong(balance.parts_of_a_case, "the weights are divided by their sum in each case, which is 0 / 0 where nobody took it. Leave them."),
        Wrong(balance.chosen_and_counted, "the right cases, with the weight 1. The weight is the proportion."),
    ),
)
def experts_choose(scores, room):
    p = torch.softmax(scores, dim=1)
    cases = p.topk(min(room, len(p)), dim=0).indices
    return p * torch.zeros_like(p).scatter(0, cases, 1.0)


EXERCISES.predict(
    "whose answer depends on the others", "easy", 5, name="depends_on_the_others",
    choices=("switch", "noisy top-2", "biases", "hash", "expert choice"),
    statement="""A trained model is asked for a batch of cases, without a capacity. Then it is asked for case 0 again, with other cases beside it. With which of
these routers may the answer for case 0 be another one: `"Switch"`, `"noisy top-2"`, `"biases"`, `"hash"` or `"expert choice"`? Give one name.""",
    hints=(
        "for each router: which numbers decide who computes case 0? Are numbers of other cases among them?",
        "when a model is asked there is no noise, and biases do not move any more. Who still compares one case with another?",
    ),
    explanation="""An expert takes the cases that suit it best *in this batch*. Beside better ones case 0 is left out. With the others the row of scores of the case
decides, with a fixed bias or a fixed table. BASE and Sinkhorn compare cases too, but in training only. Soft MoE does it always. And
with a capacity every router does it: who comes late is dropped.""",
    reference="expert choice",
    wrong=(
        Wrong("switch", "its loss looks at the whole batch, but only while it trains. Asked, it takes the largest score of the case."),
        Wrong("noisy top-2", "the noise is for training only. Asked, it takes the two largest scores of the case."),
        Wrong("biases", "the biases remember other cases, those of the training. Once it is trained they stay as they are."),
        Wrong("hash", "the table was fixed before the training began."),
    ),
)

QUIZ = (
    Question(
        "The Switch loss of a layer is 1.0. Is its load even?",
        (
            ("Yes: 1 is the least value", "It can be below 1, and 1 comes out of other states, too."),
            ("Not necessarily", "It is 1 also where f is even and P is not, and where collapsed layers were joined. Look at the counts."),
            ("No: an even load has the loss 0", "With f and P both 1 / K the sum is 1 / K, and K times that is 1."),
        ),
        right=1,
    ),
    Question(
        "Subtasks come as 37 %, 18 %, 12 % and so on, and the load of eight experts is forced to be even. What happens?",
        (
            ("Each expert gets one subtask", "Then the loads would be 37 %, 18 %, 12 %, and not even."),
            ("The rare subtasks are dropped", "Nobody is dropped without a capacity. Their cases go somewhere."),
            ("The frequent subtask is split, and no rare one can have an expert to itself", "An even load and one expert for each "
             "subtask exclude each other here: an eighth of the cases is more than a rare subtask has. The error says what that costs."),
        ),
        right=2,
    ),
    Question(
        "Why does the bias choose experts and not weigh them?",
        (
            ("The load of other cases would be in the weights of this one, too, and not only in the choice", "And it would bring the "
             "gate a gradient from the wrong number. Chosen by it, weighed without it."),
            ("To save a multiplication", "It would be an addition, and a cheap one."),
            ("Because it cannot be differentiated", "An added number can. It is left out of the gradient on purpose."),
        ),
        right=0,
    ),
)
