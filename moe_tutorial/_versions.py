"""The version of code: digits that change with what the code does, but not with its comments or its wording."""

import hashlib
import inspect
import io
import textwrap
import tokenize
from importlib.resources import files


def code_text(source):
    """Python code without what does not change what it does: comments, docstrings, blank lines, spaces.

    One line for each logical line of the code, its tokens separated by one space; the same text under every Python.
    """
    lines, line, depth, begun = [], [], 0, None
    rows = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind.endswith("STRING_START"):  # from Python 3.12 on an f-string is many tokens; before, it was one
            depth, begun = depth + 1, begun or token.start
        elif kind.endswith("STRING_END"):
            depth -= 1
            if not depth:
                line.append(_between(rows, begun, token.end))
                begun = None
        elif depth or kind in ("COMMENT", "NL", "ENCODING", "ENDMARKER"):
            continue
        elif kind == "NEWLINE":
            if not (len(line) == 1 and line[0].lstrip("rRuU")[:1] in ("'", '"')):  # a string alone is a docstring
                lines.append(" ".join(line))
            line = []
        elif kind in ("INDENT", "DEDENT"):
            lines.append(kind.lower())
        else:
            line.append(token.string)
    return "\n".join(lines) + "\n"


def _between(rows, begin, end):
    """The source from one (row, column) to another."""
    text = rows[begin[0] - 1 : end[0]]
    text[-1] = text[-1][: end[1]]
    text[0] = text[0][begin[1] :]
    return "".join(text)


def code_version(sources, make):
    """Sixteen hexadecimal digits that change with what this code does, but not with its comments.

    sources: names in the package: Python code, or data that the code reads. make: a function.
    """
    digest = hashlib.sha256(code_text(textwrap.dedent(inspect.getsource(make))).encode())
    for name in sources:
        path = files(__package__) / name
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is not encoded in UTF-8: {error.reason} at byte {error.start}; take the file from the "
                             "course once more") from None
        digest.update((code_text(text) if name.endswith(".py") else text).encode())
    return digest.hexdigest()[:16]
