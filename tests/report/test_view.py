"""What the view says of a scan: standing, coverage, changes, risks and money."""

import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from report import sample

from auditor.drift import Cause
from auditor.kit import NOW
from auditor.model import (
    Certainty,
    Coverage,
    CoverageState,
    Evidence,
    Finding,
    FindingState,
    Gap,
    Lifecycle,
    Price,
    Saving,
    Scope,
    Severity,
    Tally,
    Verdict,
)
from auditor.report import ReportInputs, ReportView, build_view
from auditor.report.view import BulletView, MoneyItem, ScopeRow, Standing
from auditor.scan import coverage_percent
from auditor.trend import Turn

RULE = next(rule for rule in sample.RULES if rule.id == "rds-idle")
BULLET = "cost.right-sizing.monitor-usage"


def state(
    resource: str, *, check: str = RULE.id, usd: float | None = None, as_of: str = "2026-01-15", **more: Any
) -> FindingState:
    price = Price(1.0, "hour", "RDS", "embedded", as_of)
    saving = Saving(usd, "1 x 1", Certainty.EXACT, (price,)) if usd is not None else more.pop("saving", None)
    finding = Finding(
        f"{check}/{resource}", check, resource, RULE.type, resource, sample.ACCOUNT, "eu-west-1",
        more.pop("verdict", Verdict.FAIL), more.pop("severity", RULE.severity), (Evidence("is idle", saving=saving),), **more,
    )  # fmt: skip
    return FindingState(finding, Lifecycle.OPEN, NOW, 1, NOW)


def alone(*states: FindingState, tallies: tuple[Tally, ...] = (), **more: Any) -> ReportInputs:
    """Return a scan with nothing but these findings and tallies."""
    empty = sample.nothing_found()
    return replace(empty, states=states, tallies=tallies, scores=[], previous=None, **more)


def bullet(view: ReportView, id: str = BULLET) -> BulletView:
    return next(bullet for section in view.sections for bullet in section.bullets if bullet.id == id)


def tally(**lists: Any) -> Tally:
    return Tally(RULE.id, sample.ACCOUNT, "eu-west-1", RULE.type, **lists)


@pytest.mark.parametrize(
    ("lists", "standing", "note"),
    [
        ({"passed": ("a", "b")}, Standing.HOLDS, "all 2 pass"),
        ({"passed": ("a",), "failed": ("b",)}, Standing.BROKEN, "1 of 2 fail"),
        ({"passed": ("a",), "failed": ("b",), "unknown": ("c",)}, Standing.BROKEN, "1 of 2 fail, 1 could not be read"),
        ({"passed": ("a", "b"), "unknown": ("c",)}, Standing.UNREAD, "2 pass, 1 could not be read"),
        ({"unread": Gap("rds:DescribeDBInstances", "AccessDenied")}, Standing.UNREAD, "1 could not be read"),
        ({"not_applicable": {"stopped": ("a",)}}, Standing.EMPTY, "1 resource it cannot concern"),
        ({}, Standing.EMPTY, "the account has no such resource"),
    ],
)
def test_a_bullet_stands_as_its_verdicts_say(lists: dict[str, Any], standing: Standing, note: str) -> None:
    found = bullet(build_view(alone(tallies=(tally(**lists),))))
    assert (found.standing, found.note) == (standing, note)


def test_a_bullet_without_a_check_is_not_judged() -> None:
    found = bullet(build_view(alone()), "containers.best-practices.image-size")
    assert (found.standing, found.note) == (Standing.UNJUDGED, "no check measures it yet")


def test_a_bullet_whose_checks_were_left_out_is_not_judged() -> None:
    found = bullet(build_view(alone()))
    assert (found.standing, found.note) == (Standing.UNJUDGED, "its checks were not part of this scan")


