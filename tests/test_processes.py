"""Experts on several processes, virtual and real: the numbers of one process, bytes counted, and nothing that hangs."""

import json
import os
import re
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.testing import assert_close

from moe_tutorial import chosen_experts, compute_in_groups, processes, random_experts, sparse_weights
from moe_tutorial.processes import CountedExchange, between, compute_on_processes, exchange, launch, launcher, steps, worker

f64 = torch.float64
MISHAP, WORKER = "moe_tutorial.processes.mishap", "moe_tutorial.processes.worker"

posix = pytest.mark.skipif(os.name != "posix", reason="launch is for Linux and macOS")


def layer(k, to_two=False, cases=64):
    """What a layer is given, known to autograd, with what its gate chose."""
    x, _, gate, first, second = worker.problem(cases, to_two=to_two)
    x, gate, first, second = known = [one.requires_grad_() for one in (x, gate, first, second)]
    chosen, share = steps.route(x, gate, k)
    return known, (x, chosen, share, first, second)


def on_processes(given, sizes, through=exchange):
    """The same layer on virtual processes that have these numbers of cases."""
    x, chosen, share, first, second = given
    return compute_on_processes(x.split(sizes), chosen.split(sizes), share.split(sizes), first.chunk(len(sizes)),
                                second.chunk(len(sizes)), through)


# ---- virtual processes

def test_an_exchange_is_a_transposition_and_so_is_its_gradient():
    parcels = [[torch.full((s + r, 2), 10.0 * s + r, requires_grad=True) for r in range(3)] for s in range(3)]
    received = exchange(parcels)
    assert all(received[r][s] is parcels[s][r] for r in range(3) for s in range(3))
    assert received[2][1][0, 0] == 12 and received[1][2][0, 0] == 21
    torch.cat([(7 * parcel).sum().view(1) for parcel in received[2]]).sum().backward()
    assert (parcels[1][2].grad == 7).all() and parcels[2][1].grad is None


@pytest.mark.parametrize("to_two", [False, True])
@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("sizes", [[64], [32] * 2, [16] * 4, [8] * 8, [40, 0, 23, 1]], ids=str)
def test_virtual_processes_give_what_one_process_gives_and_its_gradients(sizes, k, to_two):
    known, given = layer(k, to_two)
    wanted = compute_in_groups(*given)
    wanted_slopes = torch.autograd.grad(wanted.square().sum(), known)
    known, given = layer(k, to_two)
    y = on_processes(given, sizes)
    assert [len(one) for one in y] == sizes
    assert_close(torch.cat(y), wanted, atol=1e-12, rtol=1e-12)
    for one, other in zip(torch.autograd.grad(torch.cat(y).square().sum(), known), wanted_slopes):
        assert_close(one, other, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2])
def test_the_route_is_that_of_chapter_12_and_of_no_cases_it_is_empty(k):
    x, _, gate, _, _ = worker.problem()
    chosen, share = steps.route(x, gate, k)
    assert torch.equal(chosen, chosen_experts(x @ gate, k))
    assert_close(share, sparse_weights(x @ gate, k, renormalise=k > 1).gather(1, chosen))
    gate.requires_grad_()
    chosen, share = steps.route(x[:0], gate, k)
    assert chosen.shape == share.shape == (0, k)
    slope, = torch.autograd.grad(share.sum(), gate)
    assert (slope == 0).all()


def test_who_has_no_case_has_answers_that_autograd_knows_and_slopes_of_0():
    first, second = (weight.requires_grad_() for weight in random_experts(2, 3, 5, 4))
    rows = [torch.zeros(0, 3, dtype=f64, requires_grad=True)] * 3
    answers = steps.compute(rows, torch.zeros(3, 2).long(), first, second)
    assert answers.shape == (0, 4) and answers.requires_grad
    slopes = torch.autograd.grad(answers.sum(), [rows[0], first, second])
    assert slopes[0].shape == (0, 3) and all((slope == 0).all() for slope in slopes)


def test_rows_that_come_by_sender_are_answered_by_their_expert_and_go_back_in_their_order():
    first, second = random_experts(2, 3, 5, 4)
    rows = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), dtype=f64)
    experts = [0, 1, 1, 0, 0]  # one row for each expert from process 0, then one for expert 1 and two for expert 0
    answers = steps.compute([rows[:2], rows[2:2], rows[2:3], rows[3:]], torch.tensor([[1, 1], [0, 0], [0, 1], [2, 0]]),
                            first, second)
    for row, expert, answer in zip(rows, experts, answers):
        assert_close(answer, torch.relu(row @ first[expert]) @ second[expert])


