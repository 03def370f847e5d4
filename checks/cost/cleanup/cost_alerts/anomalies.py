"""Cost alerts, cost review: somebody said what an anomaly was."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from auditor.kit import LOW, Case, Evidence, Facts, Fix, NotApplicable, ago, check, parse_time, stated
from auditor.kit.billing import amount, billed_here

from .thresholds import CostAlerts

ACCOUNT = "AWS::::Account"
ANOMALY = "AWS::CE::Anomaly"
ID = "cost-anomalies-reviewed"
_THE_ACCOUNT = {"Account": "111122223333"}


def _anomaly(days_ago: int = 30, usd: float = 400.0, **fields: Any) -> dict[str, Any]:
    return {
        "AnomalyId": f"anomaly-{days_ago}",
        "AnomalyStartDate": ago(days=days_ago + 2)[:10],
        "AnomalyEndDate": ago(days=days_ago)[:10],
        "DimensionValue": "Amazon Redshift",
        "Impact": {"TotalImpact": usd},
        **fields,
    }


def _case(*anomalies: dict[str, Any], why: str = "") -> Case:
    return Case(_THE_ACCOUNT, related={ANOMALY: anomalies}, why=why)


@check(
    ID,
    pattern=("cost.cleanup.cost-alerts", "cost.cleanup.cost-review"),
    on=ACCOUNT,
    severity=LOW,
    reads=(ANOMALY,),
    fix=Fix(cli="aws ce provide-anomaly-feedback --anomaly-id {facts.AnomalyId} --feedback YES"),
    passes=[
        _case(_anomaly(Feedback="YES")),
        _case(_anomaly(Feedback="NO"), _anomaly(40, Feedback="PLANNED_ACTIVITY")),
        _case(_anomaly(Feedback="NO"), _anomaly(3), why="for the newest there is still time"),
        _case(_anomaly(Feedback="NO"), _anomaly(30, 20.0, AnomalyId="small"), why="the other one is small"),
        Case(
            _THE_ACCOUNT,
            related={ANOMALY: [_anomaly(40)]},
            attested=[stated(ID, "A load test; ended.", given=ago(days=5))],
            why="it was looked into, elsewhere",
        ),
    ],
    fails=[
        _case(_anomaly()),
        _case(_anomaly(Feedback="NO"), _anomaly(50)),
        Case(
            _THE_ACCOUNT,
            related={ANOMALY: [_anomaly(20)]},
            attested=[stated(ID, "A load test; ended.", given=ago(days=30))],
            why="what was stated before cannot be about it",
        ),
    ],
    skips=[
        _case(why="there was none"),
        _case(_anomaly(usd=20.0), why="none was large"),
        _case(_anomaly(3), why="there is still time"),
        _case(_anomaly(AnomalyEndDate=None), why="it goes on"),
        _case(_anomaly(120), why="so long ago nobody has to remember"),
    ],
    unknowns=[Case(_THE_ACCOUNT, unread=[ANOMALY])],
)
def cost_anomalies_reviewed(account: Facts, want: CostAlerts) -> Iterator[Evidence]:
    """Somebody said what each large anomaly of the last months was.

    Why: an anomaly that nobody looked into is a leak that goes on, or a detection that nobody heeds any more.

    Fix: look into it and give the feedback that AWS asks for; it also makes the detection better. What was looked into elsewhere
    can be attested, with a date after the anomaly.

    Source: AWS Cost Explorer API reference, "Anomaly", Feedback; standard, "Alert on cost anomalies", "Monthly cost review".
    """
    account["Account"]
    billed_here(account)
    today = account.observed_at.date()
    stated_until = stated_on.given if (stated_on := account.attestation(ID)) else None
    due = 0
    for anomaly in sorted(account.known(ANOMALY), key=lambda anomaly: anomaly.id):
        end = _end(anomaly)
        impact = amount(anomaly["Impact"].get("TotalImpact"))
        if end is None or not want.anomaly_review_days < (today - end).days <= want.anomaly_window_days:
            continue
        if impact is not None and impact < want.max_subscription_threshold_usd:
            continue
        due += 1
        if anomaly.get("Feedback") or (stated_until and stated_until > end):
            continue
        where = anomaly.get("DimensionValue", "")
        yield Evidence(
            f"nobody said what the anomaly{' in ' if where else ''}{where} was that ended on {end}",
            {
                "AnomalyId": anomaly["AnomalyId"],
                "AnomalyStartDate": anomaly.get("AnomalyStartDate", ""),
                "AnomalyEndDate": str(end),
                "DimensionValue": where,
                "TotalImpact": impact,
            },
        )
    account.require_read(ANOMALY)
    if not due:
        least, days = want.max_subscription_threshold_usd, want.anomaly_review_days
        raise NotApplicable(f"no anomaly of {least} USD or more ended more than {days} days ago")


def _end(anomaly: Facts) -> date | None:
    """Return the last day of ANOMALY, ``None`` while it goes on."""
    text = anomaly.get("AnomalyEndDate", "")
    return parse_time(text).date() if text else None