def test_every_bullet_of_the_standard_is_there_with_its_sentence(view: ReportView) -> None:
    shown = [(bullet.id, bullet.statement) for section in view.sections for bullet in section.bullets]
    assert len(shown) == 62
    assert shown == [(pattern.id, pattern.statement) for pattern in sample.inputs(1).standard]
    assert sum(view.standings.values()) == 62


def test_failures_come_first_and_the_worst_of_them_first(view: ReportView) -> None:
    order = [(finding.verdict is not Verdict.FAIL, finding.severity.rank) for finding in view.findings]
    assert order == sorted(order)


def test_counts_are_those_of_the_tallies(view: ReportView) -> None:
    assert view.counts.failed - view.counts.waived == sum(view.severities.values())
    assert view.counts.failed == sum(finding.verdict is Verdict.FAIL for finding in (*view.findings, *view.waived))
    unread = sum(tally.unread is not None for tally in view.tallies)
    assert view.counts.unknown == sum(finding.verdict is Verdict.UNKNOWN for finding in view.findings) + unread


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing-found", "100 of 100, grade A: no findings, everything asked for was read"),
        ("nothing-read", "No score: nothing could be read"),
    ],
)
def test_the_verdict_is_one_sentence(name: str, sentence: str) -> None:
    assert build_view(sample.STATES[name]()).verdict == sentence


def test_the_verdict_counts_what_is_grave_and_what_could_not_be_read(rich: ReportView) -> None:
    grave = rich.severities[Severity.CRITICAL] + rich.severities[Severity.HIGH]
    assert rich.verdict == f"69 of 100, grade D: {grave} critical or high findings, 4 scopes could not be read"


def test_a_score_is_never_rounded_into_the_next_grade() -> None:
    inputs = sample.nothing_found()
    scores = [replace(score, value=89.99, letter="B") if score.level == "account" else score for score in inputs.scores]
    assert build_view(replace(inputs, scores=scores)).verdict.startswith("89 of 100, grade B")


# ---- what could not be read ----


def test_a_gap_names_the_permission_and_all_that_is_blind(rich: ReportView) -> None:
    gap = next(gap for gap in rich.coverage.gaps if gap.operation.startswith("backup:"))
    assert gap.action == "backup:ListRecoveryPointsByBackupVault"
    assert (gap.scopes, gap.types, gap.checks) == (3, (sample.DENIED,), ("backup-copied-abroad",))
    assert gap.regions == sample.REGIONS
    assert gap.patterns == ("recovery.backup.locations",)


def test_what_was_throttled_is_no_matter_of_permissions(rich: ReportView) -> None:
    gap = next(gap for gap in rich.coverage.gaps if gap.code == "ThrottlingException")
    assert gap.action == ""
    assert "throttled" in gap.advice


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("… with an explicit deny in a service control policy", "service control policy"),
        ("… with an explicit deny in an identity-based policy", "explicitly"),
        ("no identity-based policy allows it", "auditor policy"),
    ],
)
def test_a_denial_is_answered_by_who_denies(message: str, words: str) -> None:
    gap = Gap("rds:DescribeDBInstances", "AccessDenied", message)
    cover = Coverage(Scope(sample.ACCOUNT, "eu-west-1", RULE.type), CoverageState.DENIED, gap)
    (found,) = build_view(alone(coverage=[cover])).coverage.gaps
    assert words in found.advice


def test_unknown_findings_are_grouped_by_what_could_not_be_read() -> None:
    gap = Gap("cloudwatch:GetMetricData", "AccessDenied")
    states = [state(name, verdict=Verdict.UNKNOWN, gaps=(gap,)) for name in "abc"]
    (found,) = build_view(alone(*states)).coverage.gaps
    assert (found.findings, found.scopes, found.resources, found.checks) == (3, 0, ("a", "b", "c"), (RULE.id,))


def test_a_check_that_broke_is_told_apart(rich: ReportView) -> None:
    assert rich.faults
    assert all(finding.fault and finding.verdict is Verdict.UNKNOWN for finding in rich.faults)


