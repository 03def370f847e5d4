"""CodeBuild: projects, without their environment variables."""

from collections.abc import Sequence

from auditor.collect.asking import batches, rows_of
from auditor.collect.declare import Call, Collector, ResourceType

_PROJECTS = Call("codebuild", "ListProjects", "projects")
_DESCRIBE = Call("codebuild", "BatchGetProjects", "projects")
_PER_CALL = 100


def _projects() -> Collector:
    """Yield the projects, a hundred names to a call."""
    names: Sequence[str] = yield _PROJECTS
    yield from rows_of(
        Call("codebuild", "BatchGetProjects", "projects", params={"names": batch})
        for batch in batches(names, _PER_CALL)
    )


PROJECT = ResourceType(
    "AWS::CodeBuild::Project",
    "A build project. Its environment, its source's credentials and its webhook are not kept.",
    collect=_projects,
    calls=(_PROJECTS, _DESCRIBE),
    id="{arn}",
    name="{name}",
    drop=("environment", "source", "secondarySources", "webhook"),
)