@pytest.mark.parametrize(("number", "k"), [(2, 1), (2, 2), (4, 1), (4, 2), (8, 2)])
def test_the_bytes_are_those_of_the_formula_forward_and_back(number, k):
    _, given = layer(k, cases=1024)
    cases, inputs = given[0].shape
    counted = CountedExchange()
    y = on_processes(given, [cases // number] * number, counted)
    a_case = 2 * k * inputs * 8
    assert counted.rows == cases * a_case and counted.back == 0
    assert counted.to_others / cases == pytest.approx(a_case * (number - 1) / number, rel=0.05)
    assert counted.counts == number * worker.EXPERTS * 8 and counted.calls == 3
    torch.cat(y).sum().backward()
    assert counted.back == cases * a_case


def test_what_went_from_a_process_to_itself_is_not_counted_as_for_others():
    counted = CountedExchange(lambda parcels, lengths: parcels, rank=1)
    counted([[torch.ones(2, 3), torch.ones(5, 3)]], None)
    assert (counted.rows, counted.to_others, counted.counts) == (84, 24, 0)


def test_a_loss_over_my_cases_makes_the_experts_slopes_as_many_times_too_large_as_there_are_processes():
    known, given = layer(2)
    d = worker.problem()[1]
    right = torch.autograd.grad((d - compute_in_groups(*given)).square().sum() / 64, known)
    known, given = layer(2)
    y = on_processes(given, [16] * 4)
    wrong = torch.autograd.grad(sum((one - mine).square().sum() / 16 for one, mine in zip(d.split(16), y)), known)
    for one, other in zip(wrong, right):
        assert_close(one, 4 * other)


ONE = torch.ones(2, 3, dtype=f64)
GIVEN = {"x": [ONE, ONE], "chosen": [torch.tensor([[0], [3]])] * 2, "share": [torch.ones(2, 1).double()] * 2,
         "first": [torch.ones(2, 3, 5).double()] * 2, "second": [torch.ones(2, 5, 4).double()] * 2}


@pytest.mark.parametrize(("changed", "said"), [
    ({"x": [ONE]}, "chosen has 2 entries and x has 1: there must be one for each process"),
    ({"x": []}, "x is empty: it must have an entry for each process"),
    ({"x": [ONE, ONE[:, :2]]}, r"x must have rows of one size and one dtype on all processes, got \(2, 3\).*, \(2, 2\)"),
    ({"x": [ONE, ONE.float()]}, "x must have rows of one size and one dtype"),
    ({"x": [ONE, ONE / 0]}, r"x\[1\] must be finite, got inf"),
    ({"x": [ONE, ONE[:1]]}, r"chosen\[1\] does not fit to the others: it has \(2,\) where they have \(1,\)"),
    ({"x": [ONE, torch.ones(0, 3).double()]}, r"chosen\[1\] does not fit"),
    ({"chosen": [torch.tensor([[0], [4]])] * 2}, "chosen must hold the numbers of experts, from 0 to 3, got 4"),
    ({"chosen": [torch.tensor([[-1], [0]])] * 2}, "chosen must hold the numbers of experts, from 0 to 3, got -1"),
    ({"chosen": [torch.tensor([[0, 1], [2, 2]])] * 2, "share": [torch.ones(2, 2).double()] * 2},
     r"chosen must hold different experts in a case, got \[2, 2\]"),
    ({"share": [ONE, ONE]}, r"share\[0\] does not fit"),
    ({"first": [torch.ones(2, 2, 5).double()] * 2}, r"first\[0\] does not fit"),
    ({"first": [torch.ones(0, 3, 5).double()] * 2, "second": [torch.ones(0, 5, 4).double()] * 2}, r"first\[0\] is empty"),
    ({"second": [torch.ones(3, 5, 4).double()] * 2}, r"second\[0\] does not fit"),
    ({"through": lambda parcels, lengths: parcels[:1]}, "through must give each process the rows that are sent to it"),
])
def test_what_does_not_fit_together_is_said(changed, said):
    with pytest.raises(ValueError, match=said):
        compute_on_processes(**GIVEN | changed)
    assert [tuple(one.shape) for one in compute_on_processes(**GIVEN)] == [(2, 4), (2, 4)]


def test_parcels_that_are_no_square_and_rows_that_nobody_expects_are_said():
    with pytest.raises(ValueError, match=r"parcels\[1\] has 1 entries, wanted 2: each process has a parcel for each"):
        exchange([[ONE, ONE], [ONE]])
    with pytest.raises(ValueError, match=r"lengths must be what comes, \[\[2, 1\], \[2, 2\]\], got \[\[2, 2\], \[2, 1\]\]"):
        exchange([[ONE, ONE], [ONE[:1], ONE]], [[2, 2], [2, 1]])


# ---- real processes

MISHAPS = {"killed": 20, "fresh": 2}  # with the seconds that an exchange waits


def mark(mishap):
    """An argument that no other launch has: by it its processes are found."""
    return f"{MISHAPS[mishap]}.0625{os.getpid()}"


@pytest.fixture(scope="module")
def launched():
    """What is to come of all launches, side by side, since each is waiting for much of its time."""
    with ThreadPoolExecutor(3) as pool:
        begun = {"compared": pool.submit(launch, WORKER, 4, timeout=300)}
        for mishap in MISHAPS:
            begun[mishap] = pool.submit(launch, MISHAP, 2, mishap, mark(mishap), timeout=300)
        yield begun


@pytest.fixture
def found(launched):
    """What four real processes found when they compared themselves with one; two of them, too, as a group of their own."""
    return json.loads(launched["compared"].result())


@posix
def test_real_processes_give_what_one_process_gives(found):
    settings = {(one["processes"], one["k"], one["to two"]) for one in found["equal"]}
    assert settings == {(number, k, to_two) for number in (2, 4) for k in (1, 2) for to_two in (False, True)}
    assert all(0 <= one["difference"] <= 1e-12 for one in found["equal"]), found


@posix
def test_real_processes_hand_over_the_bytes_of_the_formula(found):
    assert len(found["bytes"]) == 5
    for one in found["bytes"]:
        a_case = 2 * one["k"] * one["inputs"] * 4
        number = one["processes"]
        assert one["rows"] == a_case
        assert one["to others"] == pytest.approx(a_case * (number - 1) / number, rel=0.05)
        assert one["kernel"] is None or one["kernel"] >= one["to others"]


@posix
def test_real_processes_with_a_mean_over_mine_are_as_many_times_too_large(found):
    assert found["times too large"] == pytest.approx(4, abs=1e-9)


def running(mark):
    """The command lines of the processes of this machine that have the mark among their arguments."""
    return [line for line in subprocess.run(["ps", "-A", "-o", "args="], capture_output=True, text=True).stdout.splitlines()
            if mark in line and "ps -A" not in line]


@posix
@pytest.mark.parametrize(("mishap", "says"), [
    ("killed", r"2 processes of \S+mishap failed: rank 1 ended with exit code -9 \(SIGKILL\)[,;]"),  # torch 2.6 ends here
    ("fresh", r"(?s)failed: rank 0 ended with exit code 1[,;].*the last output:.*in backward.*Timed out waiting 2\d\d\dms"),
])
def test_who_dies_and_who_stays_away_is_said_and_nobody_is_left(launched, mishap, says):
    with pytest.raises(RuntimeError, match=says) as error:
        launched[mishap].result()
    assert len(str(error.value)) < 2000
    assert running(mark(mishap)) == []


@posix
def test_more_than_the_time_that_it_has_is_said_and_nobody_is_left():
    own = f"20.125{os.getpid()}"
    with pytest.raises(TimeoutError, match="2 processes of .*mishap were not done in 0.5 s; the last output:\nnothing"):
        launch(MISHAP, 2, "endless", own, timeout=0.5)
    assert running(own) == []


def alive():
    return {(pid, begun) for pid, _, begun in launcher.everybody()}


# Stands for torch's launcher: it has a worker in a session of its own, and neither ends when it is asked to.
DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if len(sys.argv) < 3:
    subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[1], "worker"], start_new_session=True)
