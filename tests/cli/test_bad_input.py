"""Whatever is wrong: one line on standard error that says what and where, the right exit code, nothing lost."""

import sqlite3
from pathlib import Path

import pytest

from cli.conftest import run, start
from cli.endpoint import Endpoint
from cli.test_scan_command import ONE

NOBODY = "http://127.0.0.1:1"
"""No server answers there."""


def refused(code: int, said: str, *arguments: object) -> str:
    """Run a command that must end with CODE and one line that says what is wrong; return the line."""
    result = run(*arguments)
    lines = [line for line in result.stderr.splitlines() if " INFO " not in line]
    assert result.exit_code == code, result.output
    assert len(lines) == 1, lines
    assert said in lines[0]
    assert lines[0].startswith("auditor: ")
    assert result.stdout == ""
    return lines[0]


# ---- the command line and the configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scna",), "there is no command scna; did you mean scan?"),
        (("scan", "--regoin", "eu-west-1"), "--region"),
        (("scan", "--format", "html,jsn"), "did you mean json"),
        (("scan", "--format", "word"), "html, md, json"),
        (("scan", "--fail-on", "hgih"), "hgih"),
        (("scan", "--min-coverage", "101"), "101"),
        (("scan", "--role-arn", "auditor"), "--role-arn must be a role's ARN (arn:aws:iam::111122223333:role/auditor)"),
        (("findings", "--scan", "one"), "one"),
        (("scan", "--check", "asg-spans-two-asz"), "did you mean asg-spans-two-azs"),
        (("scan", "--pattern", "cloud.multi-az.availability-zone"), "did you mean cloud.multi-az.availability-zones"),
        (("scan", "--section", "clod"), "did you mean cloud"),
        (("scan", "--type", "AWS::RDS::DBInstnce"), "did you mean AWS::RDS::DBInstance"),
        (("scan", "--type", "AWS::EC2::VPC"), "no check is about AWS::EC2::VPC; it is read for security-group-"),
        (("scan", "--type", "AWS::EC2::Vpc"), "did you mean AWS::EC2::VPC?"),
        (("scan", "--type", "AWS::Backup::BackupVault"), "no check is about a resource type called AWS::Backup::Back"),
        (("scan", "--region", "eu-wset-1"), "did you mean eu-west-1"),
        (("policy", "--check", "asg-spans-two-asz"), "did you mean asg-spans-two-azs"),
        (("scan", "--check", "asg-spans-two-azs", "--type", "AWS::IAM::User"), "no check is selected"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest_that_does(
    account: Endpoint, arguments: tuple[str, ...], said: str
) -> None:
    refused(2, said, *arguments)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scan]\nthreds = 3\n", "config.toml:2: [scan] has no threds; did you mean threads?"),
        ("[scan]\n\nthreads = 0\n", "config.toml:3: scan.threads must be at least 1"),
        ("[acount]\n", "config.toml:1: there is no [acount]; did you mean account?"),
        ("[scan]\nthreads = \n", "config.toml:2: is not valid TOML"),
        ('[schedule]\ntimezone = "Europe/Berln"\n', "did you mean Europe/Berlin"),
        ('[checks]\nfolders = ["nowhere"]\n', "config.toml:2: checks.folders: there is no nowhere"),
        ('[account]\nregions = ["Ireland"]\n', "config.toml:2"),
    ],
)
def test_a_mistake_in_the_configuration_is_placed(text: str, said: str) -> None:
    Path("config.toml").write_text(text)
    refused(2, said, "scan")


def test_a_configuration_that_was_named_must_be_there() -> None:
    refused(2, "nowhere.toml: cannot be read", "scan", "--config", "nowhere.toml")


def test_an_override_of_the_standard_is_placed() -> None:
    Path("own.toml").write_text('["cloud.multi-az.availability-zones".thresholds]\nmin_azs = "two"\n')
    Path("config.toml").write_text('[standard]\noverrides = ["own.toml"]\n')
    refused(2, "own.toml:2", "scan")


