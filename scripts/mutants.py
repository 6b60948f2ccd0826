"""Change every reference answer in every way that is listed here, and ask `check` of each: `make mutants`.

A mutant that `check` finds right is either as right as the reference, or the cases of the exercise miss a mistake. Which of
the two is decided by further cases, wider than those of `check`: a mutant that differs from the reference on one of them is
a fault and is printed. One that differs on none is equivalent. What a further case cannot decide is in EQUIVALENT, with the
reason. Exit 1 if there is a fault.

    python scripts/mutants.py [name of an exercise ...]
"""

import ast
import copy
import inspect
import math
import sys
import textwrap

import torch

from moe_tutorial.exercises import EXERCISES
from moe_tutorial.exercises._check import _fitted, _same, diagnose
from moe_tutorial.exercises._exercise import Case, Draw
from moe_tutorial.exercises._run import call, numbers_of, own_torch

FURTHER = 150  # cases for each function

EQUIVALENT: dict[tuple[str, str], str] = {}
"""From an exercise and the code that was changed to the reason why the change is right."""


# ---- further cases: valid input of an exercise, of any size, and far wider than what `check` tries

def whole(draw, low, high):
    return int(torch.randint(low, high + 1, (), generator=draw.generator))


def one_of(draw, *options):
    return options[whole(draw, 0, len(options) - 1)]


def wide(draw, *shape):
    """Numbers of any size: small, as usual or large, at times whole, at times 0."""
    numbers = one_of(draw, 0.01, 1.0, 1.0, 10.0, 300.0) * draw(*shape)
    numbers = numbers.round() if one_of(draw, True, False, False) else numbers
    return numbers * (draw.uniform(*shape) > one_of(draw, 0.0, 0.0, 0.3))


def proportions(draw, *shape):
    """Rows that sum to 1: even, uneven, some of them with entries that are exactly 0."""
    scores = one_of(draw, 0.0, 1.0, 4.0, 15.0) * draw(*shape)
    closed = draw.uniform(*shape) < one_of(draw, 0.0, 0.0, 0.4)
    closed.scatter_(-1, torch.randint(shape[-1], (*shape[:-1], 1), generator=draw.generator), False)
    return scores.masked_fill(closed, -torch.inf).softmax(-1)


def mixture(draw, outputs=3):
    n, k, m = whole(draw, 1, 5), whole(draw, 1, 4), whole(draw, 1, outputs)
    return wide(draw, n, m), wide(draw, n, k, m), proportions(draw, n, k)


def below_the_root(draw):
    """Inputs with a 1, a gate, and the responsibilities of its left side and of itself, in some cases 0."""
    n, inputs = whole(draw, 8, 20), whole(draw, 1, 3)
    below = draw.uniform(n) * (draw.uniform(n) > one_of(draw, 0.0, 0.3))
    below[: inputs + 2] = 0.5  # enough cases to decide
    x = torch.cat([draw(n, inputs), torch.ones(n, 1, dtype=torch.float64)], 1)
    return x, draw(inputs + 1), below * draw.uniform(n), below


def queued(draw):
    experts = whole(draw, 1, 6)
    return draw.uniform(whole(draw, 1, 9), experts).argsort(dim=-1)[:, :whole(draw, 1, experts)], experts


def answered(draw):
    n, m, choices = whole(draw, 1, 6), whole(draw, 1, 4), whole(draw, 1, 12)
    case = torch.randint(n, (choices,), generator=draw.generator)
    return wide(draw, choices, m), case, draw.uniform(choices), wide(draw, n, m)


def layer(draw):
    n, experts, d, h, m = (whole(draw, 1, 6) for _ in range(5))
    chosen = draw.uniform(n, experts).argsort(dim=-1)[:, :whole(draw, 1, experts)]
    return draw(n, d), chosen, draw.uniform(*chosen.shape), draw(experts, d, h), draw(experts, h, m)


def arrived(draw):
    processes, experts, d, h, m = (whole(draw, 1, 4) for _ in range(5))
    counts = torch.randint(4, (processes, experts), generator=draw.generator)
    counts[0, 0] += 1
    return draw(int(counts.sum()), d), counts, draw(experts, d, h), draw(experts, h, m)


def came_back(draw):
    n, experts = whole(draw, 1, 6), whole(draw, 1, 5)
    chosen = draw.uniform(n, experts).argsort(dim=-1)[:, :whole(draw, 1, experts)]
    return wide(draw, chosen.numel(), whole(draw, 1, 3)), chosen, draw.uniform(*chosen.shape)


