"""Names, tags and messages of an account are hostile: nothing they hold reaches a terminal, a spreadsheet or a program."""

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.cli.listing import Listing
from auditor.cli.terminal import plain
from cli.conftest import run
from cli.endpoint import HOSTILE, LOCKED, Endpoint

EVERYTHING = ("scan", "--region", "eu-west-1", "--section", "security.network", "--verbose")


def harmless(text: str) -> bool:
    """Whether TEXT holds no control, format, surrogate or separator character beside the end of a line."""
    return not {letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


@pytest.fixture
def scanned(account: Endpoint) -> str:
    """What a scan of the hostile account printed."""
    account.behave(denied=["ec2:DescribeSubnets", "wafv2:ListWebACLs"])
    result = run(*EVERYTHING)
    assert result.exit_code == 3, result.output
    return result.output


def test_nothing_harmful_reaches_the_terminal(scanned: str) -> None:
    assert harmless(scanned)
    for command in (("findings", "--verdict", "fail", "--verdict", "unknown"), ("scans",), ("doctor", "--no-probe")):
        assert harmless(run(*command).output)


def test_log_lines_stay_lines(scanned: str) -> None:
    assert not [line for line in scanned.splitlines() if line.startswith(("two", "three", "four", "out", "=1+1"))]


def test_every_name_is_still_to_be_seen(scanned: str) -> None:
    listed = run("findings", "--check", "security-group-open-admin-port").stdout
    for name in (
        "<script>alert(1)</script>",
        "\\u009b31mred",
        "\\u202egnp.exe",
        "=HYPERLINK",
        "one two three",
        "xxxx…xxxx",
    ):
        assert name in listed


def test_a_spreadsheet_finds_no_formula(scanned: str) -> None:
    text = run("findings", "--format", "csv", "--verdict", "fail", "--verdict", "unknown").stdout
    assert harmless(text)
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)


def test_json_is_whole_and_valid(scanned: str) -> None:
    listed = json.loads(run("findings", "--check", "security-group-open-admin-port", "--format", "json").stdout)
    assert len(listed) == len(HOSTILE)
    assert HOSTILE["markup"] in {row["name"] for row in listed}, "programs get the name as it is"
    json.loads(Path("audit-reports/report.json").read_bytes())


def test_reports_hold_no_harm(scanned: str) -> None:
    page = Path("audit-reports/compliance.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    for name in ("compliance.md", "cost.md", "compliance.html"):
        assert "\u202e" not in Path(f"audit-reports/{name}").read_text(encoding="utf-8")


def test_an_error_message_is_shown_on_one_line(account: Endpoint) -> None:
    account.behave(denied=["sts:GetCallerIdentity"], code="Strange\x07Code")
    result = run("scan")
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert harmless(result.stderr)


@given(st.text(alphabet=st.characters(codec=None)))
def test_any_text_becomes_a_harmless_line(text: str) -> None:
    line = plain(text)
    assert harmless(line)
    assert "\n" not in line
    line.encode()


@given(st.text(min_size=100), st.integers(1, 100))
def test_a_long_text_is_cut_to_its_length(text: str, length: int) -> None:
    assert len(plain(text, length)) == length


def test_what_can_be_read_stays_as_it_is() -> None:
    for text in ("Grüße", "東京", "a b", "naïve café", "🙂", "'quoted' <tag> & more"):
        assert plain(text) == text


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_halves_of_characters_are_valid_everywhere(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Listing(("name",), [("half \ud800 \udcff",), (LOCKED,)], "nothing").show(form)
    shown = capsys.readouterr().out
    assert shown.encode("utf-8")
    assert harmless(shown)
    if form == "json":
        assert all(json.dumps(row["name"], ensure_ascii=False).encode() for row in json.loads(shown))
