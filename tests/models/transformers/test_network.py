import pytest

from tests.models.lora import ALL

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(tiny_weights):
    from transformers import AutoModelForCausalLM

    from simlab.models.transformers.attention import ATTENTION

    return AutoModelForCausalLM.from_pretrained(tiny_weights, attn_implementation=ATTENTION).eval()


@pytest.fixture(scope="module")
def network(model):
    from simlab.models.transformers.network import Network

    return Network(model)


@pytest.fixture
def independent(network):
    """The network, on a machine whose matrix products let sequences be independent."""
    if not network.independent:
        pytest.skip("this machine's matrix products depend on their number of rows")
    return network


def read(network, *sequences, capacity=512):
    """Caches with the sequences read, and the logits after each."""
    from simlab.models.transformers.attention import KeyValues
    from simlab.models.transformers.layout import Part

    caches = [KeyValues(capacity) for _ in sequences]
    parts = [Part(ids, cache) for ids, cache in zip(sequences, caches, strict=True)]
    return caches, network.logits(parts)


def sequence(length, first=1):
    return [(first + 5 * place) % 250 for place in range(length)]


def plain_logits(plain_model, ids):
    import torch

    with torch.no_grad():
        return plain_model(torch.tensor([ids])).logits[0]


@pytest.mark.parametrize("length", [1, 2, 63, 64, 65, 200])
def test_logits_are_those_of_a_plain_forward(network, plain_model, length):
    ids = sequence(length)

    _, [logits] = read(network, ids)

    assert (logits[0] - plain_logits(plain_model, ids)[-1]).abs().max() < 1e-4


def test_tokens_read_one_by_one_get_the_logits_of_a_plain_forward(network, plain_model):
    from simlab.models.transformers.layout import Part

    ids = sequence(70)
    [cache], _ = read(network, ids[:60])

    rows = [network.logits([Part([token], cache)])[0][0] for token in ids[60:]]

    wanted = plain_logits(plain_model, ids)[60:]
    assert max((row - want).abs().max() for row, want in zip(rows, wanted, strict=True)) < 1e-4


def test_the_logits_of_several_last_tokens_can_be_had_at_once(network, plain_model):
    from simlab.models.transformers.attention import KeyValues
    from simlab.models.transformers.layout import Part

    ids = sequence(30)

    [logits] = network.logits([Part(ids, KeyValues(30), wanted=4)])

    assert logits.shape[0] == 4
    assert (logits - plain_logits(plain_model, ids)[-4:]).abs().max() < 1e-4


def test_a_sequence_gets_the_same_bits_alone_and_beside_others(independent):
    import torch

    sequences = [sequence(length, first=length) for length in (200, 3, 64, 1, 130, 65, 7, 31)]

    _, together = read(independent, *sequences)

    for ids, logits in zip(sequences, together, strict=True):
        _, [alone] = read(independent, ids)
        assert torch.equal(alone, logits)


def test_a_prompt_gets_the_same_bits_read_at_once_and_block_by_block(independent):
    import torch

    from simlab.models.transformers.layout import Part

    ids = sequence(200)
    _, [at_once] = read(independent, ids)
    [cache], _ = read(independent, ids[:64])
    independent.logits([Part(ids[64:192], cache)])

    [in_blocks] = independent.logits([Part(ids[192:], cache)])

    assert torch.equal(at_once, in_blocks)


def test_a_copied_prefix_gives_the_same_bits_as_reading_it_anew(independent):
    import torch

    from simlab.models.transformers.layout import Part

    ids = sequence(150)
    _, [anew] = read(independent, ids)
    [cache], _ = read(independent, [*ids[:128], 9, 9, 9])

    [reused] = independent.logits([Part(ids[128:], cache.copy(128, 150))])

    assert torch.equal(anew, reused)


def test_branches_of_one_sequence_get_the_logits_of_sequences_of_their_own(network, plain_model):
    from simlab.models.transformers.attention import Branch
    from simlab.models.transformers.layout import Part

    ids, tails = sequence(100), [[7], [8, 9], [8, 9, 10]]
    [trunk], _ = read(network, ids)

    branches = [Branch(trunk, len(tail)) for tail in tails]
    computed = network.logits(
        [Part(tail, branch) for tail, branch in zip(tails, branches, strict=True)]
    )

    for tail, logits in zip(tails, computed, strict=True):
        assert (logits[0] - plain_logits(plain_model, [*ids, *tail])[-1]).abs().max() < 1e-4
    assert trunk.length == 100


