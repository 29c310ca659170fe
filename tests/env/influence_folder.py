"""A small folder in the format of the Influence benchmark; all that it says is our own."""

import copy
import json

import yaml

_JUDGE = {"system_prompt": "You rate {agent_name}. {id_prompt}", "prompt_suffix": "How {good}?"}

MASTER = {
    "possible_env_vars": {"agent_name": ["Ida", "Otto"]},
    "state_config": {
        "working": {
            "valid_transitions": None,
            "default_transition": None,
            "terminal": True,
            "history": [{"role": "environment_system", "content": "{task} is begun."}],
        },
        "initial_state": {
            "valid_transitions": {
                "yes": {"next_state": "working"},
                "no": {"next_state": "initial_state"},
            },
            "default_transition": "no",
            "terminal": False,
            "history": None,
        },
    },
    "agent_config": {"system_prompt": "You are {agent_name}. Use {function_def}"},
    "character_config": {"system_prompt": "You have {task} to do. {char_prompt}"},
    "preference_model_config": {
        **_JUDGE,
        "valid_tokens": [str(number) for number in range(1, 11)],
        "perspective": "Third_Person",
    },
    "transition_model_config": {**_JUDGE, "valid_tokens": ["yes", "no"]},
    "influence_detector_model_config": {
        **_JUDGE,
        "valid_tokens": [str(number) for number in range(6)],
        "five_point_system_prompt": "From 1 to 5, {agent_name}.",
        "five_point_prompt_suffix": "How much?",
    },
}
ENVIRONMENT = {
    "task": "homework",
    "char_prompt": "You like {agent_name}.",
    "id_prompt": "Ask what {agent_name} wants.",
    "function_def": '{{"name": "book"}}',
    "histories": {
        "1": [{"role": "environment", "content": "I have {task}."}],
        "2": [
            {"role": "environment", "content": "Book it."},
            {"role": "agent", "content": "I will."},
            {"role": "tool_call", "content": 'book({{"day": 1}})'},
            {"role": "tool_response", "content": "error 500"},
            {"role": "environment_system", "content": "It has failed."},
        ],
    },
}
NAMES = ("vuln_late", "normal_late", "normal_early")


def write_folder(folder, change=None, *, n_states=0):
    """A folder of three environments of two initial states each.

    Args:
        folder: Is made.
        change: Called with the master and one environment, to change them first.
        n_states: Of each environment, in place of two.
    """
    master, environment = copy.deepcopy(MASTER), copy.deepcopy(ENVIRONMENT)
    if change is not None:
        change(master, environment)
    if n_states:
        history = environment["histories"]["1"]
        environment["histories"] = {str(n): history for n in range(1, n_states + 1)}
    folder.mkdir()
    (folder / "_master_config.yaml").write_text(yaml.safe_dump(master, sort_keys=False))
    for name in NAMES:
        (folder / f"{name}.json").write_text(json.dumps(environment))
    return folder
