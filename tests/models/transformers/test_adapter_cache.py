import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from simlab.errors import ModelError

pytestmark = pytest.mark.model


@pytest.fixture
def made():
    """The folders that were read, in order."""
    return []


@pytest.fixture
def cache(made):
    from simlab.models.transformers.adapter import Adapter
    from simlab.models.transformers.adapter_cache import AdapterCache

    def read(path):
        made.append(path)
        if "absent" in path:
            raise ModelError(f"adapter {path!r} is not there")
        return Adapter(path, {})

    return AdapterCache(read, 2)


def test_an_adapter_is_read_once_and_shared(cache, made):
    assert cache.find("/a") is None

    assert cache.open("/a") is cache.open("/a") is cache.find("/a")

    assert made == ["/a"]


def test_the_one_used_longest_ago_makes_room_and_is_read_again(cache, made):
    for path in ("/runs/a", "/runs/b"):
        cache.open(path)
    cache.find("/runs/a")

    cache.open("/runs/c")

    assert cache.names == ("a", "c")
    cache.open("/runs/b")
    assert made == ["/runs/a", "/runs/b", "/runs/c", "/runs/b"]


def test_one_that_cannot_be_read_takes_no_place_and_may_be_mended(cache, made):
    cache.open("/a")

    for _ in range(2):
        with pytest.raises(ModelError, match="is not there"):
            cache.open("/absent")

    assert cache.names == ("a",)
    assert made == ["/a", "/absent", "/absent"]


def test_calls_at_once_for_one_folder_read_it_once(made):
    from simlab.models.transformers.adapter import Adapter
    from simlab.models.transformers.adapter_cache import AdapterCache

    both_called = threading.Barrier(2, timeout=30)

    def read(path):
        made.append(path)
        return Adapter(path, {})

    cache = AdapterCache(read, 2)

    def call():
        both_called.wait()
        return cache.open("/a")

    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(call) for _ in range(2)]

    assert calls[0].result() is calls[1].result()
    assert made == ["/a"]
