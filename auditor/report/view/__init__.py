"""What every format renders: one frozen view of a scan, in words and numbers, clean of control characters."""

from auditor.report.view.changes import ChangesView, NightView, ResourceChangeView
from auditor.report.view.coverage import CoverageView, GapView, ScopeRow, TakenView
from auditor.report.view.finding import (
    AttestationView,
    DateText,
    EvidenceView,
    FindingView,
    IsoText,
    SameView,
    TurnView,
    WaiverView,
)
from auditor.report.view.money import MoneyItem, MoneyShare, MoneyView, PriceView, Way
from auditor.report.view.report import ReportView
from auditor.report.view.standing import BulletView, CheckView, Counts, GroupView, RiskView, SectionView, Standing

__all__ = [
    "AttestationView",
    "BulletView",
    "ChangesView",
    "CheckView",
    "Counts",
    "CoverageView",
    "DateText",
    "EvidenceView",
    "FindingView",
    "GapView",
    "GroupView",
    "IsoText",
    "MoneyItem",
    "MoneyShare",
    "MoneyView",
    "NightView",
    "PriceView",
    "ReportView",
    "ResourceChangeView",
    "RiskView",
    "SameView",
    "ScopeRow",
    "SectionView",
    "Standing",
    "TakenView",
    "TurnView",
    "WaiverView",
    "Way",
]
