"""Log lines: text or JSON, what they are about, no secret, no control character, one line each whatever an account holds."""

import contextvars
import io
import json
import logging
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import logs
from auditor.cli.loglines import set_up_logging
from auditor.errors import Interrupted
from cli.conftest import run, start
from cli.endpoint import Endpoint

log = logging.getLogger("auditor.test")


class Written:
    """What was written to standard error so far."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured, self._text = captured, ""

    def getvalue(self) -> str:
        self._text += self._captured.readouterr().err
        return self._text


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(capsys)


def test_a_line_says_scan_account_region_and_service_where_they_apply(written: Written) -> None:
    set_up_logging("info", "json")
    log.info("before")
    with logs.about(account="111122223333"):
        logs.note(scan=12)
        with logs.about(service="ec2", operation="DescribeVolumes", region="eu-west-1"):
            log.warning("throttled")
        log.info("judged", extra={"region": "us-east-1"})
    log.info("after")
    told = [json.loads(line) for line in written.getvalue().splitlines()]
    about = [{name: value for name, value in line.items() if name in logs.FIELDS} for line in told]
    assert about == [
        {},
        {
            "scan": 12,
            "account": "111122223333",
            "region": "eu-west-1",
            "service": "ec2",
            "operation": "DescribeVolumes",
        },
        {"scan": 12, "account": "111122223333", "region": "us-east-1"},
        {},
    ]
    assert [(line["level"], line["logger"], line["message"]) for line in told[:2]] == [
        ("info", "auditor.test", "before"),
        ("warning", "auditor.test", "throttled"),
    ]
    assert told[0]["time"].endswith("Z")


def test_a_text_line_says_the_same(written: Written) -> None:
    set_up_logging("info")
    with logs.about(account="111122223333", scan=12, service="ec2", region="eu-west-1"):
        log.info("throttled")
    said = "INFO throttled scan=12 account=111122223333 region=eu-west-1 service=ec2\n"
    assert written.getvalue().endswith(said)


def test_threads_know_what_they_work_for_in_a_copy_of_the_context(written: Written) -> None:
    set_up_logging("info", "json")
    with logs.about(scan=3):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(log.info, "from a thread"))
    thread.start()
    thread.join()
    assert json.loads(written.getvalue())["scan"] == 3


@given(st.text(st.characters(codec=None, exclude_categories=[])), st.sampled_from(["text", "json"]))
def test_a_line_is_a_line_and_json_whatever_it_holds(text: str, form: str) -> None:
    stream, before = io.StringIO(), sys.stderr
    sys.stderr = stream
    try:
        set_up_logging("info", form)
        # What other threads of this process say meanwhile, a server of another test among them, is not the matter.
        logging.root.handlers[0].addFilter(lambda record: record.name == log.name)
        with logs.about(region=text):
            log.info("a tag says %s", text)
    finally:
        sys.stderr = before
    line = stream.getvalue()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1
    assert line[:-1].isprintable()
    if form == "json":
        told = json.loads(line.encode("ascii"))
        assert told["message"].isprintable()


def test_a_traceback_is_part_of_the_object(written: Written) -> None:
    set_up_logging("info", "json")
    try:
        raise ValueError("a\x1b[2Jb\nc")
    except ValueError:
        log.exception("it broke")
    (line,) = written.getvalue().splitlines()
    trace = json.loads(line)["trace"]
    assert trace[0] == "Traceback (most recent call last):"
    assert any("ValueError" in part for part in trace)
    assert all(part.isprintable() for part in trace)


SECRETS = {
    "a URL's password": ("postgresql://auditor:hunter2hunter2@db.example.com/auditor", "hunter2hunter2"),
    "a signature": ("https://x/?X-Amz-Signature=abcdef0123456789&X-Amz-Date=1", "abcdef0123456789"),
    "a token": ("X-Amz-Security-Token: FwoGZXIvYXdzEBYaD", "FwoGZXIvYXdzEBYaD"),
    "a key by name": ('{"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"}', "wJalrXUtnFEMI/K7MDENG"),
    "an authorization": ("Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=0123abcd", "0123abcd"),
    "a bearer's": ("Authorization: Bearer k8s-aws-v1.aHR0cHM6", "aHR0cHM6"),
    "the environment's": ("it said the-very-secret-key, really", "the-very-secret-key"),
}


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_is_in_a_line(written: Written, monkeypatch: pytest.MonkeyPatch, kind: str, form: str) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the-very-secret-key")
    said, secret = SECRETS[kind]
    set_up_logging("info", form)
    log.info("%s", said)
    try:
        raise RuntimeError(said)
    except RuntimeError:
        log.exception("broke", extra={"region": said})
    assert secret not in written.getvalue()
    assert "***" in written.getvalue()


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_scan_logs_json_with_scan_account_region_and_service(account: Endpoint) -> None:
    account.behave(denied=["ec2:DescribeSecurityGroups"])
    Path("config.toml").write_text('[account]\nname = "../\\u001b[2J\\u2028{\\"a\\": <b>"\n')
    with start(
        "scan", "--region", "eu-west-1", "--check", "security-group-stale-rule", "-v", "--log-format", "json"
    ) as scan:
        out, err = scan.communicate(timeout=120)
    assert scan.returncode == 3, err
    told = [json.loads(line) for line in err.splitlines()]  # each is one, also what is no log line
    assert (told[-1]["level"], told[-1]["message"][:12]) == ("error", "incomplete: ")
    assert len(told) > 2
    (begun,) = [line for line in told if "begun" in line["message"]]
    assert (begun["scan"], begun["account"]) == (1, "123456789012")
    denied = [line for line in told if line.get("operation") == "DescribeSecurityGroups"]
    assert denied
    assert {(line["scan"], line["account"], line["region"], line["service"]) for line in denied} == {
        (1, "123456789012", "eu-west-1", "ec2")
    }
    assert any("AccessDenied" in line["message"] for line in denied)
    assert "\x1b" not in err
    assert "not-a-secret" not in err
    assert out


def test_the_configuration_names_the_format_and_the_option_wins(account: Endpoint) -> None:
    Path("config.toml").write_text('[log]\nformat = "json"\n[account]\nregions = ["eu-west-1"]\n')
    chosen = ("scan", "--check", "security-group-stale-rule")
    assert objects(run(*chosen).stderr)
    assert not objects(run(*chosen, "--log-format", "text").stderr)
    Path("config.toml").write_text('[log]\nformat = "yaml"\n')
    refused = run("scan")
    assert refused.exit_code == 2
    assert "config.toml:2: log.format must be 'text' or 'json'" in refused.stderr


def test_whatever_ends_a_command_is_an_object_too(
    account: Endpoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    account.behave(denied=["sts:GetCallerIdentity"])
    scan = ("scan", "--region", "eu-west-1", "--check", "security-group-stale-rule", "--log-format", "json")
    (refused,) = [json.loads(line) for line in run(*scan).stderr.splitlines()]
    assert (refused["level"], "may not call sts:GetCallerIdentity" in refused["message"]) == ("error", True)
    monkeypatch.setattr("auditor.job.run_job", lambda *_, **__: 1 / 0)
    broke = [json.loads(line) for line in run(*scan).stderr.splitlines()]
    assert "ZeroDivisionError" in broke[0]["trace"][-1]
    assert broke[1]["message"].startswith("this is a fault of the auditor")

    def stopped(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        raise Interrupted("interrupted before anything was read")

    monkeypatch.setattr("auditor.job.run_job", stopped)
    assert [json.loads(line)["level"] for line in run(*scan).stderr.splitlines()] == ["error"]
    assert json.loads(capfd.readouterr().err)["message"].startswith("stopping; ")


def test_what_python_itself_says_and_errors_of_usage_are_objects_too(
    account: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisy(*_: object, **__: object) -> None:
        with warnings.catch_warnings():  # as outside of tests: shown, not raised
            warnings.simplefilter("always")
            warnings.warn("old\nthing", UserWarning, stacklevel=1)
        thread = threading.Thread(target=lambda: 1 / 0, name="reader")
        thread.start()
        thread.join()
        raise Interrupted("that is all")

    monkeypatch.setattr("auditor.job.run_job", noisy)
    old, broke, end = [json.loads(line) for line in run("scan", "--log-format", "json").stderr.splitlines()]
    assert (old["level"], "UserWarning: old thing" in old["message"]) == ("warning", True)
    assert broke["message"].endswith("thread reader ended")
    assert "ZeroDivisionError" in broke["trace"][-1]
    assert end["message"] == "that is all"
    for form in (("--log-format", "json"), ("--log-format=json",)):
        refused = run("scan", "--nonsense", *form)
        (line,) = refused.stderr.splitlines()
        assert (refused.exit_code, "--nonsense" in json.loads(line)["message"]) == (2, True)
    Path("config.toml").write_text("x =")
    (line,) = run("scan", "--log-format", "json").stderr.splitlines()
    assert json.loads(line)["message"].startswith("config.toml:1: is not valid TOML")


def test_an_unknown_format_is_usage() -> None:
    refused = run("scan", "--log-format", "xml")
    assert refused.exit_code == 2
    assert "'text', 'json'" in refused.stderr
