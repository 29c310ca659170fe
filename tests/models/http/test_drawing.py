import pytest

from simlab.errors import ModelError
from simlab.models.http.drawing import check_drawn, drawing
from simlab.models.model import Completion, Sampling, Usage

OFFER = {
    "type": "object",
    "properties": {"price": {"type": "integer", "maximum": 9}},
    "required": ["price"],
}
URL = "http://x/v1"


def test_a_schema_is_to_be_held_strictly():
    asked = drawing(Sampling(schema=OFFER))

    assert asked["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "strict": True, "schema": OFFER},
    }


def test_what_is_as_usual_is_said_all_the_same_and_what_is_not_set_is_not():
    assert drawing(Sampling()) == {"max_tokens": 128, "temperature": 1.0, "top_p": 1.0}


def test_train_10_a_reply_that_fits_its_schema_is_taken():
    check_drawn(Completion('{"price": 7}'), Sampling(schema=OFFER), URL)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Seven.", "Expecting value"),
        ('{"price": "7"}', "'7' is not of type 'integer'"),
        ('{"price": 10}', "10 is greater than the maximum of 9"),
        ("{}", "'price' is a required property"),
    ],
)
def test_train_10_an_endpoint_that_passes_over_a_schema_is_found_out(text, said):
    with pytest.raises(ModelError, match=f"does not hold replies to a schema: {said}.*got '"):
        check_drawn(Completion(text), Sampling(schema=OFFER), URL)


@pytest.mark.parametrize("finish", ["length", "abort"])
def test_a_reply_that_was_cut_off_is_not_held_against_the_endpoint(finish):
    check_drawn(Completion('{"price"', finish=finish), Sampling(schema=OFFER), URL)


def test_nothing_drawn_has_no_logprobs():
    nothing = Completion("", usage=Usage(5, 0))

    check_drawn(nothing, Sampling(logprobs=True), URL)
