"""Runs that go on in a process of their own while somebody looks at them."""

import time

from tests.apps.starting import running

SLOW = ("--set", "models.all.latency_s=0.5")
SETTINGS = ("--model", "all=scripted", "--seed", "7", "--episodes", "4", *SLOW)


def playing(path, *more):
    """A run that goes on, slowly enough that those who do something to it find it alive."""
    return running(path, "car_sale", *SETTINGS, *more)


class Follower:
    """Reads the news of a run as a page does, and keeps all that it was told.

    Args:
        app: That is served.
        run: The run's name.
    """

    def __init__(self, app, run):
        self.app = app
        self.run = run
        self.cursor = ""
        self.rows = {}
        self.steps = []
        """How many steps there were, answer after answer."""
        self.states = []

    def read(self):
        """Wait for news, and take them in."""
        given = {"run": self.run, "cursor": self.cursor, "wait_s": 5 if self.cursor else 0}
        news = self.app.get("news", **given)
        if "error" in news:
            return news
        self.cursor = news["cursor"]
        self.rows |= {row["episode"]: row for row in news["episodes"]}
        self.steps.append(sum(row["n_steps"] for row in self.rows.values()))
        if self.states[-1:] != [news["run"]["state"]]:
            self.states.append(news["run"]["state"])
        return news

    def until(self, holds, within_s=60):
        """Read on until something holds of what was told last."""
        end_s = time.monotonic() + within_s
        while not holds(news := self.read()):
            assert time.monotonic() < end_s, f"it never came to that: {news}"
        return news


def has_steps(n):
    return lambda news: "run" in news and news["run"]["n_steps"] >= n


def is_in_state(state):
    return lambda news: "run" in news and news["run"]["state"] == state
