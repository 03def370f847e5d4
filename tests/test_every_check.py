"""One test file for all checks: each brings its own cases; pages, fixes and field names are held to the same rules."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from cases import judge_case

from auditor import catalog, standard
from auditor.collect import load_types
from auditor.kit import OBSERVED_AT, Case, Check, Gap
from auditor.model import Verdict
from auditor.store.findings import body_of

CHECKS = list(catalog.load_checks().values())
STANDARD = standard.load(catalog.bundled("checks") / "patterns.toml")
CASES = [
    pytest.param(check, case, verdict, id=f"{check.patterns[0].split('.')[0]}:{check.id}-{verdict}-{number}")
    for check in CHECKS
    for verdict, cases in (
        (Verdict.PASS, check.passes),
        (Verdict.FAIL, check.fails),
        (Verdict.NOT_APPLICABLE, check.skips),
        (Verdict.UNKNOWN, check.unknowns),
    )
    for number, case in enumerate(cases)
]
each_check = pytest.mark.parametrize("check", CHECKS, ids=lambda c: f"{c.patterns[0].split('.')[0]}:{c.id}")
DENIED = "AccessDenied"


def thresholds(check: Check) -> Any:
    return standard.bind(STANDARD[check.patterns[0]], check.thresholds)


@pytest.mark.parametrize(("check", "case", "verdict"), CASES)
def test_a_case_has_the_verdict_it_stands_under(check: Check, case: Case, verdict: Verdict) -> None:
    finding = judge_case(check, case, thresholds(check))
    assert not finding.fault, finding.reason
    assert finding.verdict == verdict, (finding.reason, finding.evidence)
    if verdict in (Verdict.UNKNOWN, Verdict.NOT_APPLICABLE):
        assert finding.reason
    for evidence in finding.evidence:
        assert evidence.sentence
        assert "\n" not in evidence.sentence


@pytest.mark.parametrize(("check", "case", "verdict"), [case for case in CASES if case.values[2] is Verdict.FAIL])
def test_an_evidence_is_no_other_one_because_a_day_has_passed(check: Check, case: Case, verdict: Verdict) -> None:
    today, tomorrow = (judge_case(check, case, thresholds(check), days) for days in (0, 1))
    # A daily backup that did not come is news, not the clock.
    if check.id == "rds-daily-retention-30d":
        return
    if (tomorrow.verdict, tomorrow.severity, len(tomorrow.evidence)) == (verdict, today.severity, len(today.evidence)):
        assert body_of(tomorrow)["e"] == body_of(today)["e"]


@each_check
def test_it_can_pass_and_it_can_fail(check: Check) -> None:
    assert check.passes
    assert check.fails


@each_check
def test_its_page_says_what_why_how_to_mend_and_whence(check: Check) -> None:
    assert check.title.endswith(".")
    for part in ("Why", "Fix", "Source"):
        assert check.section(part), f"{check.id}: no {part}: on its page"


@each_check
def test_its_module_is_where_its_first_pattern_says(check: Check) -> None:
    path = check.judge.__module__.removeprefix("auditor.checks.").replace("_", "-")
    assert path == check.patterns[0] or path.startswith(f"{check.patterns[0]}."), check.judge.__module__


@each_check
def test_its_patterns_and_types_exist(check: Check) -> None:
    for pattern in check.patterns:
        assert pattern in STANDARD
    assert dataclasses.is_dataclass(thresholds(check))
    for type in (*check.on, *check.reads):
        assert type in load_types(), f"{check.id} reads {type}, which no collector reads"
    for case in (*check.passes, *check.fails, *check.skips, *check.unknowns):
        assert {*case.related, *case.recorded} <= {*check.on, *check.reads}, (
            f"{check.id}: a case relates a type it does not read"
        )


@each_check
def test_what_cannot_be_read_never_turns_a_verdict_into_another(check: Check) -> None:
    """Take away each field and each joined type of each case: the verdict stays or becomes unknown."""
    for case in (*check.passes, *check.fails, *check.skips):
        before = judge_case(check, case, thresholds(check)).verdict
        fields = [key for key in case.document if key != "#region"]
        poorer = [(key, dataclasses.replace(case, gaps={**case.gaps, key: Gap("x:Read", DENIED)})) for key in fields]
        poorer += [
            (type, dataclasses.replace(case, unread=(*case.unread, type)))
            for type in (*check.on, *check.reads)
            if type not in case.unread
        ]
        for what, without in poorer:
            finding = judge_case(check, without, thresholds(check))
            assert not finding.fault, (what, finding.reason)
            assert finding.verdict in (before, Verdict.UNKNOWN), f"without {what}: {before} became {finding.verdict}"


@each_check
def test_with_nothing_readable_it_is_unknown(check: Check) -> None:
    for case in (*check.passes, *check.fails):
        gaps = {key: Gap("x:Read", DENIED) for key in case.document}
        blind = dataclasses.replace(case, gaps=gaps, unread=(*check.on, *check.reads), tags={})
        finding = judge_case(check, blind, thresholds(check))
        assert finding.verdict == Verdict.UNKNOWN
        assert finding.gaps[0].code == DENIED


@each_check
def test_its_command_names_only_fields_there_are(check: Check) -> None:
    from shapes import unknown_fields

    assert "{{" not in check.fix.cli, "a brace stands for itself; only {name} is filled in"
    names = set(re.findall(r"(?<![{])\{(\w+)\}(?![}])", check.fix.cli)) - {"name", "id", "region", "account", "kind"}
    for type in check.on:
        assert not unknown_fields(type, dict.fromkeys(names)), check.fix.cli


@each_check
def test_its_cases_use_the_names_of_the_api(check: Check) -> None:
    """A typo in a case would test nothing; botocore's own model knows every field."""
    from shapes import unknown_fields

    for case in (*check.passes, *check.fails, *check.skips, *check.unknowns):
        assert not unknown_fields(case.type or check.on[0], case.document)
        for type, documents in (*case.related.items(), *case.recorded.items()):
            for document in documents:
                ours = ("#region", OBSERVED_AT)  # the case's region, and what the ledger adds
                assert not unknown_fields(type, {k: v for k, v in document.items() if k not in ours})


def test_the_modules_mirror_the_standard() -> None:
    ids = {pattern.id.replace("-", "_") for pattern in STANDARD.patterns}
    folder = catalog.bundled("checks")
    for module in folder.rglob("*.py"):
        parts = module.relative_to(folder).with_suffix("").parts
        if parts[-1] == "__init__" or parts[-1].startswith("_"):
            continue
        dotted = ".".join(parts)
        assert any(dotted == id or dotted.startswith(f"{id}.") for id in ids), Path(*parts)
