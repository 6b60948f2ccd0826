"""`python -m moe_tutorial`: what works without a checkout."""

import subprocess
import sys

import pytest

from moe_tutorial.__main__ import main

RIGHT = ("import torch\n\ndef proportions(scores):\n    e = torch.exp(scores - scores.amax(-1, keepdim=True))\n"
         "    return e / e.sum(-1, keepdim=True)\n")


def printed(capsys, *arguments):
    main(arguments)
    return capsys.readouterr().out


def test_an_answer_in_a_file_is_checked(tmp_path, capsys):
    answer = tmp_path / "answer.py"
    answer.write_text(RIGHT)
    assert printed(capsys, "check", "proportions", str(answer)) == "Right.\n"
    answer.write_text(RIGHT.replace("-1", "0"))
    assert printed(capsys, "check", "proportions", str(answer)).startswith("Not yet: the softmax runs over the cases")


def test_a_value_is_checked_by_the_name_of_its_stub(tmp_path, capsys):
    answer = tmp_path / "answer.py"
    answer.write_text("prediction = 0.07")
    assert printed(capsys, "check", "no_more_than_two", str(answer)) == "Right.\n"


def test_hints_and_solution(capsys):
    hints = printed(capsys, "hint", "proportions").splitlines()
    assert [line[:11] for line in hints] == ["Hint 1 of 2", "Hint 2 of 2"]
    assert printed(capsys, "solution", "proportions").startswith("def proportions(scores):")


def test_what_cannot_be_done_is_said_in_a_line(tmp_path, capsys):
    answer = tmp_path / "answer.py"
    answer.write_text("softmax = 1")
    for arguments, said in (
        (["check", "proportions", str(answer)], "defines no `proportions`, which is what the exercise 'proportions' asks"),
        (["check", "proportions", str(tmp_path / "none.py")], "none.py: No such file or directory"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert said in str(ended.value) and "\n" not in str(ended.value)
    for arguments, said in ((["hint", "softmax"], "no exercise is called 'softmax'; there are "),
                            (["record", "softmax"], "no recording is called 'softmax'; there are costs, saving, routers"),
                            ([], "the following arguments are required: COMMAND")):
        with pytest.raises(SystemExit):
            main(arguments)
        assert said in capsys.readouterr().err


def test_it_is_a_command():
    done = subprocess.run([sys.executable, "-m", "moe_tutorial", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and all(word in done.stdout for word in ("check", "hint", "solution", "record"))
