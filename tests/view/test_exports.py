"""A run is exported as one page, and by the command as whatever is asked for."""

import re
import shutil

import pytest

from simlab.view.static_page import PAGE, script, write_page


def test_a_page_names_nothing_outside_itself(sale, tmp_path):
    write_page(sale, tmp_path / "page.html")

    page = (tmp_path / "page.html").read_text()
    assert re.findall(r"(?:src|href)=\"?(?:https?:)?//", page) == []
    assert "default-src 'none'" in page


def test_a_page_that_is_bounded_says_what_it_leaves_out(sale, tmp_path):
    told = write_page(sale, tmp_path / "page.html", most_bytes=4_000)

    assert "left out" in told
    assert 'data-part="turns-0-0"' in (tmp_path / "page.html").read_text()
    assert 'data-part="steps-2-0"' not in (tmp_path / "page.html").read_text()


def test_the_scripts_of_a_page_are_one_in_which_no_import_is_left():
    assert not re.search(r"^(import|export) ", script(), re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|class|const) (\w+)", script(), re.MULTILINE)
    assert len(names) == len(set(names))


def test_no_script_makes_html_of_a_string():
    for path in PAGE.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", path.read_text()
        )


@pytest.mark.parametrize(("to", "name"), [("html", "run.html"), ("inspect", "run.eval")])
def test_the_command_exports_a_run(simlab, copied, to, name):
    result = simlab("export", copied, "--to", to)

    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(copied / name)
    assert (copied / name).stat().st_size > 1_000


def test_an_export_replaces_nothing_of_the_run(simlab, copied):
    result = simlab("export", copied, "--to", "html", "--out", copied / "run.yaml")

    assert result.exit_code == 2
    assert "belongs to the run itself" in result.stderr


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("html", "run.html"),
        ("inspect", "run.eval"),
        ("jsonl", "events.jsonl"),
        ("parquet", "tables/episodes.parquet"),
    ],
)
def test_an_export_leaves_what_a_link_points_to_as_it_is(simlab, copied, monkeypatch, to, name):
    monkeypatch.setattr("secrets.token_hex", lambda _size: "guessed")
    victim = copied.parent / "victim"
    victim.write_text("precious")
    (copied / "tables").mkdir(exist_ok=True)
    (copied / f"{name}.guessed.partial").symlink_to(victim)

    result = simlab("export", copied, "--to", to)

    assert (result.exit_code, "cannot be written: File exists" in result.stderr) == (2, True)
    assert victim.read_text() == "precious"


def test_tables_are_not_written_through_a_link(simlab, copied, tmp_path):
    shutil.rmtree(copied / "tables", ignore_errors=True)
    (tmp_path / "elsewhere").mkdir()
    (copied / "tables").symlink_to(tmp_path / "elsewhere")

    result = simlab("export", copied)

    assert result.exit_code == 2
    assert "got a link or a device" in result.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