def test_a_machine_whose_rows_depend_on_each_other_is_found_out(model, caplog):
    from simlab.models.transformers.network import Network

    class Meddling:
        """Lets every sequence feel how many tokens there are beside it."""

        def __call__(self, input_ids, **options):
            output = model(input_ids=input_ids, **options)
            output.logits += 1e-6 * input_ids.shape[1]
            return output

        def __getattr__(self, name):
            return getattr(model, name)

    assert not Network(Meddling()).independent
    assert "computed one by one" in caplog.text


def config_of(kind, **options):
    import transformers

    return getattr(transformers, kind)(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=512,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        **options,
    )


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("MistralConfig", {"num_key_value_heads": 1, "sliding_window": 20}),
        ("Qwen3Config", {"num_key_value_heads": 2, "head_dim": 16}),
        ("Gemma3TextConfig", {"num_key_value_heads": 2, "head_dim": 16, "sliding_window": 16}),
        ("GPTNeoXConfig", {}),
    ],
)
def test_models_of_other_families_are_computed_as_they_are_meant(kind, options):
    import torch
    from transformers import AutoModelForCausalLM

    from simlab.models.transformers.attention import ATTENTION
    from simlab.models.transformers.layout import Part
    from simlab.models.transformers.network import Network

    ids = [1 + place % 100 for place in range(90)]
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config_of(kind, **options)).eval()
    wanted = plain_logits(model, ids)[-1]
    model.set_attn_implementation(ATTENTION)
    network = Network(model)
    [cache], _ = read(network, ids[:-1])

    [logits] = network.logits([Part(ids[-1:], cache)])

    assert (logits[0] - wanted).abs().max() < 1e-5


def test_attention_of_an_unknown_kind_is_refused_by_its_name():
    from transformers import AutoModelForCausalLM

    from simlab.errors import ConfigError
    from simlab.models.transformers.attention import ATTENTION
    from simlab.models.transformers.network import Network

    config = config_of("Gemma2Config", num_key_value_heads=2, head_dim=16)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=ATTENTION)

    with pytest.raises(ConfigError, match=r"Gemma2Attention needs attention with \['softcap'\]"):
        Network(model)


def test_everything_is_made_on_the_device_of_the_weights(model):
    """No GPU is at hand: that each tensor is told its device stands for that it lies there."""
    import torch
    from torch.overrides import TorchFunctionMode

    from simlab.models.transformers.adapter import Adapter, LowRank
    from simlab.models.transformers.attention import KeyValues
    from simlab.models.transformers.layout import Part
    from simlab.models.transformers.network import Network

    makers = {torch.arange, torch.empty, torch.full, torch.ones, torch.tensor, torch.zeros}
    devices = []

    class Watch(TorchFunctionMode):
        def __torch_function__(self, func, _, args=(), kwargs=None):
            if func in makers:
                devices.append((func.__name__, (kwargs or {}).get("device")))
            return func(*args, **(kwargs or {}))

    low_rank = LowRank(torch.zeros(4, 32), torch.zeros(32, 4), 2.0)
    adapter = Adapter("agent@1", {"model.layers.0.self_attn.q_proj": low_rank})
    with Watch():
        network = Network(model)
        caches = [KeyValues(100) for _ in range(2)]
        network.logits([Part(sequence(70), caches[0]), Part(sequence(70), caches[1], 1, adapter)])
        network.logits([Part([1], cache.copy(64, 80)) for cache in caches])

    assert {"arange", "tensor"} <= {name for name, _ in devices}
    assert {device for _, device in devices} == {model.device}


def test_only_layers_that_every_token_goes_through_can_be_adapted(network, plain_model):
    assert network.shapes == {
        name: (layer.out_features, layer.in_features)
        for name, layer in plain_model.named_modules()
        if name.endswith(ALL)
    }


def test_layers_of_experts_cannot_be_adapted():
    import torch
    from transformers import AutoModelForCausalLM

    from simlab.models.transformers.attention import ATTENTION
    from simlab.models.transformers.network import Network

    options = {"num_key_value_heads": 2, "num_experts": 4, "num_experts_per_tok": 2}
    options |= {"moe_intermediate_size": 16, "shared_expert_intermediate_size": 16}
    config = config_of("Qwen2MoeConfig", **options)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config, attn_implementation=ATTENTION).eval()

    shapes = Network(model).shapes

    assert {name.rpartition(".")[2] for name in shapes} == {"q_proj", "k_proj", "v_proj", "o_proj"}