def step(draw):
    processes, n = whole(draw, 1, 5), whole(draw, 1, 6)
    chosen = torch.randint(processes, (processes, n), generator=draw.generator)
    return wide(draw, processes, n), wide(draw, processes, n), chosen, draw(1)[0], wide(draw, processes)


def idle(draw):
    n, d, h, m = whole(draw, 0, 5), *(whole(draw, 1, 4) for _ in range(3))
    return draw(n, d), draw(n, m), draw(d, h), draw(h, m), max(1, n) + whole(draw, 0, 20)


def loads(draw):
    processes = whole(draw, 1, 5)
    counts = torch.randint(50, (processes * whole(draw, 1, 4),), generator=draw.generator)
    counts[whole(draw, 0, len(counts) - 1)] += 1
    return counts, processes


def voices(draw):
    speakers, tokens = whole(draw, 2, 5), whole(draw, 1, 4)
    speaker = (torch.randperm(90, generator=draw.generator)[:speakers]).repeat_interleave(tokens)
    return wide(draw, len(speaker), 2), speaker[torch.randperm(len(speaker), generator=draw.generator)].double()


def known(draw):
    n = whole(draw, 1, 7)
    d = torch.randint(2, (n, 1), generator=draw.generator).double()
    return wide(draw, n, 2), d, (draw.uniform(n) > one_of(draw, 0.0, 0.5, 1.0)).double()


def live(draw):
    runs, cases, experts = whole(draw, 1, 4), whole(draw, 1, 60), whole(draw, 1, 6)
    p = proportions(draw, runs, cases, experts)
    faint = one_of(draw, 0.0, 0.001, 0.005, 0.01, 0.0101, 0.015, 0.05)
    if experts > 1 and cases > 1:
        p[:, :, 1] = 0
        p[whole(draw, 0, runs - 1), whole(draw, 0, cases - 1), 1] = faint
    return (p,)


def histories(draw):
    rows, runs = whole(draw, 1, 12), whole(draw, 1, 6)
    errors = draw.uniform(rows, runs) * one_of(draw, 0.1, 0.3, 0.6)
    return errors.round(decimals=one_of(draw, 2, 10)), one_of(draw, 0.08, 0.1, 0.05, 0.3)


def pilots(draw):
    sizes, runs = whole(draw, 1, 6), whole(draw, 1, 8)
    converged = draw.uniform(sizes, runs) < one_of(draw, 0.6, 0.95, 1.0)
    converged[whole(draw, 0, sizes - 1)] = True
    stopped = (500 + 4000 * draw.uniform(sizes, runs) ** one_of(draw, 1, 3)).where(converged, 5000.0)
    shuffled = torch.randperm(sizes, generator=draw.generator)
    return 1.25 * 2.0 ** shuffled.double(), stopped, converged


def samples(draw):
    def drawn():
        return one_of(draw, 0.0, 1200.0, 1e5) + one_of(draw, 0.5, 1.0, 300.0) * draw(whole(draw, 2, 12))
    return drawn(), drawn()


def updates(draw):
    n, k = whole(draw, 1, 6), whole(draw, 1, 4)
    d, o, scores = one_of(draw, 0.1, 1.0, 40.0) * draw(n), 2 * draw(k), one_of(draw, 0.0, 1.0, 4.0) * draw(k)
    return d, o, scores, one_of(draw, 0.1, 0.5, 2.0)


def sent(draw):
    n, k, d = whole(draw, 1, 8), whole(draw, 1, 5), whole(draw, 1, 4)
    return draw(n, d), one_of(draw, 1.0, 30.0) * draw(n, k), 2 * draw(k, d), 2 * draw(k)


def sparse(draw):
    n, e, m = whole(draw, 1, 6), whole(draw, 1, 6), whole(draw, 1, 3)
    return one_of(draw, 0.1, 1.0, 8.0, 400.0) * draw(n, e), wide(draw, n, e, m), whole(draw, 1, e)


def noisy(draw):
    n, experts = whole(draw, 1, 6), whole(draw, 2, 6)
    scores, spread = draw(n, experts), 0.1 + draw.uniform(n, experts)
    return scores, scores + spread * draw(n, experts), spread, whole(draw, 1, experts - 1)


def weighted(draw):
    n, k = whole(draw, 3, 9), whole(draw, 1, 4)
    x, d = (one_of(draw, 0.1, 1.0, 50.0) * draw(n) for _ in range(2))
    return x, d, torch.softmax(2 * draw(n, k), -1)


