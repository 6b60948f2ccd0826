"""Stored results: those of the package are the present code's, and the mechanism loses nothing and uses nothing wrong."""

import errno
import os
import random
import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from torch.testing import assert_close

from moe_tutorial import Mixture, Protocol, RecordingError, fast_train, load_cell, recorded, recordings, train, vowel_task
from moe_tutorial.__main__ import RECORDINGS, main
from moe_tutorial._versions import code_text, code_version
from moe_tutorial.recordings import Recordings
from moe_tutorial.table1.replication import build

TASK = vowel_task().train
ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_is_stored_was_made_by_the_present_code(name):
    stored = RECORDINGS[name].load()
    assert tuple(stored) == RECORDINGS[name].settings


def test_every_file_is_one_that_is_made():
    files = {path.stem for path in recordings.FOLDER.iterdir() if not path.name.endswith(".unfinished")}
    assert files == set(RECORDINGS)


# What is stored, beside the code: the first epochs, which are the same everywhere.


@pytest.mark.parametrize("setting", recorded.TRAININGS.settings, ids=lambda s: f"{s.loss} {s.experts} {s.seed}")
def test_a_stored_training_is_what_train_does_in_its_first_epochs(setting):
    stored = recorded.load_trainings()[setting.loss, setting.experts, setting.seed]
    epochs = 35 if setting.experts == 8 else 50
    live = train(Mixture(setting.experts, seed=setting.seed), TASK.x, TASK.d, setting.loss,
                 step_size={"mixture": 20.0, "cooperative": 10.0, "expected": 10.0}[setting.loss], epochs=epochs)
    assert_close(stored.error[: epochs + 1], live.squared_error[:, 0], rtol=0, atol=1e-9)
    kept = [epoch for epoch in stored.history.epochs.tolist() if epoch <= epochs]
    assert len(kept) >= 2
    for at, epoch in enumerate(kept):
        for name, weight in stored.history.weights.items():
            assert_close(weight[at], live.weights[name][epoch], rtol=0, atol=1e-9)
    # To the end: it is where the criterion is reached, and not before.
    assert len(stored.error) == stored.history.stopped + 1 and stored.history.epochs[-1] == stored.history.stopped
    assert stored.error[-1] <= 0.08 < stored.error[:-1].min()
    assert_close(stored.history.squared_error[:, 0], stored.error[stored.history.epochs], rtol=0, atol=1e-8)


@pytest.mark.parametrize("setting", recorded.SIMULATIONS.settings, ids=lambda s: s.name)
def test_stored_simulations_are_those_of_table_1(setting):
    stored, kept = recorded.SIMULATIONS.load()[setting], load_cell(Protocol()).simulations[setting.name]
    assert kept.step_size == 20.0
    assert torch.equal(stored["stopped"], kept.stopped) and torch.equal(stored["converged"], kept.converged)
    live = build(setting.name, Protocol(), range(25))
    fast_train(live, TASK.x, TASK.d, step_size=20.0, epochs=30)
    for name, weight in live.named_parameters():
        assert_close(weight.detach(), stored["early"][name], rtol=0, atol=1e-9)
    end = build(setting.name, Protocol(), range(25))
    end.load_state_dict(stored["end"])
    with torch.no_grad():
        y = end.blend(TASK.x) if isinstance(end, Mixture) else end(TASK.x)
    assert ((TASK.d - y).square().mean((1, 2)) <= 0.08 + 1e-7).all()
    moved = stored["moved"]
    assert moved.shape == (8, 25) and (moved != stored["stopped"]).any(), "their initial weights differ"
    assert (moved < Protocol().epochs).all(), "all of them reach the criterion"
    # A last bit moves single runs, and the mean of 25 by less than a hundredth.
    assert_close(moved.double().mean(1), stored["stopped"].double().mean().expand(8), rtol=0.01, atol=0)


def test_the_page_says_how_far_runs_differ():
    text = (ROOT / "book" / "how_to_use.md").read_text()
    for setting, stored in recorded.SIMULATIONS.load().items():
        apart = (stored["moved"] - stored["stopped"]).abs().amax(0)
        means = stored["moved"].double().mean(1)
        row = (f"| {setting.name} | {stored['stopped'].double().mean():.0f} | {int((apart > 0).sum())} of 25 | "
               f"{int(apart.max())} | {means.min():.0f} to {means.max():.0f} |")
        assert row in text, row


