"""A corpus with known truth: *The Debian Administrator's Handbook* in four languages, and its blocks of commands.

The same prose stands in it four times, so that language and topic are known of every character and can be told apart. Its
licence is CC BY-SA 3.0, its own: see the README of the folder `data`.
"""

import functools
import gzip
import json
import zlib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy
import torch
from torch import Tensor

from .. import _checks
from ..shapes import WHOLE, Count, Texts, checked

DOMAINS = ("en", "de", "fr", "es", "code")
"""English, German, French, Spanish, and what is typed or shown in a terminal."""

UNKNOWN = "\ufffd"
"""Stands for every character that is too rare to have a number of its own. Its number is 0."""

_FILE = files("moe_tutorial") / "data" / "handbook.jsonl.gz"
_RARE = 30  # a character that occurs less often in the training text has no number
_HELD_OUT = 8  # one section in so many is for testing, the same in all languages


class TextError(ValueError):
    """A corpus that is missing, damaged or of another kind. Says which, and what to do.

    >>> issubclass(TextError, ValueError)
    True
    """


@checked
@dataclass(frozen=True, repr=False)
class Text:
    """Pieces of text, each of one domain, with what is known of each character.

    >>> load_handbook().test.some(2).read(0)
    'Debian packages are not the only software packages used in the f'

    characters: the number of each character in `alphabet`, int64 `(N, T + 1)`: T characters and the one after them. Pieces
        that follow each other in the text share that one.
    domain: the number of each piece's domain in `domains`, int64 `(N,)`.
    section: of each of the T characters, its number in `sections`, int64 `(N, T)`.
    alphabet, domains, sections: their names, tuples of texts; alphabet[0] is UNKNOWN.
    """

    characters: Annotated[Tensor, "N L", WHOLE]
    domain: Annotated[Tensor, "N", WHOLE]
    section: Annotated[Tensor, "N T", WHOLE]
    alphabet: tuple[str, ...]
    domains: tuple[str, ...]
    sections: tuple[str, ...]

    def __post_init__(self):
        if self.characters.shape[1] != self.section.shape[1] + 1:
            raise ValueError(f"characters has {self.characters.shape[1]} for each piece and section has "
                             f"{self.section.shape[1]}; wanted is one character more than sections")
        for name, values, names in (("characters", self.characters, self.alphabet), ("domain", self.domain, self.domains),
                                    ("section", self.section, self.sections)):
            low, high = int(values.min()), int(values.max())
            if low < 0 or high >= len(names):
                raise ValueError(f"{name} must be from 0 to {len(names) - 1}, got {low if low < 0 else high}")

    def __len__(self):
        return len(self.domain)

    def __repr__(self):
        return (f"Text: {len(self)} pieces of {self.section.shape[1]} characters, {len(self.domains)} domains, "
                f"{len(self.section.unique())} sections")

    def __getitem__(self, pieces):
        """The pieces with these numbers, or those that a mask or a slice picks."""
        return Text(self.characters[pieces], self.domain[pieces], self.section[pieces], self.alphabet, self.domains,
                    self.sections)

    def read(self, piece):
        """A piece as a string, without the character after it. A line that ends in it is a line that ends."""
        _checks.count_from_zero("piece", piece)
        if piece >= len(self):
            raise ValueError(f"piece must be from 0 to {len(self) - 1}, got {piece}")
        return "".join(self.alphabet[number] for number in self.characters[piece, :-1].tolist())

    def some(self, each, seed=None):
        """So many pieces of each domain: the first ones, or with a seed some that are drawn without putting back.

        ValueError: a domain with fewer pieces.
        """
        _checks.count("each", each)
        if seed is not None:
            _checks.seed("seed", seed)
        generator = None if seed is None else torch.Generator().manual_seed(int(seed))
        rows = []
        for number, name in enumerate(self.domains):
            found = (self.domain == number).nonzero()[:, 0]
            if each > len(found):
                raise ValueError(f"each is {each}, but there are only {len(found)} pieces of {name!r}")
            order = torch.arange(len(found)) if generator is None else torch.randperm(len(found), generator=generator)
            rows.append(found[order[:each]])
        return self[torch.cat(rows)]


@checked
@dataclass(frozen=True, repr=False)
class Handbook:
    """What `load_handbook` returns: `train` and `test`, each a `Text`, with the same alphabet and no section in common.

    >>> load_handbook().test
    Text: 2622 pieces of 64 characters, 5 domains, 9 sections
    """

    train: Text
    test: Text

    def __repr__(self):
        return (f"Handbook: {len(self.train)} pieces to train and {len(self.test)} to test, "
                f"{len(self.train.alphabet)} different characters")


