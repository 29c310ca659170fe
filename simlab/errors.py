"""Every error that SimLab raises at run time.

Each takes one message string, so that it survives pickling on its way between processes, and says
in one sentence what was expected, what came, and what to do. Arguments that are wrong in type or
range raise the built-in `TypeError` and `ValueError` instead.
"""

from typing import Protocol, Self


class Cost(Protocol):
    """What something has cost, such as a `simlab.models.model.Usage`."""

    def __cost__(self) -> dict[str, float]:
        """As the log keeps it."""
        ...


class SimlabError(Exception):
    """An error with one message; the parent of all others here."""

    def __init__(self, message: str) -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """The sentence that was given."""
        return str(self.args[0])


class ConfigError(SimlabError):
    """What the user gave cannot be run; the commands exit with 2."""


class NotFoundError(ConfigError):
    """What was asked for by its name or number is not there."""


class MakerFailedError(ConfigError):
    """What a run file names raised an error of its own, its cause, as it was made."""


class RunDirectoryError(ConfigError):
    """A directory is not a run, is one already, is in use, or is from a newer version."""


class LogDamagedError(SimlabError):
    """A segment is damaged before its tail; names segment, offset and checksums."""


class LogWriteError(SimlabError):
    """The disk does not take what is to be committed; what was committed before stays."""


class StaleEpochError(SimlabError):
    """A host writes or speaks after it was replaced; names both epochs."""


class ReplayDivergence(SimlabError):  # noqa: N818 - the name in the design
    """A replay parts from its record; shows both sides."""


class BudgetSpentError(SimlabError):
    """The run has spent its budget, and can be gone on with; no episode fails of it."""


class ControlError(SimlabError):
    """A command to a live run was not taken, and changed nothing; says what to do instead."""


class RunStoppedError(SimlabError):
    """Somebody has stopped the run by a command; it can be gone on with."""


class TrainingError(SimlabError):
    """Training cannot go on from where it is; nothing was published."""


class ActorError(SimlabError):
    """Something between actors went wrong."""


class AskCycleError(ActorError):
    """An ask would wait on itself; names the chain of actors."""


class ActorStoppedError(ActorError):
    """The actor that was addressed has stopped or never was."""


class HostDiedError(ActorError):
    """The host of the actor that was asked has died."""


class StrayExitError(SimlabError):
    """Users' code called `sys.exit` in a task of its own; what was committed stays."""


class EpisodeError(SimlabError):
    """Fails one episode as data, and never the run; `boundary` says where it arose."""

    boundary = "episode"


class ModelError(EpisodeError):
    """A model did not answer, after its retries."""

    boundary = "model"
    usage: Cost | None = None
    """What was spent in vain, tries included; None where nothing was asked, or it is not known."""

    @classmethod
    def of(cls, message: str, usage: Cost | None) -> Self:
        """The error with a message, over which so much was spent."""
        error = cls(message)
        error.usage = usage
        return error

    def __cost__(self) -> dict[str, float]:
        """What the log keeps beside the error, and no digest knows of."""
        return {} if self.usage is None else self.usage.__cost__()


class EngineDiedError(ModelError):
    """The engine behind a model has died, and with it all that it was at."""


class ReplicaDiedError(ModelError):
    """A replica of a served model has died."""


class JudgeError(EpisodeError):
    """A judge gave no score that fits."""

    boundary = "judge"


class UnfitAnswerError(EpisodeError):
    """An answer does not fit what was asked for; the message says why, on asking again too."""

    boundary = "agent answer"
    raw: str = ""
    """The answer as it came."""

    @classmethod
    def of(cls, raw: str, reason: str) -> Self:
        """The refusal of `raw` for `reason`."""
        error = cls(reason)
        error.raw = raw
        return error


class IllegalAction(EpisodeError):  # noqa: N818 - the name in the design
    """A world refuses an action and stays as it was; the seat is asked again with the message."""

    boundary = "agent answer"
    seat: str = ""
    """Whose action it was."""

    @classmethod
    def of(cls, seat: str, reason: str) -> Self:
        """The refusal of what `seat` did, for `reason`."""
        error = cls(reason)
        error.seat = seat
        return error


class PersonLeftError(EpisodeError):
    """The person in a seat will answer no more."""

    boundary = "human"


class PersonLateError(EpisodeError):
    """The person who had taken a seat gave no answer in time."""

    boundary = "human"


class PersonFailedError(EpisodeError):
    """A person, or the function that answers for one, raised an error of its own."""

    boundary = "human"


class DeadlineMissedError(EpisodeError):
    """A seat gave no answer in time and its request has no default."""

    boundary = "time-out"


class AgentFailedError(EpisodeError):
    """An agent raised an error of its own."""

    boundary = "agent"


class LateCallError(AgentFailedError):
    """An agent makes a call when its turn is over, in a task that it has left.

    How far the episode was by then follows from no record: a replay takes its last commit for it.
    """


class HostKilledError(EpisodeError):
    """An episode takes its host with it whenever it is played, and is played no more."""

    boundary = "host"


class WorldFailedError(EpisodeError):
    """A world raised an error of its own."""

    boundary = "environment"


class RecordedError(EpisodeError):
    """An effect raised an error whose class a log cannot name; the message begins with its name."""

    boundary = "effect"


class EnvironmentStuckError(EpisodeError):
    """A world waits for nobody and sets no time at which to be stepped."""

    boundary = "environment"