def sized(*names):
    """Cases with tensors of shapes that are drawn for each letter: `sized("n2", "k2")`."""
    def drawn(draw):
        size = {letter: whole(draw, 1, 6) for letter in "nkmd"} | {"2": 2, "1": 1}
        return tuple(wide(draw, *(size[letter] for letter in name)) for name in names)
    return drawn


def read_case(draw, experts):
    said = torch.nn.functional.logsigmoid(one_of(draw, 0.3, 1.0, 4.0) * draw(one_of(draw, 1, 2, 3, 8, 500), experts) - 1)
    return torch.softmax(draw(experts), 0), said


def softmaxes_case(draw, cases, experts):
    scores = one_of(draw, 0.3, 1.0, 9.0) * draw(cases, experts, whole(draw, 1, 5)) + one_of(draw, 0.0, 900.0)
    return scores, torch.softmax(one_of(draw, 0.5, 20.0) * draw(cases, experts), 1)


def moe_case(draw, experts):
    inputs, hidden = whole(draw, 1, 4), whole(draw, 1, 4)
    return (draw(whole(draw, 1, 7), inputs), 2 * draw(experts, inputs), draw(experts, inputs, hidden),
            draw(experts, hidden, inputs), whole(draw, 1, experts))


def layers_case(draw, experts, cases):
    keep = draw(cases) > 0
    keep[whole(draw, 0, cases - 1)] = True
    return 2 * draw(whole(draw, 1, 3), cases, experts), keep, whole(draw, 1, experts)


def crowd_case(draw, experts, cases):
    return draw(cases, experts).argmax(1), experts, one_of(draw, 0.5, 1.0, 1.25, 1.5, 2.0)


def labels_case(draw, count):
    """Labels that depend on each other, of few cases or many, at times with a number that does not occur."""
    n, base = whole(draw, 1, 25), whole(draw, 1, 4)
    first = (draw.uniform(n) * base).long() + whole(draw, 0, 2)
    rest = [(draw.uniform(n) * whole(draw, 1, 5)).long() + whole(draw, 0, 1) * first for _ in range(count - 1)]
    return first, *rest


def groups_case(draw, experts, characters):
    n = whole(draw, 1, 20)
    return (draw.uniform(n) * experts).long(), (draw.uniform(n) * characters).long() + whole(draw, 0, 3), draw.uniform(n)


