"""The vendored library is the one its page names, and may stand in a page."""

import hashlib

from auditor.catalog import bundled

VENDOR = bundled("reports") / "vendor"


def test_the_bundle_is_the_one_that_was_looked_at() -> None:
    digest = hashlib.sha256((VENDOR / "tanstack.js").read_bytes()).hexdigest()
    assert f"`{digest}`" in (VENDOR / "README.md").read_text(encoding="utf-8")


def test_its_license_stands_beside_it() -> None:
    assert (VENDOR / "LICENSE-tanstack.txt").read_text(encoding="utf-8").startswith("MIT License")


def test_nothing_in_it_ends_the_script_or_reaches_out() -> None:
    text = (VENDOR / "tanstack.js").read_text(encoding="utf-8")
    for harmful in ("</script", "<!--", "eval(", "new Function", "innerHTML", "http://", "https://", "import("):
        assert harmful not in text
