"""`auditor scan` from end to end: what it prints and writes, how it ends, and what its options do."""

import json
from pathlib import Path

import pytest

from cli.conftest import run
from cli.endpoint import Endpoint

REGION = "eu-west-1"
SSH = "security-group-open-admin-port"
ONE = ("scan", "--region", REGION, "--check", SSH)
"""The smallest scan that finds something."""


def test_a_scan_prints_a_summary_writes_the_reports_and_ends_with_0(account: Endpoint, tmp_path: Path) -> None:
    result = run(*ONE)
    assert result.exit_code == 0, result.output
    assert "123456789012" in result.stdout
    assert "What must hold" in result.stdout
    written = {path.name for path in (tmp_path / "audit-reports").iterdir()}
    assert written == {"compliance.html", "cost.html", "executive.html", "compliance.md", "cost.md", "report.json"}
    for name in written:
        assert str(tmp_path / "audit-reports" / name) in result.stdout
    report = json.loads((tmp_path / "audit-reports" / "report.json").read_text(encoding="utf-8"))
    assert report["scan"]["regions"] == [REGION]


def test_the_scan_is_kept_where_the_user_keeps_data(account: Endpoint, home: Path) -> None:
    run(*ONE)
    assert (home / "data" / "auditor" / "store.db").is_file()


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ((), 0, ""),
        (("--fail-on", "high"), 1, "findings of severity high or worse"),
        (("--fail-on", "critical"), 0, ""),
        (("--fail-on", "never"), 0, ""),
        (("--min-coverage", "100"), 0, ""),
    ],
)
def test_findings_decide_the_exit_code_where_they_are_asked_to(
    account: Endpoint, options: tuple[str, ...], code: int, said: str
) -> None:
    result = run(*ONE, *options)
    assert result.exit_code == code, result.output
    assert said in result.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 3),
        (("--min-coverage", "10"), 0),
        (("--fail-on", "high"), 1),
        (("--fail-on", "high", "--min-coverage", "10"), 1),
        (("--fail-on", "critical"), 3),
    ],
)
def test_what_could_not_be_read_decides_where_no_finding_does(
    account: Endpoint, options: tuple[str, ...], code: int
) -> None:
    account.behave(denied=["ec2:DescribeRouteTables"])
    result = run(*ONE, *options)
    assert result.exit_code == code, result.output
    assert "ec2:DescribeRouteTables: AccessDenied" in result.stdout
    assert ("incomplete" in result.stderr) == (code == 3)


def test_quiet_prints_nothing_and_still_ends_with_the_code(account: Endpoint) -> None:
    account.behave(denied=["ec2:DescribeRouteTables"])
    result = run(*ONE, "--quiet")
    assert (result.exit_code, result.output) == (3, "")


def test_without_a_terminal_progress_is_log_lines_and_nothing_is_coloured(account: Endpoint) -> None:
    result = run(*ONE)
    assert "INFO scan 1 of account 123456789012 begun" in result.stderr
    assert "\x1b" not in result.output


def test_verbose_says_more(account: Endpoint) -> None:
    assert "DEBUG" not in run(*ONE).stderr
    assert "DEBUG judged" in run(*ONE, "--verbose").stderr


@pytest.mark.parametrize(("formats", "files"), [("json", {"report.json"}), ("md, html", {"md", "html"})])
def test_only_the_wanted_formats_are_written_where_they_are_wanted(
    account: Endpoint, tmp_path: Path, formats: str, files: set[str]
) -> None:
    assert run(*ONE, "--format", formats, "--output", tmp_path / "deep" / "out").exit_code == 0
    written = {path.name for path in (tmp_path / "deep" / "out").iterdir()}
    assert written == files or {name.partition(".")[2] for name in written} == files
    assert not (tmp_path / "audit-reports").exists()


