"""A file of judges is checked, and each judge made once, before anybody is asked."""

import pytest

from simlab.errors import ConfigError
from simlab.sim.scoring.judge_file import JudgeFile, load_judge_file
from simlab.trace.trajectory import Said


def test_what_is_set_beside_the_file_holds(run_file):
    text = "judges: {a: {agent: rating, question: Kind}}\nmodels: {small: {engine: vllm}}"
    settings = ["judges.a.question=Rude", "concurrency=3"]

    file = load_judge_file(run_file(text), models=["all=scripted"], settings=settings)

    assert file.models == {"small": {"engine": "scripted"}}
    assert file.judges["a"].options == {"question": "Rude"}
    assert file.concurrency == 3


def test_yes_and_no_are_labels_without_quotes(run_file):
    judge = "{agent: rating, question: Kind, scale: {no: 0, yes: 1}}"
    text = f"judges: {{a: {judge}}}\nmodels: {{small: {{engine: scripted}}}}"

    file = load_judge_file(run_file(text))

    assert file.judges["a"].options["scale"] == {"no": 0, "yes": 1}
    again = JudgeFile.model_validate(file.model_dump(mode="json", exclude_unset=True))
    assert again.judges == file.judges


def test_a_case_is_what_was_said_line_by_line(run_file):
    text = (
        "judges: {a: {agent: rule, pattern: x}}\n"
        "cases: [{said: [{u: Hi.}, {v: Bye.}], labels: {a: false}}]"
    )

    (case,) = load_judge_file(run_file(text)).cases

    assert case.lines() == (Said("u", "Hi."), Said("v", "Bye."))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("judges: {}", r"j.yaml:1: judges: .*at least 1 item"),
        (
            "judges: {a: {agent: rulez}}",
            r"j.yaml:1: there is no judge 'rulez'; did you mean rule",
        ),
        ("judges: {a: {agent: rule}}", r"j.yaml:1: judge 'a': measure 'share' takes phrases"),
        ("judges:\n  a: {model: b}", r"j.yaml:2: 'b' is not under models"),
        (
            "judges: {a: {agent: panel, judges: {b: {agent: rule, most: many, pattern: x}}}}",
            r"judge 'b': most: .*number",
        ),
        ("judges: {a: {agent: rule, judges: {b: {agent: rule, pattern: x}}}}", "takes no judges"),
        (
            "judges: {a: {agent: rule, pattern: x}}\ncases:\n- {said: [{u: x}], labels: {b: true}}",
            r"j.yaml:3: cases.0.labels: there is no judge 'b'",
        ),
        (
            "judges: {a: {agent: rule, pattern: x}}\ncases: [{said: [{u: x, v: y}],"
            " labels: {a: true}}]",
            r"j.yaml:2: cases.0.said: each line must be one 'speaker: text'",
        ),
        (
            "judges: {a: {agent: rule, pattern: x}}\ncases: [{said: [{u: x}], labels: {a: 1}}]",
            r"j.yaml:2: cases.0.labels.a: input should be a valid boolean, got 1",
        ),
        (
            "judges: {a: {agent: rule, pattern: x}}\nclusters: [a]",
            r"j.yaml:2: unknown key 'clusters'",
        ),
        (
            "judges:\n  a.b: {agent: rule, pattern: x}",
            r"j.yaml:2: the name of a judge must have no dot, .* got 'a.b'; write 'a_b'",
        ),
        (
            "judges:\n  a: {agent: panel, judges: {b.c: {agent: rule, pattern: x}}}",
            r"j.yaml:2: the name of a judge must have no dot, .* got 'b.c'",
        ),
        (
            "judges:\n  a: {agent: rating}\nmodels: {small: {engine: scripted}}",
            r"j.yaml:2: judge 'a' must be given a question, got none; set question",
        ),
        (
            "judges:\n  a: {agent: panel, judges: {b: {agent: rating, question: ' '}}}\n"
            "models: {small: {engine: scripted}}",
            r"j.yaml:2: judge 'b' must be given a question, got none",
        ),
    ],
)
def test_a_file_that_says_what_cannot_be_done_is_refused_with_its_line(run_file, text, message):
    with pytest.raises(ConfigError, match=message):
        load_judge_file(run_file(text, "j.yaml"))
