"""Chapter 9, limits."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def scores_and_outputs(draw):
    """Scores, outputs and k: all experts, one expert, one case, all scores negative, scores of 1000. No two scores tie."""
    drawn = [(2 * draw(n, e), draw(n, e, m), k) for n, e, m, k in
             ((4, 5, 2, 2), (3, 4, 1, 3), (6, 3, 3, 1), (3, 3, 2, 3), (1, 6, 1, 2), (4, 1, 2, 1))]
    far = torch.tensor([[1000.0, 999.0, -1000.0, 998.0], [0.0, -1000.0, 1000.0, 999.5]], dtype=torch.float64)
    return [*drawn, (draw(5, 4) - 6, draw(5, 4, 2), 2), (far, draw(2, 4, 1), 2)]


def cases_to_send(draw):
    """Inputs, scores and linear experts: an expert without a case, one with all, one case, one expert, scores of 1000."""
    drawn = [(draw(n, d), draw(n, k), draw(k, d), draw(k)) for n, k, d in ((8, 3, 2), (12, 4, 2), (5, 2, 6), (1, 3, 2), (4, 1, 2))]
    alone = draw(6, 3) + torch.tensor([0.0, 20.0, 0.0], dtype=torch.float64)
    never = draw(7, 3) - torch.tensor([0.0, 20.0, 0.0], dtype=torch.float64)
    far = torch.tensor([[0.0, 1000.0], [1000.0, 999.0], [-1000.0, 0.0]], dtype=torch.float64)
    return [*drawn, *((draw(len(scores), 2), scores, draw(scores.shape[1], 2), draw(scores.shape[1])) for scores in (alone, never, far))]


EXERCISES.predict(
    "what the favourite saves", "easy", 5, name="part_saved", tolerance=0.006,
    statement="""A mixture has 10 linear experts with one output each, and 100 inputs. Count multiplications as the chapter does. Only
the gate's favourite is computed, in place of all experts and their blend. What part of the multiplications does that save? Say a number
between 0 and 1, to two decimals.""",
    hints=(
        "two things have to be known before anything can be skipped: who the favourite is, and what it answers. What does each cost?",
        "all: the gate 10 · 100, the experts 10 · 100, the blend 10. The favourite alone: the gate 10 · 100, one expert 100. The part "
        "that is saved is the difference, divided by the first sum.",
    ),
    explanation=r"""With all experts there are $K D + K D + K = 1000 + 1000 + 10 = 2010$ multiplications, and with the favourite alone
$K D + D = 1000 + 100 = 1100$. So $910 / 2010 \approx 0.45$ is saved.

Nine of ten experts are skipped, and less than half is saved, because a linear expert is no larger than its share of the gate. The gate has
to be computed in full, or nobody knows whom to skip. Were the experts larger, with a
hidden layer of 64 units each, the gate would hardly count: the same choice would then save 0.89.""",
    reference=round(910 / 2010, 4),
    wrong=(
        Wrong(0.9, "nine of ten experts are skipped, but that is a part of the experts' cost only. The gate costs as "
              "much as they do, and all of it is still needed."),
        Wrong(0.95, "the gate is counted in the full cost, but not beside the one expert. It has to be computed there as "
              "well: without it nobody knows the favourite."),
        Wrong(0.5, "the gate is about half, and the experts the other half. But of that half one expert's part has still "
              "to be computed."),
        Wrong(round(1100 / 2010, 4), "that is the part that remains. What is saved is the rest."),
        Wrong(0.89, "so much is saved if the experts are large, as the chapter's with a hidden layer. A linear expert is no "
              "larger than its share of the gate."),
        Wrong(0.46, "so near that it may be the rounding. If not: the blend has multiplications of its own, one for each "
              "expert, which are saved, and which are in the full cost."),
        Wrong(0.1, "that is the part of the *experts'* cost that remains. Count the gate as well, and ask what is saved."),
    ),
)


EXERCISES.predict(
    "what the effective number counts", "medium", 5, name="effective_experts_of_a_case", tolerance=0.02,
    statement=r"""A gate has eight experts. In one half of the cases it gives the proportion 0.5 to expert 0 and 0.5 to expert 1; in the
