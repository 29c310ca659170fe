"""What commands exit with, and what they say of bad input."""

DONE, FAILED, BAD_INPUT = 0, 1, 2


def refused(result):
    """What a command says of bad input, after seeing that it exits with 2."""
    assert result.exit_code == BAD_INPUT, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("simlab: ")
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("simlab: ").strip()
