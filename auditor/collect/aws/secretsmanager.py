"""Secrets Manager: which secrets there are and whether they rotate; never what they hold."""

from auditor.collect.declare import Call, ResourceType

SECRET = ResourceType(
    "AWS::SecretsManager::Secret",
    "A secret's description: owner, rotation, tags. Its value cannot be asked for.",
    list=Call("secretsmanager", "ListSecrets", "SecretList"),
    id="{ARN}",
    name="{Name}",
    tags="Tags",
    volatile=("LastAccessedDate", "LastChangedDate", "LastRotatedDate", "NextRotationDate", "SecretVersionsToStages"),
)
