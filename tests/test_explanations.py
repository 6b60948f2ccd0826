"""Numbers that exercises, their hints and explanations, and reasons of a quiz tell of the data and of trainings hold.

What a chapter prints is compared with what it has stored. What it asserts is not repeated here, nor what follows from the
text itself.
"""

import numpy as np
import pytest
import torch
from execute import chapters, nbformat
from scipy.optimize import linprog
from torch import nn

from moe_tutorial import (
    Mixture,
    blend,
    class_decisions,
    fast_train,
    information,
    load_training,
    load_vowels,
    multiplications,
    responsibilities,
    toys,
    train,
    vowel_task,
)
from moe_tutorial.exercises import EXERCISES, QUIZZES, chapter_01, chapter_02, chapter_05, chapter_15
from moe_tutorial.tasks import FOUR_VOWELS, WORDS
from moe_tutorial.tasks.sound import resonate

TASK = vowel_task()
A, B = TASK.train.only("iy", "ih"), TASK.train.only("ah", "aa")

# The lines as chapter 3 prints them, and chapter 4 takes them up.
T0 = torch.tensor([-69.32, 12.46]).double(), -4.85
T1 = torch.tensor([-105.78, 67.16]).double(), -4.73
X = torch.tensor([-3.90, -0.54]).double(), 3.01


def explanation(exercises, name):
    return next(" ".join(exercise.explanation.split()) for exercise in exercises if exercise.name == name)


def everything_said(where):
    """All texts of an exercise, by its name, or of a quiz question, by chapter and number."""
    if isinstance(where, str):
        exercise = EXERCISES[where]
        texts = [exercise.statement, *exercise.hints, exercise.explanation, *(wrong.says for wrong in exercise.wrong)]
    else:
        chapter, number = where
        question = QUIZZES[chapter][number - 1]
        texts = [question.question, *(part for option in question.options for part in option)]
    return " ".join(" ".join(texts).split())


def everything_printed(chapter):
    cells = nbformat.read(chapters()[chapter - 1], as_version=4).cells
    outputs = [output.text for cell in cells if cell.cell_type == "code" for output in cell.outputs if "text" in output]
    return " ".join(" ".join(outputs).split())


