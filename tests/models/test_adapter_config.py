import json

import pytest

from simlab.errors import ModelError
from simlab.models.adapter_config import read_config
from tests.models.lora import write_settings

LAYERS = ("model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj", "model.layers.1.q")


def read(folder, **settings):
    write_settings(folder, **{"r": 8, "target_modules": ["q_proj"]} | settings)
    return read_config(folder)


def test_the_scale_is_alpha_by_rank_and_by_its_root_where_stabilised(tmp_path):
    assert read(tmp_path, r=4).scale_of(LAYERS[0]) == 2.0
    assert read(tmp_path, r=4, use_rslora=True).scale_of(LAYERS[0]) == 4.0


def test_patterns_name_layers_by_their_ends_and_the_first_that_fits_counts(tmp_path):
    config = read(
        tmp_path,
        rank_pattern={"self_attn.q_proj": 2, "q_proj": 5},
        alpha_pattern={r"layers\.[1-9]\..*": 1},
    )

    assert [config.rank_of(layer) for layer in LAYERS] == [2, 8, 8]
    assert [config.scale_of(layer) for layer in LAYERS] == [4.0, 1.0, 0.125]


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        (["q_proj", "q"], {LAYERS[0], LAYERS[2]}),
        (r".*\.(up_proj|q)", {LAYERS[1], LAYERS[2]}),
        ("all-linear", set(LAYERS)),
    ],
)
def test_targets_are_ends_of_names_or_one_pattern_or_all(tmp_path, targets, found):
    assert read(tmp_path, target_modules=targets).targeted(LAYERS) == found


def test_a_target_that_is_no_layer_is_refused(tmp_path):
    config = read(tmp_path, target_modules=["q_proj", "proj"])

    with pytest.raises(ValueError, match="must name linear layers of it, got 'proj'"):
        config.targeted(LAYERS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type must be 'LORA', got 'IA3'"),
        ({"use_dora": True}, "use_dora is not known here, got True"),
        ({"bias": "all"}, "bias must be 'none', got 'all'"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save is not known here, got \['lm_head'\]"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out is not known here"),
        ({"init_lora_weights": "pissa"}, "must leave the base weights alone, got 'pissa'"),
        ({"loftq_config": {"loftq_bits": 4}}, "loftq_config is not known here"),
        ({"of_next_year": 3}, "of_next_year is not known here, got 3"),
        ({"r": 0}, "r must be an integer of at least 1, got 0"),
        ({"r": None}, "r must be an integer of at least 1, got None"),
        ({"rank_pattern": {"q": "two"}}, "r must be an integer of at least 1, got 'two'"),
        ({"lora_alpha": "much"}, "lora_alpha must be a number, got 'much'"),
        ({"rank_pattern": {"(": 2}}, "unterminated"),
        ({"rank_pattern": ["q"]}, r"rank_pattern must be an object, got \['q'\]"),
        ({"target_modules": 7}, "not iterable"),
    ],
)
def test_what_would_compute_otherwise_is_refused_by_its_name(tmp_path, settings, message):
    with pytest.raises(ModelError, match=rf"adapter '{tmp_path}' must be .*: .*{message}"):
        read(tmp_path, **settings)


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", "[" * 100_000], ids=["empty", "a list", "cut short", "deep"]
)
def test_settings_that_are_no_object_are_refused(tmp_path, text):
    (tmp_path / "adapter_config.json").write_text(text)

    with pytest.raises(ModelError, match=r"a folder with adapter_config.json of a plain LoRA"):
        read_config(tmp_path)


@pytest.mark.model
def test_all_settings_that_peft_writes_for_a_plain_lora_are_taken(tmp_path):
    peft = pytest.importorskip("peft", reason="PEFT is not installed: nothing to compare with")
    written = peft.LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj"], task_type="CAUSAL_LM")
    written.save_pretrained(tmp_path)

    assert json.loads((tmp_path / "adapter_config.json").read_text())["peft_version"]
    assert read_config(tmp_path).scale_of(LAYERS[0]) == 2.0
