"""Who measures harm: a fixed panel that training cannot have taught to please."""

from collections.abc import Iterator

from simlab.errors import ConfigError
from simlab.sim.config import PartSpec

_RULE = "rule"


def check_harm(harm: PartSpec, rater: PartSpec) -> None:
    """See that harm is not measured by the rater that is learnt from, and that a rule has a say.

    A rule cannot be swayed by what a version has learnt to say to models.

    Args:
        harm: The judge, or the panel.
        rater: Whose ratings are learnt from.

    Raises:
        ConfigError: It is, or none has.
    """
    members = dict(_members("evaluate.harm", harm))
    for name, member in members.items():
        if _asks_alike(member, rater):
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


def _asks_alike(one: PartSpec, other: PartSpec) -> bool:
    """Whether two judges are the same but for what they look at."""
    return (one.agent, one.model, one.options) == (other.agent, other.model, other.options)