def test_coverage_of_nothing_has_no_percentage() -> None:
    assert build_view(alone(coverage=[])).coverage.percent is None


def test_a_scope_of_which_a_field_could_not_be_read_is_read_in_part_and_said_so() -> None:
    denied = Gap("elasticloadbalancing:DescribeTags", "AccessDenied", "not authorized to perform it")
    scopes = [Scope(sample.ACCOUNT, region, RULE.type) for region in ("eu-west-1", "us-east-1")]
    coverage = [Coverage(scope, CoverageState.COMPLETE, None, NOW, 5, 1) for scope in scopes]
    coverage[0] = replace(coverage[0], gaps={"Tags": denied, "Health": denied})
    view = build_view(alone(coverage=coverage)).coverage
    assert (view.known, view.unread, view.percent) == (1, 1, 50)
    assert view.percent == coverage_percent(coverage), "what the exit code is decided by"
    assert view.states == {CoverageState.PARTIAL: 1, CoverageState.COMPLETE: 1}
    (gap,) = view.gaps
    assert (gap.operation, gap.scopes, gap.action) == (denied.operation, 1, denied.operation)


def test_what_aws_offers_is_covered_and_is_no_resource_of_the_account() -> None:
    scope = Scope(sample.ACCOUNT, "eu-west-1", "AWS::EC2::InstanceType")
    own = Scope(sample.ACCOUNT, "eu-west-1", RULE.type)
    coverage = [Coverage(each, CoverageState.COMPLETE, None, NOW, 5, 1) for each in (scope, own)]
    view = build_view(alone(coverage=coverage, offerings={scope: 5})).coverage
    assert (view.asked, view.known, view.resources) == (2, 2, 5)
    assert sum(row.resources for row in view.services) == 5


# ---- changes ----


def test_scores_compare_under_the_same_question(rich: ReportView) -> None:
    assert rich.changes.comparable
    assert rich.changes.delta == pytest.approx(2.4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"standard_digest": "other"}, "the standard or its numbers were changed"),
        ({"checks_digest": "other"}, "the checks were changed"),
        ({"regions": ("eu-central-1", "eu-west-1")}, "1 region more (us-east-1)"),
        ({"regions": (*sample.REGIONS, "sa-east-1")}, "1 region fewer (sa-east-1)"),
        ({"selection": {"severity": ("high",)}}, "the scans were narrowed differently"),
    ],
)
def test_scores_of_different_questions_do_not_compare(change: dict[str, Any], words: str) -> None:
    inputs = sample.inputs(6)
    assert inputs.previous
    previous = replace(inputs.previous, scan=replace(inputs.previous.scan, **change))
    view = build_view(replace(inputs, previous=previous))
    assert view.changes.why_not == (words,)
    assert not view.changes.comparable
    assert view.changes.delta is None
    assert all(section.delta is None for section in view.sections)


def test_the_first_scan_has_nothing_to_compare_with() -> None:
    changes = build_view(sample.inputs(6, first=True)).changes
    assert changes.first
    assert not changes.comparable
    assert changes.resources is None


def test_changes_are_counted_by_kind(rich: ReportView) -> None:
    assert rich.changes.counts[Lifecycle.RESOLVED] == 5
    assert rich.changes.counts[Lifecycle.VANISHED] == 1
    assert rich.changes.counts[Lifecycle.UNVERIFIED] == 2
    assert len(rich.changes.items[Lifecycle.RESOLVED]) == 5


# ---- risks ----


def test_top_risks_are_one_line_a_check_worst_first(rich: ReportView) -> None:
    assert len({risk.check for risk in rich.risks}) == len(rich.risks)
    ranks = [(risk.severity.rank, -risk.worst, -risk.count) for risk in rich.risks]
    assert ranks == sorted(ranks)


