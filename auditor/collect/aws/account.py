"""The account itself: what is judged once for the whole of it."""

from auditor.collect.declare import Call, ResourceType

IDENTITY = Call("sts", "GetCallerIdentity")

ACCOUNT = ResourceType(
    "AWS::::Account",
    "The account: what is judged once for the whole of it.",
    list=IDENTITY,
    id="arn:{partition}:iam::{account}:root",
    name="{Account}",
    scope="global",
    offering=True,
    # Whose credentials the scan had is no fact about the account.
    drop=("UserId", "Arn"),
)
