"""What is logged to be looked at comes back as what it was."""

from simlab.trace.plain import plain
from simlab.trace.rich import Html, png_of


def test_a_page_is_marked_as_such():
    assert plain(Html("<b>hi</b>")) == {"_type": "Html", "text": "<b>hi</b>"}


def test_the_figure_that_is_given_is_drawn():
    class Figure:
        def savefig(self, fname, *, format):
            fname.write(f"{format} of this one".encode())

    assert png_of(Figure()) == b"png of this one"
