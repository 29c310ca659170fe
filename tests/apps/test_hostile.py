"""Runs made to harm who looks at them, over HTTP: told in words, in bounded time and size."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from urllib.parse import urlencode

import pytest

from simlab.errors import SimlabError
from simlab.view.inspect_log import write_inspect_log
from simlab.view.opened import OpenedRun
from simlab.view.static_page import write_page
from tests.apps.hostile import hostile_runs, trainings
from tests.apps.serving import UNPICKLED, served
from tests.view.browsing import PHONE, WIDE

SECRET = "what nobody may see"
FAR = 10**30

READS = {
    "run": [{}],
    "news": [{}, {"cursor": "gqNhYmM"}, {"cursor": "\x00"}, {"cursor": "é" * 2000}],
    "turns": [
        {"episode": 0},
        {"episode": 0, "from": -1},
        {"episode": 0, "from": FAR, "to": FAR},
        {"episode": FAR},
        {"episode": "9" * 5000},
    ],
    "step": [*({"episode": 0, "step": n} for n in (0, 1, 4, FAR)), {"episode": FAR, "step": 0}],
    "find": [
        {"q": "a"},
        {"q": "(" * 5000, "at_least": "nan"},
        {"q": "", "failed": "true", "episode": FAR},
        {"q": "a", "cursor": "zzz"},
    ],
    "difference": [{"episode": 0, "other": 1}, {"episode": 0, "other": 0, "step": FAR}],
    "labels": [{}],
    "control": [{}],
    "series.csv": [
        {"of": "turns", "episodes": "0-50", "start": 0},
        {"of": "turns", "episodes": f"0,{FAR}", "start": FAR},
        {"of": "episodes"},
        {"of": "load"},
    ],
    "progress": [{}],
}

WRITES = {
    "labels": [
        {"who": "a", "episode": FAR, "note": "x"},
        {"who": "a", "episode": 0, "step": 0, "note": "x" * 100_000},
        {"who": "\ud800", "episode": 0, "note": "\ud800"},
        {"who": "a", "episode": 0, "tags": ["x"] * 10_000},
    ],
    "control": [
        {"kind": "pause", "arguments": {}},
        {"kind": "lease", "arguments": {}},
        {"kind": "say", "arguments": {"id": 1, "kind": 2, "self": 3}},
        {"kind": "say", "arguments": []},
    ],
}


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    """The hostile runs."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret").write_text(SECRET)
    return hostile_runs(outside / "runs", runs / "sale", outside / "secret")


@pytest.fixture(scope="module")
def hostile(folder):
    """The app that shows them."""
    with served([folder]) as shown:
        yield shown


def names_in(folder):
    return sorted(path.name for path in folder.iterdir() if not path.is_symlink())


@pytest.mark.slow
def test_a_folder_of_hostile_runs_is_listed_with_what_is_wrong_with_each(hostile, folder):
    rows = {row["run"]: row for row in hostile.get("runs")}

    assert rows["good"]["state"] == "finished"
    assert len(rows) == len(names_in(folder))
    assert {"outside", "loop"}.isdisjoint(rows), "links lead out"
    unreadable = {name for name, row in rows.items() if row["state"] == "unreadable"}
    assert unreadable == {
        *(
            "binary",
            "broken",
            "garbage",
            "linked",
            "misnumbered",
            "miswritten",
            "newer",
            "pickled",
            "tagged",
        ),
    }
    assert all(rows[name]["error"] for name in unreadable)


@pytest.mark.slow
def test_every_route_answers_hostile_runs_harmlessly_and_in_bounded_time_and_size(hostile, folder):
    asked, odd = 0, []
    names = [row["run"] for row in hostile.get("runs")]
    with hostile.client(timeout_s=20) as client:
        requests = [
            client.build_request("GET", f"/api/{path}", params={"run": name, **query})
            for name in names
            for path, queries in READS.items()
            for query in queries
        ]
        requests += [
            client.build_request(
                "POST",
                f"/api/{path}",
                content=json.dumps({"run": name, **body}),
                headers={"content-type": "application/json"},
            )
            for name in names
            for path, bodies in WRITES.items()
            for body in bodies
        ]
        for request in requests:
            start = time.monotonic()
            answer = client.send(request)
            took_s = time.monotonic() - start
            asked += 1
            fine = answer.status_code < 500 and took_s < 5 and len(answer.content) < 1 << 22
            if not fine or SECRET in answer.text or "Traceback" in answer.text:
                odd.append((str(request.url)[:200], answer.status_code, took_s, answer.text[:200]))
            if (kind := answer.headers["content-type"]) == "application/json":
                json.loads(answer.content)
            else:
                assert (request.url.path, kind) == ("/api/series.csv", "text/csv; charset=utf-8")

    assert odd == []
    assert asked > 500
    assert hostile.process.poll() is None, "it has ended, or has unpickled something"
    assert (folder.parent / "secret").read_text() == SECRET


