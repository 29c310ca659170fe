"""A hostile directory is told in words: no error of Python's own, and nothing outside is read."""

import json
import os
import shutil

import pytest
import yaml
from msgspec import Raw

from simlab.errors import ConfigError, LogDamagedError, RunDirectoryError, SimlabError
from simlab.trace.directory import RunDirectory
from simlab.trace.events import Noted, SpanOpened, Started, Stepped, encode
from simlab.trace.plain import plain
from simlab.trace.rich import Html
from simlab.trace.segment import MAGIC, pack
from simlab.view.find import Query, find
from simlab.view.opened import OpenedRun
from simlab.view.runs import Runs
from simlab.view.series import Load, by_turn, over_episodes
from simlab.view.static_page import write_page
from simlab.view.steps import Steps
from simlab.view.turns import read_turns


def look_at_everything(path, tmp_path):
    """All that a person can open; gives what was said in words."""
    told = []
    run = None
    looks = (
        lambda: run.overview(),  # noqa: PLW0108 - there is no run yet
        lambda: run.news(),  # noqa: PLW0108
        lambda: read_turns(run, 0),
        lambda: Steps(run).read(0, 1),
        lambda: find(run, Query("a")),
        lambda: over_episodes(run).rows,
        lambda: by_turn(run, [0]).rows,
        lambda: Load(run).read().rows,
        lambda: write_page(run, tmp_path / "page.html"),
    )
    try:
        run = OpenedRun(path)
    except SimlabError as error:
        return [error.message]
    for look in looks:
        try:
            json.dumps(look(), allow_nan=False)
        except SimlabError as error:
            told.append(error.message)
    return told


def crafted(path, *events, episode=0):
    """A run of which the log holds these events alone."""
    record = {"run": {"name": "crafted", "episodes": 1, "cast": {}, "models": {}}}
    directory = RunDirectory.create(path, record)
    segment = directory.new_segment("driver")
    records = [pack(event.KIND, episode, encode(event)) for event in events]
    segment.path.write_bytes(MAGIC + b"".join(records))
    return path


@pytest.mark.parametrize("name", ["run.yaml", "summary.json", "segments/000001-driver.log"])
def test_a_link_that_leads_out_is_not_followed(copied, tmp_path, name):
    secret = tmp_path / "secret"
    shutil.copy(copied / name, secret)
    (copied / name).unlink()
    (copied / name).symlink_to(secret)

    with pytest.raises(RunDirectoryError, match="got a link or a device"):
        OpenedRun(copied)


def test_a_folder_of_segments_that_is_a_link_is_not_followed(copied, tmp_path):
    shutil.move(copied / "segments", tmp_path / "elsewhere")
    (copied / "segments").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(RunDirectoryError, match="got a link or a device"):
        OpenedRun(copied)


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(copied):
    (copied / "summary.json").unlink()
    os.mkfifo(copied / "summary.json")

    with pytest.raises(RunDirectoryError, match="got a link or a device"):
        OpenedRun(copied)


def test_a_run_that_is_a_link_is_not_listed(runs, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "outside").symlink_to(runs / "sale")

    assert Runs([tmp_path / "folder"]).rows() == []


@pytest.mark.parametrize("name", ["../sale", "/etc", "sale/../sale", "sale/segments", "", "."])
def test_a_name_is_no_path(runs, name):
    with pytest.raises(ConfigError, match="there is no run"):
        Runs([runs]).open(name)


def test_a_folder_with_a_broken_run_lists_the_others(runs, tmp_path):
    shutil.copytree(runs / "sale", tmp_path / "good")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "run.yaml").write_text("format: [unclosed")

    rows = {row["run"]: row for row in Runs([tmp_path]).rows()}

    assert rows["good"]["state"] == "finished"
    assert rows["bad"]["state"] == "unreadable"
    assert "not YAML" in rows["bad"]["error"]


@pytest.mark.parametrize(
    "text",
    [
        "format: 1\nrun: 5\n",
        "format: 1\nrun: {name: [], cast: 7, models: x, episodes: many, resets: 3}\n",
        "format: 1\nrun: {episodes: 1000000000000000000000}\nbranch: [1]\n",
        "format: 1\nrun: {cast: {'*': [], buyer: 3}}\nbranch: {forks: {a: 1}}\n",
        "format: 1\nrun: " + "[" * 400 + "]" * 400 + "\n",
        "format: 1\na: &a [1,1]\nb: &b [*a,*a]\nc: &c [*b,*b]\nrun: {x: *c, y: [*c, *c]}\n",
        "format: 99\n",
        "\x00\x01",
    ],
)
def test_whatever_stands_in_run_yaml_is_told_in_words(copied, tmp_path, text):
    (copied / "run.yaml").write_text(text)

    look_at_everything(copied, tmp_path)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"digest": 1}', '{"digest":"","finished":true,"episodes":[{}]}', "\x00"]
)
def test_whatever_stands_in_summary_json_is_told_in_words(copied, tmp_path, text):
    (copied / "summary.json").write_text(text)

    assert any("summary.json" in message for message in look_at_everything(copied, tmp_path))


