import json
import re

import pytest

from ssrlm_jax.pages import documents

HOSTILE = "</script><script>alert(1)</script><!-- & \u2028"


def test_no_letter_of_data_ends_its_element():
    text = documents.as_json({"name": HOSTILE})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"name": HOSTILE}


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="Out of range float"):
        documents.as_json(float("nan"))


def test_a_page_stands_alone_and_runs_its_own_scripts_only():
    page = documents.page(
        HOSTILE, "<p>x</p>", [("a", "[]")], scripts=["d3.min.js", "state.js"]
    )
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert policy.count("sha256-") == 3  # two scripts, one style
    assert "unsafe" not in policy
    head = page.partition("<style>")[0]
    assert "<title>&lt;/script&gt;" in head
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", head)


def test_scripts_end_no_element():
    folder = documents.importlib.resources.files("ssrlm_jax.pages").joinpath("assets")
    for path in folder.iterdir():
        if path.name.endswith(".js"):
            text = path.read_text(encoding="utf-8").lower()
            assert "</script" not in text, path.name
            assert "<!--" not in text, path.name
