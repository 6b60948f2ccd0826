"""Chapter 17, what was left of 1991."""

import torch

from . import _closing as closing
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


EXERCISES.predict(
    "what the gate hears", "easy", 5, name="change_of_the_slope", tolerance=0.004,
    statement=r"""A gate has the proportions 0.6 and 0.4 for two experts. Only the favourite is computed, $y = p_0 o_0$, its answer is 3, and the
loss is $(y - 1)^2$. The slope of the loss with respect to the other expert's score is some number. Now the other expert gets better: its answer becomes exactly 1, where
it was 100 before. By how much does that slope change?""",
    hints=(
        "which answers stand in the formula of the slope for top-1?",
        "the other expert was not computed, before or after. Where could its answer come in?",
    ),
    explanation=r"""The slope is $p_0 (0 - p_1)\, o_0\, g$ with $g = 2 (0.6 \cdot 3 - 1) = 1.6$, so $-1.152$: gradient descent raises the other's score,
since more of the favourite would be worse. The other's answer is not in it, so the change is 0. Under eq. 1.3 the slope would be $p_1 - h_1$, and $h_1$
would go from 0 to 0.83.""",
    reference=0.0,
    wrong=(
        Wrong(-1.152, "that is the slope itself, before and after. Asked is the change.", also=(1.152, -1.15, 1.15)),
        Wrong(-0.8313, "that is the change of p - h under eq. 1.3. Here one expert is computed.", also=(0.8313, -0.83, 0.83)),
        Wrong(99.0, "that is how much the answer changed. Does the gate ever see it?", also=(-99.0,)),
        Wrong(-158.4, "that has the other's answer in place of the favourite's.", also=(158.4,)),
    ),
)


@EXERCISES.write(
    "the posterior so far", "medium", 15, inputs=closing.read_texts,
    statement=r"""Write `so_far(p, said)`: the proportions with which each character of a text is predicted, `(T, K)`. K experts read the text; `said`
`(T, K)` has the logarithm of the probability that each gave to each character that came. `p` `(K,)` are the proportions before anything is read, and
the first row of the answer. After each character the proportions become the responsibilities, by Bayes' rule. A text may be long.""",
    hints=(
        "the first row is `p`. Each next row is the one before, times the probabilities that the experts gave to the character, divided by its sum.",
        "work with logarithms: add `said` up over the characters *before* the one in question, add `p.log()`, and take the softmax over the "
        "experts.",
    ),
    explanation=r"""Bayes' rule, again and again, is one softmax of sums: $p_i^{(t)} \propto p_i \prod_{u < t} P_i(u)$. The product has to stop before
character $t$: with it, the prediction would know what it predicts, and a loss made of such proportions is too good to be true. And the products of a
hundred probabilities are best left as sums of logarithms.""",
    wrong=(
        Wrong(closing.with_the_character, "row t already knows character t. It has to stop before it."),
        Wrong(closing.only_the_last, "each row has only the last character in it. The responsibilities go on from character to character."),
        Wrong(closing.without_the_prior, "the proportions before the text are 1 / K here, and should be `p`."),
        Wrong(closing.prior_each_time, "`p` comes in again with every character. It counts once, at the beginning."),
        Wrong(closing.products, "probabilities are multiplied until nothing is left of them. Add logarithms."),
        Wrong(closing.not_normalised, "the rows do not sum to 1."),
        Wrong(closing.over_the_text, "the softmax is over the characters. It is over the experts."),
        Wrong(closing.averaged, "the logarithms are averaged, and have to be added: every character counts."),
    ),
)
def so_far(p, said):
    before = torch.cat([torch.zeros_like(said[:1]), said.cumsum(0)[:-1]])
    return torch.softmax(p.log() + before, dim=1)


@EXERCISES.repair(
    "softmaxes, mixed", "easy", 10, inputs=closing.mixed_scores,
    statement=r"""`broken` should give the probabilities `(N, V)` of V characters from a mixture of softmaxes: each of K experts has scores of its own for the
characters, `scores` `(N, K, V)`, a softmax makes its probabilities, and these are blended with the proportions `p` `(N, K)`. `broken` gives
probabilities that sum to 1, and other ones. Find out why, and write `mixed`.""",
    given='''def broken(scores, p):
    blend = torch.einsum("nk,nkv->nv", p, scores)
    return torch.softmax(blend, dim=-1)''',
    hints=(
        "what is blended in `broken`: scores or probabilities? Take two experts that are sure of different characters.",
        "the softmax of each expert comes first, over its characters; then the blend.",
    ),
    explanation="""A blend of scores is one softmax again, of another score: it multiplies the experts' probabilities (each to the power of its proportion),
so that whoever is sure that a character does *not* come can forbid it alone. A blend of probabilities is a mixture: whoever is sure that it
does come can bring it. That is the difference between eq. 1.1 and eq. 1.3, too: where one stands before the logarithm and the other after it.""",
    wrong=(
        Wrong(closing.scores_blended, "that is still `broken`: the scores are blended, and one softmax is taken."),
        Wrong(closing.softmax_over_experts, "the softmax is over the experts. Each expert's probabilities are over the characters."),
        Wrong(closing.without_proportions, "the experts count alike here. Blend with `p`."),
        Wrong(closing.favourite_alone, "only the favourite is there. A mixture has all, with their proportions."),
        Wrong(closing.logarithms_blended, "the *logarithms* of the probabilities are blended. That is a product, and not a mixture."),
        Wrong(closing.logarithm_of_the_blend, "this is the logarithm of the answer."),
    ),
)
def mixed(scores, p):
    return torch.einsum("nk,nkv->nv", p, torch.softmax(scores, dim=-1))


QUIZ = (
    Question(
        "An expert that was not chosen becomes much better. When does the gate of a top-1 layer learn of it?",
        (
            ("In the next step, by its proportion", "The proportion is a number that the gate makes itself. Nothing of the expert is in it."),
            ("When the expert is chosen the next time", "By noise, by a loss for balance or because the others got worse. Only then is it computed."),
            ("Never", "It may be chosen later on, and then it is computed."),
        ),
        right=1,
    ),
    Question(
        "Which part of eq. 1.3 does a sparse layer lack?",
        (
            ("The responsibilities", "They compare what all experts answered with what was wanted. That needs all answers, and what was wanted, at the layer."),
            ("The softmax of the gate", "It is there, as in 1991."),
            ("Training by one loss", "Gate and experts still learn together."),
        ),
        right=0,
    ),
    Question(
        "Five tables of counts, mixed by their responsibilities, predict a little better than the table of the right language. Why is that possible?",
        (
            ("They have more parameters", "Five tables do have more numbers than one, but blended evenly the same five reach 2.75 only."),
            ("The test text was in the counts", "The sections of the test are held out."),
            ("Some pieces are nearer to another table than to their own", "On those 40 pieces the mixture is far ahead, and on the others behind."),
        ),
        right=2,
    ),
)
