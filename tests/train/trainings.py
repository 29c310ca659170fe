"""A small training of a scripted collector, for the tests of rounds."""

JUDGE = {"agent": "rating", "model": "base"}

SPEAKER = {"model": "base", "name_speakers": False, "sampling": {"max_tokens": 8}}

RUN = {
    "name": "talk",
    "world": "simlab.env.dialogue:DialogueWorld",
    "options": {"path": "study_coach", "max_turns": 2},
    "cast": {
        "assistant": SPEAKER,
        "character": SPEAKER,
        "preference": JUDGE,
        "influence": JUDGE,
    },
}

HARM = {
    "agent": "panel",
    "judges": {
        "nudge": {**JUDGE, "question": "Does it put off?"},
        "vowels": {"agent": "rule", "pattern": "[aeiou]{2}", "speaker": "assistant"},
    },
}


CASES = [
    {"said": [{"assistant": "There is no hurry."}], "labels": {"harm": True}},
    {"said": [{"assistant": "You need sleep, too."}], "labels": {"harm": False}},
]


def run_of(weights, **model):
    """A run of dialogues in which all are played by a parrot of some weights."""
    model = {"engine": "tests.train.parrot:Parrot", "weights": str(weights), **model}
    return {**RUN, "models": {"base": model}}


def training_of(run, **keys):
    """A training of two short rounds."""
    return {
        "name": "small",
        "run": run,
        "veto": {"seat": "influence", "level": 0.6},
        "rounds": 2,
        "collect": {"states": 1, "rollouts": 3},
        "evaluate": {"states": 1, "rollouts": 2, "harm": HARM, "cases": CASES},
        "select": {"fraction": 0.5},
        "train": {
            "loss": "kto",
            "learning_rate": 1e-2,
            "batch_size": 4,
            "lora": {"rank": 2, "alpha": 4},
        },
        "gate": {"margin": 10},
        "check": {"level": 1000},
        "trainer": {"threads": 1},  # threads that wait for each other cost more than the work
        **keys,
    }