def test_failures_that_read_the_same_are_said_once() -> None:
    other = state("c")
    other = replace(other, finding=replace(other.finding, evidence=(Evidence("is asleep"),)))
    (risk,) = build_view(alone(state("a"), state("b"), other, state("d"))).risks
    assert [(same.sentence, same.names, same.count) for same in risk.same] == [
        ("is idle", ("a", "b", "d"), 3),
        ("is asleep", ("c",), 1),
    ]


def test_a_risk_says_how_many_are_as_bad_as_its_worst() -> None:
    states = (state("a", severity=Severity.HIGH), state("b", severity=Severity.LOW), state("c", severity=Severity.HIGH))
    (risk,) = build_view(alone(*states)).risks
    assert (risk.severity, risk.count, risk.worst) == (Severity.HIGH, 3, 2)


def test_services_that_hold_nothing_and_were_read_are_quiet() -> None:
    assert ScopeRow("Batch", {CoverageState.COMPLETE: 2, CoverageState.NOT_OFFERED: 1}, 0).quiet
    assert not ScopeRow("Batch", {CoverageState.COMPLETE: 2}, 1).quiet
    assert not ScopeRow("Batch", {CoverageState.COMPLETE: 2, CoverageState.DENIED: 1}, 0).quiet


# ---- money ----


def test_of_a_resource_the_largest_saving_counts_never_the_sum() -> None:
    view = build_view(alone(state("db", usd=100), state("db", check="rds-right-size", usd=40), state("other", usd=7)))
    assert view.money.total == 107
    assert [(item.usd_month, item.counted) for item in view.money.items] == [(100, True), (40, False), (7, True)]
    assert sum(share.usd_month for share in view.money.by_service) == 107


def test_an_amount_stands_beside_the_evidence_it_belongs_to() -> None:
    cheap, dear = (Evidence(text, saving=Saving(usd, text)) for text, usd in (("first", 1.0), ("second", 9.0)))
    held = state("db")
    held = replace(held, finding=replace(held.finding, evidence=(Evidence("no"), cheap, dear)))
    (item,) = build_view(alone(held)).money.items
    assert (item.usd_month, item.formula, item.evidence.sentence) == (9.0, "second", "second")
    assert [piece.sentence for piece in item.others] == ["no", "first"]


def test_shares_add_up_to_the_total(view: ReportView) -> None:
    money = view.money
    for shares in (money.by_bullet, money.by_category, money.by_service, money.by_region):
        assert sum(share.usd_month for share in shares) == pytest.approx(money.total, abs=0.05)
    assert sum(money.by_certainty.values()) == pytest.approx(money.total, abs=0.05)


def test_what_has_no_price_is_listed_and_never_guessed() -> None:
    view = build_view(alone(state("db", saving=Saving(None, "no price for db.x9"))))
    assert view.money.total == 0
    assert [item.formula for item in view.money.unpriced] == ["no price for db.x9"]


@pytest.mark.parametrize(
    ("as_of", "stale"), [("2025-06-16", False), ("2025-06-14", True), ("2025-05", True), ("soon", False)]
)
def test_prices_older_than_a_year_are_warned_about(as_of: str, stale: bool) -> None:
    money = build_view(alone(state("db", usd=1, as_of=as_of))).money
    assert (money.oldest_price, money.stale) == (as_of, stale)


def test_a_saving_counts_under_the_cost_bullet_of_its_check() -> None:
    view = build_view(alone(state("sg", check="sg-unused", usd=3)))
    assert [share.name for share in view.money.by_bullet] == ["Automated cleanup"]


# ---- texts ----


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, MoneyItem):  # beside what is shown of it, it holds the finding as the account gave it
        yield from texts((value.finding, value.evidence, value.others, value.formula, value.prices, value.last_use))
        yield from texts((value.bullet, value.category))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in ("tallies", "names"):
                yield from texts(getattr(value, field.name))
    elif isinstance(value, dict):
        yield from texts(tuple(value.items()))
    elif isinstance(value, tuple | list):
        for item in value:
            yield from texts(item)


