import pytest

pytestmark = pytest.mark.model


@pytest.fixture
def prefixes():
    from simlab.models.transformers.prefixes import PrefixCache

    return PrefixCache(256)


def read(ids, capacity=None):
    """A cache that has read `ids`, with the ids themselves for keys."""
    import torch

    from simlab.models.transformers.attention import KeyValues

    cache = KeyValues(capacity or len(ids))
    values = torch.tensor(ids, dtype=torch.float32).view(1, -1, 1)
    cache.write(0, 0, values, values)
    cache.length = len(ids)
    return cache


def ids(length, *, start=0):
    return list(range(start, start + length))


def held(cache):
    return cache.read(0, cache.length)[0].flatten().tolist() if cache.length else []


def test_a_prompt_begins_with_the_whole_blocks_that_were_read_before(prefixes):
    prefixes.keep("a", ids(150), read(ids(150)))

    begun = prefixes.begin(ids(180), 200)

    assert held(begun) == ids(128)
    assert begun.capacity == 200


def test_a_prompt_that_parts_early_reuses_the_blocks_before_that(prefixes):
    prefixes.keep("a", ids(128), read(ids(128)))

    assert held(prefixes.begin([*ids(100), 7, *ids(80)], 200)) == ids(64)


def test_the_last_token_of_a_prompt_is_always_left_to_read(prefixes):
    prefixes.keep("a", ids(128), read(ids(128)))

    assert held(prefixes.begin(ids(128), 128)) == ids(64)
    assert held(prefixes.begin(ids(64), 64)) == []


def test_tokens_that_were_drawn_after_the_prompt_are_not_kept(prefixes):
    prefixes.keep("a", ids(70), read(ids(140)))

    assert held(prefixes.begin(ids(140), 140)) == ids(64)


def test_only_what_was_read_of_a_prompt_is_kept(prefixes):
    prefixes.keep("a", ids(200), read(ids(100)))

    assert held(prefixes.begin(ids(200), 200)) == ids(64)


def test_sessions_that_begin_alike_share_what_was_read(prefixes):
    prefixes.keep("a", ids(64), read(ids(64)))
    prefixes.keep("b", ids(128), read(ids(128)))

    assert held(prefixes.begin(ids(200), 200)) == ids(128)


def test_a_session_keeps_its_latest_prompt_only(prefixes):
    prefixes.keep("a", ids(64), read(ids(64)))
    prefixes.keep("a", ids(64, start=500), read(ids(64, start=500)))

    assert prefixes.tokens == 64
    assert held(prefixes.begin(ids(100), 100)) == []


def test_what_was_used_longest_ago_makes_room(prefixes):
    for name, start in (("a", 0), ("b", 1000)):
        prefixes.keep(name, ids(128, start=start), read(ids(128, start=start)))
    prefixes.begin(ids(100), 100)

    prefixes.keep("c", ids(64, start=2000), read(ids(64, start=2000)))

    assert prefixes.tokens == 192
    assert held(prefixes.begin(ids(100), 100)) == ids(64)
    assert held(prefixes.begin(ids(100, start=1000), 100)) == []


def test_without_a_session_prompts_of_one_first_block_replace_each_other(prefixes):
    prefixes.keep(None, ids(128), read(ids(128)))
    prefixes.keep(None, ids(64), read(ids(64)))
    prefixes.keep(None, ids(64, start=500), read(ids(64, start=500)))

    assert prefixes.tokens == 128
    assert held(prefixes.begin(ids(200), 200)) == ids(64)


def test_a_prompt_too_long_to_keep_is_not_kept(prefixes):
    prefixes.keep("a", ids(320), read(ids(320)))

    assert prefixes.tokens == 0


def test_what_is_kept_is_not_changed_by_who_goes_on_from_it(prefixes):
    import torch

    prefixes.keep("a", ids(64), read(ids(64)))
    begun = prefixes.begin(ids(65), 65)

    begun.write(0, 0, torch.zeros(1, 64, 1), torch.zeros(1, 64, 1))

    assert held(prefixes.begin(ids(65), 65)) == ids(64)


def test_what_one_adapter_has_read_is_of_no_use_to_others(prefixes):
    prefixes.keep("a", ids(64), read(ids(64)), "/agent@1")

    assert held(prefixes.begin(ids(100), 100)) == []
    assert held(prefixes.begin(ids(100), 100, "/agent@2")) == []
    assert held(prefixes.begin(ids(100), 100, "/agent@1")) == ids(64)


def test_a_session_keeps_its_latest_prompt_of_each_adapter(prefixes):
    prefixes.keep("a", ids(64), read(ids(64)), "/agent@1")
    prefixes.keep("a", ids(64), read(ids(64)))

    assert prefixes.tokens == 128