@pytest.mark.parametrize("arguments", [(), ("schedule",), ("checks",)])
def test_without_a_command_the_commands_are_shown(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "\nCommands:\n" in result.stderr


# ---- a user's own checks ---------------------------------------------------------------------------------------------

_TAKEN = """
from auditor.kit import HIGH, Case, Evidence, Facts, Fix, NoThresholds, check
@check("asg-spans-two-azs", pattern="cloud.multi-az.availability-zones", on="AWS::IAM::User", severity=HIGH,
       fix=Fix(""), passes=[Case({})], fails=[Case({})])
def own(facts: Facts, want: NoThresholds):
    yield Evidence("no")
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def broken(:\n", "own.py:1: SyntaxError"),
        ("\nimport nowhere_to_be_found\n", "own.py:2: ModuleNotFoundError"),
        ("\n\n1 / 0\n", "own.py:3: ZeroDivisionError"),
        (_TAKEN, "'asg-spans-two-azs' is declared twice"),
    ],
)
def test_a_folder_of_checks_that_cannot_be_loaded_is_placed(tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "own.py").write_text(code)
    Path("config.toml").write_text('[checks]\nfolders = ["ours"]\n')
    process = start("checks", "list")
    shown, wrong = process.communicate(timeout=60)
    assert (process.returncode, shown, wrong.count("\n")) == (2, "", 1)
    assert "own.py:" in wrong
    assert said in wrong


# ---- credentials, endpoint, clock ------------------------------------------------------------------------------------


def test_missing_credentials_say_where_to_get_some(account: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    refused(4, "no AWS credentials found: set AWS_PROFILE or --profile", *ONE)
    assert "there is no finished scan" not in run("scans").stdout


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "have expired: get new ones"),
        ("InvalidClientTokenId", "does not know this access key"),
        ("AccessDenied", "may not call sts:GetCallerIdentity"),
        ("SignatureDoesNotMatch", "does not belong to the key id"),
        ("RequestExpired", "this machine's clock is wrong"),
    ],
)
def test_credentials_that_aws_refuses_say_why(account: Endpoint, code: str, said: str) -> None:
    account.behave(denied=["sts:GetCallerIdentity"], code=code)
    refused(4, said, *ONE)


def test_an_endpoint_that_cannot_be_reached_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOBODY)
    refused(4, "AWS cannot be reached: check network, proxy, region and AWS_ENDPOINT_URL", *ONE)


def test_an_unknown_region_in_the_environment_does_no_harm(account: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-middle-9")
    assert run(*ONE).exit_code == 0


def test_credentials_that_expire_in_the_middle_leave_an_incomplete_scan(account: Endpoint) -> None:
    account.behave(denied=["ec2:DescribeSubnets"], code="ExpiredToken")
    result = run(*ONE)
    assert result.exit_code == 3, result.output
    assert "Traceback" not in result.output
    assert "incomplete" in run("scans").stdout


def test_a_clock_that_differs_from_ours_decides_ages_by_aws(account: Endpoint) -> None:
    account.behave(skew=86_400)
    assert run(*ONE).exit_code == 0


# ---- the store -------------------------------------------------------------------------------------------------------


def test_a_store_url_that_is_none_says_what_one_is() -> None:
    refused(4, "sqlite:///", "scans", "--store", "nonsense")
    refused(4, "mysql", "scans", "--store", "mysql://localhost/x")


def test_a_store_that_cannot_be_opened_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    refused(4, str(folder), "scans", "--store", f"sqlite:///{folder}")
    text = tmp_path / "text.db"
    text.write_text("this is a letter, and no database; it is long enough to be looked at" * 20)
    refused(4, str(text), "scans", "--store", f"sqlite:///{text}")
    assert text.read_text().startswith("this is a letter"), "nothing was overwritten"
    refused(4, "/proc/none", "scans", "--store", "sqlite:////proc/none/x.db")


def test_a_database_server_that_is_not_there_says_so() -> None:
    line = refused(4, "postgresql", "scans", "--store", "postgresql://someone:secret@127.0.0.1:1/audit")
    assert "secret" not in line


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "newer.db"
    run("db", "upgrade", "--store", f"sqlite:///{path}")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    refused(4, "newer", "scans", "--store", f"sqlite:///{path}")


def test_a_full_disk_ends_the_scan_and_leaves_the_store_readable(
    account: Endpoint, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'small.db'}"
    assert run(*ONE, "--store", url, "-q").exit_code == 0
    pages = _limit_pages(monkeypatch, tmp_path / "small.db")
    result = run("scan", "--region", "eu-west-1", "--store", url)
    assert result.exit_code == 4, result.output
    assert "full" in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert pages
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    listed = run("scans", "--store", url)
    assert "complete" in listed.stdout
    assert run("report", "--store", url).exit_code == 0


def _limit_pages(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[int]:
    """Let SQLite refuse to grow the file at PATH, as a full disk would; return the limits that were set."""
    import sqlalchemy

    with sqlite3.connect(path) as database:
        (count,) = database.execute("PRAGMA page_count").fetchone()
    database.close()
    limits: list[int] = []

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {count}")
        limits.append(count)

    original = sqlalchemy.create_engine

    def create_engine(*arguments: object, **options: object) -> object:
        engine = original(*arguments, **options)  # type: ignore[call-overload]
        sqlalchemy.event.listen(engine, "connect", limit)
        return engine

    monkeypatch.setattr("auditor.store.database.create_engine", create_engine)
    return limits


# ---- the reports -----------------------------------------------------------------------------------------------------


def test_a_report_that_cannot_be_written_loses_no_scan(account: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for folder in (tmp_path / "taken" / "below", Path("/proc/none")):
        result = run(*ONE, "--output", folder, "--fail-on", "low")
        assert result.exit_code == 4, "a fault comes before findings"
        last = result.stderr.splitlines()[-1]
        assert str(folder) in last
        assert "the scan itself is in the store" in last
        assert "could be read" in result.stdout, "the summary is shown all the same"
    assert run("report", "--output", tmp_path / "fine").exit_code == 0


def test_a_report_folder_that_is_a_file_is_refused_before_anything_is_read(account: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    refused(2, "taken", *ONE, "--output", tmp_path / "taken")
    refused(4, "there is no store", "scans")
