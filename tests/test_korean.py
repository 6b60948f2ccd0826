"""The Korean page: its numbers are the chapters', its links lead somewhere, its language is named, its words are found."""

import os
import re

import nbformat
import pytest
from bs4 import BeautifulSoup, Comment
from execute import ROOT, chapters
from korean import Words, around, beginnings
from pdf import whole_book
from stamp import BESIDE, stamp

SOURCE = (ROOT / "book" / "ko.md").read_text(encoding="utf-8")
PAGE, TWIN = "book/ko.html", "book/intro.html"

# A claim and what is said of it, up to the next claim or heading.
BLOCKS = [block for block in re.split(r"\n\n(?=[^\n]+\n: |## )", SOURCE) if "\n: " in block]

# A number without a link target, a chapter's or an equation's number, or a year.
KNOWN = re.compile(r"\]\([^)]*\)|\d+장|식 1\.\d|(?:1991|2017)년|한 모음에는 1, 다른 모음에는 0을|0과 1 사이")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def sections(number):
    """What a chapter has printed, by the anchor of the section."""
    printed, place = {}, ""
    for cell in nbformat.read(chapters()[number - 1], as_version=4).cells:
        if cell.cell_type == "markdown":
            for heading in re.findall(r"^## (.+)$", cell.source, re.M):
                place = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                assert place not in printed, heading
                printed[place] = ""
        else:
            text = " ".join(output.text for output in cell.outputs if "text" in output)
            printed[place] = " ".join(f"{printed.get(place, '')} {text}".split())
    return printed


PRINTED = {number: sections(number) for number in range(1, 18)}

NUMBERS = [
    ("A를 배운 신경망은 A를 약 95% 맞혔지만", 1, "first-a-then-b-then-a-again", "after A: right on about 95% of A"),
    ("B만 배우고 나니 A의 정답률이 약 50%로", 1, "first-a-then-b-then-a-again", "after B: right on about 50% of A"),
    ("전문가를 제대로 고르는 게이트에서 93.50%", 4, "what-a-gate-is-worth", "our gate, weights × 10 93.50%"),
    ("거꾸로 고르는 게이트에서 50.00%", 4, "what-a-gate-is-worth", "our gate, experts swapped 50.00%"),
    ("25번 학습해 보니 모두 목표한 오차까지 수렴했고, 수렴하기까지 평균 1234에폭이", 7, "twenty-five-starts",
     "converged: 25 of 25 epochs: mean 1234,"),
    ("이 책에서 다시 실험한 결과는 0.66배", 8, "the-claims", "here: 0.66 of the networks'"),
    ("절반쯤이 되는 경우는 10가지뿐", 8, "what-the-paper-does-not-state",
     "the mixtures need about half as many epochs: in 10 cells"),
    ("전문가 64개를 모두 계산하는 데에는 140.0배, 그중 게이트가 가장 높은 비율을 준 전문가만 계산하는 데에는 4.2배", 9,
     "every-expert-is-computed", "64 140.0 4.2"),
    ("시험용 발화의 10%에서 엉뚱한 전문가를 고르게 하면 정답률이 92.0%에서 88.6%로", 9, "a-gate-that-picks-badly",
     "gate wrong in right --------------- ------- 0% 92.0% 10% 88.6%"),
    ("모든 발화에서 엉뚱한 전문가를 고르게 하면 55.7%", 9, "a-gate-that-picks-badly", "100% 55.7%"),
    ("중앙값을 보면 학습에 쓴 남성 발화에서 94.7%, 여성 발화에서 77.2%", 9, "a-gate-that-picks-badly",
     "men 94.7% 94.7% 100.0% women 77.2%"),
    ("여성 발화의 정답률은 77.2% 그대로", 9, "a-gate-that-picks-badly", "women 77.2% 77.2% 100.0%"),
    ("식 1.1의 값은 0.0900이고 식 1.2의 값은 0.1620", 4, "two-errors-that-are-easily-confused",
     "squared error of the blend: 0.0900 expected squared error under the switch: 0.1620"),
    ("식 1.1로 학습하면 섞은 출력의 평균 제곱 오차는 0.011까지 줄지만,", 5, "a-task-where-it-shows", "cooperative 0.011"),
    ("혼자서 답할 때의 오차는 0.390", 5, "a-task-where-it-shows", "cooperative 0.011 0.390"),
    ("식 1.3으로 학습하면 두 오차가 각각 0.004와 0.006", 5, "a-task-where-it-shows", "mixture 0.004 0.006"),
    ("식 1.1로 학습해도 최상위 전문가 혼자서 학습용 발화의 93%를", 5, "and-the-vowels", "cooperative 93% 1.04"),
    ("최상위 전문가 혼자서는 65%에", 5, "and-the-vowels", "linear 1.1 0.07 0.67 65%"),
    ("식 1.3의 94%와", 5, "and-the-vowels", "mixture 94% 1.02"),
    ("게이트와 전문가를 함께 학습하면 5번 모두 목표한 오차에", 6, "what-divides-the-vowels", "h learns 5 of 5 5 of 5"),
    ("게이트를 초기 상태로 고정하고 전문가만 학습하면 5번 가운데 한 번도", 6, "what-divides-the-vowels",
     "h fixed 0 of 5"),
    ("언제나 반씩 섞으면 학습용 발화의 정답률이 50.50%이고", 4, "what-a-gate-is-worth",
     "unbiased, one half each 50.50%"),
    ("알맞은 게이트에 맡기면 93.50%", 4, "what-a-gate-is-worth", "our gate, weights × 10 93.50%"),
    ("혼자서 모든 발화에 답하게 하면 정답률이 평균 73%", 9, "dead-experts", "1 0.500 0.73"),
    ("전문가가 64개인 층에서 둘만 계산하면 곱셈이 입력 하나에 270,400번에서 12,418번으로", 12, "where-chapter-9-stopped",
     "64 270400 12418"),
    ("모두 섞어도 92.0%, 비율이 가장 높은 전문가 하나만 써도 92.0%", 9, "what-computing-only-the-best-loses",
     "4 test 92.0% 92.0%"),
    ("이 불확실성이 학습한 모델에서는 35.2%", 15, "the-verdict", "1 trained, 0 35.2%"),
    ("에서 70.9%까지 줄어듭니다", 15, "the-verdict", "0 trained, 0 70.9%"),
    ("학습하지 않은 게이트에서도 52.3%와", 15, "the-verdict", "0 untrained 52.3%"),
    ("30.5%가 줄어드므로", 15, "the-verdict", "1 untrained 30.5%"),
    ("가장 많을 때에도 0.3%", 15, "the-verdict", "1 trained, 2 48.3% 2.2% 0.3%"),
    ("한 전문가의 비율이 발화 400개 모두에서", 7, "everyone-heads-for-x", "favourite in: [0, 0, 0, 0, 0, 400, 0, 0]"),
    ("두 전문가가 발화를 200개씩, 저마다 모음 한 쌍을 통째로", 7, "the-symmetry-breaks",
     "expert 2: 200 tokens of ['aa', 'ah'], 90.5% right expert 5: 200 tokens of ['ih', 'iy']"),
    ("25번 학습했을 때에도 25번 모두 모음 한 쌍을 전문가 하나가", 7, "twenty-five-starts",
     "one expert for each pair: 25 of 25 runs"),
]