other half it gives all to expert 2. What is the effective number of experts of a case, $e^H$ with $H = -\sum_i p_i \log p_i$, as a mean
over the cases? Say a number with one decimal.""",
    hints=(
        "no logarithm is needed: what is the effective number when two experts have the same share, and what when one has it all?",
        "work out the effective number of a case of the first half and of a case of the second half. Then take the mean of the two.",
    ),
    explanation="""Two experts with the same share are 2 effective experts, and one with everything is 1. The mean over the two halves is
$(2 + 1) / 2 = 1.5$.

Three experts are live here, and five are dead. The effective number *of a case* does not tell that: it says how many experts share a
case, not how many the whole task needs. The chapter's mixtures show the same difference: $e^H$ is 1.02 and two experts are live.""",
    reference=1.5,
    wrong=(
        Wrong(3.0, "that is the number of live experts, over all cases together. No case is shared by three."),
        Wrong(2.83, "that is the effective number of the *mean* proportions. First e^H for each case, then the mean."),
        Wrong(1.41, "that is e to the power of the *mean* of H. First e to the power H for each case, then the mean of "
              "these."),
        Wrong(0.35, "that is the mean of H itself. The effective number is e to the power H, so it is 1, and not 0, "
              "where one expert has everything."),
        Wrong(2.5, "no case is shared by more than two experts, so the mean cannot be above 2. Where one expert has "
              "everything, that is one expert, whatever its number."),
        Wrong(2.0, "that is right for the cases of the first half. In the others one expert has everything."),
        Wrong(8.0, "eight is the number of experts that there are. It would be the effective number if all had the same "
              "share in every case."),
    ),
)


def shares_of_all(scores, o, k):
    p = torch.softmax(scores, dim=-1)
    top = p.topk(k, dim=-1)
    return (top.values[..., None] * o.take_along_dim(top.indices[..., None], dim=1)).sum(dim=1)


def zero_for_the_others(scores, o, k):
    kept = torch.zeros_like(scores).scatter(1, scores.topk(k, dim=-1).indices, scores.topk(k, dim=-1).values)
    return torch.einsum("nk,nkm->nm", torch.softmax(kept, dim=-1), o)


def smallest_scores(scores, o, k):
    top = scores.topk(k, dim=-1, largest=False)
    return (torch.softmax(top.values, dim=-1)[..., None] * o.take_along_dim(top.indices[..., None], dim=1)).sum(dim=1)


def first_experts(scores, o, k):
    top = scores.topk(k, dim=-1)
    return (torch.softmax(top.values, dim=-1)[..., None] * o[:, :k]).sum(dim=1)


def chosen_for_all_cases(scores, o, k):
    chosen = scores.mean(dim=0).topk(k).indices
    return torch.einsum("nk,nkm->nm", torch.softmax(scores[:, chosen], dim=-1), o[:, chosen])


