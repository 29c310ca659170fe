"""The guard alone, before an application that would answer everything."""

import base64

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from simlab.apps.guard import MOST_BYTES, Guard, Pass
from tests.apps.asking import COOKIE, HOST, TOKEN, ask

HOSTS = frozenset({HOST, "localhost:7860", "[::1]:7860"})
KNOWN = ("cookie", f"{COOKIE}={TOKEN}")
JSON = ("content-type", "application/json")

OURS = ("/", "/run", "/training/", "/api/runs", "/page/shell.js", "/config")


async def everything(scope, receive, send):
    """Answers all that comes, once it has read it."""
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        await JSONResponse("cut off", 400)(scope, receive, send)
        return
    await JSONResponse({"path": scope["path"], "n_bytes": len(body)})(scope, receive, send)


def guard(login=None):
    return Guard(everything, Pass(HOSTS, TOKEN, COOKIE, login))


async def status_of(target="/api/runs", *headers, app=None, **given):
    return (await ask(app or guard(), target, headers=headers, **given)).status


def basic(words):
    return "authorization", f"Basic {base64.b64encode(words.encode()).decode()}"


async def test_interlab_44_who_has_no_token_is_refused_and_told_where_to_get_one():
    answer = await ask(guard(), "/api/control", method="POST", headers=[JSON], parts=[b"{}"])

    assert answer.status == 403
    assert "open the address that `simlab watch` printed" in answer.json["error"]


@pytest.mark.parametrize(
    "header",
    [
        KNOWN,
        ("x-simlab-token", TOKEN),
        ("cookie", f"theme=dark; {COOKIE}={TOKEN}"),
        ("cookie", f'odd={{"a": 1}}; =; ; {COOKIE}="{TOKEN}"'),
        ("cookie", f"{COOKIE}=of another port; {COOKIE}={TOKEN}"),
    ],
)
async def test_the_token_lets_in_whatever_cookies_others_have_set(header):
    assert await status_of("/api/runs", header) == 200


@pytest.mark.parametrize(
    "header",
    [
        ("cookie", f"{COOKIE}="),
        ("cookie", COOKIE),
        ("cookie", f"{COOKIE}={TOKEN[:-1]}"),
        ("cookie", f"other={TOKEN}"),
        ("cookie", f"{COOKIE}=\xff\xfe"),
        ("x-simlab-token", TOKEN.upper()),
        ("x-simlab-token", ""),
        ("authorization", f"Bearer {TOKEN}"),
        basic(f"ann:{TOKEN}"),
    ],
)
async def test_anything_else_than_the_token_does_not(header):
    assert await status_of("/api/runs", header) == 403


async def test_the_token_in_an_address_becomes_a_cookie_that_scripts_cannot_read():
    answer = await ask(guard(), f"/run?run=a%26b&token={TOKEN}&blank=")

    assert answer.status == 303
    assert answer.headers["location"] == "/run?run=a%26b&blank="
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}={TOKEN};")
    assert "httponly" in answer.headers["set-cookie"].lower()
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
async def test_what_was_asked_for_by_https_is_a_cookie_for_https_alone(scheme, is_secure):
    answer = await ask(guard(), f"/?token={TOKEN}", scheme=scheme)

    assert ("; secure" in answer.headers["set-cookie"].lower()) == is_secure


@pytest.mark.parametrize(
    "target",
    ["/?token=", "/?token", "/?token=x&token=" + TOKEN, f"/?tokens={TOKEN}", "/?token=%ff"],
)
async def test_no_other_token_in_an_address_does(target):
    assert await status_of(target) == 403


@pytest.mark.parametrize("token", [TOKEN, "of another time", ""])
async def test_the_token_stays_in_no_address_of_whoever_is_known_already(token):
    answer = await ask(guard(), f"/run?run=a%26b&token={token}", headers=[KNOWN])

    assert answer.status == 303
    assert answer.headers["location"] == "/run?run=a%26b"
    assert ("set-cookie" in answer.headers) == (token == TOKEN)


@pytest.mark.parametrize("target", [f"//evil.example/?token={TOKEN}", f"/\\evil?token={TOKEN}"])
async def test_nobody_is_sent_to_another_site(target):
    assert await status_of(target) == 404


async def test_a_token_in_the_address_of_a_command_changes_nothing():
    assert await status_of(f"/api/control?token={TOKEN}", method="POST") == 403


