"""The commands that read what is there: the stored scans, the checks, the standard, the configuration."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from auditor import doctor
from auditor.cli.listing import Listing
from auditor.model import Coverage, CoverageState, Gap, Scope
from cli.conftest import run
from cli.endpoint import HOSTILE, Endpoint

SSH = "security-group-open-admin-port"
SCOPE = Scope("123456789012", "eu-west-1", "AWS::EC2::RouteTable")


@pytest.fixture(scope="module")
def scanned(shared_account: Endpoint, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a store with two scans of one region: of everything, and of one check."""
    url = f"sqlite:///{tmp_path_factory.mktemp('scanned') / 'store.db'}"
    shared_account.behave()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", shared_account.url)
        output = tmp_path_factory.mktemp("reports")
        shared = ("scan", "--store", url, "--region", "eu-west-1", "--output", output, "--format", "json", "-q")
        assert run(*shared, "--section", "security.network", "--section", "databases.backup").exit_code in (0, 3)
        assert run(*shared, "--check", SSH).exit_code == 0
    return url


def rows(*arguments: object) -> list[dict[str, Any]]:
    result = run(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


# ---- stored scans ----------------------------------------------------------------------------------------------------


def test_scans_are_listed_newest_first(scanned: str) -> None:
    found = rows("scans", "--store", scanned)
    assert [scan["scan"] for scan in found] == [2, 1]
    assert found[0] | {"account": "123456789012", "status": "complete", "regions": 1} == found[0]
    assert rows("scans", "--store", scanned, "--limit", 1)[0]["scan"] == 2
    asked = json.loads(run("scans", "show", 2, "--store", scanned, "--format", "json").stdout)["selection"]
    assert asked == {"check": [SSH], "region": ["eu-west-1"]}
    assert rows("scans", "--store", scanned, "--account", "999999999999") == []
    table = run("scans", "--store", scanned).stdout.splitlines()
    assert len(table) == 3
    assert max(map(len, table)) < 80
    assert "123456789012" in run("scans", "--store", scanned).stdout


def test_a_store_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    file = tmp_path / "far" / "store.db"
    for command in ("scans", "findings", "report", "evaluate", "resources", "diff", "trend", "query views", "evidence list",
                    "waivers list", "attestations list", "db size", "db check", "db vacuum", "db views"):  # fmt: skip
        result = run(*command.split(), "--store", f"sqlite:///{file}")
        assert (result.exit_code, result.stdout) == (4, ""), command
        assert "there is no store in" in result.stderr
        assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store_says_what_to_do_next() -> None:
    assert run("db", "upgrade").exit_code == 0
    assert "run `auditor scan`" in run("scans").stdout
    for command in ("report", "findings", "evaluate"):
        result = run(command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "run `auditor scan`" in result.stderr
        assert result.stderr.count("\n") == 1


def test_findings_are_filtered(scanned: str) -> None:
    every = rows("findings", "--store", scanned, "--scan", 1)
    assert {row["check"] for row in every} > {SSH}
    assert {row["verdict"] for row in every} == {"fail"}
    opened = rows("findings", "--store", scanned, "--scan", 1, "--check", SSH)
    assert {row["check"] for row in opened} == {SSH}
    assert len(opened) == len(HOSTILE)
    assert {row["severity"] for row in rows("findings", "--store", scanned, "--scan", 1, "--severity", "low")} <= {
        "low"
    }
    assert rows("findings", "--store", scanned, "--scan", 1, "--type", "AWS::RDS::DBInstance")[0]["name"] == "orders"
    assert len(rows("findings", "--store", scanned, "--scan", 1, "--resource", "orders")) > 1
    assert rows("findings", "--store", scanned, "--scan", 1, "--region", "global") == []
    assert len(rows("findings", "--store", scanned, "--scan", 1, "--new")) == len(every)
    assert rows("findings", "--store", scanned, "--new") == [], "the second scan opened nothing"
    assert rows("findings", "--store", scanned, "--scan", 1, "--verdict", "unknown") != every


def test_findings_are_worst_first(scanned: str) -> None:
    order = ["critical", "high", "medium", "low", "info"]
    ranks = [order.index(row["severity"]) for row in rows("findings", "--store", scanned, "--scan", 1)]
    assert ranks == sorted(ranks)


def test_findings_are_a_table_for_people_and_csv_for_programs(scanned: str) -> None:
    table = run("findings", "--store", scanned, "--scan", 1, "--resource", "orders").stdout
    assert table.splitlines()[0].split()[:3] == ["severity", "verdict", "check"]
    text = run("findings", "--store", scanned, "--scan", 1, "--resource", "orders", "--format", "csv").stdout
    parsed = list(csv.DictReader(io.StringIO(text)))
    assert len(parsed) == len(table.splitlines()) - 1
    assert all(row["key"] and row["resource"] == "arn:aws:rds:eu-west-1:123456789012:db:orders" for row in parsed)


def listed(rows: list[tuple[object, ...]], capsys: pytest.CaptureFixture[str]) -> list[str]:
    Listing(("severity", "check", "usd", "evidence"), rows, "nothing", long="evidence").show("table")
    return capsys.readouterr().out.splitlines()


def test_a_table_leaves_out_columns_that_hold_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[tuple[object, ...]] = [("high", "one", None, "it is open"), ("low", "two", None, "")]
    assert listed(rows, capsys)[0].split() == ["severity", "check", "evidence"]
    assert listed([("high", "one", 0.0, "it is open")], capsys)[0].split() == ["severity", "check", "usd", "evidence"]


def test_a_table_that_is_wider_than_the_terminal_gives_the_long_cell_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    words = "every word of this sentence is whole, however narrow the terminal may be, and none is lost of it"
    lines = listed([("high", "security-group-open", None, words)], capsys)
    assert lines[0] == "  high  security-group-open"
    assert all(line.startswith("     ") and len(line) <= 80 for line in lines[1:])
    assert " ".join(" ".join(lines[1:]).split()) == words


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--check", "security-group-open-admin-prot"), f"did you mean {SSH}"),
        (("--type", "AWS::RDS::DBInstnace"), "did you mean AWS::RDS::DBInstance"),
        (("--section", "securty"), "did you mean security"),
        (("--pattern", "security.network.wuf"), "did you mean security.network.waf"),
        (("--region", "eu-wset-1"), "did you mean eu-west-1"),
        (("--scan", "99"), "there is no scan 99"),
        (("--account", "999999999999"), "no finished scan of account 999999999999"),
    ],
)
def test_findings_of_what_does_not_exist_are_an_error_and_no_empty_list(
    scanned: str, options: tuple[str, ...], said: str
) -> None:
    result = run("findings", "--store", scanned, *options)
    assert result.exit_code in (2, 4)
    assert said in result.stderr
    assert (result.stdout, result.stderr.count("\n")) == ("", 1)