@pytest.mark.parametrize(("where", "said", "chapter", "printed"), [
    ("side_effect", "with a cosine of +0.25. Each", 1, "0 epochs of B: error on A 0.049, cosine +0.25"),
    ("side_effect", "100 of them lower the error on A from 0.049 to 0.040", 1, "100 epochs of B: error on A 0.040"),
    ("side_effect", "a cosine of -0.38 after 180", 1, "180 epochs of B: error on A 0.045, cosine -0.38"),
    ((1, 2), "The answers to B are all close to 0", 1, "answers to B after A: from 0.000 to 0.000"),
    ((1, 3), "right on only half", 1, "A on the cases of B: 50% right network B on the cases of A: 50% right"),
    ((2, 1), "18 of 59 mistakes remain", 2, "26 mistakes become 0 [a] and [ʌ]: 33 mistakes become 18"),
    ((2, 1), "among the men alone nearly the same share", 2, "all 608 59 9.7 men 264 25 9.5"),
    ((2, 1), "of 608 nearest neighbours none", 2, "59 of 608 nearest neighbours are another vowel, 0 of them"),
    ("parameter_count", "goes from 24 to 36", 3, "outputs 1 2 4 --------- --- --- --- 4 experts 24 36"),
    ((3, 2), "right on more tokens than X, and its squared error is larger", 3,
     "X on all four: error 0.231, right 58.75 % T0 on all four: error 0.265, right 72.75 %"),
    ((3, 2), "answers 0 for every [a] and [ʌ]", 3, "T0 on [a] and [ʌ]: outputs from 0.00 to 0.00"),
    ((3, 2), "the same 400 tokens", 4, "Cases: 400 of [i] [I] [ʌ] [a]"),
    ((3, 3), "158° apart under this coding, where they were 22° apart", 3, "iy+ah 22° 0.2313 73.25 iy+aa 158° 0.2485"),
    ((5, 3), "the favourite has it, too, if outputs are sigmoids", 5, "cooperative 93% 1.04 1.55 expected 94%"),
    ((5, 3), "has it not if they are linear", 5, "linear 1.1 0.07 0.67 65% 1.9"),
    ((6, 3), "does no better than one half for every token", 6, "['0.26', '0.26', '0.26', '0.26', '0.26']"),
    ("one_favourite", "a weight of 0.993", 7, "6 20 0.99262"),
    ((7, 2), "a millionth was enough", 7, "converged: True after about 2100 epochs"),
    ((7, 3), "Six of the eight", 7, "expert 2: proportion 0.50, foot (-0.07, 0.05) expert 5: proportion 0.50"),
    ((7, 4), "stay at an error of 0.23 for 10 000 epochs", 7, "5 0 of 6 1.0 0.23"),
    ((7, 4), "the largest curvature is 0.2583", 7, "'0.0104', '0.2583'] 2 / largest: 7.74"),
    ((7, 4), "10 was enough in all six starts", 7, "10 6 of 6 0.5 0.08"),
    ((7, 4), "with a step of 20 a run takes about 1200", 7, "epochs: mean 1234"),
    ("four_times_the_runs", "a fraction of 0.66 of the networks' epochs, with $p < 0.001$", 8,
     "0.66 of the networks', p < 0.001"),
    ((8, 3), "need 0.66 of the networks' epochs. With weights within 0.1", 8, "0.5 0.51 0.58 0.66"),
    ((8, 3), "they need 0.47", 8, "0.1 0.47 0.56 0.47"),
    ((8, 3), "with a step of 15 the same weights give 0.56", 8, "0.1 0.47 0.56 0.47"),
    ("effective_experts_of_a_case", "$e^H$ is 1.02 and two experts are live", 9, "2 to 2 live, e^H 1.02 to 1.02 8 experts"),
    ((9, 1), "an error of 0.011 and the favourite alone 0.390", 5, "cooperative 0.011 0.390"),
    ((9, 1), "next to nothing is lost", 9, "4 training 93.6% 93.5% 2 4 test 92.0% 92.0% 0"),
    ((9, 2), "lost F2 after its training left 89.5 % right", 9, "gate without F2: 89.5% right"),
    ((9, 2), "60 % were right after 2000 epochs", 9, "gate never saw F2: 60% right"),
    ((9, 2), "the same F1 in larger numbers brought 85 %", 9, "3 times F1, 2000 epochs: 85% right"),
    ((10, 2), "18 of 25 starts ended at a wrong answer", 10, "three experts: 7 of 25 are good"),
    ((10, 3), "takes some forty iterations", 10, "Bernoulli 25 38 18"),
    ((10, 3), "EM takes hundreds of iterations", 10, "EM: 23 of 25 in 700 iterations, 520 on average"),
    ((11, 3), "takes about ten times as long as one of the network", 11,
     "an epoch of the tree takes as long as 10 of the network's"),
    ((11, 3), "Its error was 0.10, and that of the network 0.09", 11, "0.22 to 0.23 23 to 25 0.10 35 5 levels"),
    ((11, 3), "the network passes the tree", 11, "the network is below its end after 549 to 671 epochs"),
    ("loss_of_layers", "the loss is 1.0, as for a perfect balance", 13, "mean of the layers 3.88, joined 1.00"),
    ("moved_bias", "a few experts have everything", 13, "even biases, wrong sign 5.7 dead"),
    ((13, 1), "It can be below 1", 13, "below 1: loss 0.972"),
    ((13, 2), "an eighth of the cases is more than a rare subtask has", 13,
     "uneven 0.37 0.18 0.12 0.09 0.07 0.06 0.05 0.05"),
    ("moved_bias", "the model learns all the same", 13, "uneven biases, wrong sign 5.2 dead, error 0.37"),
    ((14, 1), "about one and a half times as long", 14, "dense 1.0 top-1 of 8 1.5"),
    ((14, 2), "what it gains by knowing its part comes later", 14,
     "0.77 M characters: +0.02 after 1.02 M characters: -0.04"),
    ((17, 3), "the same five reach 2.75 only", 17, "five, evenly 2.75"),
    ((17, 3), "On those 40 pieces the mixture is far ahead", 17,
     "nearer to another 40 pieces: by h 2.50, the right one 2.86"),
    ("noise_of_a_table", "On the 48 000 characters of the chapter the same is 0.009", 15, "48000 0.009 0.009"),
    ("shuffled_within", "shows 0.011 by chance, and 0.162", 15, "1 seed 0 0.125 0.162 0.011"),
    ((15, 1), "0.125, 0.077 and 0.045 nats", 15,
     "trained, 0 0.729 0.125 0.162 trained, 1 0.997 0.077 0.094 trained, 2 0.988 0.045 0.068"),
    ((15, 1), "0.070 in one whose gate was frozen", 15, "gate frozen 0.603 0.070"),
    ((15, 2), "shows 0.83 nats about 500", 15, "500 0.831 0.826"),
    ((15, 3), "rises by 0.7 nats", 15, "0 1 0.70 0.61 0.58 0.66 0.40"),
    ((9, 3), "lose 17 to 18 points", 9, "men 94.7% 94.7% 100.0% women 77.2% 77.2% 100.0% children 76.8% 76.8%"),
])
def test_what_is_said_again_is_what_a_chapter_prints(where, said, chapter, printed):
    assert said in everything_said(where)
    assert printed in everything_printed(chapter)


