"""Chapter 15, what the experts know."""

import math

import torch

from . import _information as known
from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


@EXERCISES.write(
    "from a table of counts", "medium", 15, inputs=known.labels("a", "b"),
    statement=r"""Write `nats_shared(a, b)`: the mutual information of two labels in nats, one number. `a` and `b` are `(N,)`, whole numbers from 0, and some
numbers may not occur. With the shares $q(a, b)$ of the pairs, and $q(a)$, $q(b)$ of the values of each, it is
$\sum_{a,b} q(a, b) \log \frac{q(a, b)}{q(a)\,q(b)}$ over the pairs that occur. (Or: $H(A) + H(B) - H(A, B)$.)""",
    hints=(
        "a table with a row for each value of a and a column for each value of b. What has to be done about its zeros?",
        "`torch.bincount(a * columns + b, minlength=rows * columns).view(rows, columns)`, divided by N; its sums along each dimension; "
        "and then only the entries above 0.",
    ),
    explanation=r"""An entry of 0 adds nothing, as $q \log q$ goes to 0 with $q$, but `0 * log(0)` is NaN on a computer. The three entropies
give the same number. Which label is named first does not matter: what the expert says about the character, the character says about
the expert. Nats are made with the natural logarithm, and bits, with that of base 2, are 1.44 times as many.""",
    wrong=(
        Wrong(known.with_log_of_0, "a pair that does not occur makes 0 times the logarithm of 0, which is NaN. Leave such pairs out."),
        Wrong(lambda a, b: nats_shared(a, b) / math.log(2), "these are bits: the logarithm has the base 2. Nats have the natural one."),
        Wrong(lambda a, b: known.entropy(a) - nats_shared(a, b), "this is what is *not* known of a to who knows b, H(A | B). Wanted is "
              "what is known.", also=(lambda a, b: known.entropy(b) - nats_shared(a, b),)),
        Wrong(lambda a, b: known.entropy(a, b), "this is the entropy of the pairs, H(A, B)."),
        Wrong(lambda a, b: known.entropy(a) + known.entropy(b), "the entropy of the pairs has to be taken off: H(A) + H(B) - H(A, B)."),
        Wrong(known.with_cells_that_collide, "different pairs share a place of your table: `a` has to be multiplied by the number of values "
              "of *b*, not of a."),
        Wrong(known.of_counts, "the logarithms are of counts. Divide by N first."),
        Wrong(known.weighed_by_the_product, "the mean is taken with q(a) q(b). Take it with the shares of the pairs."),
        Wrong(lambda a, b: nats_shared(a, b) / known.entropy(a).clamp(min=1e-9), "this is a part of the entropy, and not in nats."),
        Wrong(known.rows_alone, "the values of b count alike here. Each counts as often as it occurs."),
    ),
)
def nats_shared(a, b):
    rows, columns = int(a.max()) + 1, int(b.max()) + 1
    table = torch.bincount(a * columns + b, minlength=rows * columns)
    joint = table.view(rows, columns) / len(a)
    alone = joint.sum(dim=1, keepdim=True) * joint.sum(dim=0)
    occurs = joint > 0
    return (joint[occurs] * (joint[occurs] / alone[occurs]).log()).sum()


EXERCISES.predict(
    "known, or noise?", "medium", 10, name="noise_of_a_table", tolerance=0.08,
    statement="""A router knows nothing: of each of 1000 characters it draws one of 8 experts, all alike. The characters are drawn from 119, all alike, too. How large is the
mutual information of expert and character that one measures, in nats? Say it to a tenth, by the formula or by a guess, and then run it.""",
    hints=(
        "how many entries has the table, and how many cases are there for them? Will q(a, b) be q(a) q(b) in each of them?",
        "about (K - 1)(V - 1) / 2N.",
    ),
    explanation="""By the formula 7 times 118 / 2000 = 0.41, and a run shows 0.48, since 1000 cases are few for 952 entries and the formula is for many. Of this router
one could say that it \"knows\" nearly a quarter of what there is to know, 2.08. On the 48 000 characters of the chapter the same is 0.009. Whoever reads an
information has to know how many cases it was measured on, or see it beside that of shuffled choices.""",
    reference=0.48,
    wrong=(
        Wrong(0.0, "that would be right of the *probabilities*. A table of 1000 cases has 952 entries, about one each, and never shows them exactly.",
              also=(0.009,)),
        Wrong(2.08, "that is the entropy of the experts, the most that there could be.", also=(4.78,)),
        Wrong(0.83, "twice too much: (K - 1)(V - 1) is divided by *2N*."),
        Wrong(0.65, "this is in bits. In nats it is less.", also=(0.6, 0.69)),
    ),
)


