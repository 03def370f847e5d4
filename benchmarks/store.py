"""What remembering costs: nights of one account into SQLite and PostgreSQL, beside writing and reading the same rows plainly.

Run with ``python -m benchmarks store``, or ``python benchmarks/store.py [RESOURCES [NIGHTS]]``: 100,000 and 30 unless told;
what a year comes to is counted from the nights. CPU seconds of this process and, for PostgreSQL, of its server; generating
is excluded. PostgreSQL is the tests' own, without waiting for the disk.
"""

import gc
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from auditor.model import (
    Coverage,
    CoverageState,
    Evidence,
    Finding,
    Resource,
    ScanStatus,
    Scope,
    Score,
    Severity,
    Tally,
    Verdict,
)
from auditor.store import Store

ACCOUNT = "123456789012"
REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
START = datetime(2026, 1, 1, 2, tzinfo=UTC)
PAGE = 200
FAILING = 10
"""One of so many resources has an open finding."""


@dataclass
class Place:
    """A database: where a store can be, what its processes have used, and what writing and reading cost plainly."""

    name: str
    url: str
    cpu: Callable[[], float]
    write: Callable[[list[tuple[Any, ...]]], float]
    """Writes rows as anybody would; returns megabytes."""
    read: Callable[[], int]


def main() -> None:
    """Print the tables."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    nights = int(sys.argv[2]) if len(sys.argv) > 2 else 30
    # As a scan's process sets it: a full collection over 100,000 documents would be measured instead of the store.
    gc.set_threshold(50_000, 20, 50)
    inventory = _inventory(size)
    gc.freeze()
    print(f"{size:,} resources in {len(inventory)} scopes; {sum(_bytes(inventory)) / size:.0f} bytes of JSON each")
    with tempfile.TemporaryDirectory() as folder:
        _measure(_sqlite(Path(folder)), inventory, size, nights)
    with _postgresql() as place:
        _measure(place, inventory, size, nights)


def _measure(place: Place, inventory: dict[Scope, list[Resource]], size: int, nights: int) -> None:
    print(f"\n{place.name:40}{'CPU s':>8}{'of plain':>10}{'MB':>8}{'of plain':>10}")
    began = place.cpu()
    plain_mb = place.write(_rows(inventory))
    plain = place.cpu() - began
    began = place.cpu()
    assert place.read() == size
    plain_read = place.cpu() - began
    _line("plain writing, one night", plain, plain, plain_mb, plain_mb)
    _line("plain reading", plain_read, plain_read)
    with Store.open(place.url) as store:
        grown, before, number = 0.0, 0, 0
        for night, name in enumerate(("first night", "unchanged night", *["1% churn"] * nights)):
            inventory = _churned(inventory, 0.01 if night > 1 else 0.0, night)
            began = place.cpu()
            number = _scan(store, night, inventory)
            cpu = place.cpu() - began
            if night < 3 or night == nights + 1:
                megabytes = store.size().bytes / 1e6
                if night < 3:
                    _line(name, cpu, plain, megabytes - grown, plain_mb)
                    grown, before = megabytes, night
                else:
                    year = grown + (megabytes - grown) / (night - before) * 362
                    _line(f"{nights} nights of 1% churn", cpu, plain, megabytes, plain_mb)
                    _line("a year of them, at that rate", cpu * 365, plain * 365, year, plain_mb * 365)
        began = place.cpu()
        read = store.inventory(number)
        count = sum(1 for kind in read.types() for _ in read.resources(kind))
        _line("reading a night back", place.cpu() - began, plain_read)
        assert count == size == read.count
        _asked(store, place, number, inventory, plain_read)


def _asked(store: Store, place: Place, number: int, inventory: dict[Scope, list[Resource]], plain: float) -> None:
    """Measure what people wait for: the list of open findings, and questions in SQL."""
    findings, tallies = _judged(inventory)
    began = place.cpu()
    store.save_judgement(number, findings, tallies, [Score("account", ACCOUNT, 50.0, "D")])
    _line(f"keeping {len(findings):,} findings", place.cpu() - began, plain)
    began = place.cpu()
    assert len(store.finding_list(number, verdicts=[Verdict.FAIL])) == len(findings)
    _line(f"the list of {len(findings):,} open findings", place.cpu() - began, plain)
    for view in ("findings", "resources"):
        began = place.cpu()
        store.ask(f"SELECT type, count(*) FROM {view} GROUP BY type")  # noqa: S608 - names are ours
        _line(f"a query over {view}", place.cpu() - began, plain)


def _line(name: str, cpu: float, plain: float, megabytes: float | None = None, plain_mb: float = 1) -> None:
    room = "" if megabytes is None else f"{megabytes:8.1f}{megabytes / plain_mb:10.2f}"
    print(f"{name:40}{cpu:8.2f}{cpu / plain:10.2f}{room}", flush=True)


def _judged(inventory: dict[Scope, list[Resource]]) -> tuple[list[Finding], list[Tally]]:
    findings, tallies = [], []
    for scope, resources in inventory.items():
        failing = resources[::FAILING]
        findings += [
            Finding(
                f"{number:032x}{abs(hash(scope)):016x}", "volume-encrypted", item.id, item.type, item.name, item.account,
                item.region, Verdict.FAIL, Severity.MEDIUM,
                (Evidence(f"it is not encrypted and {number} GB large", {"Encrypted": False, "Size": number}),),
            )
            for number, item in enumerate(failing)
        ]  # fmt: skip
        failed = tuple(item.id for item in failing)
        passed = tuple(item.id for number, item in enumerate(resources) if number % FAILING)
        tallies.append(Tally("volume-encrypted", scope.account, scope.region, scope.type, passed, failed))
    return findings, tallies


# ---- where ----------------------------------------------------------------------------------------------------------

_COLUMNS = "id TEXT PRIMARY KEY, account TEXT, region TEXT, type TEXT, name TEXT, body TEXT"


def _rows(inventory: dict[Scope, list[Resource]]) -> list[tuple[Any, ...]]:
    return [
        (item.id, item.account, item.region, item.type, item.name, orjson.dumps([item.document, item.tags]).decode())
        for resources in inventory.values()
        for item in resources
    ]


def _sqlite(folder: Path) -> Place:
    plain = folder / "plain.db"

    def write(rows: list[tuple[Any, ...]]) -> float:
        with sqlite3.connect(plain) as connection:
            connection.execute(f"CREATE TABLE resources ({_COLUMNS})")
            connection.executemany("INSERT INTO resources VALUES (?, ?, ?, ?, ?, ?)", rows)
        return plain.stat().st_size / 1e6

    def read() -> int:
        with sqlite3.connect(plain) as connection:
            return sum(1 for (body,) in connection.execute("SELECT body FROM resources") if orjson.loads(body))

    return Place("SQLite", f"sqlite:///{folder / 'store.db'}", time.process_time, write, read)


@contextmanager
def _postgresql() -> Iterator[Place]:
    sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))
    import psycopg
    from conftest import running_postgres

    with running_postgres() as server:
        for name in ("plain", "store"):
            server.sql(f"CREATE DATABASE {name}")
        postmaster = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        where: dict[str, Any] = {"host": str(server.folder), "user": "postgres", "dbname": "plain"}

        def write(rows: list[tuple[Any, ...]]) -> float:
            with psycopg.connect(**where) as connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE TABLE resources ({_COLUMNS})".encode())
                with cursor.copy("COPY resources FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
                cursor.execute("SELECT pg_total_relation_size('resources')")
                (size,) = cursor.fetchone() or (0,)
                return float(size) / 1e6

        def read() -> int:
            with psycopg.connect(**where) as connection:
                return sum(1 for (body,) in connection.execute("SELECT body FROM resources") if orjson.loads(body))

        def cpu() -> float:
            return time.process_time() + _used(postmaster)

        yield Place("PostgreSQL", server.url("store"), cpu, write, read)


def _used(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL, those of sessions that ended among them (Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(stat.parent.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / 100


# ---- nights ---------------------------------------------------------------------------------------------------------


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


def _bytes(inventory: dict[Scope, list[Resource]]) -> Iterator[int]:
    return (len(orjson.dumps(item.document)) for resources in inventory.values() for item in resources)


def _churned(inventory: dict[Scope, list[Resource]], share: float, night: int) -> dict[Scope, list[Resource]]:
    chance = random.Random(night)
    return {
        scope: [
            replace(item, document={**item.document, "State": f"changed {night}"}) if chance.random() < share else item
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
