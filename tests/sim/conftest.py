"""Run files and runs for the tests of simulations."""

import pytest
import yaml


@pytest.fixture
def run_file(tmp_path):
    """Writes a run file; takes its text or its data, and gives its path."""

    def write(contents, name="mine.yaml"):
        path = tmp_path / name
        path.write_text(contents if isinstance(contents, str) else yaml.safe_dump(contents))
        return str(path)

    return write
