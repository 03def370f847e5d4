"""Databases: the master user's password is kept and rotated by Secrets Manager."""

from collections.abc import Iterator
from typing import Any

from auditor.kit import LOW, MEDIUM, Case, Document, Evidence, Facts, Fix, Gap, NotApplicable, check

from .thresholds import CredentialRotation

INSTANCE, CLUSTER, SECRET = "AWS::RDS::DBInstance", "AWS::RDS::DBCluster", "AWS::SecretsManager::Secret"
GLOBAL = "AWS::RDS::GlobalCluster"
MANAGED = ("active", "creating", "rotating")
"""States of a secret that RDS manages and that works (RDS API, MasterUserSecret: SecretStatus); ``impaired`` does not."""
OWNER_TAGS = ("aws:rds:primaryDBInstanceArn", "aws:rds:primaryDBClusterArn")
"""Tags by which a secret names its database (RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager")."""

ORDERS_ARN = "arn:aws:rds:eu-west-1:111122223333:db:orders"


def database(**more: Any) -> Document:
    """Return a standalone DB instance with these fields."""
    return {"DBInstanceIdentifier": "orders", "DBInstanceArn": ORDERS_ARN, "Engine": "postgres", **more}


def cluster(**more: Any) -> Document:
    """Return a DB cluster with these fields."""
    arn = "arn:aws:rds:eu-west-1:111122223333:cluster:shop"
    return {"DBClusterIdentifier": "shop", "DBClusterArn": arn, "Engine": "aurora-postgresql", **more}


def secret(rotates: bool, **tags: str) -> dict[str, Any]:
    """Return a secret with these tags (``__`` stands for a colon)."""
    return {
        "ARN": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-AbCdEf",
        "Name": "orders",
        "RotationEnabled": rotates,
        "Tags": [{"Key": key.replace("__", ":"), "Value": value} for key, value in tags.items()],
    }


