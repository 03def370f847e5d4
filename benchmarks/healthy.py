"""A healthier account for ``judge``: of its cells mostly those that little is wrong with, every volume with its backups.

The benchmark's first account is bad on purpose: a case is made for one check and is wrong for the others (a volume of a case about
its type has no snapshot, so it fails every check of backups), and half of it are snapshots, a third volumes. In an account
that somebody looks after:

- most of each type passes what the checks ask; one in OTHERS is left as the cases have it, failing or not to be known;
- volumes have an hourly snapshot and a copy in another region, which is what snapshots are there for: two of a volume;
- security groups and roles are about as many as volumes: every function, service and load balancer brings one of each;
- the other types are few, in the tens where volumes are in the thousands.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from auditor.engine import Judgement
from auditor.kit import ago
from auditor.model import Resource, Verdict

__all__ = ["MIX", "healthier"]

Cell = list[Resource]
MIX = {
    "AWS::EC2::Volume": 60,
    "AWS::EC2::SecurityGroup": 60,
    "AWS::IAM::Role": 60,
    "AWS::EC2::Snapshot": 20,
    "AWS::RDS::DBSnapshot": 10,
    "AWS::RDS::DBInstance": 5,
    "AWS::ElasticLoadBalancingV2::TargetGroup": 5,
}
"""Cells of each type in a turn; one of every other type that a check is about."""
OTHERS = 3
"""One cell in so many is of those that something is wrong with."""
_ELSEWHERE = "eu-central-1"
_HOURLY: Mapping[str, Any] = {
    "SnapshotId": "snap-0hourly",
    "State": "completed",
    "StartTime": ago(minutes=40),
    "StorageTier": "standard",
    "Description": "hourly",
}


def healthier(cells: Sequence[Cell], numbers: Mapping[str, int], judgement: Judgement) -> list[Cell]:
    """Return CELLS as a healthy account has them; JUDGEMENT is of each once, NUMBERS tells the cell of a resource's id."""
    wrong = Counter(
        numbers[finding.resource]
        for finding in judgement.findings
        if finding.verdict is not Verdict.PASS and finding.resource in numbers
    )
    by_type: dict[str, list[tuple[int, Cell]]] = {}
    for number, cell in enumerate(cells, 1):
        by_type.setdefault(cell[0].type, []).append((wrong[number], cell))
    made: list[Cell] = []
    for of_type in by_type.values():
        least = min(count for count, _ in of_type)
        sound = [cell for count, cell in of_type if count <= least]
        others = [cell for count, cell in of_type if count > least] or sound
        for number, other in enumerate(others):
            made += [sound[(number * (OTHERS - 1) + turn) % len(sound)] for turn in range(OTHERS - 1)]
            made.append(other)
    return made


def backed_up(cell: Cell) -> Cell:
    """Return CELL with a fresh snapshot of its volume, if it is one, and a copy of that in another region."""
    volume = cell[0]
    if volume.type != "AWS::EC2::Volume":
        return cell
    size = volume.document.get("Size", 100)
    hourly = {**_HOURLY, "VolumeId": volume.document["VolumeId"], "OwnerId": volume.account, "VolumeSize": size}
    copy = {
        **hourly,
        "SnapshotId": "snap-0copied",
        "VolumeId": "vol-ffffffff",
        "Description": f"[Copied snap-0hourly from {volume.region}]",
    }
    return [*cell, _snapshot(volume, hourly, volume.region), _snapshot(volume, copy, _ELSEWHERE)]


def _snapshot(volume: Resource, document: Mapping[str, Any], region: str) -> Resource:
    name = document["SnapshotId"]
    arn = f"arn:aws:ec2:{region}::snapshot/{name}"
    return replace(
        volume, type="AWS::EC2::Snapshot", id=arn, name=name, region=region, document=document, gaps={}, tags={}
    )
