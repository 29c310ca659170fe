"""The value that names an engine of vLLM; none is started here."""

import pytest

from simlab.errors import ConfigError
from simlab.models.vllm_model import VllmModel
from tests.models.lora import write_zeros_lora

TAKES = VllmModel("small", weights="no/such-model", max_adapters=1, max_adapter_rank=8)


def test_an_adapter_that_fits_is_taken_and_none_is_fine(tmp_path):
    TAKES.check_adapter()
    TAKES.with_adapter(write_zeros_lora(tmp_path / "agent@1")).check_adapter()


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        (VllmModel("small"), {}, "is wanted of an engine without any; set max_adapters"),
        (TAKES, {"rank": 16, "r": 16}, "rank 8 at most, got 16; raise max_adapter_rank"),
        (TAKES, {"alpha_pattern": {"q_proj": 160}}, "passes over alpha_pattern, got"),
        (TAKES, {"r": "8"}, "r must be an integer of at least 1, got '8'"),
    ],
)
def test_an_adapter_that_the_engine_does_not_take_is_refused(tmp_path, model, settings, message):
    folder = write_zeros_lora(tmp_path / "agent@1", **settings)

    with pytest.raises(ConfigError, match=f"adapter '{folder}' .*{message}"):
        model.with_adapter(folder).check_adapter()
