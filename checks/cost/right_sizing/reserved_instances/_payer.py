"""What the checks of commitments share: they are judged where the bill is paid, for all whose bill it is."""

from collections.abc import Sequence

from auditor.kit import Facts, NotApplicable
from auditor.kit.billing import ORGANIZATION, billed_here, payer_of

ACCOUNT = "AWS::::Account"
USAGE = "AWS::CE::CommitmentUsage"
PAYER = "999988887777"
MEMBER = {ORGANIZATION: [{"MasterAccountId": PAYER}]}
THE_ACCOUNT = {"Account": "111122223333"}
PLANS, COMPUTE = "Savings Plans", "Amazon Elastic Compute Cloud - Compute"


def figures_of_the_bill(account: Facts, type: str) -> Sequence[Facts]:
    """Return what was read of TYPE, complete or not. Raises NotApplicable where another account pays and was scanned.

    Raises Unavailable where another account pays and what it has of TYPE is not known.
    """
    account["Account"]
    billed_here(account)
    payer = payer_of(account)
    if payer != account.account:
        account.elsewhere(payer, type)
        raise NotApplicable(f"commitments are shared by all that {payer} pays for, and judged there")
    return account.known(type)
