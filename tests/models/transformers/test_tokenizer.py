import pytest

from simlab.errors import ConfigError
from simlab.models.model import ChatMessage

pytestmark = pytest.mark.model


def test_a_folder_renders_as_the_engine_does_that_loads_it(tiny_weights):
    from simlab.models.transformers.tokenizer import load_renderer

    ids = load_renderer(str(tiny_weights)).prompt_ids([ChatMessage("user", "Hi")])

    assert load_renderer(str(tiny_weights)).continuation((), ids).count("Hi") == 1


def test_no_weights_are_needed_beside_it(tiny_weights, tmp_path):
    from simlab.models.transformers.tokenizer import load_renderer

    for file in tiny_weights.glob("tokenizer*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for file in tiny_weights.glob("*.jinja"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    assert load_renderer(str(tmp_path)).text_ids("Hi")


@pytest.mark.parametrize("name", ["", "no/such/folder", "."])
def test_what_is_no_tokenizer_is_refused(name, tmp_path, monkeypatch):
    from simlab.models.transformers.tokenizer import load_renderer

    monkeypatch.chdir(tmp_path)

    with pytest.raises(
        ConfigError, match=rf"tokenizer must be 'embedded', a folder .* got '{name}'"
    ):
        load_renderer(name)
