"""Seals: what they keep, and what is said of something else in their place."""

import pytest

from simlab.errors import RunDirectoryError
from simlab.trace.seal import Seal, read_seal, write_seal


def test_a_seal_is_read_as_it_was_written(tmp_path):
    seal = Seal("host-1", 3, next_epoch=5, length=42)

    write_seal(tmp_path / "x.seal", seal)

    assert read_seal(tmp_path / "x.seal") == seal
    assert read_seal(tmp_path / "y.seal") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"nope", "JSON is malformed"),
        (b"\xff", "JSON is malformed|Invalid UTF-8"),
        (b"[1]", "Expected `object`, got `array`"),
        (b'{"host": "h", "epoch": 1, "bytes": "all"}', r"Expected `int \| null`, got `str`"),
    ],
)
def test_what_is_no_seal_is_refused_with_its_path(tmp_path, text, said):
    (tmp_path / "x.seal").write_bytes(text)

    with pytest.raises(RunDirectoryError, match=rf"expected a seal .*x.seal, got .*({said})"):
        read_seal(tmp_path / "x.seal")


def test_a_seal_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "x.seal").mkdir()

    with pytest.raises(RunDirectoryError, match="Is a directory"):
        read_seal(tmp_path / "x.seal")
