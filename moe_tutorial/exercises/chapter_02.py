"""Chapter 2, the vowels."""

import torch

from ._exercise import Exercises, Question, Wrong

EXERCISES = Exercises()


def points_and_means(draw):
    drawn = [(draw(n, 2), draw(k, 2)) for n, k in ((12, 4), (20, 3), (5, 5), (1, 3), (4, 1))]
    low_and_high = torch.tensor([[300.0, 2400.0], [700.0, 1200.0]], dtype=torch.float64)
    tokens = low_and_high + 100 * draw(2, 2)
    ties = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 5.0]], dtype=torch.float64)
    corners = torch.tensor([[2.0, 0.0], [0.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    sideways = torch.tensor([[3.5, 0.0], [2.0, 2.0]], dtype=torch.float64)
    nearly_between = torch.tensor([[0.498, 0.0], [0.502, 0.0]], dtype=torch.float64)
    ends = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    return [*drawn, (tokens, low_and_high), (ties, corners), (nearly_between, ends), (torch.zeros(1, 2, dtype=torch.float64), sideways)]


def voices(draw):
    drawn = []
    for speakers, tokens in ((3, 4), (5, 2), (2, 3), (4, 1)):
        x = draw(speakers * tokens, 2)
        speaker = 1 + torch.arange(speakers).repeat_interleave(tokens)
        drawn.append((x, speaker[torch.randperm(len(x), generator=draw.generator)].to(torch.float64)))
    said_twice = torch.tensor([[1.0, 1.0], [1.0, 1.0], [2.0, 1.0], [0.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    in_hz = torch.tensor([[300.0, 2300.0], [330.0, 2350.0], [700.0, 1200.0], [690.0, 1190.0], [310.0, 2340.0]],
                         dtype=torch.float64)
    return [*drawn, (said_twice, torch.tensor([7.0, 7.0, 3.0, 9.0, 7.0], dtype=torch.float64)),
            (in_hz, torch.tensor([2.0, 5.0, 2.0, 5.0, 2.0], dtype=torch.float64)),
            (torch.tensor([[300.0, 2300.0], [300.0, 2340.0], [300.0, 2265.0]], dtype=torch.float64),
             torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)),
            (1000 * said_twice[2:4], torch.tensor([76.0, 1.0], dtype=torch.float64))]


@EXERCISES.write(
    "the nearest mean", "easy", 10, inputs=points_and_means,
    statement="""Write `nearest_mean(x, means)`: for each of the points `x` `(N, 2)`, the number of the nearest row of `means` `(K, 2)`,
counted from 0, as a tensor `(N,)`. Distances are ordinary straight ones in the plane. Of several rows at the same distance the first one
counts.""",
    hints=(
        "the chapter does almost this for the nearest neighbour. What shape has a table of all distances from N points to K "
        "means?",
        "`x[:, None] - means` has the shape `(N, K, 2)`. Square it, sum over the two formants, and look for the place of the "
        "smallest of each row's K numbers.",
    ),
    explanation="""`x[:, None]` has the shape `(N, 1, 2)`, so subtracting `means` compares each point with each mean. The sum of the
squares over the last dimension is the squared distance, `(N, K)`. The root can be left out: it does not change which distance is smallest.
`argmin(dim=1)` looks along each point's row, and of equal values it takes the first.

With the four mean points of the training tokens this is already a way to tell vowels apart. Try it on the task of this chapter, and count
the mistakes inside the pairs and across them: you will find none across, in training and test.""",
    wrong=(
        Wrong(lambda x, means: (x[:, None] - means).square().sum(dim=-1).argmax(dim=1),
              "this is the number of the farthest mean: look for the smallest distance, not the largest."),
        Wrong(lambda x, means: (x[:, None] - means).square().sum(dim=-1).argmin(dim=0),
              "this goes the other way: for each mean it gives the nearest of the points. For each point look along the "
              "means."),
        Wrong(lambda x, means: (x[:, None] - means).sum(dim=-1).argmin(dim=1), "the differences are added with their "
              "signs, so one formant can cancel the other, and the most negative sum wins. Square them first."),
        Wrong(lambda x, means: (x[:, :1] - means[:, 0]).square().argmin(dim=1), "only the first of the two coordinates "
              "is compared; the second one belongs to the distance, too."),
        Wrong(lambda x, means: (x[:, None] - means).abs().sum(dim=-1).argmin(dim=1),
              "these are sums of absolute differences, the way along the streets of a town. The straight distance needs "
              "the squares."),
        Wrong(lambda x, means: (x[:, None] - means).square().sum(dim=-1).min(dim=1).values,
              "these are the squared distances themselves. Wanted is which mean it is: the place of the smallest, not "
              "its value."),
        Wrong(lambda x, means: (x[:, None] - means).norm(dim=-1).min(dim=1).values, "these are the distances themselves. "
              "Wanted is which mean it is: the place of the smallest, not its value."),
        Wrong(lambda x, means: (x[:, 1:] - means[:, 1]).square().argmin(dim=1), "only the second of the two coordinates "
              "is compared; the first one belongs to the distance, too."),
        Wrong(lambda x, means: nearest_mean(x, means) + 1, "the means are counted from 1 here. The first row has the "
              "number 0."),
    ),
)
def nearest_mean(x, means):
    distance = (x[:, None] - means).square().sum(dim=-1)
    return distance.argmin(dim=1)


EXERCISES.predict(
    "women and children only", "medium", 10, name="shifted_voices", choices=("heed", "hid", "hod", "hud"),
    statement="""Take the mean points of the four vowels of the *training* tokens, and give each *test* token the vowel of the nearest
of them (order of the file). The training means are, as (F1, F2) in kHz: *heed* (0.28, 2.46), *hid* (0.41, 2.16), *hud* (0.67, 1.26), *hod*
(0.77, 1.14). The test tokens, from women and children, lie around: *heed* (0.34, 3.01), *hid* (0.49, 2.62), *hud* (0.81, 1.51), *hod* (0.96,
1.31). The tokens of which word are mistaken most often: `"heed"`, `"hid"`, `"hod"` or `"hud"`?""",
    hints=(
        "all four clouds move up and to the right, by different amounts. Which one moves towards the training mean of another vowel?",
        "for each word's test tokens compare two distances: to the training mean of the same word, and to that of the other "
        "word of its pair. Sketch the eight points, with the same scale on both axes.",
    ),
    explanation="""The test tokens of *hid* lie around (0.49, 2.62). To the training mean of *hid* that is 0.47 kHz, almost all
of it in F2. To the training mean of *heed* it is only 0.26 kHz. So the shorter tubes have moved *hid* towards the place where the
training set has *heed*. Of the 50 test tokens of *hid*, 45 are taken for *heed*; of *hod* 13 are taken for *hud*; all of *heed* and *hud* are right.

The two vowels still differ: in the test set, too, *heed* lies higher and further to the left than *hid*. A mean point cannot follow the voices.
A line that runs upwards to the right can do that better.""",
    reference="hid",
    wrong=(
        Wrong("heed", "this cloud moves a long way, but away from the other vowel of its pair: its nearest training mean "
              "is still that of heed. Being far from it is no mistake."),
        Wrong("hod", "a good guess, these come second. But its cloud moves less far, and its middle is still a little "
              "nearer to the training mean of hod than to that of hud. Is there a word of which this is not true?"),
        Wrong("hud", "this cloud moves up, away from the training mean of hod. Hud stays the nearest mean for it."),
    ),
)


def without_itself_only(x, speaker):
    distance = (x[:, None] - x).square().sum(dim=-1)
    return distance.fill_diagonal_(torch.inf).argmin(dim=1)


def distance_zero(x, speaker):
    distance = (x[:, None] - x).square().sum(dim=-1)
    return distance.masked_fill(speaker[:, None] == speaker, 0.0).argmin(dim=1)


def the_squared_distance(x, speaker):
    distance = (x[:, None] - x).square().sum(dim=-1)
    return distance.masked_fill(speaker[:, None] == speaker, torch.inf).min(dim=1).values


def of_the_same_voice(x, speaker):
    distance = (x[:, None] - x).square().sum(dim=-1)
    return distance.masked_fill(speaker[:, None] != speaker, torch.inf).fill_diagonal_(torch.inf).argmin(dim=1)


def numbered_among_the_others(x, speaker):
    return torch.stack([(x[speaker != speaker[n]] - x[n]).square().sum(dim=-1).argmin() for n in range(len(x))])


@EXERCISES.repair(
    "no help from oneself", "medium", 10, inputs=voices,
    statement="""To count how much vowels overlap, the chapter asks for each token's nearest neighbour among the tokens of *other*
speakers. Here is somebody's version, `broken`. `x` `(N, 2)` are the tokens, `speaker` `(N,)` the number of the speaker of each, in float64
like `x`; there are at least two speakers. It returns the row
number of each token's neighbour, `(N,)`; of several at the same distance the first one. It counts fewer mistakes
than the chapter does. Find out why, and write `nearest_other_voice`, which does what it should.""",
    given='''def broken(x, speaker):
    """x (N, 2), speaker (N,)."""
    distance = (x[:, None] - x).square().sum(-1)
    distance.fill_diagonal_(torch.inf)  # not the token itself
    return distance.argmin(dim=1)''',
    hints=(
        "everyone read the list twice. Whose tokens may `broken` still find?",
        "compare `speaker` as a column with `speaker` as a row: this marks all pairs of tokens by one speaker, not only the "
        "diagonal. Their distances have to be so large that none of them is the smallest.",
    ),
    explanation="""`broken` leaves out the token itself but not the speaker's other tokens. For 43 of the 608 tokens, in whole
Hz as in the chapter, such a token of the same voice is the nearest, and it is always the same vowel. (In kHz rounding decides between some
equal distances, and you may find 44.) For 6 of the 43 the nearest token of another voice is another vowel. So
`broken` counts 53 mistakes where the chapter counts 59, and the vowels seem to overlap less than they do.

The same holds for the split into training and test cases. It goes by speakers, not by tokens, so that the networks are tested on voices they
never heard.""",
    wrong=(
        Wrong(without_itself_only, "that is still `broken`: the token itself is left out, but not the other tokens of "
              "its speaker."),
        Wrong(lambda x, speaker: (x[:, None] - x).square().sum(dim=-1).argmin(dim=1),
              "nothing is left out, so every token finds itself, or one at the very same place, at distance 0."),
        Wrong(distance_zero, "the right pairs are marked, but a distance of 0 makes them the nearest of all. They need a "
              "distance that can never be the smallest."),
        Wrong(the_squared_distance, "these are the squared distances to the right neighbours. Wanted are the neighbours' "
              "row numbers."),
        Wrong(of_the_same_voice, "it is the other way round: these are the nearest among the *same* speaker's other "
              "tokens, and those are to be left out."),
        Wrong(numbered_among_the_others, "the right neighbours, but numbered within what is left when the speaker's own "
              "tokens are taken out. Wanted are their rows in `x`: let all rows stay, and keep the speaker's own from "
              "being the nearest."),
        Wrong(lambda x, speaker: nearest_other_voice(x, speaker) + 1, "the rows are counted from 1 here. The first row "
              "has the number 0."),
        Wrong(lambda x, speaker: speaker[nearest_other_voice(x, speaker)], "these are the speakers of the right "
              "neighbours. Wanted are the neighbours' row numbers."),
    ),
)
def nearest_other_voice(x, speaker):
    distance = (x[:, None] - x).square().sum(dim=-1)
    distance[speaker[:, None] == speaker] = torch.inf
    return distance.argmin(dim=1)


EXERCISES.predict(
    "the tube backwards", "medium", 5, name="resonators_reversed", choices=("same", "higher", "louder", "another"),
    statement="""The chapter sends a buzz through three resonators, one after the other: F1, then F2, then F3. Now it goes through the
same three in the opposite order, F3 first and F1 last, each with its own bandwidth. Compared with before, the result is: the `"same"`, `"higher"`
in pitch, `"louder"`, or `"another"` vowel?""",
    hints=(
        "what does one resonator do to a single tone of the buzz? Does it give out any tone that was not put in?",
        "a resonator multiplies the strength of each tone by a factor that depends on the tone's frequency alone. Three of them "
        "multiply it by three factors.",
    ),
    explanation="""The buzz is a sum of tones. A resonator makes each tone stronger or weaker by a factor of its own, and shifts it in
time a little; it makes no new tones, and what it does to one tone does not depend on the others. After three resonators each tone has been
multiplied by three factors, and a product does not depend on the order of its factors. Only rounding differs.

This holds because a resonator is linear *and* does the same at every moment. Being linear is not enough: two matrices are linear, and
their order counts, and so does the order of a resonator and a fade-in.""",
    reference="same",
    wrong=(
        Wrong("higher", "the pitch comes from the buzz, from F0. Resonators make the buzz's tones stronger or weaker but "
              "do not move them."),
        Wrong("louder", "each tone is multiplied by the same three factors as before, in another order. What is their "
              "product?"),
        Wrong("another", "the vowel is in the formants, and all three are still there. The last resonator has no more to "
              "say than the first: each multiplies what it gets."),
    ),
)


QUIZ = (
    Question(
        "Why do the tokens of two different vowels overlap in the plane of F1 and F2?",
        (
            ("Each speaker has another pitch, and formants are multiples of the pitch", "The *tones* of the buzz are at multiples of "
             "F0. The formants are resonances of the tube, and in the chapter the same buzz gives all four vowels."),
            ("Men, women and children are mixed, and their mouths and throats differ in size", "Size does move the clouds. But among "
             "the men alone nearly the same share of tokens has another vowel as its nearest neighbour."),
            ("Each person's formants differ, in every group, and that moves both vowels of a pair", "Without the mean of each voice 18 "
             "of 59 mistakes remain. So one speaker's [ʌ] can lie where another speaker's [a] does."),
            ("Vowels of the two pairs are so alike that they are confused", "The overlap is inside the pairs: of 608 nearest neighbours "
             "none was from the other pair."),
        ),
        right=2,
    ),
    Question(
        "The line F2 = 3 · F1 makes no mistake on the tokens of all 76 speakers. What does it tell apart?",
        (
            ("The targets: 1 on one side and 0 on the other", "On each side there are vowels with target 1 and vowels with target 0. "
             "This line says which pair a token is from, not what the network should answer."),
            ("The two vowels of each pair", "Inside the pairs the vowels overlap: no straight line separates them without mistakes."),
            ("The pair of heed and hid from the pair of hod and hud", "It runs through the gap between the two clouds. It divides the "
             "task into its two subtasks, which is a question for the gate."),
        ),
        right=2,
    ),
    Question(
        "With the coding iy+ah there is one output, and for some token it is close to 1. What has the network said?",
        (
            ("That the token is heed or hud, without saying which", "The target is 1 for one vowel of each pair. Nothing in the target "
             "tells the pairs apart: the network has to sort them by itself."),
            ("That the token is heed", "Only if the token is from the pair of heed and hid. *hud* has the target 1 as well."),
            ("That the token is from the first pair", "The target does not stand for the pair. Each pair has one vowel with target 1 "
             "and one with target 0."),
        ),
        right=0,
    ),
)