def network(seed):
    """Chapter 1's."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 6), nn.Sigmoid(), nn.Linear(6, 1), nn.Sigmoid()).double()


def descend(net, occasions, epochs, step_size=5.0):
    """Epochs in which the occasions come one after the other, a step each."""
    parameters = list(net.parameters())
    for _ in range(epochs):
        for cases in occasions:
            error = (net(cases.x) - cases.d).square().mean()
            gradients = torch.autograd.grad(error, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients):
                    parameter -= step_size * gradient


def right(net, cases):
    return ((net(cases.x) > 0.5) == (cases.d == 1)).double().mean().item()


@pytest.fixture(autouse=True)
def the_random_numbers_of_others_stay():
    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)


def test_a_subtask_that_changes_in_every_epoch_is_no_interference():
    known = torch.zeros(2, dtype=torch.float64)
    for seed in range(5):
        net = network(seed)
        descend(net, (A, B), 3000)
        known += torch.tensor([right(net, A), right(net, B)]) / 5
    assert "right on about 95 % of A and 91 % of B" in explanation(chapter_01.EXERCISES, "every_other_epoch")
    assert (known - torch.tensor([0.95, 0.91])).abs().max() < 0.01


def test_shorter_steps_forget_as_well():
    net = network(0)
    descend(net, [A], 1000)
    assert right(net, A) > 0.9
    descend(net, [B], 4000, step_size=0.5)
    said = chapter_01.QUIZ[0].options[2][1]
    assert "With a tenth of the step size, and 4000 epochs of B, this network is right on 50 % of A" in said
    assert right(net, A) == 0.5 and right(net, B) > 0.85


def test_nearest_means_make_mistakes_inside_the_pairs_only():
    means = torch.stack([TASK.train.only(vowel).x.mean(0) for vowel in FOUR_VOWELS])
    taken = {}
    for cases in (TASK.train, TASK.test):
        for vowel in FOUR_VOWELS:
            nearest = chapter_02.nearest_mean(cases.only(vowel).x, means)
            taken[WORDS[vowel]] = dict(zip(map(WORDS.get, FOUR_VOWELS), torch.bincount(nearest, minlength=4).tolist()))
        assert not any(taken[one][other] for one in ("heed", "hid") for other in ("hod", "hud"))
        assert not any(taken[one][other] for one in ("hod", "hud") for other in ("heed", "hid"))
    assert "you will find none across" in explanation(chapter_02.EXERCISES, "nearest_mean")
    said = explanation(chapter_02.EXERCISES, "shifted_voices")
    assert ("Of the 50 test tokens of *hid*, 45 are taken for *heed*; of *hod* 13 are taken for *hud*; "
            "all of *heed* and *hud* are right") in said
    assert taken["hid"]["heed"] == 45 and taken["hod"]["hud"] == 13
    assert taken["heed"]["heed"] == taken["hud"]["hud"] == 50


def test_what_a_voice_says_to_itself():
    table = load_vowels()
    rows = torch.tensor([vowel in FOUR_VOWELS for vowel in table.vowel])
    hz, speaker = table.formants[rows, 1:3], table.speaker[rows]
    vowel = torch.tensor([FOUR_VOWELS.index(v) for v in table.vowel if v in FOUR_VOWELS])
    any_token = chapter_02.without_itself_only(hz, speaker)
    other_voice = chapter_02.nearest_other_voice(hz, speaker)
    own = speaker[any_token] == speaker
    assert (vowel[any_token] == vowel)[own].all()
    lost = (vowel[other_voice] != vowel)[own].sum()
    assert (own.sum(), lost) == (43, 6)
    assert [int((vowel[found] != vowel).sum()) for found in (any_token, other_voice)] == [53, 59]
    said = explanation(chapter_02.EXERCISES, "nearest_other_voice")
    assert "For 43 of the 608 tokens, in whole Hz" in said and "For 6 of the 43" in said
    assert "`broken` counts 53 mistakes where the chapter counts 59" in said


def test_a_network_that_learns_b_gets_an_error_of_one_half_on_a():
    net = network(0)
    descend(net, [A], 1000)
    descend(net, [B], 1000)
    assert "its mean squared error on A rises to 0.5" in everything_said("no_opinion")
    assert round((net(A.x) - A.d).square().mean().item(), 1) == 0.5


def test_where_the_voices_lie():
    said = everything_said("shifted_voices")
    means = {}
    for cases in (TASK.train, TASK.test):
        for vowel in FOUR_VOWELS:
            means[vowel, cases] = cases.only(vowel).x.mean(0)
            f1, f2 = means[vowel, cases].tolist()
            assert f"*{WORDS[vowel]}* ({f1:.2f}, {f2:.2f})" in said
    to = [(means["ih", TASK.test] - means[vowel, TASK.train]).norm().item() for vowel in ("ih", "iy")]
    assert "that is 0.47 kHz" in said and "it is only 0.26 kHz" in said
    assert [round(distance, 2) for distance in to] == [0.47, 0.26]


def test_a_line_follows_the_voices_better_than_a_mean():
    assert "A line that runs upwards to the right can do that better" in everything_said("shifted_voices")
    means = torch.stack([TASK.train.only(vowel).x.mean(0) for vowel in FOUR_VOWELS])
    for (w, b), pair, one in ((T0, ("iy", "ih"), "iy"), (T1, ("aa", "ah"), "ah")):
        cases = TASK.test.only(*pair)
        by_line = (((cases.x @ w + b) > 0) == (cases.d[:, 0] == 1)).double().mean()
        nearest = chapter_02.nearest_mean(cases.x, means)
        by_mean = ((nearest == FOUR_VOWELS.index(one)) == (cases.d[:, 0] == 1)).double().mean()
        assert -w[0] / w[1] > 0 and by_line > by_mean + 0.03


def separable(one, other):
    """Whether a straight line has all points of one on one side and all of the other on the other."""
    points = np.vstack([one, -other])
    ones = np.concatenate([np.ones(len(one)), -np.ones(len(other))])
    found = linprog(np.zeros(3), A_ub=-np.column_stack([points, ones]), b_ub=-np.ones(len(points)), bounds=(None, None))
    return found.status == 0


def test_no_straight_line_separates_the_vowels_of_a_pair():
    assert "Inside the pairs the vowels overlap: no straight line separates them" in everything_said((2, 2))
    table = load_vowels()
    of = {v: table.formants[[vowel == v for vowel in table.vowel], 1:3].numpy() / 1000 for v in FOUR_VOWELS}
    assert not separable(of["iy"], of["ih"]) and not separable(of["aa"], of["ah"])
    assert separable(np.vstack([of["iy"], of["ih"]]), np.vstack([of["aa"], of["ah"]]))


def test_the_order_of_resonators_is_heard_by_nobody_and_that_of_a_fade_is():
    assert "Only rounding differs" in everything_said("resonators_reversed")
    samples = torch.rand(2000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 0.5
    parts = (267, 60), (2294, 90), (2937, 150)

    def through(sound, parts):
        for frequency, bandwidth in parts:
            sound = resonate(sound, frequency, bandwidth)
        return sound

    torch.testing.assert_close(through(samples, parts), through(samples, parts[::-1]), rtol=0, atol=1e-9)
    fade = torch.linspace(0, 1, 2000, dtype=torch.float64)
    assert "so does the order of a resonator and a fade-in" in everything_said("resonators_reversed")
    assert (through(samples * fade, parts) - through(samples, parts) * fade).abs().max() > 1e-3


def test_x_hedges_on_all_four_vowels_and_t0_passes_close_by_the_origin():
    o = torch.sigmoid(TASK.train.x @ X[0] + X[1])
    assert "The outputs of X stay away from 0 and 1" in everything_said((3, 2)) and 0.1 < o.min() < o.max() < 0.8
    w, b = T0
    assert "This line passes close by" in everything_said((3, 1)) and abs(b) / w.norm() < 0.1


def test_one_favourite_for_all_cases_makes_a_large_error():
    toy, names = toys.absolute_value(), {"torch": torch}
    exec(EXERCISES["favourite_error"].given, names)
    o = torch.stack([-4 * toy.x, 4 * toy.x], dim=1)
    p = torch.cat([toy.x < 0, toy.x >= 0], dim=1).double()
    said = everything_said("favourite_error")
    assert "right on their own side of $4|x|$ it should give 0, and it gives a large error" in said
    assert chapter_05.favourite_error(toy.d, o, p) == 0 and names["broken"](toy.d, o, p) > 5


def test_what_experts_answer_when_the_variance_has_gone():
    x, d = TASK.train.x, TASK.train.d
    history = train(Mixture(4, seed=range(5)), x, d, step_size=1.0, epochs=800, learn_variance=True)
    weight, bias, v, c, log_variance = (history.weights[name][800] for name in (
        "experts.weight", "experts.bias", "gate.weight", "gate.bias", "log_variance"))
    o = torch.sigmoid(x @ weight[:, :, 0].mT + bias[:, None, :, 0])
    p = torch.softmax(x @ v.mT + c[:, None], dim=-1)
    said = everything_said((6, 3))
    assert "In every run some experts answer almost the same to every token" in said
    assert ((o.amax(1) - o.amin(1) < 0.001).sum(-1) >= 2).all()
    assert "For each token the one that is right takes nearly everything" in said
    for run in range(5):
        h = responsibilities(d, o[run, ..., None], p[run], log_variance[run].exp().item())
        assert h.amax(-1).min() > 0.99


def with_a_favourite(seeds):
    """Equal experts in each run, and a gate that prefers the first."""
    mixture = Mixture(4, seed=seeds)
    with torch.no_grad():
        for parameter in (mixture.experts.weight, mixture.experts.bias):
            parameter.copy_(parameter[:, :1].expand_as(parameter))
        mixture.gate.bias[:, 0] = 6.0
    return mixture


def test_a_favourite_leaves_equal_experts_and_the_others_stay_equal_unless_they_are_moved():
    x, d = TASK.train.x, TASK.train.d
    mixture = with_a_favourite(range(3))
    with torch.no_grad():
        for _ in range(80):
            fast_train(mixture, x, d, step_size=20.0, epochs=50)
            for parameter in mixture.parameters():
                rest = parameter[:, 1:]
                assert (rest - rest[:, :1]).abs().max() < 1e-9  # what rounding may have done
                rest.copy_(rest.mean(1, keepdim=True).expand_as(rest))
    assert EXERCISES["one_favourite"].reference == 2
    said = everything_said("one_favourite")
    assert ((mixture.experts.weight[:, 0] - mixture.experts.weight[:, 1]).abs().amax((-2, -1)) > 1).all()
    assert "the run reaches the criterion" in said and ((mixture.blend(x) - d).square().mean((-2, -1)) < 0.075).all()

    moved = with_a_favourite(range(3))
    with torch.no_grad():
        moved.experts.bias[:, 2] += 1e-14
    fast_train(moved, x, d, step_size=20.0, epochs=4000)
    assert "by $10^{-14}$, no more than rounding may do, and by epoch 4000 they have parted" in said
    assert ((moved.experts.weight[:, 2] - moved.experts.weight[:, 1]).abs().amax((-2, -1)) > 1).all()


def test_experts_that_are_left_have_next_to_no_responsibility():
    history = load_training(experts=8, seed=2).history
    mixture = Mixture(8)
    mixture.load_state_dict({name: weight[-1, 0] for name, weight in history.weights.items()})
    with torch.no_grad():
        o, p = mixture(TASK.train.x)
    largest = responsibilities(TASK.train.d, o, p).amax(0)
    assert "Six of the eight experts are left" in everything_said((7, 3))
    assert "Their responsibilities are nearly 0 in all cases" in everything_said((7, 3))
    assert (largest < 0.005).sum() == 6 and (largest > 0.99).sum() == 2


def test_a_small_step_leaves_x_too_if_it_gets_250_000_epochs():
    end = fast_train(Mixture(4, seed=3), TASK.train.x, TASK.train.d, step_size=5.0, epochs=260_000, stop_at=0.08)
    assert "The start with seed 3 does leave X in the end, after about 250 000 epochs" in everything_said((7, 4))
    assert end.converged.all() and round(end.stopped.item(), -4) == 250_000


def test_what_the_favourite_of_ten_saves():
    said = everything_said("part_saved")
    for sizes, every, one in (({}, 2010, 1100), ({"hidden": 64}, 65650, 7464)):
        assert multiplications(10, 10, inputs=100, **sizes) == every and multiplications(10, 1, inputs=100, **sizes) == one
    assert "= 2010$" in said and "= 1100$" in said and EXERCISES["part_saved"].reference == round(1 - 1100 / 2010, 4)
    assert "the same choice would then save 0.89" in said and round(1 - 7464 / 65650, 2) == 0.89


def test_the_pairs_differ_less_in_f1():
    f1, f2 = (A.x.mean(0) - B.x.mean(0)).abs().tolist()
    assert "In kHz the pairs differ less in F1" in everything_said((9, 2)) and f1 < f2 / 2


def test_men_s_experts_fail_on_other_voices_and_their_gate_does_not():
    table = load_vowels()
    group = dict(zip(table.speaker.tolist(), table.group))
    speaker = torch.cat([TASK.train.speaker, TASK.test.speaker])
    men_only = torch.tensor([group[one] == "m" for one in speaker.tolist()])
    front = torch.tensor([vowel in ("iy", "ih") for vowel in (*TASK.train.vowel, *TASK.test.vowel)])
    x, d = (torch.cat([getattr(TASK.train, name), getattr(TASK.test, name)]) for name in "xd")
    men = Mixture(4, seed=range(25))
    fast_train(men, x[men_only], d[men_only], step_size=20.0, epochs=5000, stop_at=0.08)
    with torch.no_grad():
        o, p = men(x)
    sent = p[:, men_only & front].mean(1).argmax(-1), p[:, men_only & ~front].mean(1).argmax(-1)
    knowing = torch.where(front, sent[0][:, None], sent[1][:, None])
    said = everything_said((9, 3))
    assert "chose the same expert as the gate that knows, for every single token" in said
    assert (p.argmax(-1) == knowing).all()
    assert "Mixtures trained on the men lose 17 to 18 points on women and children" in said
    for answer in (blend(o, p), o[..., 0].gather(-1, knowing[..., None])):
        right = class_decisions(answer, d).double()
        of_men = right[:, men_only].mean(1).median()
        for other in "wc":
            of_other = right[:, torch.tensor([group[one] == other for one in speaker.tolist()])].mean(1).median()
            assert 0.17 <= of_men - of_other <= 0.18


def test_what_a_blind_router_shows_of_1000_characters():
    generator = torch.Generator().manual_seed(1)
    shown = [information(*(torch.randint(count, (1000,), generator=generator) for count in (8, 119))) for _ in range(100)]
    said = explanation(chapter_15.EXERCISES, "noise_of_a_table")
    assert "7 times 118 / 2000 = 0.41, and a run shows 0.48" in said
    assert round(7 * 118 / 2000, 2) == 0.41 and round(sum(shown) / 100, 2) == 0.48