print("here", flush=True)
time.sleep(60)
"""


@posix
def test_who_does_not_end_when_asked_is_killed_with_all_below_it(monkeypatch):
    monkeypatch.setattr(launcher, "PATIENCE", 0.2)
    parent = subprocess.Popen([sys.executable, "-c", DEAF, DEAF], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert [parent.stdout.readline() for _ in range(2)] == [b"here\n"] * 2
        below = launcher.descendants(parent.pid)
        assert len(below) == 1 and below.keys() < launcher.descendants(os.getpid()).keys()
        seen = {}
        assert launcher._wait(parent, 0.1, seen) is None and seen == below
        launcher._end(parent, {})
        assert not below.items() & alive()
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def test_a_worker_ends_itself_when_the_notebook_is_gone(monkeypatch):
    asked, ended = [], []

    def kill(pid, number):
        asked.append((pid, number))
        if len(asked) == 3:
            raise ProcessLookupError

    monkeypatch.setattr(between, "os", types.SimpleNamespace(kill=kill, _exit=ended.append))
    monkeypatch.setattr(between, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    between._end_with(7)
    assert ended == [1] and asked == [(7, 0)] * 3


@posix
def test_who_is_left_by_a_launcher_that_was_killed_is_killed_too_and_nobody_who_has_its_number_only():
    parent = subprocess.Popen([sys.executable, "-c", DEAF, DEAF], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert [parent.stdout.readline() for _ in range(2)] == [b"here\n"] * 2
        seen = launcher.descendants(parent.pid)
        parent.kill()
        assert launcher._wait(parent, 60, seen) == -9
        launcher._end(parent, dict.fromkeys(seen, "another moment"))
        assert len(seen) == 1 and seen.items() <= alive()
        launcher._end(parent, seen)
        assert not seen.items() & alive()
    finally:
        parent.stdout.close()


REPORT = """\
[rank1]: ValueError: this expert has a fault
W1129 15:45:01.559000 12672 torch/distributed/elastic/multiprocessing/api.py:1010] Sending process 12697 closing signal
Traceback (most recent call last):
  File "/x/torch/distributed/run.py", line 991, in <module>
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
moe_tutorial.processes.mishap FAILED
------------------------------------------------------------
Failures:
[1]:
  time      : 2026-11-29_15:45:01
  host      : localhost
  rank      : 0 (local_rank: 0)
  exitcode  : -15 (pid: 12697)
  error_file: <N/A>
  traceback : Signal 15 (SIGTERM) received by PID 12697
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-11-29_15:45:01
  host      : localhost
  rank      : 1 (local_rank: 1)
  exitcode  : 7 (pid: 12698)
  error_file: <N/A>
