"""DynamoDB: which tables there are, and since when."""

from collections.abc import Sequence

from auditor.collect.declare import Call, Collector, ResourceType

_TABLES = Call("dynamodb", "ListTables", "TableNames")


def _tables() -> Collector:
    """Yield a row for each name that ListTables answers."""
    names: Sequence[str] = yield _TABLES
    yield [{"TableName": name} for name in names]


TABLE = ResourceType(
    "AWS::DynamoDB::Table",
    "A DynamoDB table: its name and what DescribeTable says of it.",
    collect=_tables,
    calls=(_TABLES,),
    id="arn:{partition}:dynamodb:{region}:{account}:table/{TableName}",
    name="{TableName}",
    details={"Table": Call("dynamodb", "DescribeTable", "Table", args={"TableName": "TableName"})},
    # Sizes are counted anew every six hours, and capacity scales by itself.
    drop=(
        "Table.GlobalSecondaryIndexes",
        "Table.ItemCount",
        "Table.LocalSecondaryIndexes",
        "Table.ProvisionedThroughput",
        "Table.TableSizeBytes",
    ),
)
