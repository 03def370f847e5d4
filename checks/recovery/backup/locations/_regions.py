"""In which regions copies lie: the judgement, and the copies that AWS Backup makes of every kind of store."""

from collections.abc import Callable, Iterator
from typing import Any

from auditor.kit import (
    Evidence,
    Facts,
    Unavailable,
    ago,
)
from auditor.kit.arn import region_of
from auditor.kit.recovery import instance_ids

from .thresholds import BackupLocations

COPY_JOB = "AWS::Backup::CopyJob"

Source = Callable[[Facts, BackupLocations], Iterator[str]]
"""Yields the regions in which one kind of copy lies; raises Unavailable, last, when there could be more."""


def judge(
    store: Facts, want: BackupLocations, sources: tuple[Source, ...]
) -> tuple[list[Evidence], Unavailable | None]:
    """Return what is wrong with the regions that hold copies of STORE (its own counts), and what could not be read if it matters."""
    regions: set[str] = {store.region}
    gap: Unavailable | None = None
    for source in sources:
        try:
            for region in source(store, want):
                regions.add(region)
        except Unavailable as unavailable:
            gap = gap or unavailable.kept()
        if len(regions) > 1:
            regions.discard("")
            if len(regions) >= want.min_regions and not want.allowed_regions:  # no further copy changes anything
                return [], None
    outside = sorted(regions - {store.region} - set(want.allowed_regions)) if want.allowed_regions else []
    usable = regions.difference(outside) if outside else regions
    wrong = []
    if outside:
        wrong.append(Evidence(f"is copied to {', '.join(outside)}, where its data may not lie", {"regions": outside}))
    if len(usable) >= want.min_regions:
        return wrong, None
    if not gap:
        names = sorted(usable)
        wrong.append(
            Evidence(
                f"has a usable copy in {len(names)} of {want.min_regions} regions: {', '.join(names)}",
                {"regions": names, "hours_allowed": want.copy_max_age_hours},
            )
        )
    return wrong, gap


def is_fresh(hours: float, want: BackupLocations) -> bool:
    """Return whether a copy whose data is HOURS old is young enough."""
    return hours <= want.copy_max_age_hours


def copy_jobs(store: Facts, want: BackupLocations) -> Iterator[str]:
    """The regions to which AWS Backup copied STORE, or an instance it is attached to."""
    names = [store.id]
    if store.type == "AWS::EC2::Volume":
        names += [store.id.replace(f"volume/{store['VolumeId']}", f"instance/{name}") for name in instance_ids(store)]
    for name in names:
        for job in store.recorded(COPY_JOB, "ResourceArn", name):
            if job["State"] == "COMPLETED" and is_fresh(job.hours_since("CompletionDate"), want):
                yield region_of(job["DestinationBackupVaultArn"])
    store.require_read(COPY_JOB, "ResourceArn")


def job(arn: str, region: str = "eu-central-1", hours: float = 5, state: str = "COMPLETED") -> dict[str, Any]:
    """A copy job of AWS Backup, for the cases."""
    return {
        "CopyJobId": "job-1",
        "ResourceArn": arn,
        "State": state,
        "DestinationBackupVaultArn": f"arn:aws:backup:{region}:111122223333:backup-vault:dr",
        "CompletionDate": ago(hours=hours),
    }
