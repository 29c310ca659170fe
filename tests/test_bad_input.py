"""Bad input is refused by every command before anything is made, in words, with exit 2."""

import pytest

from tests.commands import refused


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
        (["car_sale", "--model", "all=script"], "did you mean scripted?"),
        (
            ["car_sale", "--model", "scripted"],
            "--model takes NAME=ENGINE[:WEIGHTS] such as all=scr",
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


@pytest.mark.parametrize("command", ["show", "show --digest", "replay", "branch", "export"])
def test_what_is_no_run_or_one_from_a_newer_version_is_refused(simlab, tmp_path, command):
    name, *options = command.split()
    no_run = refused(simlab(name, tmp_path, *options))
    (tmp_path / "run.yaml").write_text("format: 99\nrun: {}\n")
    newer = refused(simlab(name, tmp_path, *options))

    assert f"{tmp_path} is not a run: it has no run.yaml" in no_run
    assert "has format 99, this SimLab reads up to 1; use a newer SimLab" in newer