@pytest.mark.parametrize(("said", "chapter", "section", "printed"), NUMBERS)
def test_a_number_is_what_the_section_that_is_linked_prints(said, chapter, section, printed):
    blocks = [block for block in BLOCKS if said in block]
    assert len(blocks) == 1, said
    assert f"/{chapters()[chapter - 1].name}#{section})" in blocks[0], "the claim has the link"
    assert printed in PRINTED[chapter][section]
    there = set(re.findall(r"\d+(?:\.\d+)?", printed))
    for number in NUMBER.findall(KNOWN.sub("", said)):
        plain = number.replace(",", "").rstrip("%")
        shares = {f"{float(plain) / 100:.2f}"} if number.endswith("%") else set()
        assert there & {plain, *shares}, f"{number} is not in {printed!r}"


def test_the_least_and_the_largest_share_of_what_an_expert_says():
    rows = re.findall(r"trained, \d ([\d.]+)% ([\d.]+)% ([\d.]+)%", PRINTED[15]["the-verdict"])
    characters, _, topics = zip(*((float(value) for value in row) for row in rows))
    assert len(rows) == 6 and (min(characters), max(characters), max(topics)) == (35.2, 70.9, 0.3)


def test_every_number_of_the_page_is_one_of_these():
    rest = SOURCE
    for said, *_ in NUMBERS:
        rest = rest.replace(said, "")
    rest = re.sub(r"^\| \d+ \|.*$", "", rest, flags=re.M)  # the numbers of the chapters
    rest = re.sub(r"^### \d부", "", rest, flags=re.M)
    assert NUMBER.findall(KNOWN.sub("", rest)) == []


def test_the_sections_that_are_linked_exist_and_bear_the_number_of_their_chapter():
    links = re.findall(r"\[(?:(\d+)장)?[^\]]*\]\(\.\./notebooks/((\d\d)_\w+\.ipynb)(?:#([\w-]+))?\)", SOURCE)
    assert len(links) == SOURCE.count("../notebooks/") > 40
    for number, name, chapter, section in links:
        assert (ROOT / "notebooks" / name).is_file()
        assert not number or int(number) == int(chapter)
        assert not section or section in PRINTED[int(chapter)], f"{name}#{section}"