"""


def test_the_report_of_torch_s_launcher_is_read_and_left_out():
    assert launcher._failures(REPORT) == "rank 1 ended with exit code 7, rank 0 ended with exit code -15 (SIGTERM)"
    assert launcher._failures("no report") == ""
    assert launcher._last(REPORT) == "[rank1]: ValueError: this expert has a fault"
    assert launcher._last("W1129 15:45:01.559000 12672 torch] closing") == "nothing"
    assert launcher._last("a" * 2000 + "b") == "a" * 1499 + "b"
    mine = "Traceback (most recent call last):\nValueError: mine"
    assert launcher._last(mine) == mine


def test_a_launch_inside_a_launch_is_one_of_its_own(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT",
                 "TORCHELASTIC_RUN_ID", "PET_NNODES", "RANKS"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")
    environment = launcher._environment()
    assert not environment.keys() & {"RANK", "LOCAL_RANK", "GROUP_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "MASTER_ADDR",
                                     "MASTER_PORT", "TORCHELASTIC_RUN_ID", "PET_NNODES"}
    assert environment["RANKS"] == "1" and environment["OMP_NUM_THREADS"] == "1"
    monkeypatch.setattr(between.sys, "platform", "darwin")
    assert environment["GLOO_SOCKET_IFNAME"] == "lo" and launcher._environment()["GLOO_SOCKET_IFNAME"] == "lo0"


@pytest.mark.parametrize(("arguments", "kind", "said"), [
    (("no.such.module", 2), ValueError, "module must be the name of a module that Python can import, got 'no.such.module'"),
    (("", 2), ValueError, "module must be the name of a module"), ((".worker", 2), ValueError, "module must be the name"),
    ((processes, 2), TypeError, "module must be a text, got"),
    ((WORKER, 0), ValueError, "processes must be at least 1, got 0"),
    ((WORKER, 2.0), TypeError, "processes must be an int, got 2.0"), ((WORKER, "2"), TypeError, "processes must be an int"),
])
def test_what_cannot_be_launched_is_said(arguments, kind, said):
    with pytest.raises(kind, match=re.escape(said)):
        launch(*arguments)
    for timeout, kind in ((0, ValueError), (float("nan"), ValueError), ("1", TypeError)):
        with pytest.raises(kind, match="timeout must be"):
            launch(WORKER, 2, timeout=timeout)


def test_where_it_cannot_be_a_sentence_says_so(monkeypatch):
    monkeypatch.setattr(between.dist, "is_gloo_available", lambda: False)
    with pytest.raises(RuntimeError, match="this build of torch has no gloo, which the processes are to talk through"):
        with between.joined():
            pass
    monkeypatch.setattr(between.dist, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="this build of torch has no torch.distributed"):
        launch(WORKER, 2)
    monkeypatch.setattr(launcher, "os", types.SimpleNamespace(name="nt"))
    with pytest.raises(RuntimeError, match="it was not written for Windows"):
        launch(WORKER, 2)
