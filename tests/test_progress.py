"""Long work shows a bar in a notebook that somebody works in, nothing where a program executes it, and leaves nothing."""

import pytest
from jupyter_client.manager import start_new_kernel

WORK = """
import time
from moe_tutorial._progress import progress
for _ in progress(range(12), description="<counting>"):
    time.sleep(0.15)
print("done")
"""


@pytest.fixture(scope="module")
def kernel():
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=["--log-level=ERROR"])
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def messages(client, code, somebody):
    """What the kernel sends for a cell, as (type, content), beside its states."""
    seen = []
    client.execute_interactive(code, allow_stdin=somebody, timeout=60,
                               output_hook=lambda m: seen.append((m["msg_type"], m["content"])))
    return [(kind, content) for kind, content in seen if kind not in ("status", "execute_input")]


def test_where_somebody_sits_a_bar_comes_moves_and_goes(kernel):
    seen = messages(kernel, WORK, somebody=True)
    bar = [content for kind, content in seen if "display_data" in kind]
    assert [kind for kind, _ in seen][0] == "display_data" and len(bar) > 3
    assert len({content["transient"]["display_id"] for content in bar}) == 1
    words = [content["data"]["text/plain"] for content in bar]
    counts = [int(said.split()[1]) for said in words[:-1]]
    assert counts == sorted(set(counts)) and counts[0] >= 6, "the bar waits one second, and moves forward"
    assert all(said.startswith("<counting>: ") and f"{n} of 12" in said for n, said in zip(counts, words))
    assert f'<progress max="12" value="{counts[0]}">' in bar[0]["data"]["text/html"]
    assert "&lt;counting&gt;" in bar[0]["data"]["text/html"]
    assert bar[-1]["data"] == {"text/plain": ""}
    assert [content["text"] for kind, content in seen if kind == "stream"] == ["done\n"]


def test_where_a_program_executes_the_notebook_there_is_none(kernel):
    assert messages(kernel, WORK, somebody=False) == [("stream", {"name": "stdout", "text": "done\n"})]


def test_work_of_less_than_a_second_shows_nothing(kernel):
    seen = messages(kernel, WORK.replace("0.15", "0.01"), somebody=True)
    assert seen == [("stream", {"name": "stdout", "text": "done\n"})]


@pytest.mark.parametrize("call", ["train(Mixture(2, seed=range(300)), x, d, step_size=1.0, epochs=400, record_every=400)",
                                  "fast_train(Mixture(8, seed=range(2000)), x, d, step_size=1.0, epochs=400)"])
def test_training_has_a_bar(kernel, call):
    code = ("from moe_tutorial import Mixture, fast_train, train, vowel_task\n"
            f"x, d = vowel_task().train.x, vowel_task().train.d\n_ = {call}")
    bar = [content["data"]["text/plain"] for kind, content in messages(kernel, code, somebody=True) if "display" in kind]
    assert bar and bar[0].startswith("training: ") and bar[-1] == ""
