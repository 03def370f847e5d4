"""CodeBuild: projects, without their environment variables."""

from collections.abc import Sequence

from auditor.collect.declare import Call, CallFailed, Collector, ResourceType, Row

_PROJECTS = Call("codebuild", "ListProjects", "projects")
_DESCRIBE = Call("codebuild", "BatchGetProjects", "projects")
_PER_CALL = 100


def _projects() -> Collector:
    """Yield the projects, a hundred names to a call."""
    names: Sequence[str] = yield _PROJECTS
    calls = [
        Call("codebuild", "BatchGetProjects", "projects", params={"names": names[start : start + _PER_CALL]})
        for start in range(0, len(names), _PER_CALL)
    ]
    answers: Sequence[Sequence[Row] | CallFailed] = (yield calls) if calls else ()
    for answer in answers:
        if isinstance(answer, CallFailed):
            raise answer
        yield answer


PROJECT = ResourceType(
    "AWS::CodeBuild::Project",
    "A build project. Its environment and its source's credentials are not kept.",
    collect=_projects,
    calls=(_PROJECTS, _DESCRIBE),
    id="{arn}",
    name="{name}",
    drop=("environment", "source", "secondarySources"),
)