@EXERCISES.write(
    "the k best, and no one else", "hard", 15, inputs=scores_and_outputs,
    statement="""Write `sparse_blend(scores, o, k)`, the sparse gating of the last section without its noise: for each case the `k` experts
with the largest scores share it, by a softmax over these `k` scores alone, and only they enter the blend. In go `scores` of shape `(N, K)`,
the outputs `o` of shape `(N, K, M)` and `k` between 1 and K; out comes the blend, `(N, M)`. No two scores of a case are equal. The scores
may be as large as 1000.""",
    hints=(
        "each case chooses anew, and the shares of its k experts sum to 1. `scores.topk(k, dim=-1)` has the k largest scores of each case "
        "as `.values` and their experts as `.indices`.",
        "the softmax of the k values gives the shares. Then take the outputs of the same k experts, for example with "
        "`o.take_along_dim(indices[..., None], dim=1)`, weigh them, and sum over the k experts.",
    ),
    explanation=r"""The softmax runs over the $k$ largest scores only, so the $k$ shares sum to 1 and all other experts have the
proportion 0. One can do the same with all $K$ scores by setting those that are not chosen to $-\infty$, because $e^{-\infty} = 0$. Setting
them to 0 does not do it: $e^0 = 1$ is a share as good as any.

With $k = K$ this is the blend of 1991, and with $k = 1$ the favourite alone. Here all outputs are given, so nothing is saved. The gain
comes when the experts that are not chosen are never computed.""",
    wrong=(
        Wrong(shares_of_all, "the right experts are chosen, but their shares come from a softmax over *all* scores, so "
              "they sum to less than 1. Take the softmax over the k scores that are kept."),
        Wrong(zero_for_the_others, "a score of 0 is not a share of 0: its exponential is 1, so the experts that were "
              "left out still take part. Leave them out of the softmax, or give them a score of minus infinity."),
        Wrong(lambda scores, o, k: o.take_along_dim(scores.topk(k, dim=-1).indices[..., None], dim=1).mean(dim=1),
              "the right experts are chosen, but they all get the same share. Their scores decide how much each of them "
              "weighs."),
        Wrong(lambda scores, o, k: torch.einsum("nk,nkm->nm", torch.softmax(scores, dim=-1), o),
              "this is the blend of all experts; `k` is not used."),
        Wrong(lambda scores, o, k: sparse_blend(scores, o, 1), "this is the favourite alone, whatever `k` is."),
        Wrong(smallest_scores, "these are the k experts with the *smallest* scores."),
        Wrong(first_experts, "the shares are right, but the outputs are those of the first k experts. Take the outputs "
              "of the experts to whom the k largest scores belong."),
        Wrong(chosen_for_all_cases, "the same k experts are chosen for all cases here, by their mean score. Each case "
              "has k best experts of its own."),
    ),
)
def sparse_blend(scores, o, k):
    top = scores.topk(k, dim=-1)
    p = torch.softmax(top.values, dim=-1)
    chosen = o.take_along_dim(top.indices[..., None], dim=1)
    return (p[..., None] * chosen).sum(dim=1)


def expert_by_expert(x, scores, weight, bias):
    favourite = scores.argmax(dim=-1)
    parts = []
    for k in range(len(bias)):
        mine = favourite == k
        parts.append(torch.sigmoid(x[mine] @ weight[k] + bias[k]))
    return torch.cat(parts)


def one_expert_for_all(x, scores, weight, bias):
    k = scores.mean(dim=0).argmax()
    return torch.sigmoid(x @ weight[k] + bias[k])


def computes_more(calls, cases):
    favourites = sum(len(x) for x, *_ in cases)
    products = {"matmul", "mm", "mv", "addmm", "addmv", "einsum", "linear", "__matmul__", "__rmatmul__"}
    for kind in (products, {"sigmoid", "sigmoid_"}):
        if sum(numbers for name, numbers in calls if name in kind) > favourites:
            return "experts are computed for cases of which they are not the favourite; each case needs one of them only."


