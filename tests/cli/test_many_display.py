"""The progress display of many accounts tells the truth: a line for each that is read just now, and the totals."""

import json
import logging
from pathlib import Path

import pytest
from many_scripted import a_scan
from rich.cells import cell_len

from auditor.cli.many import _Display, print_accounts, watcher
from auditor.cli.terminal import console
from auditor.collect.run import Progress
from auditor.config import AccountSettings
from auditor.logs import fields_of
from auditor.many import AccountOutcome, AccountState, write_accounts

ACCOUNTS = [AccountSettings(name=name, id=f"{n:012}") for n, name in enumerate(("one", "two\x1b[2J[red]", "three"))]


def lines(shown: _Display) -> list[tuple[str, float, float | None, str]]:
    return [(task.description, task.completed, task.total, task.fields["note"]) for task in shown._bars.tasks]


def test_each_account_has_a_line_while_it_is_read_and_the_first_line_counts_all() -> None:
    with _Display(ACCOUNTS) as shown:
        assert lines(shown) == [("Accounts", 0, 3, "")]
        shown.progress(0, Progress(1, 2, {}))
        shown.begun(0, a_scan("000000000000", 1), 3, 4)
        shown.begun(1, a_scan("000000000001", 2), 3, 4)
        shown.progress(1, Progress(5, 9, {"ec2": (5, 9)}, ("ec2", "rds", "iam")))
        shown.judging(0, "AWS::EC2::VPC", 3)
        assert lines(shown)[1:] == [("one", 0, None, "judging"), ("two\\u001b[2J[red]", 5, 9, "throttled: ec2, rds")]
        shown.ended(0, AccountOutcome("000000000000", "one", AccountState.COMPLETE))
        shown.ended(2, AccountOutcome("000000000002", "three", AccountState.NOT_SCANNED, "no\x1b[2J", 4))
        assert [line[0] for line in lines(shown)] == ["Accounts", "two\\u001b[2J[red]"]
        assert lines(shown)[0][1:] == (2, 3, "1 not scanned")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_numbers_are_whole_on_a_narrow_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    many = [AccountSettings(name="n" * 50, id=f"{n:012}") for n in range(1200)]
    shown = _Display(many)
    shown.begun(0, a_scan("000000000000", 1), 3, 4)
    shown.progress(0, Progress(1234, 12345, {}, ("elasticache", "secretsmanager")))
    for number, state in enumerate((AccountState.COMPLETE, AccountState.NOT_SCANNED, AccountState.INCOMPLETE), 1):
        shown.ended(number, AccountOutcome("", "", state))
    out = console(width=width)
    with out.capture() as captured:
        out.print(shown._bars.get_renderable())
    first, second = captured.get().splitlines()
    assert ("3/1200" in first, "1234/12345" in second) == (True, True)
    assert "1 not" in first
    assert "throttled" in second


def test_the_log_lines_of_an_account_name_its_scan_and_its_id_as_fields(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "auditor"), watcher(ACCOUNTS, quiet=False, display=False) as lines:
        lines.begun(1, a_scan("000000000001", 2), 3, 4)
        lines.ended(1, AccountOutcome("000000000001", "two", AccountState.COMPLETE, scan=2))
        lines.ended(2, AccountOutcome("", "three", AccountState.NOT_SCANNED, "no role", 4))
    about = {"scan": 2, "account": "000000000001"}
    assert [fields_of(record) for record in caplog.records] == [about, about, {}]
    assert caplog.records[-1].getMessage() == "three is not scanned: no role (2 of 3 accounts)"


def test_of_two_thousand_accounts_every_one_is_listed_and_they_are_counted_once_more_below(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    outcomes = [
        AccountOutcome(f"{n:012}", f"n{n}", AccountState.COMPLETE, scan=n + 1, reports=(f"{n:012}/report.json",))
        for n in range(2000)
    ]
    outcomes[1234] = AccountOutcome(f"{1234:012}", "closed", AccountState.NOT_SCANNED, "no role", 4)
    outcomes[1500] = AccountOutcome(f"{1500:012}", "cut", AccountState.INCOMPLETE, "90% read", 3, scan=1501)
    outcomes[3] = AccountOutcome(f"{3:012}", "gone", AccountState.SKIPPED, "the organisation says it is suspended")
    for n in (7, 8, 1300):
        outcomes[n] = AccountOutcome(f"{n:012}", f"n{n}", AccountState.SKIPPED, "it is in none of organization.units")
    print_accounts(outcomes, tmp_path)
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown if line.startswith("  0")] == [f"{n:012}" for n in range(2000)]
    reasons = shown[shown.index("  What is not complete, and why") + 1 :]
    assert [line.split("  ")[1] for line in reasons[:4]] == ["gone", "3 accounts", "closed", "cut"]
    assert not reasons[4]
    counted = "  2,000 accounts: 1,994 complete, 1 incomplete, 1 not scanned, 4 skipped"
    assert (shown.count(counted), shown[-2]) == (2, counted)
    assert "  and 1,894 more beside them, each in a folder called by its account's id" in shown
    listed = json.loads(write_accounts(outcomes, tmp_path).read_text())["accounts"]
    assert [one["account"] for one in listed] == [f"{n:012}" for n in range(2000)]


def test_the_table_fits_eighty_columns_whatever_accounts_are_called(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = ("\u202egnp.exe", "x" * 500, "\x1b]0;owned\x07", "宽" * 60, "<script>", "a\nb")
    outcomes = [
        AccountOutcome(
            f"{n:012}", name, AccountState.NOT_SCANNED, "the role cannot be assumed: " + "y " * 100, 4, scan=123456,
            score=79.99, letter="C", failed={"critical": 10000, "high": 2},
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    print_accounts(outcomes, Path("reports"))
    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\x07\u202e")
    table = shown.split("Reports\n")[0].splitlines()
    assert all(cell_len(line) <= 80 for line in table), max(table, key=cell_len)
    assert "79 C" in shown
    assert "80" not in shown.split("why")[0]