def test_no_text_of_the_view_holds_what_a_reader_cannot_see(hostile: ReportView) -> None:
    for text in texts(hostile):
        assert not {unicodedata.category(character) for character in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}, text[:200]


def test_hidden_characters_are_shown_as_escapes(hostile: ReportView) -> None:
    names = {finding.name for finding in hostile.findings}
    assert r"\u202egpj.exe\u2066\u200b" in names
    assert r"lone \ud800 surrogate" in names
    assert r"\x1b[31mred\x1b[0m\x00\x9b" in names


def test_console_links_lead_to_aws_only(hostile: ReportView, rich: ReportView) -> None:
    links = {finding.console for view in (hostile, rich) for finding in view.findings if finding.console}
    assert any("rds/home" in link for link in links)
    for link in links:
        host = link.removeprefix("https://").partition("/")[0]
        assert host in {"console.aws.amazon.com", *(f"{region}.console.aws.amazon.com" for region in sample.REGIONS)}
        assert not set(link) & set("<>\"' ")


def test_since_survives_into_the_view() -> None:
    old = replace(state("db"), since=NOW - timedelta(days=80))
    (finding,) = build_view(alone(old)).findings
    assert (finding.since, finding.day) == ("2026-03-27T03:00:00+00:00", "2026-03-27")


def test_what_differs_in_the_inventory_is_told_by_fields_and_what_was_not_read_is_apart(rich: ReportView) -> None:
    changes = rich.changes
    assert changes.resources == (12, 7, 3)
    assert Counter(change.kind for change in changes.drift) == {"added": 12, "changed": 7, "gone": 3}
    changed = next(change for change in changes.drift if change.kind == "changed")
    assert changed.fields == ("Size: 8 to 16", 'Tags[]: {"Key": "a|b", "Value": "<i>"} removed')
    assert "\u202e" not in changed.name
    assert changes.incomparable == 1


def test_findings_that_a_changed_check_turned_are_counted_apart() -> None:
    full = sample.inputs(40)
    turned = [state for state in full.changes or () if state.lifecycle is Lifecycle.OPENED][:2]
    causes = {turned[0].finding.key: Cause.CHECK, turned[1].finding.key: Cause.STANDARD}
    view = build_view(replace(full, causes=causes))
    assert view.changes.not_by_account == {Cause.CHECK: 1, Cause.STANDARD: 1}


def test_a_finding_tells_its_last_turns_where_there_was_more_than_one(rich: ReportView) -> None:
    told = [finding.history for finding in rich.findings if finding.history]
    assert 0 < len(told) < len(rich.findings)
    assert [turn.words.partition(" ")[2] for turn in told[0]] == [
        "opened", "resolved", "reopened", "could not be judged", "fails still",
    ]  # fmt: skip


def test_a_long_life_is_told_by_its_last_six_turns() -> None:
    turns = [Turn(NOW, scan, Lifecycle.REOPENED if scan % 2 else Lifecycle.RESOLVED) for scan in range(20)]
    held = state("a")
    view = build_view(alone(held, histories={held.finding.key: turns}))
    assert [turn.scan for turn in view.findings[0].history] == [14, 15, 16, 17, 18, 19]


def test_each_bullet_says_how_its_score_moved_since_a_scan_that_compares(rich: ReportView) -> None:
    moved = [held for section in rich.sections for held in section.bullets if held.score is not None]
    assert {held.delta for held in moved if (held.score or 0) >= 2.4} == {2.4}
    full = sample.inputs(6)
    assert full.previous is not None
    other = replace(full.previous, scan=replace(full.previous.scan, standard_digest="another"))
    for inputs in (replace(full, previous=other), sample.inputs(4, first=True)):
        assert {held.delta for section in build_view(inputs).sections for held in section.bullets} == {None}
