import pytest

from benchmarks.runs import MOVES, NEW_WORDS, TURNS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("play", [TURNS, MOVES, NEW_WORDS], ids=lambda play: play.script)
def test_a_play_lasts_for_its_steps_with_one_call_an_action(play, tmp_path):
    run = play.launch(tmp_path / "run", steps=10, episodes=2, live=2).run()

    play.check(run, 10)


def test_a_play_of_another_length_than_it_is_charged_for_is_refused(tmp_path):
    run = TURNS.launch(tmp_path / "run", steps=10, episodes=1, live=1).run()

    with pytest.raises(RuntimeError, match=r"must be \('ended', 12, 12\), got \('ended', 10, 10\)"):
        TURNS.check(run, 12)


def test_new_words_are_never_said_twice(tmp_path):
    run = NEW_WORDS.launch(tmp_path / "run", steps=10, episodes=1, live=1).run()
    said = [turn.acted.action["say"] for turn in run.episode(0).turns() if turn.acted]

    assert len(set(said)) == 10
    assert {len(words) for words in said} == {len(said[0])}