@pytest.mark.parametrize("host", sorted(HOSTS))
async def test_the_names_of_this_server_are_its_own(host):
    assert await status_of("/", KNOWN, host=host) == 200


@pytest.mark.parametrize("name", ["sim.example:80", "sim.example:443", "sim.example"])
async def test_a_browser_leaves_out_the_port_that_is_its_default(name):
    app = Guard(everything, Pass(frozenset({name}), TOKEN, COOKIE))
    own = ("origin", "https://sim.example")

    assert await status_of("/", KNOWN, own, app=app, host="sim.example") == 200
    assert await status_of("/", KNOWN, app=app, host="sim.example:7860") == 421


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:7860",
        "127.0.0.1",
        "127.0.0.1:7861",
        "127.0.0.1:7860.evil.example",
        "127.0.0.1:7860@evil.example",
        "x@127.0.0.1:7860",
        "127.1:7860",
        "0x7f000001:7860",
        "localhost.:7860",
        "127.0.0.1:7860, evil.example",
    ],
)
@pytest.mark.parametrize("target", ["/", f"/?token={TOKEN}", "/api/runs", "/seat/some-link/"])
async def test_no_other_name_reaches_this_server(host, target):
    assert await status_of(target, KNOWN, host=host) == 421


@pytest.mark.parametrize(
    ("server", "host", "status"),
    [
        (("192.0.2.7", 7860), "192.0.2.7:7860", 200),
        (("2001:db8::7", 7860), "[2001:db8::7]:7860", 200),
        (("192.0.2.7", 7860), "192.0.2.8:7860", 421),
        (("192.0.2.7", 7860), "192.0.2.7:80", 421),
        (("192.0.2.7", 7860), "192.0.2.7", 421),
        (("192.0.2.7", 80), "192.0.2.7", 200),
        (("2001:db8::7", 443), "[2001:db8::7]", 200),
        (("/run/socket", None), "/run/socket:None", 421),
        (None, "None:None", 421),
    ],
)
async def test_the_address_at_which_a_request_comes_in_is_a_name_of_this_server(
    server, host, status
):
    async def at_server(scope, receive, send):
        await guard()({**scope, "server": server}, receive, send)

    own = ("origin", f"http://{host}")

    assert (await ask(at_server, "/", headers=[KNOWN], host=host)).status == status
    assert (await ask(at_server, "/", headers=[KNOWN, own], host=host)).status == status


@pytest.mark.parametrize("other", [HOST, "evil.example"])
async def test_a_second_host_is_refused_whatever_it_says(other):
    assert await status_of("/", KNOWN, ("host", other)) == 421


@pytest.mark.parametrize("origin", [f"http://{host}" for host in sorted(HOSTS)])
async def test_our_own_pages_may_ask_and_command(origin):
    assert await status_of("/api/runs", KNOWN, ("origin", origin)) == 200
    assert await status_of("/api/control", KNOWN, ("origin", origin), JSON, method="POST") == 200


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:7861",
        "http://127.0.0.1",
        "file://",
        f"file://{HOST}",
        f"http://x@{HOST}",
        f"http://{HOST}.evil.example",
        f"http://{HOST}/",
        "http://[",
        "chrome-extension://abcdef",
        f"{HOST}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
async def test_pages_of_another_origin_are_refused(origin, method):
    assert await status_of("/api/control", KNOWN, ("origin", origin), JSON, method=method) == 403


async def test_a_second_origin_is_refused():
    own = ("origin", f"http://{HOST}")

    assert await status_of("/api/runs", KNOWN, own, own) == 403


@pytest.mark.parametrize(
    ("site", "mode", "method", "status"),
    [
        ("same-origin", "cors", "GET", 200),
        ("none", "navigate", "GET", 200),
        ("cross-site", "navigate", "GET", 200),  # a link that somebody has sent
        ("same-site", "navigate", "GET", 200),
        ("cross-site", "no-cors", "GET", 403),  # a picture or a script of another page
        ("same-site", "no-cors", "GET", 403),  # of a server at another port
        ("same-site", "cors", "GET", 403),
        ("cross-site", "navigate", "POST", 403),
        ("same-site", "cors", "POST", 403),
        ("no such", "cors", "GET", 403),
    ],
)
async def test_what_browsers_say_of_where_a_request_comes_from_is_heeded(
    site, mode, method, status
):
    given = ("sec-fetch-site", site), ("sec-fetch-mode", mode)

    assert await status_of("/api/control", KNOWN, *given, JSON, method=method) == status


