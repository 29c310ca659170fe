"""Links of seats: what one opens, and what is no link."""

import os
import stat

import msgspec
import pytest

from simlab.apps.links import Link, Links, own_key, place_of
from simlab.errors import ConfigError, NotFoundError

KEY = bytes(range(32))
LINK = Link("sale", b"here", "Robin", 3, "buyer", "", "pause", 60.0)


@pytest.mark.parametrize("link", [LINK, Link("a/b ü", b"", "Ann", model="small")])
def test_a_link_says_what_it_opens(link):
    token = Links(KEY).write(link)

    assert Links(KEY).read(token) == link
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_a_link_that_was_cut_or_changed_anywhere_opens_nothing():
    token = Links(KEY).write(LINK)
    changed = {token[:n] for n in range(len(token))}
    changed |= {
        f"{token[:n]}{'A' if token[n] != 'A' else 'B'}{token[n + 1 :]}" for n in range(len(token))
    }
    changed |= {f"{token}A", f"{token}=", f"{token}.{token}", "é.ü", "\ud800", "."}

    for given in changed:
        with pytest.raises(NotFoundError, match="this link of a seat is not whole"):
            Links(KEY).read(given)


def test_the_link_of_another_user_or_of_another_kind_opens_nothing():
    stranger = Links(bytes(32))
    odd = Links(KEY)._signed(msgspec.msgpack.encode(["sale", 3]))

    for given in (stranger.write(LINK), odd):
        with pytest.raises(NotFoundError, match="not one of this app"):
            Links(KEY).read(given)


def test_the_key_is_kept_for_this_user_alone(tmp_path):
    folder = tmp_path / "state"

    first, again = own_key(folder), own_key(folder)

    [path] = folder.iterdir()
    assert first == again == path.read_bytes()
    assert len(first) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_key_lies_in_the_folder_for_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert own_key() == (tmp_path / "simlab" / "seats.key").read_bytes()


@pytest.mark.parametrize(("mode", "size"), [(0o644, 32), (0o600, 31)])
def test_a_key_that_others_can_read_or_that_is_cut_is_refused(tmp_path, mode, size):
    path = tmp_path / "seats.key"
    path.write_bytes(bytes(size))
    path.chmod(mode)

    with pytest.raises(ConfigError, match="must hold 32 bytes that only this user can read"):
        own_key(tmp_path)


def test_where_no_key_can_be_kept_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match=r"cannot keep the key of links in .*; set XDG"):
        own_key(tmp_path / "file")


def test_two_apps_that_start_at_once_have_one_key(tmp_path, monkeypatch):
    other = bytes(range(32, 64))
    link = os.link

    def late(partial, path):
        path.write_bytes(other)
        path.chmod(0o600)
        link(partial, path)

    monkeypatch.setattr(os, "link", late)

    assert own_key(tmp_path) == other
    assert [path.name for path in tmp_path.iterdir()] == ["seats.key"]


def test_runs_of_one_name_in_two_places_are_told_apart(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "a")

    assert place_of(tmp_path / "a") == place_of(tmp_path / "link")
    assert place_of(tmp_path / "a") != place_of(tmp_path / "b")
