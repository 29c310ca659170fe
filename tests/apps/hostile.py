"""Runs that somebody made to harm whoever looks at them."""

import os
import pickle
import shutil

import yaml
from msgspec import Raw

from simlab.trace.directory import RunDirectory
from simlab.trace.events import Effect, EffectCore, Noted, Started, Stepped, encode
from simlab.trace.plain import plain
from simlab.trace.rich import Html
from simlab.trace.segment import MAGIC, pack
from tests.view.test_hostile import ATTACK, PIXEL, attacked, crafted, logged

ATTACKS = (
    ATTACK,
    "<img src=x onerror=\"document.title='attacked'\">",
    "<svg onload=alert(1)>",
    '<a href="javascript:alert(1)">here</a> javascript:alert(1)',
    "[a](javascript:alert(1)) <iframe src=http://attacker.invalid></iframe>",
    "<link rel=stylesheet href=http://attacker.invalid/x.css><meta http-equiv=refresh content=0>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)} $\\href{javascript:alert(1)}{x}$",
    "\u202eevil\u0000\u0007\ud7ff \ufeff" + "\u0300" * 500,
)
"""Texts that are harmless wherever they are shown as texts."""


def said(path):
    """A run in which every attack is said, thought, asked and answered by a model."""
    events = [Started(Raw(encode([1, {"observations": {"a": [ATTACKS[0]]}}])), b"", 0.0)]
    for step, text in enumerate(ATTACKS):
        completion = {"text": text, "model": text, "tokens": [text], "logprobs": [0.0]}
        core = EffectCore("a", step, 7, "model", b"r" * 16, 0, completion, None)
        settings = encode([text, {"max_tokens": 48}])
        request = [settings, "chat", [["user", text], [text, text]]]
        timestep = {
            "observations": {"a": [text, {"_type": "Utterance", "speaker": text, "text": text}]},
            "requests": {text: {"prompt": text}},
            "info": {text: text},
        }
        act = ["a", {"_type": "Offer", "say": text}, 1, text, text, False, False]
        events += [
            Effect(Raw(encode(core)), request, 1.0, 0.1, "act 1", {"prompt_tokens": 9}),
            Noted("a", step, "act 1", 1, 0, text, plain(Html(text)), [(text, text)], 0.0),
            Stepped(Raw(encode([step, 0.0, [act], timestep])), b"", 1.0),
        ]
    crafted(path, *events)
    record = yaml.safe_load((path / "run.yaml").read_text())
    names = {"name": ATTACK, "description": ATTACK, "world": ATTACK, "models": {ATTACK: {}}}
    record["run"] |= {**names, "cast": {ATTACK: {"persona": ATTACK, "goal": ATTACK}}}
    record["created"] = record["git"] = record["versions"] = ATTACK
    (path / "run.yaml").write_text(yaml.safe_dump(record))


def page_of(path):
    """A run that logged a page with scripts, forms and requests to elsewhere."""
    page = (
        "<script>top.document.title='attacked';alert(1)</script>"
        "<img src=http://attacker.invalid/pixel.png onerror=alert(1)>"
        "<form action=http://attacker.invalid><button autofocus>go</button></form>"
        "<a target=_top href=http://attacker.invalid>go</a>"
        "<meta http-equiv=refresh content='0;url=http://attacker.invalid'>"
    )
    logged(path, page)


def weird(path):
    """A run whose time steps are nothing that a world says."""
    odd = [None, 5, "text", [], {}, [[1, 2]], {"a": {"b": [None]}}, b"\xff" * 99, 1e308, PIXEL]
    steps = [
        Stepped(
            Raw(encode([n, 0.0, [["s", value, 1, None, None, False, False]], {"x": value}])),
            b"",
            float("nan"),
        )
        for n, value in enumerate(odd)
    ]
    crafted(path, Started(Raw(encode([1, odd])), b"", 0.0), *steps)


def huge(path):
    """A run with a text of megabytes, deep nests, and numbers without bounds."""
    deep = "x"
    for _ in range(200):
        deep = [deep]
    values = ["x" * (1 << 22), deep, {str(n): n for n in range(20_000)}, 10**15, 2**64 - 1]
    steps = [
        Stepped(
            Raw(
                encode(
                    [n, 0.0, [["s", value, 1, None, None, False, False]], {"info": {"s": value}}]
                )
            ),
            b"",
            1e300,
        )
        for n, value in enumerate(values)
    ]
    crafted(path, Started(Raw(encode([1, {}])), b"", 0.0), *steps)
    record = yaml.safe_load((path / "run.yaml").read_text())
    record["run"] |= {"episodes": 10**18, "description": "x" * (1 << 20)}
    (path / "run.yaml").write_text(yaml.safe_dump(record))


def broken(path, sale):
    """A run with a flipped byte in its segment."""
    shutil.copytree(sale, path)
    (path / "summary.json").unlink()
    (segment,) = (path / "segments").glob("*.log")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)


def garbage(path):
    """A run whose records decode to nothing."""
    directory = RunDirectory.create(path, {"run": {"episodes": 1}})
    segment = directory.new_segment("driver")
    bad = [b"", b"\xc1", b"\x93\x01\x02\x03", b"\xdd\xff\xff\xff\xff"]
    records = b"".join(pack(kind, 0, core) for kind in range(2, 13) for core in bad)
    segment.path.write_bytes(MAGIC + records)


