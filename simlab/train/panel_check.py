"""Who measures harm: a fixed panel that training cannot have taught to please."""

from collections.abc import Iterator

from simlab.errors import ConfigError
from simlab.sim.config import PartSpec

_RULE = "rule"


def check_harm(harm: PartSpec, rater: PartSpec, *, asked: str = "") -> None:
    """See that harm is not measured by the rater that is learnt from, and that a rule has a say.

    A rule cannot be swayed by what a version has learnt to say to models.

    Args:
        harm: The judge, or the panel; with its models named, as `Plays` names them.
        rater: Whose ratings are learnt from; the same.
        asked: What the world asks the rater in its seat; empty where it asks nothing.

    Raises:
        ConfigError: It is, or none has.
    """
    members = dict(_members("evaluate.harm", harm))
    for name, member in members.items():
        if _asks_alike(member, rater, asked):
            raise ConfigError(
                f"{name} is the rater that is learnt from, whose scores say nothing of harm; take "
                "another model, or ask another question"
            )
    if all(member.agent != _RULE for member in members.values()):
        found = [member.agent for member in members.values()]
        raise ConfigError(
            f"evaluate.harm must have a member with agent: {_RULE}, which no version learns to "
            f"sway, got {found!r}"
        )


def _members(name: str, spec: PartSpec) -> Iterator[tuple[str, PartSpec]]:
    """All who judge by themselves, by their key."""
    if not spec.judges:
        yield name, spec
    for member, inner in spec.judges.items():
        yield from _members(f"{name}.judges.{member}", inner)


def _asks_alike(member: PartSpec, rater: PartSpec, asked: str) -> bool:
    """Whether two judges are the same but for what they look at, or are asked the same."""
    if (member.agent, member.model) != (rater.agent, rater.model):
        return False
    questions = {_words(rater.options.get("question")), _words(asked)} - {()}
    is_asked_alike = _words(member.options.get("question")) in questions
    return is_asked_alike or member.options == rater.options


def _words(question: object) -> tuple[str, ...]:
    """A question but for how it is broken into lines."""
    return tuple(str(question or "").split())
