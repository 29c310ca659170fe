"""Contents are known by what they are, and stored once."""

from simlab.trace.contents import (
    BYTES,
    NUMBERS,
    TEXT,
    Reference,
    content_hash,
    put_back,
    refer,
    reference_to,
    text_or_bytes,
)


def test_equal_contents_have_equal_references():
    assert reference_to("offer" * 9) == reference_to("offer" * 9)
    assert reference_to([1, 2, 3]) == reference_to([1, 2, 3])
    assert reference_to("a") != reference_to("b")


def test_a_reference_says_of_what_kind_its_content_is():
    assert [reference_to(content).code for content in ("a", b"a", [1])] == [TEXT, BYTES, NUMBERS]


def test_integers_are_never_taken_for_bytes_that_look_alike():
    numbers, data = refer([1, 2])

    assert bytes(numbers.data) != content_hash(data)


def test_texts_come_back_with_their_lone_surrogates():
    reference, data = refer("half \ud800 a pair")

    assert text_or_bytes(reference.code, data) == "half \ud800 a pair"


def test_contents_are_put_back_wherever_they_stand():
    reference = reference_to("offer")

    def find(code, data):
        assert (code, bytes(data)) == (TEXT, bytes(reference.data))
        return "offer"

    assert put_back({"a": [reference, 1]}, find) == {"a": ["offer", 1]}
    assert isinstance(reference, Reference)
