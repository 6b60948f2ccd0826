"""Axe finds nothing wrong with any page, in light and in dark. A file of its own, since it takes long."""

import pytest
from every_page import page_paths, violations


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", page_paths())
def test_axe_finds_no_violation(opened, path, scheme):
    page, _ = opened(path, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    page.wait_for_function("() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    assert violations(page) == []
