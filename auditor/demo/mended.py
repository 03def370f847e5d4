"""What moto gets wrong or cannot do, set right in this process: metrics, and the dates of reports and backups."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from auditor.demo import usage
from auditor.demo.past import backend

__all__ = ["forget_unused_policies", "mend"]


def mend() -> None:
    """Replace the parts of moto that answer wrongly. Raises AttributeError where moto has renamed them."""
    from moto.cloudwatch.models import CloudWatchBackend
    from moto.core.responses import ActionResult
    from moto.iam.responses import IamResponse
    from moto.rds.models import DBInstanceAutomatedBackup

    def get_metric_data(
        self: Any, queries: Sequence[Any], start_time: datetime, end_time: datetime, scan_by: str = ""
    ) -> list[dict[str, Any]]:
        # moto looks at every datapoint of the account for every period of every query.
        return usage.answer(self.region_name, queries, start_time, end_time)

    def get_credential_report(self: Any) -> Any:
        # moto's report was made in 2015.
        return ActionResult(
            {
                "Content": self.backend.get_credential_report(),
                "ReportFormat": "text/csv",
                "GeneratedTime": datetime.now(UTC),
            }
        )

    def restore_window(self: Any) -> dict[str, datetime]:
        # moto's automated backups know no window.
        database = self.backend.databases[self.db_instance_identifier]
        now = datetime.now(UTC)
        kept = timedelta(days=database.backup_retention_period)
        return {"EarliestTime": now - kept, "LatestTime": now - timedelta(minutes=4)}

    for owner, name, mended in (
        (CloudWatchBackend, "get_metric_data", get_metric_data),
        (IamResponse, "get_credential_report", get_credential_report),
    ):
        if not hasattr(owner, name):
            raise AttributeError(f"moto's {owner.__name__} has no {name} any more: the demo needs mending")
        setattr(owner, name, mended)

    def dbi_resource_id(self: Any) -> str:
        return str(self.backend.databases[self.db_instance_identifier].dbi_resource_id)

    backup: Any = DBInstanceAutomatedBackup
    backup.restore_window, backup.dbi_resource_id = property(restore_window), property(dbi_resource_id)


def forget_unused_policies() -> None:
    """Leave only the managed policies of AWS that somebody has: AWS's own answer names no others."""
    policies = backend("iam", "aws").managed_policies
    for arn in [
        arn for arn, policy in policies.items() if arn.startswith("arn:aws:iam::aws:") and not policy.attachment_count
    ]:
        del policies[arn]