def test_what_is_not_stored_is_said():
    with pytest.raises(ValueError, match="no training is stored with loss 'mixture', 5 experts and seed 0; `train` runs it"):
        recorded.load_training(experts=5, seed=0)
    with pytest.raises(ValueError, match="unknown experts 6: choose one of 4, 8"):
        recorded.load_mixtures(6)
    with pytest.raises(ValueError, match="no cell is stored for .*spread=0.3.*; `replicate` runs it"):
        load_cell(Protocol(spread=0.3))


# The version of the code.

SOURCE = '''"""A docstring."""
import os  # a comment

@decorated
class C:
    "Another."

    x: int = 1
    """What x is."""

    def f(self, y, *, z="a"):
        r"""More."""
        # nothing

        if (y and
                z):
            return f"{y!r:>{self.x}} {'in'} {{}}" + 'b' \\
                "c"
        "no docstring", "but a tuple"
        return lambda: -1.5e3


async def g(): "only this"
'''

TEXT = '''import os
@ decorated
class C :
indent
x : int = 1
def f ( self , y , * , z = "a" ) :
indent
if ( y and z ) :
indent
return f"{y!r:>{self.x}} {'in'} {{}}" + 'b' "c"
dedent
"no docstring" , "but a tuple"
return lambda : - 1.5e3
dedent
dedent
async def g ( ) : "only this"
'''


def test_the_text_of_code_is_the_same_under_every_python():
    assert code_text(SOURCE) == TEXT


def test_the_version_changes_with_code_and_not_with_words(monkeypatch, tmp_path):
    (tmp_path / "code.py").write_text(SOURCE)
    (tmp_path / "data.csv").write_text("1,2\n")
    monkeypatch.setattr("moe_tutorial._versions.files", lambda _: tmp_path)

    def version():
        return code_version(("code.py", "data.csv"), nothing)

    assert version() == "b8f87259e9c7f7f7"
    (tmp_path / "code.py").write_text("\n" + SOURCE.replace("# nothing", "# something else").replace("More.", "Less."))
    assert version() == "b8f87259e9c7f7f7"
    (tmp_path / "code.py").write_text(SOURCE.replace("1.5e3", "1.6e3"))
    assert version() != "b8f87259e9c7f7f7"
    (tmp_path / "code.py").write_text(SOURCE)
    (tmp_path / "data.csv").write_text("1,3\n")
    assert version() != "b8f87259e9c7f7f7"
    assert code_version((), nothing) != code_version((), never)


# The mechanism, on results that are made at once.


@dataclass(frozen=True)
class Setting:
    number: int
    pair: tuple[int, int] = (1, 2)


def made(setting):
    thirds = torch.arange(setting.number + 1.0, dtype=torch.float64) / 3
    return {"square": setting.number**2, "none": None, "tensors": [thirds, torch.tensor([[True, False]]), torch.tensor(7)]}


def slow(setting):
    time.sleep(0.1)
    return made(setting)


def nothing(setting):
    return None


def never(setting):
    raise RuntimeError("this must not be computed again")


def fails_for_two(setting):
    if setting.number == 2:
        raise ZeroDivisionError("two is too much")
    return setting.number


def environment(setting):
    return os.environ.get("SOMETHING")


def quick(folder, numbers=4, make=made, **more):
    return Recordings("quick", "squares", tuple(map(Setting, range(numbers))), make, (), folder=folder, **more)


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """A whole file."""
    store = quick(tmp_path_factory.mktemp("store"))
    store.compute(workers=0)
    return store.path.read_text()


def filled(folder, text):
    store = quick(folder)
    store.path.write_text(text)
    return store


