"""Waivers and attestations as readers see them."""

from auditor.acceptance import Attestation, AttestationUse, Waiver, WaiverUse
from auditor.report.text import short, visible
from auditor.report.view import AttestationView, WaiverView

__all__ = ["attestation_view", "waiver_view"]

_LONGEST = 4000


def _text(text: str) -> str:
    return visible(short(text, _LONGEST))


def waiver_view(waiver: Waiver, use: WaiverUse | None = None) -> WaiverView:
    """Return a waiver, clean of control characters; USE is what came of it in the scan."""
    return WaiverView(
        subject=_text(waiver.subject),
        scope=_scope(waiver),
        reason=_text(waiver.reason),
        owner=_text(waiver.owner),
        ticket=_text(waiver.ticket),
        until=waiver.until.isoformat(),
        source=_text(waiver.source),
        state=use.state if use else "active",
        findings=use.findings if use else 0,
    )


def attestation_view(use: AttestationUse) -> AttestationView:
    """Return an attestation, clean of control characters, with what came of it in the scan."""
    held = use.attestation
    return AttestationView(
        subject=_text(held.subject),
        scope=_scope(held),
        statement=_text(held.statement),
        author=_text(held.author),
        given=held.given.isoformat(),
        until=held.until.isoformat(),
        evidence=_text(held.evidence),
        sha256=visible(held.sha256),
        source=_text(held.source),
        fault=_text(use.fault),
        verdicts=tuple((visible(check), _text(id)) for check, id in use.verdicts),
    )


def _scope(said: Waiver | Attestation) -> str:
    """Return where it holds: ``ARNs arn:aws:…:db:*, tag env=dev, eu-west-1``; empty for everywhere."""
    parts = []
    if said.resource:
        parts.append(f"{'ARN' if said.resource.startswith('arn:') else 'name'} {said.resource}")
    if isinstance(said, Waiver) and said.tag:
        parts.append(f"tag {said.tag}")
    parts += [f"account {said.account}"] if said.account else []
    parts += [said.region] if said.region else []
    return _text(", ".join(parts))
