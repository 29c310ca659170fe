"""An endpoint that answers 429, 500, garbage, half a body, or nothing: bounded, clear, counted."""

import asyncio
import json
import logging

import httpx2
import msgspec
import pytest

from simlab.errors import ConfigError, ModelError
from simlab.models.http.backoff import FIRST_S, LONGEST_S
from simlab.models.model import spent_on
from tests.models.http.servers import HANG, HANG_UP, answer

KEY = "sk-very-secret"
WORDS = {"words": "hello"}


class Said(msgspec.Struct):
    words: str


read = msgspec.json.Decoder(Said).decode


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("ENDPOINT_KEY", KEY)
    return "ENDPOINT_KEY"


async def test_an_answer_says_how_many_tries_and_seconds_it_took(make_client, server, pauses):
    server.answers = [answer(WORDS)]

    got = await make_client().ask(server.url, {"seed": 1}, read)

    assert (got.value.words, got.attempts, pauses) == ("hello", 1, [])
    assert 0 < got.model_s < 1
    [(head, body)] = server.requests
    assert head.startswith("post /v1 ")
    assert json.loads(body) == {"seed": 1}


async def test_nothing_to_post_gets(make_client, server):
    server.answers = [answer(WORDS)]

    await make_client().ask(server.url, None, read)

    assert server.requests[0][0].startswith("get /v1 ")


MISHAPS = {
    "429": answer({"error": {"message": "slow down"}}, status="429 Too Many Requests"),
    "500": answer(b"<h1>oops</h1>", status="500 Internal Server Error"),
    "garbage": answer(b"\x00\xffgarbage"),
    "half a body": answer(b'{"words": "hel', length=100),
    "half of the JSON": answer(b'{"words": "hel'),
    "no HTTP": b"hello\r\n\r\n",
    "hung up": HANG_UP,
    "nothing": HANG,
}


def limit_of(mishap):
    """Seconds for an answer: few where none comes, else more than the busiest machine needs."""
    return 0.1 if mishap == HANG else 30


@pytest.mark.parametrize("mishap", MISHAPS.values(), ids=MISHAPS)
async def test_a_mishap_passes_and_is_counted(make_client, server, pauses, mishap):
    server.answers = [mishap, mishap, answer(WORDS)]

    got = await make_client(timeout_s=limit_of(mishap)).ask(server.url, {"seed": 1}, read)

    assert (got.value.words, got.attempts) == ("hello", 3)
    assert [FIRST_S / 2 <= pauses[0] <= FIRST_S, FIRST_S <= pauses[1] <= 2 * FIRST_S] == [True] * 2
    assert len({body for _, body in server.requests}) == 1


SAID = {
    "429": "answered 429 Too Many Requests: slow down$",
    "500": "answered 500 Internal Server Error: <h1>oops</h1>$",
    "garbage": r"cannot be read: JSON is malformed.*begins with '\\x00�garbage'$",
    "half a body": "RemoteProtocolError: peer closed connection without sending complete message",
    "half of the JSON": "cannot be read: Input data was truncated",
    "no HTTP": "RemoteProtocolError: illegal status line",
    "hung up": "RemoteProtocolError: Server disconnected without sending a response",
    "nothing": r"was not answered in 0.1 s$",
}


@pytest.mark.parametrize("mishap", MISHAPS)
async def test_a_mishap_that_does_not_pass_is_told_after_the_last_try(make_client, server, mishap):
    server.answers = [MISHAPS[mishap]]

    with pytest.raises(ModelError, match=SAID[mishap]) as caught:
        await make_client(attempts=2, timeout_s=limit_of(MISHAPS[mishap])).ask(server.url, {}, read)

    assert caught.value.message.startswith(f"{server.url} gave no answer in 2 tries: the last ")
    assert len(server.requests) == spent_on(caught.value).attempts == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"words": ["hello"]}, r"Expected `str`, got `array` - at `\$.words`; it begins with"),
        ({"text": "hello"}, "missing required field `words`; it begins with .*; see whether url"),
    ],
)
async def test_an_answer_of_another_form_is_not_paid_for_again(make_client, server, words, said):
    server.answers = [answer(words)]

    with pytest.raises(ModelError, match=f"{server.url} answers in another form .*{said}"):
        await make_client().ask(server.url, {}, read)

    assert len(server.requests) == 1


async def test_an_endpoint_that_is_not_there_is_bounded_too(make_client, pauses):
    with pytest.raises(ModelError, match="in 3 tries: the last ended with ConnectError"):
        await make_client(attempts=3).ask("http://127.0.0.1:1/v1", {}, read)

    assert len(pauses) == 2


async def test_an_endpoint_that_drips_is_not_waited_for_longer(make_client):
    async def drip(request):  # noqa: ARG001
        async def drops():
            while True:
                yield b" "
                await asyncio.sleep(0.001)

        return httpx2.Response(200, content=drops())

    with pytest.raises(ModelError, match=r"was not answered in 0.02 s"):
        await make_client(drip, attempts=1, timeout_s=0.02).ask("http://x/v1", {}, read)


