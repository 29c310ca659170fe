"""Rewrites records as somebody would who knows the format: every checksum is valid afterwards."""

from simlab.trace.segment import MAGIC, pack


def rewrite(directory, kind, old, new):
    """Replace bytes in the payloads of one kind of record, in all segments of a run.

    Args:
        directory: The run; its segments are not sealed.
        kind: Of records.
        old: Stands there at least once.
        new: Comes in its place.
    """
    n_found = 0
    for file in directory.segments():
        records = []
        for record in file.open().records():
            payload = bytes(record.payload)
            if record.kind == kind:
                n_found += payload.count(old)
                payload = payload.replace(old, new)
            records.append(pack(record.kind, record.episode, payload))
        file.path.write_bytes(MAGIC + b"".join(records))
    assert n_found