def test_the_map_has_every_chapter_once():
    rows = re.findall(r"^\| (\d+) \| \[[^\]]+\]\(\.\./notebooks/(\S+)\) \| (?:\d+년|[가-힣]).+까\? \|$", SOURCE, re.M)
    assert [(int(number), name) for number, name in rows] == [(n, path.name) for n, path in enumerate(chapters(), start=1)]


def test_every_sentence_is_polite_and_formal_and_ends():
    """A sentence ends in -니다, -니까 or -십시오; a claim of others, in quotation marks, in -다."""
    text = re.sub(r"\]\([^)]*\)", "]", SOURCE)
    lines = [line.lstrip(": ").strip() for line in text.splitlines()
             if not re.match(r"#|\|  ?[-\d장]|\|---|\s*확인하기:|$", line)]
    for line in lines:
        for sentence in re.split(r"(?<=[.?!])\s+", line):
            assert re.search(r"(?:니다|까|십시오)(?:\([^)]*\))?[.?]$|다\.”$", sentence), sentence
    assert len(lines) > 25


TERMS = {"gate": "게이트", "expert": "전문가", "softmax": "소프트맥스", "mixing proportion": "혼합 비율", "loss": "손실",
         "gradient descent": "경사 하강법", "gradient": "그래디언트", "epoch": "에폭", "mixture of experts": "전문가 혼합",
         "backpropagation": "역전파", "interference": "간섭", "blend": "섞은 출력", "likelihood": "가능도",
         "responsibility": "책임도", "decision line": "결정 직선", "formant": "포먼트", "speaker": "화자",
         "ensemble": "앙상블", "entropy": "엔트로피", "step size": "학습률", "sigmoid": "시그모이드"}


def test_each_term_has_its_english_word_in_brackets_once():
    said = re.findall(r"([가-힣][가-힣 ]*)\(([a-z ]+)\)", SOURCE)
    assert {english for _, english in said} == TERMS.keys() and len(said) == len(TERMS)
    for korean, english in said:
        assert korean.endswith(TERMS[english]), f"{korean} for {english}"


@pytest.fixture(scope="module")
def read(pages):
    return lambda path: BeautifulSoup((pages / path).read_text(encoding="utf-8"), "html.parser")


def test_the_page_is_korean_and_what_the_theme_has_around_it_english(read):
    soup = read(PAGE)
    assert soup.html["lang"] == "ko" and read(TWIN).html["lang"] == "en"
    unmarked = []
    for text in soup.body.find_all(string=re.compile("[A-Za-z]{4}")):
        if isinstance(text, Comment) or text.find_parent(["script", "style"]):
            continue
        around_it = text.find_parent(["p", "li", "dt", "td", "div", "a", "button"])
        if text.find_parent(lang=True)["lang"] == "ko" and not re.search("[가-힣]", around_it.get_text()):
            unmarked.append(text.strip())
    assert unmarked == [], "English words that are read as Korean"


def test_korean_words_on_english_pages_are_marked(pages, read):
    seen = 0
    for path in [path.relative_to(pages).as_posix() for path in pages.glob("*/**/*.html")]:
        if path.startswith(("_", PAGE)):
            continue
        for text in read(path).body.find_all(string=re.compile("[가-힣]{2}")):
            if not text.find_parent(["pre", "code", "script"]):
                seen += 1
                assert text.find_parent(lang=True)["lang"] == "ko", f"{path}: {text}"
    assert seen > 50, "each page has it in the list of the pages"


def test_the_welcome_page_has_a_link_in_korean_letters(read):
    link = next(link for link in read(TWIN).select("article a") if link["href"] == "ko.html")
    assert link["hreflang"] == "ko" and re.search("[가-힣]", link.text)
    assert link.find(lang="ko") or link["lang"] == "ko"


@pytest.mark.parametrize("path", [PAGE, TWIN])
def test_both_pages_name_both_and_the_one_for_everybody_else(read, path):
    found = {link["hreflang"]: link["href"] for link in read(path).head.select("link[rel=alternate][hreflang]")}
    assert found == {"en": f"https://book.invalid/{TWIN}", "ko": f"https://book.invalid/{PAGE}",
                     "x-default": f"https://book.invalid/{TWIN}"}


def test_no_other_page_has_a_twin(read):
    assert not read("book/corrections.html").head.select("link[hreflang]")