@EXERCISES.repair(
    "the expert for German", "medium", 15, inputs=known.labels("expert", "language", "character", most=3),
    statement=r"""`broken` should say how much experts know about the language *beyond what the character says*, in nats: $I(E; L \mid T)$, for labels `(N,)` of
expert, language and character. It finds an expert for German where there is only one for ü and ß. Find out what it measures, and write
`language_beyond(expert, language, character)`.""",
    given='''def broken(expert, language, character):
    def entropy(*labels):
        pairs = torch.stack(labels, dim=1).unique(dim=0, return_counts=True)
        q = pairs[1] / len(expert)
        return -(q * q.log()).sum()

    return entropy(expert) + entropy(language) - entropy(expert, language)''',
    hints=(
        "what does `broken` give if the expert *is* the character? And what should it give?",
        "I(E; L | T) = H(E, T) + H(L, T) - H(E, L, T) - H(T): the three terms of `broken`, each with the character beside it, and "
        "the entropy of the character taken off.",
    ),
    explanation=r"""`broken` measures $I(E; L)$. An expert that is a function of the character has as much of that as the character gives away, and by
the data-processing inequality never more; of $I(E; L \mid T)$ it has 0. A published model has an expert that "likes code": it likes
`=`, `and` and the end of a line, wherever they stand. With the condition the table has many more entries, so take the shuffled choices beside
it, shuffled among the cases of one character.""",
    wrong=(
        Wrong(lambda expert, language, character: known.entropy(expert) + known.entropy(language) - known.entropy(expert, language),
              "that is still `broken`: I(E; L), to which the character gives its part."),
        Wrong(lambda expert, language, character: known.given(expert, character, language), "the conditions are exchanged: this is what the "
              "expert says about the *character* to who knows the language."),
        Wrong(lambda expert, language, character: known.given(language, character, expert), "this is what language and character say about each "
              "other to who knows the expert."),
        Wrong(lambda expert, language, character: language_beyond(expert, language, character)
              + known.given(expert, character, torch.zeros_like(expert)),
              "this is the information about language *and* character together. Take off that about the character."),
        Wrong(known.unweighted, "all characters count alike here. Each counts as often as it occurs."),
        Wrong(lambda expert, language, character: known.given(expert, language, torch.zeros_like(expert))
              - known.given(language, character, torch.zeros_like(expert)),
              "this is I(E; L) - I(T; L), which may be below 0: the expert need not know all that the character says."),
        Wrong(lambda expert, language, character: known.entropy(expert, character) - known.entropy(character), "this is H(E | T), all that is "
              "left open of the expert. A part of it is chance."),
        Wrong(lambda expert, language, character: language_beyond(expert, language, character) / math.log(2), "these are bits. Nats have the "
              "natural logarithm."),
    ),
)
def language_beyond(expert, language, character):
    def entropy(*labels):
        triples = torch.stack(labels, dim=1).unique(dim=0, return_counts=True)
        q = triples[1] / len(expert)
        return -(q * q.log()).sum()

    return (entropy(expert, character) + entropy(language, character)
            - entropy(expert, language, character) - entropy(character))


@EXERCISES.write(
    "a fair shuffle", "medium", 15, inputs=known.groups,
    statement="""$I(E; L \\mid T)$ comes out above 0 by chance, too. The fair comparison is with experts that are shuffled *among the cases of the same character*. Write
`shuffled_within(expert, character, draws)`: the shuffled experts `(N,)`. `draws` `(N,)` are random numbers without ties. Among the cases of a character, the one with
the smallest draw gets the expert of the first of these cases, the one with the next draw that of the second, and so on.""",
    hints=(
        "take one character. `cases = torch.where(character == value)[0]` are its cases, in the order of the text. Which of them has the smallest draw?",
        "`cases[draws[cases].argsort()]` are these cases in the order of their draws. They get `expert[cases]`, in that order.",
    ),
    explanation="""Shuffled over everything the experts lose the character as well, and the number that comes out is not the one that chance gives an
expert which knows the character and nothing else. In chapter 15's second layer the language given the character shows 0.011 by chance, and
0.162 for one of the trained models: far more. Where a character occurs once there is nothing to shuffle, and rightly: such a case says nothing about
the language either.""",
    wrong=(
        Wrong(lambda expert, character, draws: known.within(expert, torch.zeros_like(expert), draws, known.in_order),
              "these are shuffled among all cases. Cases of one character exchange their experts with each other only."),
        Wrong(lambda expert, character, draws: known.within(expert, character, draws, known.other_way), "the draws are used the other way round: "
              "the *first* case gets the expert of the case with the smallest draw."),
        Wrong(lambda expert, character, draws: known.within(expert, character, draws, known.turned), "the largest draw comes first here."),
        Wrong(lambda expert, character, draws: known.within(expert, character, draws, known.with_putting_back), "some experts are given twice and "
              "others not at all: the shares of the experts have changed."),
        Wrong(lambda expert, character, draws: known.within(character, expert, draws, known.in_order), "these are characters, shuffled among the "
              "cases of an expert."),
        Wrong(lambda expert, character, draws: expert[character.argsort(stable=True)], "the experts are sorted by character. Each has to go to a case of "
              "its character."),
        Wrong(lambda expert, character, draws: expert, "nothing is shuffled."),
    ),
)
def shuffled_within(expert, character, draws):
    shuffled = expert.clone()
    for value in character.unique():
        cases = torch.where(character == value)[0]
        shuffled[cases[draws[cases].argsort()]] = expert[cases]
    return shuffled