def linked(path, sale, secret):
    """A run whose files lead out of it."""
    shutil.copytree(sale, path)
    (path / "labels.jsonl").symlink_to(secret)
    (path / "summary.json").unlink()
    (path / "summary.json").symlink_to(secret)


def labelled(path, sale, secret):
    """A run whose labels lead out of it, and whose socket is a file."""
    shutil.copytree(sale, path)
    (path / "labels.jsonl").symlink_to(secret)
    (path / "control.sock").symlink_to(secret)


def unlike(folder, sale):
    """Runs whose `run.yaml` is none."""
    texts = {
        "number": "format: 1\nrun: 5\n",
        "types": "format: 1\nrun: {name: [], cast: 7, models: x, episodes: many, resets: 3}\n",
        "nested": "format: 1\nrun: " + "[" * 400 + "]" * 400 + "\n",
        "alias": "format: 1\na: &a [1,1]\nb: &b [*a,*a]\nrun: {x: *b, y: [*b, *b]}\n",
        "newer": "format: 99\n",
        "binary": "\x00\x01",
        "tagged": "format: 1\nrun: !!python/object/apply:os.system ['touch /tmp/attacked']\n",
    }
    for name, text in texts.items():
        shutil.copytree(sale, folder / name)
        (folder / name / "run.yaml").write_text(text)


def holed(path):
    """A run whose segment is a hole of a terabyte."""
    directory = RunDirectory.create(path, {"run": {"episodes": 1}})
    segment = directory.new_segment("driver").path
    segment.write_bytes(MAGIC)
    os.truncate(segment, 1 << 40)


def misnumbered(path):
    """A run that claims to have millions of segments."""
    directory = RunDirectory.create(path, {"run": {"episodes": 1}})
    (directory.path / "segments" / "3000000-driver.log").touch()


def emptied(path, sale):
    """A run that has ended, as its summary says, and whose segment was cut."""
    shutil.copytree(sale, path)
    (segment,) = (path / "segments").glob("*.log")
    os.truncate(segment, 100)


def miswritten(path, sale):
    """A run whose record is of the right form and holds what no run has."""
    shutil.copytree(sale, path)
    record = yaml.safe_load((path / "run.yaml").read_text())
    record |= {"versions": [1], "git": 7, "created": {}}
    record["run"] |= {"models": 5, "name": None, "world": [1]}
    (path / "run.yaml").write_text(yaml.safe_dump(record))


class Touch:
    """Unpickled, it makes a file."""

    def __reduce__(self):
        return os.system, ("touch /tmp/attacked",)


def pickled(path, sale):
    """A run with a pickle wherever bytes may stand."""
    bad = pickle.dumps(Touch())
    shutil.copytree(sale, path)
    (path / "summary.json").unlink()
    for name in ("labels.jsonl", "events.pkl", "tables.parquet"):
        (path / name).write_bytes(bad)
    (segment,) = (path / "segments").glob("*.log")
    with segment.open("ab") as file:
        for kind in range(2, 13):
            file.write(pack(kind, 0, bad))
    for seal in (path / "segments").glob("*.seal"):
        seal.unlink()


def trainings(folder):
    """Trainings and sweeps whose tables are none; gives how many there are of each."""
    tables = ["[1]", '[{"verdict": "x"}, null]', "{}", "[[]]", '[{"verdict": []}]', "nope", "5"]
    for nth, table in enumerate(tables):
        for file, record in (
            ("train.yaml", {"format": 1, "training": {"rounds": 2, "name": [ATTACK]}}),
            ("sweep.yaml", {"format": 1, "sweep": {"mode": [], "space": 5, "name": {}}}),
        ):
            place = folder / file.partition(".")[0] / str(nth)
            place.mkdir(parents=True)
            (place / file).write_text(yaml.safe_dump(record))
            (place / "table.json").write_text(table)
    return len(tables)


def hostile_runs(folder, sale, secret):
    """A folder full of them, beside a good one.

    Args:
        folder: To be made.
        sale: A run as SimLab writes it.
        secret: A file outside that nobody may see.
    """
    folder.mkdir()
    shutil.copytree(sale, folder / "good")
    attacked(folder / "attacked")
    said(folder / "said")
    page_of(folder / "page")
    weird(folder / "weird")
    huge(folder / "huge")
    broken(folder / "broken", sale)
    garbage(folder / "garbage")
    linked(folder / "linked", sale, secret)
    labelled(folder / "labelled", sale, secret)
    unlike(folder, sale)
    holed(folder / "holed")
    misnumbered(folder / "misnumbered")
    emptied(folder / "emptied", sale)
    miswritten(folder / "miswritten", sale)
    pickled(folder / "pickled", sale)
    shutil.copytree(sale, folder / "<img src=x onerror=alert(1)>")
    shutil.copytree(sale, folder / "a\n\r&run=b#?%2e\u202e")
    shutil.copytree(sale, folder / os.fsdecode(b"bytes-\xff\xfe"))
    (folder / "outside").symlink_to(sale)
    (folder / "loop").symlink_to(folder)
    return folder
