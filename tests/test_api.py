"""Everything public is documented, and has its place in the pages of the package."""

import inspect
import re
from importlib import import_module

import pytest
from api import PACKAGE, entries, every_entry, rooms
from execute import ROOT

import moe_tutorial

PLACES = [moe_tutorial, *(import_module(f"{PACKAGE}.{room}") for room in rooms())]
ROOT_NAMES = [name for name in moe_tutorial.__all__ if not inspect.ismodule(getattr(moe_tutorial, name))]


@pytest.mark.parametrize("address", every_entry())
def test_every_public_name_has_a_docstring(address):
    assert every_entry()[address].docstring, f"{address} is public and says nothing of itself"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_every_name_of_an_all_is_in_the_pages(place):
    for name in getattr(place, "__all__", ()):
        value = getattr(place, name)
        if inspect.ismodule(value):
            assert f"{PACKAGE}.{name}" in {module for room in rooms() for module in entries(room)}
        else:
            assert {f"{PACKAGE}.{name}", f"{place.__name__}.{name}"} & every_entry().keys(), f"{place.__name__}.{name}"


@pytest.mark.parametrize("name", ROOT_NAMES)
def test_what_readers_import_begins_with_a_sentence_and_an_example(name):
    sentence, example = inspect.getdoc(getattr(moe_tutorial, name)).split("\n\n")[:2]
    assert "\n" not in sentence and sentence.endswith(".")
    assert example.startswith(">>> ") and 1 <= example.count(">>> ") <= 3


def test_every_room_has_its_page_in_the_contents():
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "book" / "api").glob("*.rst")}
    assert sorted(re.findall(r"^\.\. room:: (\w+)$", "\n".join(pages.values()), re.M)) == rooms()
    contents = re.findall(r"file: book/api/(\w+)$", (ROOT / "_toc.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(contents) == sorted(pages)
