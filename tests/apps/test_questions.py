"""Questions that wait for a person, and when the form of one is that of another."""

import time

import pytest

from simlab.apps.questions import Questions


def asked(number, **what):
    return {"id": number, "prompt": "Your price?", "schema": {}, "deadline": None, **what}


def key_of(questions, *open_ones):
    questions.take(open_ones)
    return questions.current.key


def test_questions_are_answered_in_the_order_in_which_they_came():
    questions = Questions()
    questions.take([asked("a"), asked("b"), asked("c")])

    questions.settle(questions.current)

    assert questions.current.id == "b"
    assert questions.n_waiting == 1


def test_a_question_that_is_asked_again_has_the_same_form():
    questions = Questions()
    first = key_of(questions, asked("0-1"))

    assert key_of(questions, asked("1-1", deadline=5.0)) == first
    assert key_of(questions, asked("1-1", prompt="Another?")) != first


def test_the_same_words_after_an_answer_are_a_new_question():
    questions = Questions()
    first = key_of(questions, asked("a"))
    questions.settle(questions.current)

    assert key_of(questions, asked("a"), asked("b")) != first


def test_interlab_38_an_answer_that_the_world_refuses_keeps_its_form_and_says_why():
    questions = Questions()
    first = key_of(questions, asked("a"))
    for number in ("b", "c"):
        questions.settle(questions.current)
        assert key_of(questions, asked(number, refusal="too dear")) == first
        assert questions.current.refusal == "too dear"
    questions.settle(questions.current)

    assert key_of(questions, asked("d")) != first
    assert questions.current.refusal == ""


def test_interlab_38_why_an_answer_was_not_taken_holds_for_its_form_alone():
    questions = Questions()
    questions.refuse(key_of(questions, asked("a")), "no number")
    told = questions.current.refusal

    questions.settle(questions.current)

    assert told == "no number"
    key_of(questions, asked("b"))
    assert questions.current.refusal == ""


@pytest.mark.parametrize(
    ("deadline", "due_s", "least", "most"),
    [(90, None, 80, 90), (90, 60, 50, 60), (None, 60, 50, 60)],
)
def test_the_first_deadline_is_told_as_the_seconds_that_are_left(deadline, due_s, least, most):
    now = time.time()
    questions = Questions()
    questions.take([asked("a", deadline=deadline and now + deadline)])

    assert least < questions.current.told(due_s and now + due_s)["left_s"] <= most


def test_a_question_without_deadline_has_no_time_that_is_left():
    questions = Questions()
    questions.take([asked("a")])

    assert questions.current.told(None)["left_s"] is None


def test_the_prompt_of_a_model_is_told_as_a_chat():
    questions = Questions()
    questions.take([asked("a", prompt=[["user", "Hi."], "words"], begun="Rating:")])
    told = questions.current.told(None)

    assert told["chat"] == [{"by": "user", "text": "Hi."}, {"by": "", "text": "words"}]
    assert (told["prompt"], told["begun"]) == ("", "Rating:")