@pytest.mark.parametrize("target", OURS)
async def test_name_and_password_let_in_where_they_were_asked_for(target):
    app = guard(("ann", "päss:word"))

    assert await status_of(target, basic("ann:päss:word"), app=app) == 200
    assert await status_of(target, KNOWN, app=app) == 200
    assert await status_of(target, basic("ann:päss:word")) == 403, "nobody asked for them"


@pytest.mark.parametrize(
    "header",
    [
        basic("ann:wrong"),
        basic("ann"),
        basic(":"),
        basic("bob:päss:word"),
        ("authorization", "Basic"),
        ("authorization", "Basic !!!"),
        ("authorization", "Basic /w=="),
        ("authorization", "Digest ann"),
        ("x", "y"),
    ],
)
@pytest.mark.parametrize("target", OURS)
async def test_strangers_are_asked_to_log_in(target, header):
    answer = await ask(guard(("ann", "päss:word")), target, headers=[header])

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "size", [str(MOST_BYTES + 1), "9" * 5000, "-1", "1e3", "", "+1", "0x10", "²", "1, 1"]
)
async def test_a_size_that_is_too_large_or_none_is_refused(size):
    assert (
        await status_of("/api/control", KNOWN, JSON, ("content-length", size), method="POST") == 413
    )


async def test_what_says_nothing_of_its_size_is_cut_off_where_it_is_too_much():
    part = b"x" * (MOST_BYTES // 4)
    chunked = (KNOWN, JSON, ("transfer-encoding", "chunked"))

    whole = await ask(guard(), "/api/control", method="POST", headers=chunked, parts=[part] * 4)
    more = await ask(guard(), "/api/control", method="POST", headers=chunked, parts=[part] * 5)

    assert whole.json["n_bytes"] == MOST_BYTES
    assert more.status == 400


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "MULTIPART/Form-Data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/jsonp",
        "",
    ],
)
@pytest.mark.parametrize("size", [("content-length", "2"), ("transfer-encoding", "chunked")])
async def test_nothing_but_json_is_taken(kind, size):
    given = KNOWN, ("content-type", kind), size

    assert await status_of("/api/control", *given, method="POST", parts=[b"{}"]) == 415


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_taken(kind):
    given = KNOWN, ("content-type", kind), ("content-length", "2")

    assert await status_of("/api/control", *given, method="POST", parts=[b"{}"]) == 200


async def test_no_websocket_is_opened():
    assert await status_of("/api/runs", KNOWN, kind="websocket") == 1008


@pytest.mark.parametrize(
    "target",
    [
        "/..",
        "/../api/runs",
        "/run/../config",
        "//api/runs",
        "/%2fapi/runs",
        "/%2e%2e/etc/passwd",
        "/page",
        "/api",
        "/apiruns",
        "/api/runs%0a",
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file%3d/etc/passwd",
        "/gradio_api/heartbeat/../upload",
        "/gradio_api/heartbeat/a%2f..%2fupload",
        "http://127.0.0.1:7860/api/runs",
        "http://evil.example/api/runs",
        "*",
        "",
        "/seat/../api/runs",
        "/seat/%2e%2e/api/runs",
        "/seat/./config",
        "/seat/a%2fb/api/seat",
        "/seat//api/seat",
        "/seat/é/api/seat",
        "/seat/link/gradio_api/upload",
        "/seat/link/gradio_api/file=/etc/passwd",
        "/seat/link/run",
    ],
)
async def test_no_trick_with_a_path_reaches_what_is_not_let_through(target):
    assert await status_of(target, KNOWN) == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get"])
async def test_methods_that_no_page_uses_need_the_token_and_reach_no_page(method):
    assert await status_of("/api/runs", method=method) == 403
    assert await status_of("/", KNOWN, method=method) == 404


@pytest.mark.parametrize(("target", "status"), [("/", 200), ("/nothing", 404), ("/?a", 200)])
async def test_every_answer_forbids_the_browser_to_reach_elsewhere(target, status):
    answer = await ask(guard(), target, headers=[KNOWN])

    assert answer.status == status
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "object-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in answer.headers