def test_what_was_made_comes_back(tmp_path, text):
    store = filled(tmp_path, text)
    assert list(store.load()) == [Setting(n) for n in range(4)]
    for setting, result in store.load().items():
        wanted = made(setting)
        assert result["square"] == wanted["square"] and result["none"] is None
        for back, tensor in zip(result["tensors"], wanted["tensors"], strict=True):
            assert torch.equal(back, tensor) and back.dtype == tensor.dtype
    before = store.path.stat().st_mtime_ns
    quick(tmp_path, make=made).compute()
    assert store.path.stat().st_mtime_ns == before, "nothing is left to do"


def test_more_settings_keep_what_is_there(tmp_path, text):
    store = filled(tmp_path, text)
    assert len(text.splitlines()) == 5
    more = quick(tmp_path, 6)
    more.compute(workers=2)
    assert len(more.load()) == 6 and store.path.read_text().startswith(text)
    quick(tmp_path).compute()
    assert store.path.read_text() == text, "what nobody asks for is dropped"


MEND = "run `python -m moe_tutorial record quick`"
MENDED = {  # what happened to the file: how, and what is said
    "no file": (lambda text: None, "there is no such file; run `python -m moe_tutorial record quick`"),
    "empty": (lambda text: "", "the file is empty; run `python -m moe_tutorial record quick`"),
    "cut in a line": (lambda text: text[:-40], f"line 5 was cut off or changed after it was made; {MEND}"),
    "cut between lines": (lambda text: "".join(text.splitlines(True)[:3]),
                          rf"2 of 4 squares are missing, such as Setting\(number=2, pair=\(1, 2\)\); {MEND}"),
    "another number": (lambda text: text.replace('"square":9', '"square":8'), "line 5 was cut off or changed"),
    "another setting": (lambda text: text.replace('"number":3', '"number":2'), "line 5 was cut off or changed"),
    "a line that is no record": (lambda text: text + "[1]\n", "line 6 was cut off or changed"),
}


@pytest.mark.parametrize("case", MENDED)
def test_a_damaged_file_is_not_used_and_is_mended(tmp_path, text, case):
    damage, said = MENDED[case]
    store = quick(tmp_path)
    if damage(text) is not None:
        assert damage(text) != text
        store.path.write_text(damage(text))
    with pytest.raises(RecordingError, match=said) as raised:
        store.load()
    assert str(store.path) in str(raised.value)
    store.compute(workers=0)
    assert store.path.read_text() == text


def test_a_result_of_other_code_is_not_used_and_is_made_again(tmp_path, text):
    filled(tmp_path, text)
    other = quick(tmp_path, make=fails_for_two)
    with pytest.raises(RecordingError, match=f"4 of 4 squares were made by other code than the present, whose version is "
                                             f"{other.version}, such as .*run `python -m moe_tutorial record quick`"):
        other.load()
    with pytest.raises(ZeroDivisionError) as raised:
        other.compute(workers=0)
    assert raised.value.__notes__[-1] == "while computing Setting(number=2, pair=(1, 2))"
    assert '"result":1,' in other.path.read_text(), "what was made before is kept"


def test_a_result_with_unknown_settings_is_said(tmp_path, text):
    filled(tmp_path, text)
    with pytest.raises(RecordingError, match="1 of its squares have settings that nobody asks for, such as {'number': 3"):
        quick(tmp_path, 3).load()


@pytest.mark.parametrize("content, said", [
    ("a,b\n1,2\n", "this is not a file of recorded squares; move it away, then run `python -m moe_tutorial record quick`"),
    ("[]\n", "this is not a file of recorded squares"),
    ('{"moe_tutorial recordings": 1, "name": "cubes"}\n', "this is not a file of recorded squares"),
    (b"\xff\xfe\x00", "this is not a file of recorded squares"),
    ('{"moe_tutorial recordings": 2, "name": "quick"}\n', "this file has a newer format, 2, and this version of the package "
                                                          "knows 1; take the file and the package from the same version"),
    ('{"moe_tutorial recordings": 0, "name": "quick"}\n', "an older format, 0"),
])
def test_a_file_that_is_not_ours_is_left_as_it_is(tmp_path, content, said):
    store = quick(tmp_path, make=never)
    content = content if isinstance(content, bytes) else content.encode()
    store.path.write_bytes(content)
    for call in (store.load, store.compute):
        with pytest.raises(RecordingError, match=said):
            call()
    assert store.path.read_bytes() == content