def test_a_flipped_byte_gives_segment_offset_and_checksums(copied, tmp_path):
    (segment,) = (copied / "segments").glob("*.log")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    run = OpenedRun(copied)

    with pytest.raises(LogDamagedError, match=r"000001-driver.log is damaged at byte \d+"):
        read_turns(run, 0)
    look_at_everything(copied, tmp_path)


def test_a_segment_that_is_cut_while_its_run_is_open_is_told_in_words(copied):
    (segment,) = (copied / "segments").glob("*.log")
    run = OpenedRun(copied)
    assert run.log.episodes
    os.truncate(segment, 0)

    with pytest.raises(LogDamagedError, match=r"000001-driver.log had \d+ bytes and has 0"):
        read_turns(run, 0)


WEIRD = [None, 5, "text", [], {}, [[1, 2]], {"a": {"b": [None, {"c": 1}]}}, b"\xff" * 99, 1e308]


@pytest.mark.parametrize("value", WEIRD, ids=repr)
@pytest.mark.parametrize("field", ["observations", "requests", "rewards", "ended", "info", None])
def test_a_time_step_that_no_world_makes_is_told_in_words(tmp_path, value, field):
    timestep = value if field is None else {field: value, "x": {"y": value}}
    core = encode([1, timestep])
    step = encode([0, 0.0, [["s", value, 1, None, None, False, False]], timestep])
    path = crafted(
        tmp_path / "run",
        Started(Raw(core), b"", 0.0),
        Stepped(Raw(step), b"", float("nan")),
    )

    look_at_everything(path, tmp_path)


@pytest.mark.parametrize(
    "core", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x94\x00\x00\x00\x00", b"\xdd\xff\xff\xff\xff"]
)
def test_records_that_decode_to_nothing_are_told_in_words(tmp_path, core):
    directory = RunDirectory.create(tmp_path / "run", {"run": {"episodes": 1}})
    segment = directory.new_segment("driver")
    segment.path.write_bytes(MAGIC + b"".join(pack(kind, 0, core) for kind in range(2, 13)))

    assert look_at_everything(tmp_path / "run", tmp_path)


ATTACK = "</script><script>window.attacked = 1</script><img src=x onerror=window.attacked=1><!--"


def attacked(path):
    """A run in which every text would be HTML."""
    timestep = {"observations": {ATTACK: [ATTACK]}}
    tags = [(ATTACK, ATTACK)]
    span = SpanOpened(ATTACK, 0, ATTACK, 1, 0, ATTACK, ATTACK, {ATTACK: ATTACK}, tags, 0.0)
    step = encode([0, 0.0, [[ATTACK, ATTACK, 1, ATTACK, ATTACK, False, False]], timestep])
    crafted(
        path,
        Started(Raw(encode([1, timestep])), b"", 0.0),
        span,
        Stepped(Raw(step), b"", 1.0),
    )
    record = yaml.safe_load((path / "run.yaml").read_text())
    record["run"] |= {"name": ATTACK, "description": ATTACK}
    (path / "run.yaml").write_text(yaml.safe_dump(record))
    return path


PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


def logged(path, source):
    """A run in which somebody logged a picture and a page."""
    step = encode([0, 0.0, [["painter", "done", 1, None, None, False, False]], {}])
    return crafted(
        path,
        Started(Raw(encode([1, {}])), b"", 0.0),
        Noted("painter", 0, "act 1", 1, 0, "picture", PIXEL, [], 0.0),
        Noted("painter", 0, "act 1", 2, 0, "page", plain(Html(source)), [], 0.0),
        Stepped(Raw(step), b"", 1.0),
    )


def test_texts_that_would_be_html_stay_texts_in_a_page(tmp_path):
    path = attacked(tmp_path / "run")

    assert write_page(OpenedRun(path), tmp_path / "page.html") is None

    page = (tmp_path / "page.html").read_text()
    assert ATTACK not in page
    assert page.count("</script>") == page.count("<script")


def test_the_huge_number_of_an_episode_costs_nothing(copied):
    record = yaml.safe_load((copied / "run.yaml").read_text())
    record["run"]["episodes"] = 10**18
    (copied / "run.yaml").write_text(yaml.safe_dump(record))

    assert OpenedRun(copied).overview()["n_episodes"] == str(10**18)
