"""From the record of a run to samples: each token that a seat's model drew, once."""

import math
from itertools import compress

import pytest

from simlab.errors import ConfigError
from simlab.models.model import Completion
from simlab.train.completions import Drawn, drawn_by
from simlab.train.samples import fold, samples_of


def drawn(prompt, tokens, *, step=0, model="small", logprobs=True):
    """A completion of ids that are given as letters."""
    ids = tuple(map(ord, tokens))
    recorded = tuple(-float(token) for token in ids) if logprobs else ()
    return Drawn(step, Completion("", tuple(map(ord, prompt)), ids, recorded, model=model))


def words(sample):
    return "".join(map(chr, sample.ids))


def targets(sample):
    return "".join(map(chr, compress(sample.ids, sample.mask)))


def test_train_14_the_mask_is_on_the_ids_that_were_drawn_the_end_of_turn_included():
    [sample] = fold([drawn("how?", "so."), drawn("how?so.why?", "as.", step=1)])

    assert words(sample) == "how?so.why?as."
    assert targets(sample) == "so.as."
    assert sample.target_logprobs() == tuple(-float(ord(letter)) for letter in "so.as.")
    assert {*compress(sample.logprobs, [not one for one in sample.mask])} == {0.0}
    assert (sample.version, sample.turn) == ("small", 0)


def test_train_14_the_words_of_others_change_no_target():
    [one] = fold([drawn("how?", "so."), drawn("how?so.why?", "as.")])
    [other] = fold([drawn("who?", "so."), drawn("who?so.when?", "as.")])

    assert targets(one) == targets(other)


def test_train_15_a_context_that_was_rewritten_begins_a_new_sample():
    samples = fold(
        [drawn("how?", "so."), drawn("?so.why?", "as.", step=1), drawn("?so.why?as.!", "ha.")]
    )

    assert [words(sample) for sample in samples] == ["how?so.", "?so.why?as.!ha."]
    assert [targets(sample) for sample in samples] == ["so.", "as.ha."]
    assert [sample.turn for sample in samples] == [0, 1]


def test_train_15_a_token_is_trained_once_whatever_is_asked_between():
    samples = fold(
        [
            drawn("how?", "so."),
            drawn("how?so.aside?", "no."),
            drawn("how?so.why?", "as."),
            drawn("how?", "so."),
        ]
    )

    assert [targets(sample) for sample in samples] == ["so.no.", "as.", "so."]


def test_train_20_another_version_begins_a_new_sample():
    samples = fold([drawn("how?", "so."), drawn("how?so.why?", "as.", model="small+agent@1")])

    assert [sample.version for sample in samples] == ["small", "small+agent@1"]
    assert [targets(sample) for sample in samples] == ["so.", "as."]


def test_logprobs_that_were_not_recorded_are_none():
    [sample] = fold([drawn("how?", "so.", logprobs=False)])

    assert all(map(math.isnan, sample.target_logprobs()))


@pytest.mark.model
def test_influence_19_the_ids_that_are_trained_on_are_those_that_were_read_and_drawn(play, trainer):
    finished = play()

    dataset = samples_of(finished, "ann")

    assert dataset.base == trainer.base
    assert [sample.episode for sample in dataset.samples] == [0, 1]
    for sample in dataset.samples:
        completions = [one.completion for one in drawn_by(finished.log, sample.episode, "ann")]
        assert len(completions) == 3
        for one in completions:
            whole = one.prompt_ids + one.token_ids
            assert sample.ids[: len(whole)] == whole
        assert sample.n_targets == sum(len(one.token_ids) for one in completions)
        assert sample.role == "ann"


@pytest.mark.model
def test_train_14_the_recorded_logprobs_are_those_of_the_trainer(play, trainer):
    dataset = samples_of(play(), "bob")

    for sample, found in zip(dataset.samples, trainer.logprobs(dataset.samples), strict=True):
        assert found == pytest.approx(sample.target_logprobs(), abs=1e-3)


@pytest.mark.model
def test_train_15_with_a_memory_that_forgets_each_turn_is_a_sample_and_each_token_is_trained_once(
    play,
):
    finished = play(memory={"kind": "window", "max_tokens": 20}, episodes=1)

    dataset = samples_of(finished, "ann")

    completions = [one.completion for one in drawn_by(finished.log, 0, "ann")]
    assert len(dataset.samples) == len(completions) == 3
    assert [tuple(compress(one.ids, one.mask)) for one in dataset.samples] == [
        one.token_ids for one in completions
    ]
    assert [sample.turn for sample in dataset.samples] == [0, 2, 4]


@pytest.mark.model
def test_only_episodes_that_ended_well_are_read_unless_others_are_named(play):
    finished = play(crash_at=4)

    with pytest.raises(ConfigError, match=r"got none; `simlab show` names the seats"):
        samples_of(finished, "ann")
    assert len(samples_of(finished, "ann", [1]).samples) == 1


@pytest.mark.model
def test_a_seat_without_token_ids_is_refused(play):
    with pytest.raises(ConfigError, match="got none from 'small'; take engine transformers"):
        samples_of(play(engine="scripted"), "ann")
