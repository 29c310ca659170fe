"""What people say of turns is kept beside the run, in no digest, and compared with the judges."""

import pytest

from simlab.errors import ConfigError, RunDirectoryError
from simlab.sim.run import Run
from simlab.view.labels import Label, add_label, compare_labels, read_labels, told_labels
from simlab.view.opened import OpenedRun


def test_labels_are_kept_and_the_latest_of_a_person_holds(copied):
    run, digest = OpenedRun(copied), Run(copied).digest

    for rating in (1.0, 4.0):
        add_label(run, Label("ann", rating, 0, 2, "seller", rating, ("pushy",), blind=True))
    add_label(run, Label("bob", 3.0, 0, 2, "seller", 5.0))

    assert [label.rating for label in read_labels(run)] == [4.0, 5.0]
    assert told_labels(run)[0]["tags"] == ["pushy"]
    assert len((copied / "labels.jsonl").read_text().splitlines()) == 3
    assert Run(copied).digest == digest


@pytest.mark.parametrize("torn", [b'{"who":"a","when":1.0,"epi', b"{"])
@pytest.mark.parametrize("n_before", [0, 1])
def test_a_torn_line_is_left_out_and_those_behind_it_are_read(copied, n_before, torn):
    run = OpenedRun(copied)
    for _ in range(n_before):
        add_label(run, Label("ann", 1.0, 0, 0, note="one"))
    with (copied / "labels.jsonl").open("ab") as file:
        file.write(torn)

    add_label(run, Label("bob", 1.0, 0, 0, note="two"))

    assert [label.note for label in read_labels(run)] == ["one", "two"][1 - n_before :]


def test_a_label_of_a_turn_is_compared_with_what_was_rated_next(runs, tmp_path):
    import shutil

    path = shutil.copytree(runs / "coach", tmp_path / "coach")
    run = OpenedRun(path)
    rated = {e: run.row(e)["ratings"]["preference"] for e in (0, 1)}
    best = max(rated, key=rated.get)
    for episode in (0, 1):
        tags = ("pleases",) if episode == best else ("dull",)
        add_label(run, Label("ann", 1.0, episode, 0, "assistant", rated[episode], tags))

    judges = {each["judge"]: each for each in compare_labels(run)["judges"]}

    assert judges["preference"]["n"] == 2
    assert judges["preference"]["spearman"] == pytest.approx(1)
    assert judges["preference"]["tags"] == {"dull": 0.0, "pleases": 1.0}
    assert judges["preference"]["alpha"] == pytest.approx(1)


def test_people_are_compared_with_each_other(copied):
    run = OpenedRun(copied)
    for who in ("ann", "bob"):
        for step in range(4):
            add_label(run, Label(who, 0.0, 0, step, "", float(step)))

    assert compare_labels(run)["people"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (Label("a", 0.0, 0, 99, "", 1.0), r"step of episode 0 must be in 0\.\.6, got 99"),
        (Label("a", 0.0, 7, 0, "", 1.0), "has no episode 7"),
        (Label("a", 0.0, 0, 0), "must have a rating, tags or a note"),
        (Label("a", 0.0, 0, 0, "", float("nan")), "rating must be finite, got nan"),
        (Label("a" * 9000, 0.0, 0, 0, "", 1.0), "texts of 2000 characters"),
    ],
)
def test_a_label_that_says_nothing_of_the_run_is_refused(copied, label, said):
    with pytest.raises(ConfigError, match=said):
        add_label(OpenedRun(copied), label)

    assert not (copied / "labels.jsonl").exists()


def test_labels_are_never_written_through_a_link(copied, tmp_path):
    (tmp_path / "secret").write_text("keep me")
    (copied / "labels.jsonl").symlink_to(tmp_path / "secret")

    with pytest.raises(RunDirectoryError, match="got a link or a device"):
        add_label(OpenedRun(copied), Label("ann", 0.0, 0, 0, "", 1.0))

    assert (tmp_path / "secret").read_text() == "keep me"


def test_a_file_of_labels_that_is_none_is_told_in_words(copied):
    (copied / "labels.jsonl").write_text('{"who": 3}\n')

    with pytest.raises(RunDirectoryError, match=r"labels\.jsonl of .* cannot be shown"):
        read_labels(OpenedRun(copied))
