"""What the terminal shows while a run goes on."""

import io

import pytest
from rich.console import Console

from simlab.display import LiveView, console_for, show_service
from simlab.models.serving import App, ReplicaStatistics
from simlab.sim.service import ServiceStatus
from simlab.sim.staging import EpisodeResult, StepNews
from simlab.trace.accounts import Account
from simlab.trace.events import Outcome


@pytest.fixture
def written():
    return io.StringIO()


def news(step, *lines):
    return StepNews(0, step, lines, float(step))


def ended(episode):
    return EpisodeResult(
        episode, Outcome(2, {}, {}, {}), b"", [Account("seller", "m", completion_tokens=3)]
    )


def test_in_a_pipe_there_are_plain_lines(written):
    view = LiveView(Console(file=written, width=80), 2)

    with view.shown() as observer:
        observer.on_step(news(0, ("ann", "Hello.", "")))
        observer.on_step(news(1, ("bob", "...", "late"), ("cid", "...", "invalid")))
        observer.on_episode(ended(0))
        observer.on_notice("host host-0 died")

    assert written.getvalue().splitlines() == [
        "ann: Hello.",
        "bob: ... (too late: its default was played)",
        "cid: ... (no answer fitted: its default was played)",
        "1 of 2 episodes have ended",
        "host host-0 died",
    ]


def test_long_words_are_not_broken_into_lines(written):
    with LiveView(Console(file=written, width=20), 1).shown() as observer:
        observer.on_step(news(0, ("ann", "word " * 20, "")))

    assert len(written.getvalue().splitlines()) == 1


def test_what_is_said_is_never_markup(written):
    with LiveView(Console(file=written, width=80), 1).shown() as observer:
        observer.on_step(news(0, ("[red]ann", "[/red] [link=x]here[/]", "")))

    assert written.getvalue() == "[red]ann: [/red] [link=x]here[/]\n"


def test_in_a_pipe_every_tenth_of_many_episodes_is_told(written):
    with LiveView(Console(file=written), 40).shown() as observer:
        for episode in range(40):
            observer.on_episode(ended(episode))

    assert written.getvalue().splitlines() == [
        f"{n} of 40 episodes have ended" for n in range(4, 41, 4)
    ]


def test_on_a_terminal_there_is_a_bar_and_the_transcript_above_it(written):
    console = Console(file=written, force_terminal=True, width=100)

    with LiveView(console, 2).shown() as observer:
        observer.on_step(news(0, ("ann", "Hello.", "")))
        observer.on_episode(ended(0))

    assert "Hello." in written.getvalue()
    assert "0/2" in written.getvalue()
    assert "episodes have ended" not in written.getvalue()


def test_no_bar_is_drawn_where_a_person_types(written):
    console = Console(file=written, force_terminal=True, width=100)

    with LiveView(console, 2, bar=False).shown() as observer:
        observer.on_step(news(0, ("ann", "Hello.", "")))

    assert "0/2" not in written.getvalue()


def test_for_programs_words_go_to_standard_error():
    assert console_for(json=True).stderr
    assert not console_for(json=False).stderr


def test_what_is_wrong_with_a_served_model_is_told_below_the_table():
    written = io.StringIO()
    hung = App("simlab-1", "RUNNING", 2)
    ill = App("simlab-2", "UNHEALTHY", 1, "MemoryError: no room [here]")
    statuses = [
        ServiceStatus("small", hung, (ReplicaStatistics(1, 7), None)),
        ServiceStatus("", ill),
    ]

    show_service(Console(file=written, width=200), statuses)

    _, small, other, *troubles = written.getvalue().splitlines()
    assert small.split() == ["small", "simlab-1", "RUNNING", "2", "7", "0", "0"]
    assert other.split() == ["simlab-2", "UNHEALTHY", "1", "0", "0", "0"]
    assert troubles == [
        "simlab-1: replica 1 does not answer",
        "simlab-2: MemoryError: no room [here]",
    ]