def test_who_is_killed_at_any_moment_loses_nothing_that_was_finished(tmp_path):
    """The program is killed again and again, and the file is whole each time and never shorter."""
    program = ("import sys\n"
               "from test_recordings import quick, slow\n"
               "if __name__ == '__main__':\n"
               "    quick(sys.argv[1], 16, slow).compute(workers=1)\n")
    script = tmp_path / "program.py"
    script.write_text(program)
    places = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "scripts")))
    store, moments, finished = quick(tmp_path, 16, slow), random.Random(0), 0
    for _attempt in range(40):
        running = subprocess.Popen([sys.executable, script, tmp_path], stderr=subprocess.DEVNULL,
                                   env={**os.environ, "PYTHONPATH": places})
        deadline = time.monotonic() + 60
        while running.poll() is None and time.monotonic() < deadline:
            if store.path.exists() and len(store.path.read_text().splitlines()) > finished + 1:
                break  # something new is there
            time.sleep(0.002)
        time.sleep(moments.uniform(0.1, 0.9))
        running.kill()
        running.wait()
        records = [record for _, record in store._lines()]
        assert None not in records and len(records) >= finished
        finished = len(records)
        if finished == 16:
            break
    assert _attempt > 0, "it was killed at least once"
    assert len(store.load()) == 16
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".lock"]


def test_a_write_that_fails_for_a_while_loses_nothing(tmp_path, monkeypatch, capsys):
    store, moved, calls = quick(tmp_path), os.replace, []

    def full_for_a_while(*paths):
        calls.append(paths)
        if 2 <= len(calls) <= 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        moved(*paths)

    monkeypatch.setattr(os, "replace", full_for_a_while)
    store.compute(workers=0)
    assert len(store.load()) == 4
    assert capsys.readouterr().err.count("No space left on device; trying again after the next") == 2


def test_a_full_disk_keeps_what_was_written_and_says_what_to_do(tmp_path, monkeypatch):
    store, moved, calls = quick(tmp_path), os.replace, []

    def full(*paths):
        calls.append(paths)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        moved(*paths)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RecordingError, match=r"the file cannot be written \(No space left on device\). What was written "
                                             f"before is whole; make room or allow writing, then {MEND}"):
        store.compute(workers=0)
    assert len(store._lines()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["quick.jsonl"], "nothing half-written is left"
    monkeypatch.undo()
    store.compute(workers=0)
    assert len(store.load()) == 4


def test_a_file_that_cannot_be_written_is_found_before_the_work(tmp_path, monkeypatch):
    def denied(*paths):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", denied)
    with pytest.raises(RecordingError, match=r"cannot be written \(Permission denied\)"):
        quick(tmp_path, make=never).compute(workers=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        quick(tmp_path / "file" / "folder", make=never).compute(workers=0)


def test_one_process_at_a_time(tmp_path):
    store = quick(tmp_path, make=never)
    with FileLock(store._lock):
        with pytest.raises(RecordingError, match="another process is computing these squares"):
            store.compute()


def test_what_is_computed_with_other_instructions_has_its_variables(tmp_path, monkeypatch):
    monkeypatch.delenv("SOMETHING", raising=False)
    store = quick(tmp_path, 1, environment, environment={"SOMETHING": "else"})
    store.compute()
    assert list(store.load().values()) == ["else"] and "SOMETHING" not in os.environ


def test_a_bar_says_how_long_it_will_take(tmp_path, capsys):
    quick(tmp_path).compute(workers=0)
    assert re.search(r"squares: 100%.*4/4 \[\d\d:\d\d<\d\d:\d\d", capsys.readouterr().err)


def test_the_command_ends_with_the_message_alone(tmp_path, monkeypatch):
    monkeypatch.setitem(RECORDINGS, "costs", replace(RECORDINGS["costs"], folder=tmp_path))
    (tmp_path / "costs.jsonl").write_text("mine\n")
    with pytest.raises(SystemExit) as ended:
        main(["record", "costs"])
    assert str(ended.value) == (f"{tmp_path}/costs.jsonl: this is not a file of recorded measured costs; move it away, then "
                                "run `python -m moe_tutorial record costs`")
