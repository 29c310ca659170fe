"""Bad input is refused by every command before anything is made, in words, with exit 2."""

import os

import pytest

from simlab.sim import service
from simlab.sim.run import Run
from tests.commands import refused
from tests.sim.records import contents


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["car_sail"], "there is no scenario 'car_sail'; did you mean car_sale?"),
        (["car_sale", "--set", "optoins.a=1"], "car_sale.yaml: unknown key 'optoins'; did you mea"),
        (["car_sale", "--set", "options.max_round=1"], "no option 'max_round'; did you mean max_"),
        (
            ["car_sale", "--set", "reset.foo=1"],
            "car_sale.yaml: reset of world simlab.env.car_sale:",
        ),
        (
            ["car_sale", "--set", "cast.buyer.sampling.top_p=2"],
            "cast.buyer.sampling.top_p: input should be less than or equal to 1, got 2",
        ),
        (["car_sale", "--set", "episodes=many"], "episodes: input should be a valid integer"),
        (["car_sale", "--set", "cast.buyr.goal=x"], "the world has no seat 'buyr'; did you mean b"),
        (["car_sale", "--model", "big=scripted"], "the run has no model 'big'; there are small"),
        (["car_sale", "--model", "all=script"], "did you mean scripted or scripted-embedding?"),
        (
            ["car_sale", "--model", "scripted"],
            "--model takes NAME=ENGINE[:WEIGHTS] such as all=scr",
        ),
        (
            ["car_sale", "--set", "world=simlab.sim.default_directory:RUNS"],
            "default_directory:RUNS must be a class or function, got PosixPath('runs');",
        ),
        (
            ["car_sale", "--model", "all=scripted", "--set", "world=builtins:dict"],
            "builtins:dict must have seats, reset() and step(), got {",
        ),
        (
            [
                "car_sale",
                "--model",
                "all=scripted",
                "--set",
                "judges.x.agent=simlab.sim.default_directory:RUNS",
            ],
            "judge 'x' must be a class or function, got PosixPath('runs');",
        ),
        (["car_sale", "--hosts", "many"], "--hosts takes a number or auto, got 'many'"),
        (["car_sale", "--model", "all=transformers:no/where/at/all"], "weights must be 'embedded'"),
        (
            ["car_sale", "--set", "cast.buyer.agent=human"],
            "cast.buyer is a human, and there is no ",
        ),
        (
            ["car_sale", "--set", "cast.buyer.agent=human", "--hosts", "2"],
            "cast.buyer is a human, and there is no ",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(
    simlab, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)

    assert message in refused(simlab("run", *arguments))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("offline_hub")
def test_weights_that_are_missing_without_a_network_are_refused_with_how_to_get_them(
    simlab, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)

    message = refused(simlab("run", "car_sale", "--model", "all=transformers:owner/model"))

    assert "(no route to host); run `hf download owner/model` where there is a network" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("episodes: 2", "episods: 2", "bad.yaml:3: unknown key 'episods'; did you mean episodes?"),
        ("episodes: 2", "episodes: two", "bad.yaml:3: episodes: input should be a valid integer"),
        (
            "buyer",
            "buyr",
            "bad.yaml:5: cast.buyr: the world has no seat 'buyr'; did you mean buyer?",
        ),
        ("random", "randum", "bad.yaml:5: there is no agent 'randum'; did you mean random"),
        ("episodes: 2", "name: worse", "bad.yaml:3: not YAML: key 'name' stands there twice"),
        ("cast:", "cast: [", "bad.yaml:6: not YAML: expected"),
    ],
)
def test_a_wrong_run_file_is_refused_with_its_line(simlab, tmp_path, old, new, message):
    file = tmp_path / "bad.yaml"
    text = (
        "name: bad\n"
        "world: simlab.env.car_sale:CarSale\n"
        "episodes: 2\n"
        "cast:\n"
        "  buyer: {agent: random}\n"
        "  seller: {agent: scripted, actions: [1]}\n"
    )
    file.write_text(text.replace(old, new))

    assert message in refused(simlab("run", file, "--out", tmp_path / "r"))
    assert not (tmp_path / "r").exists()


def test_a_directory_that_exists_is_refused(simlab, path, made):
    message = refused(simlab("run", path, "--out", made))

    assert message == (
        f"{made} exists already; go on with it by --resume, or choose another by --out"
    )


