"""Record files say what a directory is."""

import pytest

from simlab.errors import RunDirectoryError
from simlab.trace.record_file import read_record_file, write_record_file


def test_a_record_is_read_as_it_was_written(tmp_path):
    write_record_file(tmp_path / "tour.yaml", {"name": "caf\u00e9", "stops": [1, 2]}, format=1)

    record = read_record_file(tmp_path / "tour.yaml", "tour", newest=2)

    assert record == {"format": 1, "name": "caf\u00e9", "stops": [1, 2]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is not a tour: it has no tour.yaml; tours are listed by `ls runs`"),
        ("{", "tour.yaml is not YAML in UTF-8: "),
        ("name: x", "tour.yaml is not a tour's file: it has no number under 'format'"),
        ("format: 3", "has format 3, this SimLab reads up to 2; use a newer SimLab"),
    ],
)
def test_what_is_no_such_directory_is_refused_in_its_words(tmp_path, text, said):
    if text is not None:
        (tmp_path / "tour.yaml").write_text(text)

    with pytest.raises(RunDirectoryError, match=said):
        read_record_file(tmp_path / "tour.yaml", "tour", newest=2)