def test_the_configuration_says_what_the_command_line_does_not(account: Endpoint, tmp_path: Path) -> None:
    Path("config.toml").write_text(
        f"""
        [account]
        name = "shop"
        regions = ["{REGION}"]
        [store]
        url = "sqlite:///{tmp_path}/own.db"
        [report]
        output = "{tmp_path}/elsewhere"
        formats = ["json"]
        [scan]
        fail_on = "high"
        """
    )
    result = run("scan", "--check", SSH)
    assert result.exit_code == 1
    assert "shop" in result.stdout
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["report.json"]
    assert (tmp_path / "own.db").is_file()
    assert run("scan", "--check", SSH, "--fail-on", "never").exit_code == 0


def test_all_enabled_regions_are_read_by_default(account: Endpoint, tmp_path: Path) -> None:
    run("scan", "--check", SSH, "--format", "json")
    report = json.loads((tmp_path / "audit-reports" / "report.json").read_text(encoding="utf-8"))
    assert report["scan"]["regions"] == ["eu-west-1", "us-east-1"]


def test_a_second_scan_says_what_changed(account: Endpoint) -> None:
    run(*ONE)
    assert "Since scan 1" in run(*ONE).stdout


def test_regions_that_may_not_be_listed_can_be_named(account: Endpoint) -> None:
    account.behave(denied=["ec2:DescribeRegions"], code="UnauthorizedOperation")
    refused = run("scan", "--check", SSH)
    assert refused.exit_code == 4
    assert "ec2:DescribeRegions" in refused.stderr
    assert "--region" in refused.stderr
    named = run(*ONE, "--fail-on", "high")
    assert named.exit_code == 1, named.output


# ---- as whom ---------------------------------------------------------------------------------------------------------


def test_a_profile_of_the_aws_configuration_is_used(
    account: Endpoint, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text(
        "[profile audit]\nregion = eu-west-1\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert run(*ONE).exit_code == 4
    assert run(*ONE, "--profile", "audit").exit_code == 0
    wrong = run(*ONE, "--profile", "audti")
    assert wrong.exit_code == 4
    assert "did you mean 'audit'" in wrong.stderr


def test_a_role_is_assumed_with_its_external_id(account: Endpoint) -> None:
    role = "arn:aws:iam::123456789012:role/reader"
    account.behave(denied=["sts:AssumeRole"])
    refused = run(*ONE, "--role-arn", role, "--external-id", "shared-secret")
    assert refused.exit_code == 4
    assert role in refused.stderr
    assert refused.stderr.count("\n") == 1
    account.behave()
    assert run(*ONE, "--role-arn", role, "--external-id", "shared-secret").exit_code == 0


# ---- how fast --------------------------------------------------------------------------------------------------------


def test_a_slower_scan_reads_the_same(account: Endpoint) -> None:
    result = run(*ONE, "--gentle", "--max-rate", "200")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("rate", ["0", "-1", "fast", "1e-9", "nan", "inf"])
def test_a_rate_that_would_stop_everything_is_refused(rate: str) -> None:
    result = run(*ONE, "--max-rate", rate)
    assert result.exit_code == 2
    assert "--max-rate" in result.stderr


def test_a_coverage_that_is_no_number_is_refused_rather_than_always_reached() -> None:
    result = run(*ONE, "--min-coverage", "nan")
    assert result.exit_code == 2
    assert "--min-coverage" in result.stderr


def test_what_the_command_line_says_of_the_speed_reaches_the_limiter() -> None:
    from auditor.cli.scan import with_options
    from auditor.config import ScanSettings, Settings
    from auditor.job import connection_of

    def limiter(settings: Settings) -> tuple[float, float]:
        made = connection_of(settings, {}).limiter
        return made.fraction, made.max_rate

    configured = Settings(scan=ScanSettings(gentle=True, max_rate=3.0))
    assert limiter(Settings()) == (1.0, 0.0)
    assert limiter(configured) == (0.25, 3.0)
    assert limiter(with_options(configured, {"max_rate": 7.5})) == (0.25, 7.5)
    assert limiter(with_options(Settings(), {"gentle": True})) == (0.25, 0.0)
