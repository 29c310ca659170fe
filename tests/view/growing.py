"""Runs that go on while somebody looks at them."""


def grown(path, share):
    """Make a finished run what it was when so much of its log had been written.

    Args:
        path: Of the run, which is changed.
        share: Of the bytes of its one segment.

    Returns:
        The segment's file, and all that it is to hold in the end.
    """
    (path / "summary.json").unlink()
    for seal in (path / "segments").glob("*.seal"):
        seal.unlink()
    (segment,) = (path / "segments").glob("*.log")
    data = segment.read_bytes()
    segment.write_bytes(data[: int(len(data) * share)])
    return segment, data
