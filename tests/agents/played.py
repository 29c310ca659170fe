"""A trajectory as far as judges read it, for their tests."""

from dataclasses import dataclass

from simlab.trace.trajectory import Said


@dataclass(frozen=True)
class Played:
    """Lines such as ``"ann: Hi."``."""

    text: str
    episode: int = 4
    seat: str = "buyer"

    def said(self):
        lines = [line.partition(": ") for line in self.text.splitlines()]
        return tuple(Said(speaker, text) for speaker, _, text in lines)