@check(
    "rds-master-password-managed",
    pattern="security.access.credential-rotation",
    on=(INSTANCE, CLUSTER),
    severity=MEDIUM,
    fix=Fix(
        cli="aws rds modify-{kind} --{kind}-identifier {name} --manage-master-user-password --apply-immediately "
        "--region {region}",
        terraform="aws_db_instance.manage_master_user_password / aws_rds_cluster.manage_master_user_password",
    ),
    reads=(SECRET, GLOBAL),
    same_as=("service-screener:DBwithoutSecretManager",),
    passes=[
        database(MasterUserSecret={"SecretArn": "arn:aws:secretsmanager:x", "SecretStatus": "active"}),
        Case(
            database(MasterUserSecret={"SecretArn": "arn:aws:secretsmanager:x", "SecretStatus": "rotating"}),
            why="being rotated right now",
        ),
        Case(
            cluster(MasterUserSecret={"SecretArn": "arn:aws:secretsmanager:x", "SecretStatus": "active"}), type=CLUSTER
        ),
        Case(
            database(),
            related={SECRET: [secret(True, aws__rds__primaryDBInstanceArn=ORDERS_ARN)]},
            why="a secret of the customer's own that rotates and names the database",
        ),
        Case(database(MasterUserSecret={"SecretStatus": "active"}), unread=[SECRET]),
    ],
    fails=[
        database(),
        Case(cluster(), type=CLUSTER),
        Case(
            database(),
            related={SECRET: [secret(False, aws__rds__primaryDBInstanceArn=ORDERS_ARN)]},
            why="the secret that names it does not rotate",
        ),
        Case(
            database(), related={SECRET: [secret(True)]}, why="low: a secret that rotates may be its own; none names it"
        ),
        Case(
            database(MasterUserSecret={"SecretArn": "arn:aws:secretsmanager:x", "SecretStatus": "impaired"}),
            why="the secret cannot be rotated",
        ),
    ],
    skips=[
        Case(database(DBClusterIdentifier="shop"), why="the cluster has the password"),
        Case(
            database(ReadReplicaSourceDBInstanceIdentifier="orders-primary"), why="a replica has its source's password"
        ),
        Case(database(Engine="custom-oracle-ee"), why="RDS Custom knows no managed password"),
        Case(cluster(ReplicationSourceIdentifier="arn:aws:rds:eu-central-1:111122223333:cluster:shop"), type=CLUSTER),
        Case(cluster(EngineMode="serverless"), type=CLUSTER),
        Case(
            cluster(),
            type=CLUSTER,
            related={
                GLOBAL: [{"GlobalClusterMembers": [{"DBClusterArn": cluster()["DBClusterArn"], "IsWriter": True}]}]
            },
            why="Aurora global databases know no managed password",
        ),
    ],
    unknowns=[
        Case(database(), unread=[SECRET]),
        Case(database(), gaps={"MasterUserSecret": Gap("rds:DescribeDBInstances", "AccessDenied")}),
    ],
)
def rds_master_password_managed(database: Facts, _want: CredentialRotation) -> Iterator[Evidence]:
    """The master user's password of a database is managed and rotated by Secrets Manager.

    Why: The master password opens everything in the database, and set by hand it stays for years in a template, a wiki or a
    colleague's memory. Managed by RDS it is in no one's hands and changes every seven days. A secret of your own counts when it
    rotates and is tagged with the database's ARN (aws:rds:primaryDBInstanceArn or aws:rds:primaryDBClusterArn).

    Fix: Let RDS manage the password; applications read it from Secrets Manager.

    Source: Amazon RDS User Guide, "Password management with Amazon RDS and AWS Secrets Manager", and the limitations in the Amazon
    Aurora User Guide's chapter of that name; the standard's "Rotation: Rotate
    credentials regularly".
    """
    if database.type == INSTANCE and database.get("DBClusterIdentifier"):
        raise NotApplicable("a member of a cluster: the cluster has the password")
    for source in (
        "ReadReplicaSourceDBInstanceIdentifier",
        "ReadReplicaSourceDBClusterIdentifier",
        "ReplicationSourceIdentifier",
    ):
        if database.get(source):
            raise NotApplicable("a replica has its source's password")
    if str(database["Engine"]).startswith("custom-"):
        raise NotApplicable("RDS Custom does not manage passwords")
    if database.type == CLUSTER and database.get("EngineMode") == "serverless":
        raise NotApplicable("Aurora Serverless v1 does not manage passwords")
    status = database.get("MasterUserSecret", {}).get("SecretStatus")
    if status in MANAGED:
        return
    if status:
        yield Evidence(f"its managed secret is {status}, so the password is not rotated", {"secret_status": status})
        return
    if database.type == CLUSTER and (
        database.get("GlobalClusterIdentifier")
        or database.known_referrers(GLOBAL, "GlobalClusterMembers[].DBClusterArn", everywhere=True)
        or database.referrers(GLOBAL, "GlobalClusterMembers[].DBClusterArn")  # its writer's region has it
    ):
        raise NotApplicable("part of an Aurora global database, which does not manage passwords")
    naming = [s for s in database.referrers(SECRET, "Tags[].Value", database.id) if _names(s, database.id)]
    if any(s.get("RotationEnabled") for s in naming):
        return
    candidates = sum(
        bool(s.get("RotationEnabled")) and not s.get("OwningService") for s in database.all(SECRET) if s not in naming
    )
    yield Evidence(
        "its master password is not managed by RDS, and no secret that rotates names it"
        + (f" (secrets that rotate and name no database: {candidates})" if candidates and not naming else ""),
        {"secrets_that_name_it": [s.id for s in naming], "other_secrets_that_rotate": candidates},
        severity=LOW if candidates and not naming else None,
    )


def _names(secret: Facts, arn: str) -> bool:
    return any(tag.get("Key") in OWNER_TAGS and tag.get("Value") == arn for tag in secret.get("Tags", ()))