@EXERCISES.repair(
    "sent to an expert and back", "medium", 10, inputs=cases_to_send, watch=computes_more,
    statement="""`broken` should give, for each case, the output of the gate's favourite, and compute no other expert for it. Called with
one case at a time it is right, but with many cases at once outputs stand in the places of other cases. Find out why, and write `dispatch`,
which does what it should. In go `x` of shape `(N, D)`, the gate's `scores` of shape `(N, K)`, and K linear experts with one output, `weight`
of shape `(K, D)` and `bias` of shape `(K,)`; out come the outputs, `(N,)`. Some expert may be nobody's favourite.""",
    given='''def broken(x, scores, weight, bias):
    favourite = scores.argmax(dim=-1)
    parts = []
    for k in range(len(bias)):
        mine = favourite == k
        parts.append(torch.sigmoid(x[mine] @ weight[k] + bias[k]))
    return torch.cat(parts)''',
    hints=(
        "take three cases whose favourites are the experts 1, 0 and 1. In which order do their outputs come out of `broken`?",
        "the outputs of an expert belong in the places that its cases had in x. Make an empty tensor with N places first, and let each "
        "expert fill in the places of its own cases.",
    ),
    explanation="""`broken` works expert by expert and puts the outputs one behind the other: first those of all cases of expert 0, then
those of expert 1. So they come in the order of the experts, not of the cases. `y[mine] = ...` puts each output back where its case was. An
expert without cases fills in nothing.

These are two steps: sort the cases by expert, and put the outputs back in order. The chapter's `only_the_favourite` has both, for
experts with a hidden layer.""",
    wrong=(
        Wrong(expert_by_expert, "that is still `broken`: the outputs are in the order of the experts. Put each of them "
              "back in the place of its case."),
        Wrong(lambda x, scores, weight, bias: (torch.softmax(scores, dim=-1) * torch.sigmoid(x @ weight.T + bias)).sum(dim=-1),
              "this computes every expert and blends them. Only the favourite's output is wanted, as it is."),
        Wrong(lambda x, scores, weight, bias: torch.softmax(scores, dim=-1).amax(dim=-1) * dispatch(x, scores, weight, bias),
              "the right expert, in the right place, but its output is multiplied by its proportion, as the Switch "
              "Transformer does. Here the favourite answers alone, and its output stands as it is."),
        Wrong(one_expert_for_all, "one expert answers all cases here, the one with the largest mean score. Each case has "
              "a favourite of its own."),
        Wrong(lambda x, scores, weight, bias: torch.sigmoid(x @ weight.T + bias).amax(dim=-1),
              "this takes the largest output. To know it every expert has to be computed; it is the gate that chooses, "
              "by its scores."),
        Wrong(lambda x, scores, weight, bias: dispatch(x, scores, weight, torch.zeros_like(bias)),
              "each case reaches the right expert and comes back to its place, but the experts' biases are missing."),
        Wrong(lambda x, scores, weight, bias: dispatch(x, -scores, weight, bias), "this sends each case to the expert "
              "with the *smallest* score."),
    ),
)
def dispatch(x, scores, weight, bias):
    favourite = scores.argmax(dim=-1)
    y = torch.empty(len(x), dtype=x.dtype)
    for k in range(len(bias)):
        mine = favourite == k
        y[mine] = torch.sigmoid(x[mine] @ weight[k] + bias[k])
    return y


QUIZ = (
    Question(
        "A mixture was trained with eq. 1.1. Its blend is good, and in each case three experts have about a third each. May one compute the "
        "favourite only?",
        (
            ("Yes, the favourite has the largest proportion, so it has the best answer", "A third is the largest proportion and still leaves "
             "two thirds to others. Eq. 1.1 asks for a good sum, not for a good answer from any one expert."),
            ("Yes, a good blend is made of good experts", "Under eq. 1.1 the experts may be wrong in ways that cancel. On $4|x|$ the blend had "
             "an error of 0.011 and the favourite alone 0.390."),
            ("Not without trying: the answer may be in the sum and in no single expert", "It depends on how the experts were trained, and on "
             "what. Where one expert has nearly everything, as on the vowels, next to nothing is lost."),
        ),
        right=2,
    ),
    Question(
        "A gate that lost F2 after its training left 89.5 % right. With a gate that never saw F2, "
        "60 % were right after 2000 epochs. What do the two together say?",
        (
            ("F1 does not tell the two pairs apart", "Then the first gate could not do with F1 alone what it does. It saw the same mean in "
             "place of F2 for every case, and 89.5 % came out right."),
            ("F1 is enough for choosing, but it is hard to begin from", "The information is there. In kHz the pairs differ less in "
             "F1, so the first preferences grow slowly; the same F1 in larger numbers brought 85 %."),
            ("The experts cannot learn their lines without F2", "The experts saw both formants all the time. F2 was kept from the gate "
             "only."),
        ),
        right=1,
    ),
    Question(
        "Mixtures trained on the men lose 17 to 18 points on women and children. How much of that could a better gate bring back?",
        (
            ("Next to nothing", "The gate that knows sends every token where the trained gate sends it, and loses as much. What fails is the "
             "lines of the experts, inside the pairs."),
            ("Nearly all of it: the gate was trained on men only", "So were the experts. The comparison tells the two apart: with a gate "
             "that knows each token's pair the loss is the same."),
            ("About half: gate and experts are both to blame", "Both saw men only, but both need not suffer. The trained gate chose the same "
             "expert as the gate that knows, for every single token."),
        ),
        right=0,
    ),
)
