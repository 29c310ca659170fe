"""``simlab watch`` and `Run.watch`, in processes of their own."""

import signal
import socket
import urllib.error
import urllib.request
from html import escape
from http.cookiejar import CookieJar
from urllib.request import Request

import pytest

import simlab
from simlab.apps import watching as watching_module
from simlab.apps.seats import Seats
from simlab.apps.watching import watch
from simlab.errors import ConfigError
from tests.apps.starting import watching

pytestmark = pytest.mark.slow  # Gradio takes seconds to import


def opener():
    """A browser as far as a test needs one: it keeps cookies."""
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
    )


def status(address, browser=None):
    try:
        return (browser or opener()).open(address, timeout=30).status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_address_that_is_printed_opens_the_run_and_others_do_not(made):
    with watching(made) as app:
        address, base, browser = app.link, app.base, opener()

        assert address.startswith("http://127.0.0.1:")
        assert "/run?run=run&token=" in address
        assert status(f"{base}/api/runs") == 403
        assert status(address, browser) == 200
        assert status(f"{base}/api/run?run=run", browser) == 200
        assert status(f"{base}/api/run?run=other", browser) == 404


def test_ctrl_c_ends_it(made):
    with watching(made) as app:
        app.process.send_signal(signal.SIGINT)

        assert app.process.wait(timeout=30) == 0


def test_without_a_run_those_below_the_folder_are_shown(made, monkeypatch):
    monkeypatch.chdir(made.parent)
    with watching() as app:
        browser = opener()
        browser.open(app.link)

        assert b'"run":"run"' in browser.open(f"{app.base}/api/runs").read()


def test_others_log_in_by_name_and_password(made):
    with watching(made, "--auth", "ann", SIMLAB_PASSWORD="open: sesame") as app:
        base = app.base
        request = urllib.request.Request(f"{base}/api/runs")
        wrong = urllib.request.Request(f"{base}/api/runs")
        request.add_header("Authorization", "Basic YW5uOm9wZW46IHNlc2FtZQ==")
        wrong.add_header("Authorization", "Basic YW5uOm9wZW4=")

        assert status(f"{base}/api/runs") == status(wrong) == 401
        assert status(f"{base}/gradio_api/info") == status(base) == 401
        assert status(request) == 200


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"host": "0.0.0.0"}, r"whoever can reach 0.0.0.0 could look in; say who may by --auth"),
        ({"host": "192.0.2.7", "login": "ann"}, r"cannot listen at 192.0.2.7:0: .*; choose"),
        ({"login": "ann"}, r"--auth ann needs a password in the environment: SIMLAB_PASSWORD=…"),
    ],
)
def test_what_would_let_strangers_in_is_refused(made, monkeypatch, given, message):
    monkeypatch.delenv("SIMLAB_PASSWORD", raising=False)
    if given.get("host", "").startswith("192"):
        monkeypatch.setenv("SIMLAB_PASSWORD", "x")

    with pytest.raises(ConfigError, match=message):
        watch([made], **given)


@pytest.mark.parametrize("name", ["", "http://sim", "sim/", "a b", "sim:x", "sim:", "é.example"])
def test_a_name_that_no_browser_sends_is_refused(made, name):
    with pytest.raises(ConfigError, match=r"--name takes HOST or HOST:PORT, .*, got"):
        watch([made], names=[name])


def test_who_listens_everywhere_is_reached_by_the_names_of_the_machine_and_others(made):
    with watching(
        made, "--host", "0.0.0.0", "--auth", "ann", "--name", "Sim.example.org", "--name", "b:80",
        SIMLAB_PASSWORD="open: sesame",
    ) as app:  # fmt: skip
        port = app.base.rpartition(":")[2]
        machine = socket.gethostname()
        names = [f"127.0.0.1:{port}", f"{machine}:{port}".lower(), "b", "sim.example.org"]
        told = {
            name: status(Request(f"http://127.0.0.1:{port}/api/runs", headers={"Host": name}))
            for name in [*names, f"sim.example.org:{port}", "evil.example", f"evil.example:{port}"]
        }

    assert app.link.startswith(f"http://{machine}:{port}/run?")
    assert [name for name, found in told.items() if found == 421] == [*told][-2:]


def test_names_are_known_as_browsers_write_them(made, monkeypatch):
    allowed = []
    listening = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(watching_module, "_listen", lambda _host, _port: listening)
    monkeypatch.setattr(watching_module, "application", lambda _roots, by, **_: allowed.append(by))
    monkeypatch.setattr(watching_module, "serve", lambda _app, _listening: None)
    monkeypatch.setenv("SIMLAB_PASSWORD", "open: sesame")
    with listening:
        port = listening.getsockname()[1]
        watch([made], host="MyBox", login="ann", names=["b:80", "[::2]"], tell=str)

    loopback = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    assert allowed[0].hosts == loopback | {f"mybox:{port}", "b:80", "[::2]", f"[::2]:{port}"}


@pytest.mark.parametrize(
    ("place", "host", "leads_to"),
    [
        (None, "127.0.0.1:1", "127.0.0.1:1"),
        ("box:1", "127.0.0.1:1", "box:1"),
        ("box:1", "localhost:1", "box:1"),
        ("box:1", "[::1]:1", "box:1"),
        ("box:80", "localhost", "box:80"),
        ("box:80", "[::1]", "box:80"),
        ("box:1", "sim.example.org", "sim.example.org"),
    ],
)
def test_links_of_seats_lead_to_where_others_reach_the_app(place, host, leads_to):
    seats = Seats(None, None, place=place)

    assert seats.address("link", "http", host) == f"http://{leads_to}/seat/link/"


def test_a_folder_that_is_not_there_is_told(simlab, tmp_path):
    done = simlab("watch", tmp_path / "none")

    assert done.exit_code == 2
    assert "there is no folder" in done.stderr


def test_a_run_is_watched_inline_in_a_notebook(made):
    with simlab.Run(made).watch(height=300) as shown:
        html = shown._repr_html_()

        link, frame = html.split("<iframe")
        assert (
            f'<a href="{escape(shown.address)}" target="_blank" rel="noopener">open {made.name}'
            in link
        )
        assert frame.startswith(' src="http://127.0.0.1:')
        assert "height:300px" in html
        assert status(shown.address) == 200
        assert shown.address in repr(shown)

    with pytest.raises(urllib.error.URLError):
        status(shown.address)