@checked
def encode(text: str, alphabet: Texts) -> Tensor:
    """The numbers of the characters of a text, int64 `(T,)`; 0 for one that the alphabet does not have.

    >>> encode("abba!", [UNKNOWN, "a", "b"])
    tensor([1, 2, 2, 1, 0])
    """
    number = {character: i for i, character in enumerate(alphabet)}
    return torch.tensor([number.get(character, 0) for character in text], dtype=torch.int64)


@checked
def load_handbook(domains: Texts = DOMAINS, length: Count = 64, path: Path | str | None = None) -> Handbook:
    """The corpus, cut into pieces of one domain each: 72 sections, of which every eighth is held out.

    >>> load_handbook()
    Handbook: 20013 pieces to train and 2622 to test, 119 different characters
    >>> load_handbook().test.read(0)
    'Debian packages are not the only software packages used in the f'

    A section is held out in all languages, so that no translation of it is in the training text. Characters that occur less
    than 30 times there count as UNKNOWN.

    domains: names from DOMAINS; their order is that of their numbers. length: T, characters of a piece. path: another file.

    ValueError: an unknown domain, or one twice, or none; a length that leaves no piece of a domain. TextError: a file that
    is missing, damaged or of another kind.
    """
    _check_domains(domains)
    return _handbook(tuple(domains), length, path)


@functools.lru_cache(maxsize=2)
def _handbook(domains, length, path):
    paragraphs = [one for one in _paragraphs(path) if one[0] in domains]
    sections = tuple(sorted({section for _, section, _ in paragraphs}))
    held_out = set(sections[_HELD_OUT // 2::_HELD_OUT])
    occurring: Counter[str] = Counter()
    for _, section, text in paragraphs:
        if section not in held_out:
            occurring.update(text + "\n")
    alphabet = (UNKNOWN, *sorted(character for character, times in occurring.items() if times >= _RARE))
    number = {character: i for i, character in enumerate(alphabet)}
    place = {section: i for i, section in enumerate(sections)}

    def cut(testing):
        parts = []
        for i, name in enumerate(domains):
            chosen = [(section, text + "\n") for domain, section, text in paragraphs
                      if domain == name and (section in held_out) == testing]
            characters = numpy.array([number.get(one, 0) for _, text in chosen for one in text], dtype=numpy.int64)
            where = numpy.repeat([place[section] for section, _ in chosen], [len(text) for _, text in chosen])
            count = (len(characters) - 1) // length
            if count < 1:
                use = "test" if testing else "train"
                raise ValueError(f"length is {length}, which leaves no piece of {name!r} to {use}")
            starts = numpy.arange(count)[:, None] * length
            parts.append((characters[starts + numpy.arange(length + 1)], numpy.full(count, i),
                          where[starts + numpy.arange(length)]))
        pieces, domain, section = (torch.from_numpy(numpy.concatenate(several)) for several in zip(*parts, strict=True))
        return Text(pieces, domain, section, alphabet, domains, sections)

    return Handbook(cut(False), cut(True))


def _check_domains(domains):
    if not domains:
        raise ValueError(f"domains must hold some of {', '.join(DOMAINS)}, got {_checks.said(domains)}")
    for name in domains:
        _checks.choice("domains", name, DOMAINS)
    if len(set(domains)) < len(domains):
        raise ValueError(f"domains must hold different names, got {_checks.said(domains)}")


def _paragraphs(path):
    """The lines of the file, each (domain, section, text)."""
    file = _FILE if path is None else Path(path)
    mend = "install the course anew" if path is None else "take another file, or leave path out"
    try:
        packed = file.read_bytes()
    except FileNotFoundError:
        raise TextError(f"{file}: there is no such file; {mend}") from None
    except OSError as error:
        raise TextError(f"{file}: the file cannot be read ({error.strerror}); {mend}") from None
    if not packed.startswith(b"\x1f\x8b"):  # as every gzip file does
        raise TextError(f"{file}: this is not a corpus of the course; {mend}")
    try:
        text = gzip.decompress(packed).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError):
        raise TextError(f"{file}: the file was cut off or changed after it was made; {mend}") from None
    try:
        found = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        found = []
    if not found or not all(isinstance(one, list) and len(one) == 3 and all(isinstance(part, str) for part in one)
                            and one[0] in DOMAINS for one in found):
        raise TextError(f"{file}: this is not a corpus of the course, whose lines are [domain, section, text]; {mend}")
    return found
