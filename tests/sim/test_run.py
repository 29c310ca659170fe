import pytest
import yaml

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.run import Run

WORLDS = "tests.sim.worlds"
ONE_LINE = {"*": {"agent": f"{WORLDS}:one_line"}}


def test_a_run_reads_as_what_it_came_to(relay):
    run = relay(episodes=2, cast=ONE_LINE)

    assert repr(run) == (
        f"<Run relay in {run.path}: 2 of 2 episodes ended, 0 failed; mean returns ann 30, bob 30>"
    )
    assert repr(run.episode(1)) == "<Episode 1: ended, 4 steps, returns ann 30, bob 30>"


def test_a_run_in_which_all_failed_reads_as_such(relay):
    run = relay(cast={"*": {"agent": f"{WORLDS}:Poisoned"}})

    assert repr(run).endswith("0 of 1 episodes ended, 1 failed>")


def test_episodes_are_in_order(relay):
    run = relay(episodes=3)

    assert [episode.number for episode in run.episodes] == [0, 1, 2]


@pytest.mark.parametrize("number", [-1, 2])
def test_an_episode_that_is_not_there_is_refused(relay, number):
    run = relay(episodes=2)

    with pytest.raises(ConfigError, match=rf"has no episode {number}; it has 0\.\.1"):
        run.episode(number)


def test_trajectories_are_what_each_seat_saw_did_and_got(relay):
    run = relay(episodes=2, cast=ONE_LINE, options={"turns": 2})

    trajectories = list(run.trajectories())
    assert [(t.episode, t.seat) for t in trajectories] == [
        (0, "ann"), (0, "bob"), (1, "ann"), (1, "bob"),
    ]  # fmt: skip
    assert [t.total_reward for t in trajectories] == [15.0] * 4
    assert trajectories[0].transcript().splitlines()[1:] == [
        "ann: always the same",
        "bob: always the same",
    ]


def test_a_transcript_is_what_was_done(relay):
    run = relay(cast=ONE_LINE, options={"turns": 2})

    assert run.episode(0).transcript() == "ann: always the same\nbob: always the same"


def test_a_frame_has_a_row_for_each_action(relay):
    run = relay(episodes=2, cast={"ann": ONE_LINE["*"], "bob": {"agent": f"{WORLDS}:Stubborn"}})

    frame = run.frame()
    assert list(frame.columns) == [
        "episode", "step", "seat", "words", "action",
        "reward", "now", "attempts", "invalid", "late",
    ]  # fmt: skip
    assert frame[["episode", "step"]].to_numpy().tolist() == [
        [e, s] for e in (0, 1) for s in range(4)
    ]
    assert frame[frame.seat == "bob"].invalid.all()
    assert frame[frame.seat == "ann"].reward.tolist() == [15.0] * 4


def test_a_frame_of_nothing_is_empty(relay):
    run = relay(options={"crash_at": 0})

    frame = run.frame()
    assert frame.empty
    assert "reward" in frame.columns


def test_facts_are_what_the_world_says_of_all_seats_alike(relay):
    offer = {"agent": "scripted", "actions": [{"say": "", "price": 7000}]}
    run = relay(world="simlab.env.car_sale:CarSale", cast={"buyer": offer, "seller": offer})

    facts = run.episode(0).facts()
    assert (facts["outcome"], facts["price"]) == ("deal", 7000)


def test_a_run_is_plain_data_for_programs(relay):
    run = relay(episodes=2)

    whole, one = run.as_dict(), run.as_dict(1)
    assert whole["run"] == str(run.path)
    assert whole["digest"] == run.digest
    assert [episode["episode"] for episode in whole["episodes"]] == [0, 1]
    assert [episode["episode"] for episode in one["episodes"]] == [1]


def test_opening_a_run_imports_nothing_that_it_names(relay):
    run = relay()
    kept = run.directory.read_run()
    kept["run"]["world"] = "evil.module:World"
    (run.path / "run.yaml").write_text(yaml.safe_dump(kept))

    opened = Run(run.path)

    assert opened.file.world == "evil.module:World"
    assert opened.episode(0).transcript() == run.episode(0).transcript()


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match=r"is not a run: it has no run.yaml"):
        Run(tmp_path / "none")


def test_a_record_of_something_else_is_refused(tmp_path):
    (tmp_path / "run.yaml").write_text("format: 1\nrecording: interview\n")

    with pytest.raises(RunDirectoryError, match=r"has no mapping under 'run'"):
        _ = Run(tmp_path).file