FURTHER_CASES = {
    "nats_shared": lambda draw: labels_case(draw, 2),
    "language_beyond": lambda draw: labels_case(draw, 3),
    "shuffled_within": lambda draw: groups_case(draw, whole(draw, 1, 8), whole(draw, 1, 8)),
    "so_far": lambda draw: read_case(draw, whole(draw, 1, 5)),
    "mixed": lambda draw: softmaxes_case(draw, whole(draw, 1, 6), whole(draw, 1, 4)),
    "moe_layer": lambda draw: moe_case(draw, whole(draw, 1, 5)),
    "loss_for_balance": lambda draw: layers_case(draw, whole(draw, 2, 5), whole(draw, 2, 7)),
    "who_has_room": lambda draw: crowd_case(draw, whole(draw, 1, 5), whole(draw, 1, 14)),
    "side_effect": lambda draw: (*sized("n", "n")(draw), one_of(draw, 0.01, 0.5, 1.0, 5.0)),
    "known_split": known,
    "nearest_mean": sized("n2", "k2"),
    "nearest_other_voice": voices,
    "signed_distance": lambda draw: (*(wide(draw, *s) for s in ((5, 3),)), wide(draw, 3) + 0.01, wide(draw, 1)[0]),
    "all_outputs": sized("nd", "kmd", "km"),
    "proportions": lambda draw: (one_of(draw, 0.1, 1.0, 30.0, 1000.0) * draw(4, whole(draw, 1, 5))
                                 + 900 * draw(4, 1).round(),),
    "line_between": lambda draw: (one_of(draw, 0.1, 1.0, 20.0) * draw(2, 2), one_of(draw, 0.1, 1.0, 20.0) * draw(2)),
    "residual_without": lambda draw: (lambda case: (whole(draw, 0, case[2].shape[1] - 1), *case))(mixture(draw)),
    "favourite_error": mixture,
    "safe_nll": lambda draw: (lambda d, o, p: ((d[:, None] - o).square().sum(-1), p))(*mixture(draw)),
    "posterior": mixture,
    "live_experts": live,
    "one_update": updates,
    "stopped_at": histories,
    "gradient_at_the_gate": mixture,
    "chosen_step": pilots,
    "pooled_t": samples,
    "sparse_blend": sparse,
    "weighted_lines": weighted,
    "variances": lambda draw: (lambda d, o, p: (d, o, 0.9 * p + 0.1 / p.shape[1]))(*mixture(draw)),
    "lower_bound": lambda draw: (lambda d, o, p: (d, o, p, proportions(draw, *p.shape)))(*mixture(draw)),
    "log_leaves": lambda draw: (wide(draw, whole(draw, 1, 4), 2 ** whole(draw, 1, 4) - 1),),
    "of_gates": lambda draw: (proportions(draw, whole(draw, 1, 4), 2 ** whole(draw, 1, 4)),),
    "gate_below": below_the_root,
    "chosen_weights": lambda draw: (*sparse(draw)[::2], one_of(draw, True, False)),
    "queue_places": queued,
    "combine": answered,
    "switch_gradient": lambda draw: (lambda d, o, p: (d, o, one_of(draw, 0.1, 1.0, 8.0) * draw(*p.shape)))(*mixture(draw)),
    "dispatch_top_k": layer,
    "answers_in_order": arrived,
    "back_at_home": came_back,
    "slopes_of_step": step,
    "slope_of_first": idle,
    "slowest_over_mean": loads,
    "importance_cv": lambda draw: (torch.softmax(sparse(draw)[0].abs(), 1),),
    "noisy_load": noisy,
    "balance_of": lambda draw: sparse(draw)[::2],
    "z_of": lambda draw: (sparse(draw)[0],),
    "moved_bias": lambda draw: (lambda k: (wide(draw, k), (draw.uniform(k) * 20).long(), one_of(draw, 0.001, 0.1, 2.0)))(
        whole(draw, 1, 7)),
    "biased_weights": lambda draw: (lambda scores, _, k: (torch.sigmoid(scores), draw(scores.shape[1]), k))(*sparse(draw)),
    "experts_choose": lambda draw: (lambda scores: (scores, whole(draw, 1, 7)))(sparse(draw)[0]),
    "dispatch": sent,
}


# ---- mutants of a function

BINARY = {ast.Add: [ast.Sub, ast.Mult], ast.Sub: [ast.Add], ast.Mult: [ast.Div, ast.Add], ast.Div: [ast.Mult],
          ast.Pow: [ast.Mult]}
COMPARE = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
INSTEAD = {"max": ["min", "mean"], "amax": ["amin"], "argmax": ["argmin"], "argmin": ["argmax"],
           "sum": ["mean", "amax", "prod"], "mean": ["sum", "median"], "exp": ["expm1", "sigmoid"], "log": ["log1p", "sqrt"],
           "softmax": ["log_softmax", "sigmoid"],
           "log_softmax": ["softmax"], "logsumexp": ["amax"], "square": ["abs"], "var": ["std", "mean"], "sqrt": ["square"],
           "any": ["all"], "all": ["any"], "sigmoid": ["tanh"], "norm": ["sum", "amax"], "transpose": [], "empty": []}
AROUND = ("({}).abs()", "({}).clamp(min=0)", "({}).clamp(max=1)", "({}).round()", "-({})", "0.98 * ({})", "({}) + 0.01",
          "({}).flip(0)", "({}).flip(-1)", "({}).square()", "({}).nan_to_num()", "2 * ({})")


def mutants(source):
    """All changed codes of a function, each once."""
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        for change in changes(node):
            changed = copy.deepcopy(tree)
            try:
                change(changed, next(other for number, other in enumerate(ast.walk(changed)) if number == place))
                code = ast.unparse(ast.fix_missing_locations(changed))
                compile(code, "mutant", "exec")
            except (SyntaxError, ValueError, TypeError, AttributeError):
                continue
            if code not in seen:
                seen.add(code)
                yield code


