"""What is installed beside SimLab."""

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    "group", [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
)
def test_no_dependency_is_held_back(group):
    """InterLab holds back pydantic and fastapi, so that current libraries cannot stand beside it.

    What was seen working together is in `constraints.txt`, which binds nobody.
    """
    assert group
    assert [name for name in group if re.search("<|==|~=", name)] == []
