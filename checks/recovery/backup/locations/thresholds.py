"""The numbers of "Backup locations"."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupLocations:
    """The numbers of "Backup locations"."""

    min_regions: int
    allowed_regions: tuple[str, ...]
    copy_max_age_hours: int
    data_class_tag_key: str
    excluded_data_classes: tuple[str, ...]
    excluded_bucket_classes: tuple[str, ...]
    unattached_max_days: int
