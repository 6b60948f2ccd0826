"""A published copy of the book knows where it stands: every link leads into the repository and the site it was made for."""

import json
import re
import shutil
from urllib.parse import parse_qs, urljoin, urlparse

import citation
import pytest
from bs4 import BeautifulSoup
from execute import ROOT, notebooks
from pdf import contents
from stamp import BESIDE, NOWHERE, cited, stamp

import moe_tutorial

REVISION = "0123456789abcdef0123456789abcdef01234567"
OWNERS = {"ada-school/moe-course": "https://ada-school.github.io/moe-course/", "Bob/bob.github.io": "https://bob.github.io/"}


@pytest.fixture(scope="module", params=OWNERS)
def published(request, pages, tmp_path_factory):
    """The folder of a stamped copy, its repository and its address."""
    site = tmp_path_factory.mktemp("site") / "html"
    shutil.copytree(pages, site)
    stamp(site, request.param, REVISION)
    return site, request.param, OWNERS[request.param]


def soups(site):
    for path in sorted(site.rglob("*.html")):
        if "_static" not in path.relative_to(site).parts:
            yield path.relative_to(site).as_posix(), BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_a_book_that_was_not_published_has_no_link_to_a_repository(pages):
    for page, soup in soups(pages):
        assert not soup.select(".page-links"), page
        ours = r"colab\.research|github\.com/[^/]+/[^/]+/(edit|issues/new|blob|tree|archive)"
        assert not soup.find("a", href=re.compile(ours)), page


def test_every_page_knows_its_own_address_and_its_picture(published):
    site, _, address = published
    for page, soup in soups(site):
        text = (site / page).read_text(encoding="utf-8")
        assert NOWHERE not in text and "book.invalid" not in text, page
        if page in ("404.html", "index.html"):
            continue
        assert soup.find("link", rel="canonical")["href"] == address + page
        if page.startswith(("book/", "notebooks/")):
            said = {tag["property"]: tag["content"] for tag in soup.find_all("meta", property=True)}
            assert said["og:url"] == address + page and len(said["og:title"]) > 4
            assert len(said["og:description"]) > 40 and soup.find("meta", attrs={"name": "description"})
            assert (site / said["og:image"].removeprefix(address)).is_file()


def test_every_page_links_to_its_own_source_and_to_a_filled_in_report(published):
    site, repository, _ = published
    seen = 0
    for page, soup in soups(site):
        links = {link.text: urlparse(link["href"]) for link in soup.select("nav.page-links a")}
        if not page.startswith(("book/", "notebooks/")):
            assert not links
            continue
        seen += 1
        edit, report = links["Edit this page"], links["Report a problem"]
        assert edit.netloc == report.netloc == "github.com"
        source = edit.path.removeprefix(f"/{repository}/edit/main/")
        assert (ROOT / source).is_file(), f"{page}: {edit.path}"
        asked = parse_qs(report.query)
        assert report.path == f"/{repository}/issues/new"
        assert asked["page"] == [page.removesuffix(".html")]
        assert asked["version"] == [f"{moe_tutorial.__version__} (0123456)"]
        assert (ROOT / ".github" / "ISSUE_TEMPLATE" / asked["template"][0]).is_file()
        form = (ROOT / ".github" / "ISSUE_TEMPLATE" / asked["template"][0]).read_text(encoding="utf-8")
        assert all(f"id: {field}" in form for field in ("page", "version"))
        assert ("Open in Colab" in links) == (ROOT / page.replace(".html", ".ipynb")).is_file()
        if "Open in Colab" in links:
            start = f"https://colab.research.google.com/github/{repository}/blob/gh-pages/"
            assert links["Open in Colab"].geturl().startswith(start)
            assert (site / links["Open in Colab"].geturl().removeprefix(start)).is_file()
    assert seen == len(contents())


def test_the_published_notebooks_install_this_revision_and_link_to_the_book(published):
    site, repository, address = published
    for path in notebooks():
        original = json.loads(path.read_text(encoding="utf-8"))
        copy = json.loads((site / path.relative_to(ROOT)).read_text(encoding="utf-8"))
        downloaded = (site / "_sources" / path.relative_to(ROOT)).read_text(encoding="utf-8")
        assert json.loads(downloaded) == copy
        changed = ["".join(b["source"]) for a, b in zip(original["cells"], copy["cells"], strict=True)
                   if a["cell_type"] == "code" and "".join(a["source"]) != "".join(b["source"])]
        assert len(changed) == 1 and f'"https://github.com/{repository}/archive/{REVISION}.zip"' in changed[0]
        compile(re.sub(r"%pip.*", "pass", changed[0]), path.name, "exec")
        for cell in copy["cells"]:
            for link in re.findall(r"\]\(([^)\s]+)\)", "".join(cell["source"]) if cell["cell_type"] == "markdown" else ""):
                assert link.startswith(("https://", "http://", "#")), link
                if link.startswith(address):
                    assert (site / link.removeprefix(address).split("#")[0]).is_file(), link


def test_what_the_book_is_found_by_leads_into_the_published_copy(published):
    site, _, address = published
    for name in BESIDE:
        text = (site / name).read_text(encoding="utf-8")
        assert NOWHERE not in text and "book.invalid" not in text
        places = [place.removeprefix(address) for place in re.findall(rf"{address}[^\s<>\"()]*", text)]
        assert places and all((site / (place.split("#")[0] or "index.html")).is_file() for place in places), name
    assert not {path.name for path in site.iterdir() if path.suffix in (".xml", ".txt")} - {*BESIDE}
    for page in re.findall(r"<loc>(.+)</loc>", (site / "sitemap.xml").read_text(encoding="utf-8")):
        text = (site / page.removeprefix(address)).read_text(encoding="utf-8")
        assert re.search(rf'<link rel="canonical" href="{re.escape(page)}" ?/>', text)
    for path in notebooks():
        assert (site / path.relative_to(ROOT)).is_file(), "llms.txt says that it lies beside its page"


def test_the_published_page_on_citing_has_the_address_of_its_copy_and_an_unpublished_one_has_none(published, pages):
    site, _, address = published
    shown = []
    for folder in (pages, site):
        soup = BeautifulSoup((folder / "book" / "citing.html").read_text(encoding="utf-8"), "html.parser")
        shown.append([block.text.strip() for block in soup.select(".citation-block pre")])
    assert shown == [[citation.plain(), citation.bibtex()], [citation.plain(address), citation.bibtex(address)]]
    assert address in shown[1][0] and f'url = "{address}"' in shown[1][1]
    with pytest.raises(ValueError, match="does not show 'The contributors"):
        cited("<pre>Somebody else (1999).</pre>", address)


def test_the_page_for_what_does_not_exist_leads_back_from_any_depth(published):
    site, _, address = published
    soup = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.find("base")["href"] == address
    targets = [link["href"] for link in soup.find_all("a")] + [soup.find("form")["action"]]
    for target in targets:
        assert (site / urljoin(address, target).removeprefix(address)).is_file()
    chapters = sorted(path.name for path in (site / "notebooks").glob("*.html"))
    assert [target.removeprefix("notebooks/") for target in targets if target.startswith("notebooks/")] == chapters


def test_what_cannot_be_stamped_is_said(published):
    site, _, _ = published
    with pytest.raises(ValueError, match="owner/name, got 'nobody'"):
        stamp(site, "nobody", REVISION)
    with pytest.raises(ValueError, match="no book that was not stamped before"):
        stamp(site, "ada/again", REVISION)