def test_a_report_of_a_stored_scan_needs_no_aws(scanned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result = run("report", "--store", scanned, "--scan", 1, "--output", tmp_path / "out", "--format", "json,md")
    assert result.exit_code == 0, result.output
    names = ["compliance.md", "cost.md", "report.json"]
    assert result.stdout.splitlines() == [str(tmp_path / "out" / name) for name in names]
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["scan"]["id"] == 1


def test_a_stored_scan_is_judged_again_by_other_numbers(
    scanned: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    own = tmp_path / "own.toml"
    own.write_text(
        '["security.network.security-groups".thresholds]\nadmin_ports = [3389]\nallowed_public_ports = [22]\n'
    )
    Path("config.toml").write_text('[standard]\noverrides = ["own.toml"]\n[report]\nformats = []\n')
    shared = ("evaluate", "--store", scanned, "--scan", 1, "--check", SSH, "--fail-on", "low")
    assert run(*shared, "--config", "config.toml").exit_code == 0
    Path("config.toml").unlink()
    assert run(*shared).exit_code == 1


# ---- checks and standard ---------------------------------------------------------------------------------------------


def test_checks_are_listed_in_the_standards_order_and_explained() -> None:
    every = rows("checks", "list")
    assert SSH in {row["check"] for row in every}
    assert rows("checks", "list", "--check", SSH) == [row for row in every if row["check"] == SSH]
    page = run("checks", "explain", SSH).stdout
    for part in ("Why:", "Fix:", "admin_ports = 22", "An example that fails", "aws ec2 revoke-security-group-ingress"):
        assert part in page
    wrong = run("checks", "explain", "security-group-open-admin-prot")
    assert wrong.exit_code == 2
    assert f"did you mean {SSH}" in wrong.stderr


def test_the_standard_is_shown_whole_and_in_parts() -> None:
    whole = json.loads(run("standard", "show", "--format", "json").stdout)
    assert len(whole["patterns"]) == 62
    assert "not judged: no check yet" in run("standard", "show").stdout
    part = run("standard", "show", "security.network").stdout
    assert "admin_ports = 22" in part
    assert "databases" not in part
    wrong = run("standard", "show", "security.netwrk")
    assert (wrong.exit_code, wrong.stdout) == (2, "")


def test_the_standard_is_validated_with_its_overrides() -> None:
    assert "is valid" in run("standard", "validate").stdout
    Path("own.toml").write_text('["security.network.waf".thresholds]\nrequire_wuf = 1\n')
    result = run("standard", "validate", "own.toml")
    assert result.exit_code == 2
    assert "own.toml:2" in result.stderr


def test_the_policy_names_exactly_what_is_called() -> None:
    actions = run("policy", "--actions", "--check", SSH).stdout.split()
    assert "ec2:DescribeSecurityGroups" in actions
    assert not [action for action in actions if action.startswith("rds:")]
    whole = json.loads(run("policy").stdout)
    parts = json.loads(run("policy", "--split").stdout)
    allowed = {action for statement in whole["Statement"] for action in statement["Action"]}
    assert {a for part in parts for statement in part["Statement"] for a in statement["Action"]} == allowed
    assert all(len(json.dumps(part, separators=(",", ":"))) <= 6144 for part in parts)


# ---- configuration, store, schedule ----------------------------------------------------------------------------------


def test_a_configuration_is_written_and_valid(tmp_path: Path) -> None:
    assert run("config", "init").exit_code == 0
    assert run("config", "validate").exit_code == 0
    again = run("config", "init")
    assert again.exit_code == 2
    assert "--force" in again.stderr
    assert run("config", "init", "--force").exit_code == 0
    assert run("config", "init", tmp_path / "nowhere" / "config.toml").exit_code == 2


def test_everything_that_is_wrong_with_a_configuration_is_said() -> None:
    Path("config.toml").write_text('[scan]\nthreds = 3\nfail_on = "sometimes"\n[acount]\n')
    result = run("config", "validate")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.partition(": ")[0] for line in sorted(lines)] == [f"config.toml:{number}" for number in (2, 3, 4)]


def test_a_store_is_made_and_brought_up_to_date(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert "is now at revision" in run("db", "upgrade", "--store", url).stdout
    assert "is up to date" in run("db", "upgrade", "--store", url).stdout


def test_the_schedule_says_when_and_how() -> None:
    Path("config.toml").write_text('[schedule]\ncron = "30 3 * * 1"\ntimezone = "Europe/Berlin"\n')
    times = run("schedule", "next", "--count", 3).stdout.splitlines()
    assert len(times) == 3
    assert all(line.startswith("Mon ") and " 03:30 CE" in line for line in times)
    lines = run("schedule", "crontab").stdout
    assert "CRON_TZ=Europe/Berlin\n30 3 * * 1 " in lines
    assert f"--config {Path('config.toml').absolute()}" in lines, "cron starts elsewhere"
    assert f"--output {Path('audit-reports').absolute()}" in lines
    assert "OnCalendar=Mon" in lines


def test_doctor_finds_nothing_wrong_with_a_good_account(account: Endpoint) -> None:
    run("db", "upgrade")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("  ok")] == [
        ["ok", what]
        for what in ("configuration", "standard", "store", "store", "credentials", "clock", "regions", "permissions")
    ]


def test_doctor_says_what_a_missing_permission_blinds(account: Endpoint) -> None:
    run("db", "upgrade")
    account.behave(denied=["ec2:DescribeRouteTables"])
    result = run("doctor")
    assert result.exit_code == 3, result.output
    said = " ".join(result.stdout.split())
    assert "ec2:DescribeRouteTables answered AccessDenied" in said
    assert SSH in said or "blinds" in said
    assert "allow ec2:DescribeRouteTables" in said


def test_doctor_takes_what_is_no_denial_for_no_permission(account: Endpoint) -> None:
    run("db", "upgrade")
    account.behave(denied=["ec2:DescribeRouteTables"], code="InvalidRequest", status=400)
    result = run("doctor")
    assert result.exit_code == 3, result.output
    said = " ".join(result.stdout.split())
    assert "warning answers ec2:DescribeRouteTables answered InvalidRequest" in said
    assert "allow " not in said
    assert "ok permissions" in said, "nothing is denied"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("NotImplemented", "the endpoint does not know"),
        ("Throttling", "AWS throttled it"),
        ("InternalError", "AWS or the network did not answer properly"),
        ("ReadTimeoutError", "AWS or the network did not answer properly"),
        ("503", "AWS or the network did not answer properly"),
        ("Cancelled", "report it"),
    ],
)
def test_doctor_says_what_an_answer_means_that_is_no_denial(code: str, advice: str) -> None:
    gap = Gap("ec2:DescribeRouteTables", code, "why")
    said, permitted = doctor.gaps_of([Coverage(SCOPE, CoverageState.FAILED, gap)], {}, {}, "eu-west-1")
    assert said.what == "answers"
    assert advice in said.advice
    assert (permitted.what, permitted.health) == ("permissions", doctor.Health.GOOD)