@pytest.mark.slow
def test_a_process_in_which_a_pickle_is_opened_ends_as_those_of_these_tests_do():
    code = "from tests.apps.serving import end_at_pickles as end; import pickle; end();"
    load = "pickle.loads(pickle.dumps(print))"

    given = [[sys.executable, "-c", code + more] for more in (load, "")]

    assert [subprocess.run(each, check=False).returncode for each in given] == [UNPICKLED, 0]


@pytest.mark.slow
def test_odd_trainings_and_sweeps_are_told_and_hide_no_others(tmp_path, trained, swept):
    n_odd = trainings(tmp_path / "odd")

    with served([tmp_path / "odd", trained, swept]) as shown:
        told = shown.get("trainings")
        statuses = {
            shown.http.get(f"/api/{path}", params={**query, name: row["key"]}).status_code
            for path, query, name, rows in (
                ("training", {}, "training", told["trainings"]),
                ("states", {}, "training", told["trainings"]),
                ("series.csv", {"of": "rounds"}, "training", told["trainings"]),
                ("sweep", {}, "sweep", told["sweeps"]),
            )
            for row in rows
        }

    assert {200} < statuses <= {200, 400, 422}
    for rows in (told["trainings"], told["sweeps"]):
        assert len(rows) == n_odd + 1
        assert sum(row["state"] != "unreadable" for row in rows) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_page, write_inspect_log])
def test_every_hostile_run_is_exported_or_told_why_it_is_not(folder, tmp_path, write):
    exported = set()
    for name in names_in(folder):
        with suppress(SimlabError):
            write(OpenedRun(folder / name), tmp_path / "out")
            exported.add(name)

    assert {"good", "attacked", "page"} <= exported
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_a_run_that_is_cut_while_it_is_looked_at_is_told_and_the_app_goes_on(runs, tmp_path):
    shutil.copytree(runs / "sale", tmp_path / "sale")
    (segment,) = (tmp_path / "sale" / "segments").glob("*.log")
    with served([tmp_path]) as shown:
        before = shown.get("turns", run="sale", episode=0)
        os.truncate(segment, 0)
        after = shown.get("turns", run="sale", episode=1)
        rows = shown.get("runs")

    assert before["turns"]
    assert "000001-driver.log had" in after["error"]
    assert [row["run"] for row in rows] == ["sale"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../sale", "good/../good", "good/segments", "good\x00", "good/", "/etc",
        "outside", "loop", "loop/good", "PATH", "~", "*", "%2e%2e", "..%2fsale",
    ],
)  # fmt: skip
def test_a_name_that_was_not_listed_opens_nothing(hostile, folder, name):
    given = name.replace("PATH", str(folder / "good"))
    with hostile.client() as client:
        statuses = {
            client.get(f"/api/{path}", params={"run": given, **queries[0]}).status_code
            for path, queries in READS.items()
        }

    assert statuses == {404}


@pytest.fixture(scope="module", params=[PHONE, WIDE], ids=["phone", "wide"])
def context(browser, request):
    """Of all pages of one size."""
    found = browser.new_context(viewport=request.param)
    yield found
    found.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["attacked", "said", "page", "weird", "huge", "good"])
def test_the_page_of_a_hostile_run_runs_nothing_of_it(hostile, context, name):
    page = context.new_page()
    page.set_default_timeout(20_000)
    said, elsewhere = [], []
    page.on("dialog", lambda dialog: said.append(dialog.message) or dialog.dismiss())
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda m: said.append(m.text) if m.type == "error" else None)
    page.on("popup", lambda popup: elsewhere.append(popup.url))
    page.on("request", lambda r: elsewhere.append(r.url) if not is_own(r.url, hostile) else None)
    page.goto(hostile.link.replace("/?", f"/run?run={name}&"))
    page.wait_for_selector(".turn:not(.loading)" if name != "weird" else ".notice:visible")
    if name != "weird":  # whose turns cannot be read, which the notice says
        page.locator(".turn:not(.loading)").first.click(position={"x": 4, "y": 4})
        page.wait_for_selector(".drill-body, .drill .failure")
    attacked = page.evaluate("window.attacked")
    title = page.title()
    page.close()

    refused = "Failed to load resource: the server responded with a status of 422"
    assert [words for words in said if name != "weird" or not words.startswith(refused)] == []
    assert elsewhere == []
    assert attacked is None
    assert "attacked" not in title


@pytest.mark.browser
def test_what_is_wrong_with_a_run_is_shown_as_text(hostile, browser):
    name = "<a id=planted href=http://attacker.invalid>Your session has ended: log in</a>"
    page = browser.new_page()
    page.goto(hostile.link)
    page.wait_for_selector("simlab-runs a.name")
    page.goto(f"http://{hostile.host}/run?{urlencode({'run': name})}")
    page.wait_for_selector("simlab-run .lost")
    page.get_by_role("tab", name="Charts").click()
    toast = page.get_by_test_id("toast-body").first
    toast.wait_for()
    shown, planted = toast.inner_text(), page.locator("#planted").count()
    page.close()

    assert name in shown
    assert planted == 0


def is_own(address, shown):
    return address.startswith((f"http://{shown.host}/", "data:", "blob:", "about:"))
