import json

import pytest

from simlab.errors import ConfigError
from simlab.models.sentence_settings import SentenceSettings, read_settings

KIND = "sentence_transformers.models"


@pytest.fixture
def folder(tmp_path):
    """Writes files of a folder, and gives the folder."""

    def write(**files):
        for name, data in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".json").write_text(json.dumps(data))
        return tmp_path

    return write


def modules(*kinds):
    return [
        {"type": f"{KIND}.{kind}", "path": f"{n}_{kind}" if n else ""}
        for n, kind in enumerate(kinds)
    ]


def test_a_folder_that_says_nothing_is_pooled_by_the_mean(folder):
    assert read_settings(folder()) == SentenceSettings("mean", None)


def test_what_a_folder_says_is_read(folder):
    path = folder(
        modules=modules("Transformer", "Pooling", "Normalize"),
        sentence_bert_config={"max_seq_length": 256},
        **{
            "1_Pooling__config": {"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
        },
    )

    assert read_settings(path) == SentenceSettings("mean", 256)


@pytest.mark.parametrize("config", [{"pooling_mode_cls_token": True}, {"pooling_mode": "cls"}])
def test_old_and_new_names_of_pooling_are_known(folder, config):
    path = folder(modules=modules("Transformer", "Pooling"), **{"1_Pooling__config": config})

    assert read_settings(path).pooling == "cls"


@pytest.mark.parametrize(
    ("config", "got"),
    [
        ({"pooling_mode_lasttoken": True}, "'lasttoken'"),
        ({"pooling_mode": "max"}, "'max'"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, r"\['cls', 'mean'\]"),
        ({"word_embedding_dimension": 384}, r"\[\]"),
    ],
)
def test_pooling_of_another_kind_is_refused_and_never_replaced(folder, config, got):
    with pytest.raises(ConfigError, match=f"must pool by 'mean' or 'cls', got {got}; take others"):
        read_settings(folder(**{"1_Pooling__config": config}))


def test_a_module_that_is_not_computed_is_refused(folder):
    with pytest.raises(ConfigError, match=r"must be made of \('Transformer', .*, got 'Dense'"):
        read_settings(folder(modules=modules("Transformer", "Pooling", "Dense")))
