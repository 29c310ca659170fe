"""What all models have in common, of vLLM."""

import pytest

from tests.models.test_contract import (  # noqa: F401 - they run here with the model of this folder
    test_a_prompt_may_be_token_ids,
    test_a_request_with_a_seed_is_answered_alike_again,
    test_choices_get_logprobs_in_their_order,
    test_it_is_a_model_and_its_completions_bear_its_name,
    test_no_adapter_leaves_it_as_it_is,
    test_the_number_of_tokens_is_a_limit,
)

pytestmark = pytest.mark.vllm