def test_doctor_says_an_operation_once_whatever_it_answered() -> None:
    first, second = (Gap("ec2:DescribeRouteTables", code) for code in ("AccessDenied", "UnauthorizedOperation"))
    coverage = [
        Coverage(SCOPE, CoverageState.DENIED, first),
        Coverage(SCOPE._replace(type="AWS::EC2::Subnet"), CoverageState.COMPLETE, gaps={"Routes": second}),
    ]
    (said,) = doctor.gaps_of(coverage, {}, {}, "eu-west-1")
    assert said.what == "permissions"
    assert "answered AccessDenied and UnauthorizedOperation in eu-west-1" in said.finding
    assert "AWS::EC2::RouteTable, AWS::EC2::Subnet" in said.finding
    assert "allow ec2:DescribeRouteTables" in said.advice


def test_doctor_tells_a_region_that_the_organisation_closes_from_a_missing_permission(
    account: Endpoint, tmp_path: Path
) -> None:
    account.behave(closed=["us-east-1"])  # where questions about the account are asked, too
    result = run("doctor")
    assert result.exit_code == 3
    said = " ".join(result.stdout.split())
    assert "a policy of the organisation closes us-east-1" in said
    assert "name it under closed_regions in [account]" in said
    assert " in eu-west-1" in said, "the region that is read for permissions is one that can be read"
    (tmp_path / "config.toml").write_text('[account]\nclosed_regions = ["us-east-1"]\n')
    mended = run("doctor")
    assert "closes" not in mended.stdout
    assert "1 of 2 enabled regions are read" in mended.stdout


def test_doctor_says_that_the_clock_is_off(account: Endpoint) -> None:
    account.behave(skew=240)
    result = run("doctor", "--no-probe")
    assert "s off AWS's" in result.stdout
    assert result.exit_code in (3, 4)


def test_doctor_goes_on_after_what_is_broken(account: Endpoint) -> None:
    result = run("doctor", "--no-probe", "--store", "sqlite:////proc/nowhere/x.db")
    assert result.exit_code == 4
    assert "credentials" in result.stdout