@pytest.mark.parametrize(
    ("status", "said", "remedy"),
    [
        (400, {"error": {"message": "max_tokens is too large."}}, "max_tokens is too large$"),
        (401, {"error": "who are you?"}, "who are you.; let key_env name the environment variable"),
        (404, {"detail": "Not Found"}, "Not Found; see whether .* url is that of its API"),
        (307, "", "Temporary Redirect; see whether"),
        (422, {"message": {"message": None}}, ": None$"),
        (413, "x" * 1000, f"{'x' * 300}…$"),
    ],
)
async def test_a_refusal_is_shown_at_once(make_client, pauses, status, said, remedy):
    def refuse(_):
        text = said if isinstance(said, str) else json.dumps(said)
        return httpx2.Response(status, text=text, headers={"location": "http://y"})

    with pytest.raises(
        ModelError, match=f"http://x/v1 refuses the request with {status}.*{remedy}"
    ):
        await make_client(refuse).ask("http://x/v1", {}, read)

    assert pauses == []


async def test_a_failure_tells_how_long_it_took(make_client):
    with pytest.raises(ModelError) as caught:
        await make_client(lambda _: httpx2.Response(400)).ask("http://x/v1", {}, read)

    spent = spent_on(caught.value)
    assert (spent.attempts, spent.prompt_tokens) == (1, 0)
    assert spent.model_s > 0


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:16:50 GMT", 10.0),  # the client's clock stands at 1,000 s
        ("86400", LONGEST_S),
    ],
)
async def test_retry_after_is_honoured_up_to_a_limit(make_client, server, pauses, header, pause):
    busy = answer(b"", status="503 Service Unavailable", headers=[f"retry-after: {header}"])
    server.answers = [busy, answer(WORDS)]

    await make_client().ask(server.url, {}, read)

    assert pauses == [pause]


async def test_the_pauses_of_a_request_follow_from_it(make_client, pauses):
    client = make_client(lambda _: httpx2.Response(500), attempts=4)

    for seed in (1, 1, 2):
        with pytest.raises(ModelError):
            await client.ask("http://x/v1", {"seed": seed}, read)

    assert pauses[:3] == pauses[3:6] != pauses[6:]


async def test_no_more_requests_are_under_way_than_it_takes(make_client):
    under_way, most = 0, 0

    async def handle(_):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        under_way -= 1
        return httpx2.Response(200, json=WORDS)

    client = make_client(handle, concurrency=3)
    await asyncio.gather(*(client.ask("http://x/v1", {"n": n}, read) for n in range(20)))

    assert most == 3


async def test_train_12_a_request_that_is_cancelled_leaves_the_endpoint(make_client, server):
    server.answers = [HANG]
    task = asyncio.create_task(make_client().ask(server.url, {}, read))
    await server.asked.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    await server.left.wait()
    assert len(server.requests) == 1


async def test_connections_are_used_again(make_client, server):
    server.answers, server.keeps_open = [answer(WORDS)], True
    client = make_client()

    for _ in range(3):
        await client.ask(server.url, {}, read)
    await client.close()

    assert (len(server.requests), server.n_connections) == (3, 1)


async def test_the_key_is_sent_and_read_anew_for_each_request(
    make_client, server, key, monkeypatch
):
    server.answers = [answer(WORDS)]
    client = make_client(key_env=key)

    await client.ask(server.url, {}, read)
    monkeypatch.setenv(key, "sk-another")
    await client.ask(server.url, {}, read)

    first, second = [head for head, _ in server.requests]
    assert f"authorization: bearer {KEY}\r\n" in first
    assert "authorization: bearer sk-another\r\n" in second


async def test_without_key_env_no_key_is_sent(make_client, server, key):  # noqa: ARG001
    server.answers = [answer(WORDS)]

    await make_client().ask(server.url, {}, read)

    assert "authorization" not in server.requests[0][0]


async def test_a_key_that_is_not_there_is_told_before_anything_is_asked(make_client, server):
    with pytest.raises(ConfigError, match="names the environment variable 'NO_SUCH_KEY', which is"):
        await make_client(key_env="NO_SUCH_KEY").ask(server.url, {}, read)

    assert server.requests == []


async def test_no_log_shows_the_key(make_client, server, key, caplog):
    caplog.set_level(logging.DEBUG)
    server.answers = [MISHAPS["500"], answer(WORDS)]

    await make_client(key_env=key).ask(server.url, {}, read)

    assert "httpcore2" in caplog.text
    assert KEY[:6] not in caplog.text


@pytest.mark.parametrize(
    "echo",
    [
        answer({"error": {"message": f"no such key {KEY}"}}, status="401 Unauthorized"),
        answer({"error": {"message": f"no such key {KEY}"}}, status="500 Oops"),
        answer(b"x" * 290 + KEY.encode(), status="400 Bad Request"),
        answer(f"it was {KEY}".encode()),
        answer(b"", status=f"403 {KEY}"),
        f"HTTP/1.1 {KEY} \r\n\r\n".encode(),
    ],
    ids=["refusal", "mishap", "at the end of a quotation", "garbage", "reason", "no HTTP"],
)
async def test_no_error_shows_the_key_although_the_endpoint_does(make_client, server, key, echo):
    server.answers = [echo]

    with pytest.raises(ModelError) as caught:
        await make_client(key_env=key, attempts=1).ask(server.url, {}, read)

    link, told = caught.value, ""
    while link is not None:
        told += f"{link} {link!r}"
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    assert KEY[:6] not in told