def changes(node):
    """Functions that change the node that stands in a copy of the tree."""
    def put(field, value):
        return lambda tree, other: setattr(other, field, value)

    def replaced(make):
        def change(tree, other):
            for parent in ast.walk(tree):
                for field, child in ast.iter_fields(parent):
                    if child is other:
                        setattr(parent, field, make(other))
                        return
                    if isinstance(child, list) and any(entry is other for entry in child):
                        setattr(parent, field, [make(entry) if entry is other else entry for entry in child])
                        return
        return change

    if isinstance(node, ast.BinOp):
        for operator in BINARY.get(type(node.op), []):
            yield put("op", operator())
        yield replaced(lambda other: other.left)
        yield replaced(lambda other: other.right)
    if isinstance(node, ast.Compare):
        for operator in COMPARE:
            yield put("ops", [operator()])
    if isinstance(node, ast.UnaryOp):
        yield replaced(lambda other: other.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        last = node.value / 2 if isinstance(node.value, float) else -2
        for value in (node.value + 1, node.value - 1, 2 * node.value, last):
            yield put("value", value)
    if isinstance(node, ast.Call):
        for number in range(len(node.keywords)):
            yield lambda tree, other, number=number: other.keywords.pop(number)
        if len(node.args) > 1:
            yield lambda tree, other: other.args.reverse()
        if isinstance(node.func, ast.Attribute):
            yield replaced(lambda other: other.func.value)
            for name in INSTEAD.get(node.func.attr, []):
                yield lambda tree, other, name=name: setattr(other.func, "attr", name)
    if isinstance(node, ast.Tuple | ast.List) and len(node.elts) > 1 and isinstance(node.ctx, ast.Load):
        yield lambda tree, other: other.elts.reverse()
    if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", ast.Load()), ast.Store):
        for around in AROUND:
            yield replaced(lambda other, around=around: ast.parse(around.format(ast.unparse(other)), mode="eval").body)
    if isinstance(node, ast.FunctionDef):
        for number in range(len(node.body) - 1):
            yield lambda tree, other, number=number: other.body.pop(number)


def try_function(exercise):
    """How many mutants there were and how many `check` finds right; and the codes of those that are faults."""
    source = textwrap.dedent(inspect.getsource(exercise.reference))
    begin = ast.parse(source).body[0].lineno
    source = "\n".join(source.splitlines()[begin - 1:])
    names = tuple(inspect.signature(exercise.reference).parameters)
    draw = Draw(torch.Generator().manual_seed(2026))
    with own_torch():
        further = [Case(names, FURTHER_CASES[exercise.name](draw)) for _ in range(FURTHER)]
        wanted = [numbers_of(exercise.reference(*case)) for case in further]
    tried, right, faults = 0, 0, []
    for code in mutants(source):
        tried += 1
        space = {"torch": torch, "math": math}
        exec(code, space)
        answer = space[exercise.answer_name]
        said = diagnose(exercise, answer)
        if not said.startswith("Right."):
            continue
        right += 1
        with own_torch():
            differs = any(not _same(_fitted(call(answer, case), want), want, exercise)
                          for case, want in zip(further, wanted))
        if differs and (exercise.name, code) not in EQUIVALENT:
            faults.append(code)
    return tried, right, faults


def try_value(exercise):
    """The same for a value: other numbers, near and far; and other words."""
    reference = exercise.reference
    if exercise.choices:
        others = [word for word in exercise.choices if word != reference]
    else:
        others = [change(reference) for change in (
            lambda v: -v, lambda v: 2 * v, lambda v: v / 2, lambda v: v + 1, lambda v: v - 1, lambda v: 1 - v,
            lambda v: 100 * v,
            lambda v: 1 / v if v else 1.0, lambda v: v * v, lambda v: abs(v) ** 0.5, lambda v: v + 0.1, lambda v: v - 0.1,
            lambda v: 10 * v, lambda v: v / 10, round, lambda v: v + 0.05, lambda v: v - 0.05, lambda v: 0.0, lambda v: 1.0)]
        others = [value for value in others if abs(value - reference) > 1.01 * exercise.tolerance]
    right = [value for value in others if diagnose(exercise, value).startswith("Right.")]
    return len(others), len(right), [repr(value) for value in right]


def main(names):
    all_tried, all_right, all_faults = 0, 0, 0
    for exercise in EXERCISES.values():
        if names and exercise.name not in names:
            continue
        tried, right, faults = (try_function if callable(exercise.reference) else try_value)(exercise)
        all_tried, all_right, all_faults = all_tried + tried, all_right + right, all_faults + len(faults)
        print(f"{exercise.name}: {tried} mutants, {right} found right, {len(faults)} faults", flush=True)
        for code in faults:
            print(textwrap.indent(code, "    "), end="\n\n")
    print(f"{all_tried} mutants: {all_right} found right, of which {all_right - all_faults} are equivalent and "
          f"{all_faults} faults")
    return 1 if all_faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
