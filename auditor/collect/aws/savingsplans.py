"""Savings Plans: what an hour of use is committed to, and until when."""

from auditor.collect.aws.budgets import BILLED_IN
from auditor.collect.declare import Call, ResourceType

SAVINGS_PLAN = ResourceType(
    "AWS::SavingsPlans::SavingsPlan",
    "A Savings Plan that is in force, queued or being paid or returned; those of other accounts are seen there alone.",
    list=Call(
        "savingsplans",
        "DescribeSavingsPlans",
        "savingsPlans",
        params={"states": ["active", "queued", "payment-pending", "pending-return"]},
        region=BILLED_IN,
    ),
    id="{savingsPlanArn}",
    name="{savingsPlanId}",
    tags="tags",
    scope="global",
)
