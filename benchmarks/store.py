"""What remembering costs: nights of one account into SQLite, beside writing the same documents plainly each night.

Run with ``python benchmarks/store.py [RESOURCES]`` (100,000 unless told). CPU seconds of this process, generating excluded.
"""

import gc
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from auditor.model import Coverage, CoverageState, Resource, ScanStatus, Scope
from auditor.store import Store

ACCOUNT = "123456789012"
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
START = datetime(2026, 1, 1, 2, tzinfo=UTC)
PAGE = 200


def main() -> None:
    """Print the table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    # As a scan's process sets it: a full collection over 100,000 documents would be measured instead of the store.
    gc.set_threshold(50_000, 20, 50)
    inventory = _inventory(size)
    gc.freeze()
    print(f"{size:,} resources in {len(inventory)} scopes; {sum(_bytes(inventory)) / size:.0f} bytes of JSON each")
    print(f"{'':32}{'CPU s':>8}{'of plain':>10}{'MB':>8}{'of plain':>10}")
    with tempfile.TemporaryDirectory() as folder:
        plain_cpu, plain_mb = _plain(Path(folder) / "plain.db", inventory)
        print(f"{'plain executemany, one night':32}{plain_cpu:8.2f}{1:10.2f}{plain_mb:8.1f}{1:10.2f}")
        file = Path(folder) / "store.db"
        with Store.open(f"sqlite:///{file}") as store:
            grown, number = 0.0, 0
            for night, (name, churn) in enumerate((("first night", 0.0), ("unchanged night", 0.0), ("1% churn", 0.01))):
                inventory = _churned(inventory, churn)
                began = time.process_time()
                number = _scan(store, night, inventory)
                cpu = time.process_time() - began
                with sqlite3.connect(file) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                megabytes = file.stat().st_size / 1e6
                new, grown = megabytes - grown, megabytes
                print(f"{name:32}{cpu:8.2f}{cpu / plain_cpu:10.2f}{new:8.1f}{new / plain_mb:10.2f}")
            began = time.process_time()
            read = store.inventory(number)
            count = sum(1 for kind in read.types() for _ in read.resources(kind))
            cpu = time.process_time() - began
            print(f"{'reading a night back':32}{cpu:8.2f}{cpu / plain_cpu:10.2f}")
            assert count == size == read.count


def _scan(store: Store, night: int, inventory: dict[Scope, list[Resource]]) -> int:
    moment = START + timedelta(days=night)
    scan = store.begin_scan(
        account=ACCOUNT, account_name="benchmark", partition="aws", regions=REGIONS, selection={},
        program_version="0", standard_digest="", checks_digest="", started_at=moment,
    )  # fmt: skip
    with store.writer(scan.id) as writer:
        for scope, resources in inventory.items():
            for start in range(0, len(resources), PAGE):
                writer.add(scope, resources[start : start + PAGE])
            writer.close(Coverage(scope, CoverageState.COMPLETE, observed_at=moment))
    store.finish_scan(scan.id, ScanStatus.COMPLETE, moment, {})
    return scan.id


def _plain(file: Path, inventory: dict[Scope, list[Resource]]) -> tuple[float, float]:
    """CPU seconds and megabytes of one night, written as anybody would."""
    began = time.process_time()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE resources (id TEXT PRIMARY KEY, account, region, type, name, body)")
    connection.executemany(
        "INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)",
        (
            (item.id, item.account, item.region, item.type, item.name, orjson.dumps([item.document, item.tags]))
            for resources in inventory.values()
            for item in resources
        ),
    )
    connection.commit()
    connection.close()
    return time.process_time() - began, file.stat().st_size / 1e6


def _bytes(inventory: dict[Scope, list[Resource]]) -> Iterator[int]:
    return (len(orjson.dumps(item.document)) for resources in inventory.values() for item in resources)


def _churned(inventory: dict[Scope, list[Resource]], share: float) -> dict[Scope, list[Resource]]:
    chance = random.Random(7)
    return {
        scope: [
            replace(item, document={**item.document, "State": "changed"}) if chance.random() < share else item
            for item in resources
        ]
        for scope, resources in inventory.items()
    }


def _inventory(size: int) -> dict[Scope, list[Resource]]:
    chance = random.Random(1)
    kinds = (("AWS::EC2::Snapshot", 45), ("AWS::EC2::Volume", 30), ("AWS::EC2::NetworkInterface", 15),
             ("AWS::EC2::SecurityGroup", 8), ("AWS::RDS::DBInstance", 2))  # fmt: skip
    scopes = [Scope(ACCOUNT, region, kind) for kind, _ in kinds for region in REGIONS]
    result: dict[Scope, list[Resource]] = {scope: [] for scope in scopes}
    weights = [weight for _, weight in kinds for _ in REGIONS]
    for number, scope in enumerate(chance.choices(scopes, weights, k=size)):
        result[scope].append(_resource(chance, scope, number))
    return result


def _resource(chance: random.Random, scope: Scope, number: int) -> Resource:
    tags = {"Name": f"web-{number}", "team": chance.choice(("shop", "search", "payments")), "env": "production"}
    own = _hex(chance, 17)
    moment = (START - timedelta(seconds=chance.randrange(10**8))).isoformat()
    common: dict[str, Any] = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()], "OwnerId": ACCOUNT}
    short = scope.type.rpartition("::")[2]
    document: dict[str, Any] = common | _SHAPES[short](chance, own, moment, scope.region)
    arn = f"arn:aws:ec2:{scope.region}:{ACCOUNT}:{short.lower()}/{own}"
    return Resource(scope.type, arn, tags["Name"], ACCOUNT, scope.region, START, document, {}, tags)


def _hex(chance: random.Random, length: int) -> str:
    return f"{chance.getrandbits(length * 4):0{length}x}"


def _volume(chance: random.Random, own: str, moment: str, region: str) -> dict[str, Any]:
    attached = {"AttachTime": moment, "Device": "/dev/sda1", "InstanceId": f"i-{_hex(chance, 17)}", "State": "attached",
                "VolumeId": f"vol-{own}", "DeleteOnTermination": True}  # fmt: skip
    return {"VolumeId": f"vol-{own}", "Size": chance.choice((8, 20, 100, 500)), "VolumeType": chance.choice(("gp2", "gp3")),
            "State": "in-use", "AvailabilityZone": region + chance.choice("abc"), "CreateTime": moment, "Iops": 3000,
            "Encrypted": True, "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/{_hex(chance, 32)}", "Throughput": 125,
            "SnapshotId": f"snap-{_hex(chance, 17)}", "MultiAttachEnabled": False, "Attachments": [attached]}  # fmt: skip


def _snapshot(chance: random.Random, own: str, moment: str, region: str) -> dict[str, Any]:
    return {"SnapshotId": f"snap-{own}", "VolumeId": f"vol-{_hex(chance, 17)}", "State": "completed", "StartTime": moment,
            "Progress": "100%", "VolumeSize": chance.choice((8, 20, 100)), "Encrypted": True, "StorageTier": "standard",
            "KmsKeyId": f"arn:aws:kms:{region}:{ACCOUNT}:key/{_hex(chance, 32)}",
            "Description": f"Created by CreateImage(i-{_hex(chance, 17)}) for ami-{_hex(chance, 17)}"}  # fmt: skip


def _interface(chance: random.Random, own: str, moment: str, region: str) -> dict[str, Any]:
    address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
    return {"NetworkInterfaceId": f"eni-{own}", "SubnetId": f"subnet-{_hex(chance, 17)}", "VpcId": f"vpc-{_hex(chance, 17)}",
            "AvailabilityZone": region + "a", "PrivateIpAddress": address, "Status": "in-use", "InterfaceType": "interface",
            "MacAddress": _hex(chance, 12), "SourceDestCheck": True, "RequesterManaged": False, "Description": "",
            "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": address}], "Ipv6Addresses": [],
            "Groups": [{"GroupId": f"sg-{_hex(chance, 17)}", "GroupName": "web"}],
            "Attachment": {"AttachmentId": f"eni-attach-{_hex(chance, 17)}", "AttachTime": moment, "DeviceIndex": 0,
                           "InstanceId": f"i-{_hex(chance, 17)}", "Status": "attached"}}  # fmt: skip


def _group(chance: random.Random, own: str, moment: str, region: str) -> dict[str, Any]:
    rules = [
        {"FromPort": port, "ToPort": port, "IpProtocol": "tcp", "Ipv6Ranges": [], "PrefixListIds": [],
         "IpRanges": [{"CidrIp": f"10.{chance.randrange(256)}.0.0/16", "Description": "office"}], "UserIdGroupPairs": []}
        for port in chance.sample((22, 80, 443, 3306, 5432, 6379, 8080), 4)
    ]  # fmt: skip
    return {"GroupId": f"sg-{own}", "GroupName": f"group-{own}", "Description": "made by terraform", "IpPermissions": rules,
            "VpcId": f"vpc-{_hex(chance, 17)}", "IpPermissionsEgress": rules[:1]}  # fmt: skip


def _database(chance: random.Random, own: str, moment: str, region: str) -> dict[str, Any]:
    flags: Sequence[str] = ("MultiAZ", "PubliclyAccessible", "StorageEncrypted", "DeletionProtection", "CopyTagsToSnapshot",
                            "IAMDatabaseAuthenticationEnabled", "PerformanceInsightsEnabled", "CustomerOwnedIpEnabled")  # fmt: skip
    subnets = [{"SubnetIdentifier": f"subnet-{_hex(chance, 17)}", "SubnetAvailabilityZone": {"Name": region + zone},
                "SubnetOutpost": {}, "SubnetStatus": "Active"} for zone in "abc"]  # fmt: skip
    return {"DBInstanceIdentifier": f"db-{own}", "DBInstanceClass": "db.r6g.large", "Engine": "postgres", "EngineVersion": "16.3",
            "Endpoint": {"Address": f"db-{own}.{_hex(chance, 12)}.{region}.rds.amazonaws.com", "Port": 5432},
            "InstanceCreateTime": moment, "BackupRetentionPeriod": 7, "AllocatedStorage": 500, "StorageType": "gp3",
            "DBSubnetGroup": {"DBSubnetGroupName": "main", "VpcId": f"vpc-{_hex(chance, 17)}", "Subnets": subnets},
            "DbiResourceId": f"db-{_hex(chance, 26).upper()}", "DBParameterGroups": [{"DBParameterGroupName": "pg16"}],
            **{flag: chance.random() < 0.5 for flag in flags}}  # fmt: skip


_SHAPES = {"Volume": _volume, "Snapshot": _snapshot, "NetworkInterface": _interface, "SecurityGroup": _group,
           "DBInstance": _database}  # fmt: skip

if __name__ == "__main__":
    main()
