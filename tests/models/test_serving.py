"""Names of apps: which models share one."""

import pytest

from simlab.models.engines import ModelSpec
from simlab.models.serving import PREFIX, own_app, shared_app

ENGINE = """
from dataclasses import dataclass
from simlab.models.scripted import ScriptedModel

@dataclass(frozen=True)
class Engine(ScriptedModel):
    pass

def say(prompt, sampling):
    return "%s"
"""


def app(**options):
    return shared_app(ModelSpec.model_validate({"engine": "scripted", **options}))


@pytest.fixture
def weights(tmp_path):
    """A folder that looks like weights."""
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"first")
    return tmp_path


def test_models_that_answer_alike_share_one_app():
    assert app() == app(replicas=2) == app(adapter="runs/agent@1") != app(latency_s=1)
    assert app().startswith(PREFIX)


def test_weights_that_were_overwritten_are_another_model(weights):
    given = {"engine": "transformers", "weights": str(weights)}
    first = app(**given)
    (weights / "model.safetensors").write_bytes(b"other")

    assert app(**given) != first


@pytest.mark.parametrize("key", ["engine", "script"])
def test_a_users_file_that_was_edited_is_another_model(own_file, key):
    name = own_file(ENGINE % "yes")
    given = {key: f"{name}:{'Engine' if key == 'engine' else 'say'}"}
    first = app(**given)
    own_file(ENGINE % "no")

    assert app(**given) != first


def test_an_app_of_one_owner_is_none_of_another():
    assert len({app(), own_app(app(), "runs/one"), own_app(app(), "runs/two")}) == 3