def test_a_published_page_names_its_twin_where_it_stands(pages, tmp_path):
    for path in (PAGE, TWIN):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((pages / path).read_bytes())
    for name in BESIDE:
        (tmp_path / name).write_bytes((pages / name).read_bytes())
    stamp(tmp_path, "ada-school/moe-course", "0" * 40)
    for path in (PAGE, TWIN):
        soup = BeautifulSoup((tmp_path / path).read_text(encoding="utf-8"), "html.parser")
        found = {link["hreflang"]: link["href"] for link in soup.head.select("link[hreflang]")}
        assert found["ko"] == f"https://ada-school.github.io/moe-course/{PAGE}"
        assert found["en"] == found["x-default"] == f"https://ada-school.github.io/moe-course/{TWIN}"
        assert soup.select_one("nav.page-links")["lang"] == "en"


def test_no_mark_of_the_source_is_left_in_the_page(read):
    text = read(PAGE).find("article").get_text()
    assert not re.search(r"\*\*|\]\(|`|  +\S", re.sub(r"\s*\n\s*", "\n", text))


def test_a_theme_that_lost_one_of_its_parts_is_noticed():
    with pytest.raises(Exception, match="the theme has no #pst-skip-link any more"):
        around("<html lang='ko'><body></body></html>")


def test_words_are_split_where_the_script_changes_and_english_ones_as_before():
    words = Words({})
    assert words.split("PyTorch로 gate_line, 1.3 don't") == ["PyTorch", "로", "gate_line", "1", "3", "don", "t"]
    assert words.split("전문가를 식") == ["전문", "전문가", "전문가를", "식"] == [*beginnings("전문가를"), "식"]


QUERIES = """전문가 전문가를 전문가에게 전문가들은 게이트에게는 손실 손실은 손실이라 오차 오차의 간섭 책임도 책임도가 결과
    앙상블입니다 역전파로 PyTorch로""".split()
DECOMPOSED = "\u110e\u1162\u11a8\u110b\u1175\u11b7\u1103\u1169"  # 책임도, as some keyboards and file names have it


@pytest.mark.parametrize("query", [*QUERIES, "경사 하강법", "혼합 비율은", DECOMPOSED])
def test_the_search_finds_a_korean_word_with_its_particle_and_without(opened, query):
    page, wrong = opened(f"search.html?q={query}")
    page.wait_for_function("() => /finished|not match/.test(document.querySelector('#search-results').innerText)")
    assert page.locator(f"#search-results ul.search li a[href^='{PAGE}']").count() > 0
    assert wrong == []


@pytest.mark.parametrize("query", ["없는낱말", "고양이", "전문가 고양이"])
def test_the_search_finds_no_word_that_is_not_there(opened, query):
    page, _ = opened(f"search.html?q={query}")
    page.wait_for_function("() => /finished|not match/.test(document.querySelector('#search-results').innerText)")
    assert page.locator("#search-results ul.search li").count() == 0


def test_the_search_finds_english_words_as_before(opened):
    page, _ = opened("search.html?q=responsibilities gate")
    page.wait_for_selector("#search-results ul.search li a[href^='notebooks/06_competitive_loss.html']")


def test_in_the_pdf_the_page_has_its_language(pages):
    soup = BeautifulSoup(whole_book(pages, ["book/intro", "book/ko"]), "html.parser")
    assert [article["lang"] for article in soup.select("article.bd-article")] == ["en", "ko"]


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_a_korean_line_breaks_between_words(opened, width):
    """No word stands on two lines, nor is parted from its bracket or particle, and nothing is wider than the window."""
    page, wrong = opened(PAGE, viewport={"width": width, "height": 800})
    cut = page.evaluate("""() => {
        const cut = [], walker = document.createTreeWalker(document.querySelector("article"), NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const node = walker.currentNode;
            for (const {0: word, index} of node.textContent.matchAll(/식 1\\.\\S*|\\S*[가-힣]\\S*/g)) {
                const range = document.createRange();
                range.setStart(node, index);
                range.setEnd(node, index + word.length);
                const tops = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
                if (tops.size > 1) cut.push(word);
            }
        }
        return cut;
    }""")
    assert cut == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert wrong == []


def test_this_machine_has_korean_letters(opened):
    """Without a Korean font two syllables are drawn alike, as the same empty box."""
    page, _ = opened(PAGE)
    drawn = page.evaluate("""() => ["가", "힣", "뷁"].map((letter) => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 40});
        const pen = canvas.getContext("2d");
        pen.font = `30px ${getComputedStyle(document.querySelector("article")).fontFamily}`;
        pen.fillText(letter, 2, 32);
        return canvas.toDataURL();
    })""")
    if len(set(drawn)) < 3 and not os.environ.get("MOE_BROWSER_REQUIRED"):
        pytest.skip("no Korean font on this machine")
    assert len(set(drawn)) == 3, "this machine has no Korean font"