EXERCISES.predict(
    "the same expert twice", "easy", 5, name="repeated_by_chance", tolerance=0.004,
    statement="""Three experts have 50 %, 30 % and 20 % of the cases, and each choice is independent of the others. What is the chance that a case has
the same expert as the case before it?""",
    hints=(
        "what is the chance that both have expert 0? And both expert 1?",
        "the sum of the squares.",
    ),
    explanation=r"""$\sum_i q_i^2 = 0.25 + 0.09 + 0.04 = 0.38$. With an even load it is $1/K$, the least that it can be. A table of Mixtral's paper
compares with 12.5 %, which is right only if its eight experts had the same load. An expert that has half of all cases repeats itself by chance.""",
    reference=0.38,
    wrong=(
        Wrong(1 / 3, "that holds for an even load. Uneven experts repeat themselves more often."),
        Wrong(0.125, "that is the chance of eight experts with an even load. Here are three, and it is not."),
        Wrong(0.5, "that is the share of the largest. Count the pairs of the others, too, and each as often as it occurs.", also=(0.25,)),
        Wrong(0.62, "that is the chance of two *different* experts."),
    ),
)

EXERCISES.predict(
    "first or second", "easy", 5, name="overlap_by_chance", tolerance=0.004,
    statement="""Each case has two different experts of eight, all pairs alike, independently of the other cases. What is the chance that a case and the case before it
have at least one expert in common?""",
    hints=(
        "the chance that there is *none* in common is easier. The case before has two of the eight; where may the first of this case be?",
        "1 - 6/8 · 5/7.",
    ),
    explanation=r"""None in common: the first has to be one of the six others, $6/8$, and the second one of the five that are left, $5/7$. So
$1 - \frac{30}{56} = 0.464$. Mixtral's paper takes just this, 46 %, for what it counts over first and second choices. Beside it a measured 50 % is not much, and
62 % is.""",
    reference=1 - 30 / 56,
    wrong=(
        Wrong(0.25, "that is the chance that a *certain* expert is among the two. Either of them will do."),
        Wrong(4 / 64, "either of two with either of two are four pairs of 64; but each of these has the chance 1/8 of being the same number."),
        Wrong(0.5, "four pairs, 1/8 each, add up to 0.5, but both experts may be in common, and that was counted twice."),
        Wrong(30 / 56, "that is the chance of none in common."),
        Wrong(0.125, "that is the chance for one expert a case."),
        Wrong(1 - 36 / 64, "the two experts of a case are different: after the first there are seven left, five of which are not in common."),
    ),
)


QUIZ = (
    Question(
        "In layer 1 the expert says 0.125, 0.077 and 0.045 nats about the language in three trained models, and 0.070 in one whose gate was frozen at random. "
        "What does that say?",
        (
            ("The gates have learned languages", "Then the frozen gate, which has learned nothing, would have learned them, too."),
            ("A gate's learning added nothing that one can see in this number", "A random map of the vectors shows as much. The language is in the vectors."),
            ("The measure is broken", "It measures what it should: what the choice says about the language. It does not say where that comes from."),
        ),
        right=1,
    ),
    Question(
        "A router that draws its experts blindly shows 0.83 nats about 500 characters. What should be done?",
        (
            ("Take more text", "The bias is (K - 1)(V - 1) / 2N. With a hundred times the text it is about a hundredth."),
            ("Look for what the router cheats with", "It knows nothing, so there is nothing to cheat with. It is the table that has too few cases."),
            ("Take fewer experts", "That would make the bias smaller, and answer another question."),
        ),
        right=0,
    ),
    Question(
        "The choices of a layer are permuted among the cases. All loads stay, and the loss rises by 0.7 nats. What does that show?",
        (
            ("The load was uneven", "The loads are the same before and after."),
            ("The gate knows the topics", "It says that the right expert matters, and not what makes it the right one."),
            ("The experts cannot stand in for each other", "Each expert had as many cases as before, but most of them were another one's."),
        ),
        right=2,
    ),
)