@pytest.mark.parametrize("inside", ["run.yaml", "run.yaml/x"])
def test_a_place_that_is_no_folder_is_refused(simlab, path, made, inside):
    message = refused(simlab("run", path, "--out", made / inside))

    assert "cannot be made: Not a directory; make room for it, or choose another place" in message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["parquet", "--out", "run.yaml"],
            "--to parquet writes a folder, got the file run.yaml; c",
        ),
        (["jsonl", "--out", "."], "--to jsonl writes a file, got the folder .; choose another"),
        (["jsonl", "--out", "run.yaml"], "run.yaml belongs to the run itself; choose another plac"),
        (["parquet", "--out", "segments/x"], "x belongs to the run itself; choose another place b"),
        (
            ["parquet", "--out", "summary.json/x"],
            "x belongs to the run itself; choose another place by --out",
        ),
        (
            ["parquet", "--out", "/dev/null/x"],
            "/dev/null/x cannot be written: Not a directory; what was committed stays, so make room"
            " for it, or choose another place by --out",
        ),
        (["jsonl", "--out", "/dev/null/x"], "/dev/null/x cannot be written: "),
    ],
)
def test_an_export_that_would_find_no_place_is_refused(
    simlab, made, monkeypatch, arguments, message
):
    monkeypatch.chdir(made)
    before = contents(Run(made))

    assert message in refused(simlab("export", ".", "--to", *arguments))
    assert contents(Run(made)) == before


def test_a_file_that_may_not_be_read_is_told_by_its_name(simlab, made, monkeypatch):
    open_any = os.open

    def open_all_but_segments(path, *given, **named):
        if str(path).endswith(".log"):
            raise PermissionError(13, "Permission denied", str(path))
        return open_any(path, *given, **named)

    monkeypatch.setattr(os, "open", open_all_but_segments)

    message = refused(simlab("replay", made))

    assert message == (
        f"{made}/segments/000001-driver.log cannot be used: Permission denied; see that it is "
        "there and that you may read and write it"
    )


def test_an_error_of_the_system_that_is_of_no_file_is_a_bug(simlab, made, monkeypatch):
    def fail(_run):
        raise TimeoutError

    monkeypatch.setattr("simlab.sim.replay.replay", fail)

    assert isinstance(simlab("replay", made).exception, TimeoutError)


@pytest.mark.parametrize("command", ["show", "show --digest", "replay", "branch", "export"])
def test_a_run_that_lacks_its_segments_or_has_a_bad_seal_is_refused(simlab, made, command):
    name, *options = command.split()
    (seal,) = (made / "segments").glob("*.seal")
    (made / "summary.json").unlink()
    seal.write_text("nope")
    bad_seal = refused(simlab(name, made, *options))
    (made / "segments").rename(made / "elsewhere")
    no_segments = refused(simlab(name, made, *options))

    assert bad_seal.startswith(f"expected a seal of a segment in {seal}, got what cannot be read")
    assert no_segments.startswith(f"{made} has no folder segments/, which keeps all that was rec")


@pytest.mark.parametrize("command", ["show", "show --digest", "replay", "branch", "export"])
def test_what_is_no_run_or_one_from_a_newer_version_is_refused(simlab, tmp_path, command):
    name, *options = command.split()
    no_run = refused(simlab(name, tmp_path, *options))
    (tmp_path / "run.yaml").write_text("format: 99\nrun: {}\n")
    newer = refused(simlab(name, tmp_path, *options))

    assert f"{tmp_path} is not a run: it has no run.yaml" in no_run
    assert "has format 99, this SimLab reads up to 1; use a newer SimLab" in newer


@pytest.mark.parametrize("verb", ["up", "status", "down"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["car_sail"], "there is no scenario 'car_sail'; did you mean car_sale?"),
        (["nowhere.yaml"], "there is no file nowhere.yaml; the bundled scenarios need no file"),
        (["car_sale", "--set", "models={}", "--set", "cast={}"], "has no model to serve among []"),
        (["car_sale", "--model", "all=scripted"], "has no model to serve among ['small']; give "),
        (["car_sale", "--model", "all=script"], "did you mean scripted or scripted-embedding?"),
        (["car_sale", "--set", "models.small.replicas=0"], "replicas: input should be greater tha"),
        (["car_sale", "--model", "all=vllm:no/where/at/all"], "weights must be 'embedded'"),
    ],
)
def test_models_that_cannot_be_served_are_refused_before_a_cluster_is_joined(
    simlab, monkeypatch, verb, arguments, message
):
    monkeypatch.delattr(service, "connected")

    assert message in refused(simlab("models", verb, *arguments))
