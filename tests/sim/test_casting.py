import pytest

from simlab.agents.llm import LlmAgent
from simlab.agents.random import RandomAgent
from simlab.agents.recall import RecallMemory
from simlab.env.auction import Auction
from simlab.env.environment import ActionRequest, SeatSpec
from simlab.errors import ConfigError, PersonLeftError
from simlab.models.scripted import ScriptedModel
from simlab.seeding import derive
from simlab.sim.absent import AbsentEmbedder, AbsentModel, AbsentPerson, absent_models
from simlab.sim.casting import (
    asks_person,
    make_agent,
    make_judge,
    make_world,
    models_of,
    seat_specs,
)
from simlab.sim.config import AgentSpec, JudgeSpec, checked
from tests.sim.judges import LengthJudge
from tests.sim.worlds import Chatter, Poisoned

WORLDS = "tests.sim.worlds"
JUDGES = "tests.sim.judges"
MODELS = {"small": AbsentModel("small"), "large": AbsentModel("large")}
ONE_OF_EACH = {"small": AbsentModel("small"), "near": AbsentEmbedder("near")}
RECALL = {"kind": "recall", "model": "near", "max_tokens": 99}


def run_of(cast, *, world=f"{WORLDS}:Relay", **keys):
    return checked({"world": world, "cast": cast, **keys})


def agent_of(models=MODELS, seed=0, **spec):
    place = SeatSpec("You chat.")
    return make_agent(
        AgentSpec(**spec), "ann", place, models=models, person=AbsentPerson(), seed=seed
    )


def test_a_world_is_made_with_its_options():
    world = make_world(run_of({}, options={"turns": 9}))

    assert world.turns == 9


def test_a_world_that_is_none_is_refused():
    with pytest.raises(ConfigError, match=r"Chatter must have seats, reset\(\) and step\(\), got"):
        make_world(run_of({}, world=f"{WORLDS}:Chatter"))


def test_an_option_that_a_world_has_not_is_refused():
    with pytest.raises(ConfigError, match=r"Relay has no option 'turn'; did you mean turns\?"):
        make_world(run_of({}, options={"turn": 9}))


def test_a_pattern_casts_all_seats_that_fit_it():
    specs = seat_specs(run_of({"bidder_*": {"agent": "random"}}), Auction(bidders=3))

    assert specs == dict.fromkeys(("bidder_1", "bidder_2", "bidder_3"), AgentSpec(agent="random"))


@pytest.mark.parametrize("names", [("*", "bidder_2"), ("bidder_2", "*")])
def test_a_seats_own_name_wins_over_a_pattern_wherever_it_stands(names):
    cast = {name: {"agent": name} for name in names}

    specs = seat_specs(run_of(cast), Auction(bidders=2))

    assert specs["bidder_1"].agent == "*"
    assert specs["bidder_2"].agent == "bidder_2"


def test_what_is_said_of_a_seat_adds_to_what_a_pattern_says():
    cast = {"*": {"model": "small", "goal": "win"}, "bidder_2": {"persona": "You are shy."}}
    run = run_of(cast, models={"small": {"engine": "scripted"}})

    specs = seat_specs(run, Auction(bidders=2))

    assert specs["bidder_1"].options == {"goal": "win"}
    assert specs["bidder_2"].options == {"goal": "win", "persona": "You are shy."}
    assert specs["bidder_2"].model == "small"


def test_a_seat_that_names_its_agent_stands_alone():
    cast = {"*": {"goal": "win"}, "bidder_2": {"agent": "random"}}

    assert seat_specs(run_of(cast), Auction(bidders=2))["bidder_2"] == AgentSpec(agent="random")


def test_of_two_patterns_the_last_holds():
    cast = {"bidder_*": {"agent": "a"}, "*_2": {"agent": "b"}}

    specs = seat_specs(run_of(cast), Auction(bidders=2))

    assert [specs[seat].agent for seat in ("bidder_1", "bidder_2")] == ["a", "b"]


def test_a_seat_that_is_not_there_is_refused_with_those_near_it():
    with pytest.raises(ConfigError, match=r"cast.bider_1: .* no seat 'bider_1'; did you mean bidd"):
        seat_specs(run_of({"bider_1": {}}), Auction())


def test_a_pattern_that_fits_no_seat_is_refused():
    with pytest.raises(ConfigError, match=r"no seat 'seller_\*'"):
        seat_specs(run_of({"seller_*": {}}), Auction())


def test_a_seat_that_nobody_takes_is_refused():
    with pytest.raises(ConfigError, match=r"cast leaves seats empty: bidder_2, bidder_3; say who"):
        seat_specs(run_of({"bidder_1": {}}), Auction(bidders=3))


def test_an_optional_seat_may_stay_empty():
    world = make_world(run_of({}))
    world.seats = {**world.seats, "narrator": SeatSpec(optional=True)}

    assert set(seat_specs(run_of({"ann": {}, "bob": {}}), world)) == {"ann", "bob"}


def test_an_agent_gets_what_it_takes_of_seat_role_seed_and_model():
    agent = agent_of(agent="llm", model="large", persona="You are shy.")

    assert isinstance(agent, LlmAgent)
    assert (agent.seat, agent.model.name) == ("ann", "large")
    assert "You chat. You are shy." in agent._system[0].text


async def test_an_agent_that_takes_a_person_gets_the_runs():
    human = agent_of(agent="human")

    with pytest.raises(PersonLeftError, match=r"nobody is there for ann: a replay asks no person"):
        await human.act(ActionRequest())


@pytest.mark.parametrize(
    ("agent", "asks"),
    [
        ("human", True),
        ("simlab.agents.human:HumanAgent", True),
        ("llm", False),
        (f"{WORLDS}:one_line", False),
    ],
)
def test_an_agent_asks_a_person_if_it_takes_one(agent, asks):
    assert asks_person(AgentSpec(agent=agent)) is asks


def test_an_agents_seed_follows_from_the_episodes_and_its_seat():
    victim = derive(5, "agent", "ann")

    assert agent_of(agent=f"{WORLDS}:Poisoned", victim=victim, seed=5).is_victim
    assert not agent_of(agent=f"{WORLDS}:Poisoned", victim=victim, seed=6).is_victim


def test_the_only_model_need_not_be_named():
    agent = agent_of(agent="llm", models={"small": MODELS["small"]})

    assert agent.model.name == "small"


def test_one_of_several_models_must_be_named():
    with pytest.raises(
        ConfigError, match=r"'ann' needs a model; set model: to one of large, small"
    ):
        agent_of(agent="llm")


def test_a_model_for_an_agent_that_takes_none_is_refused():
    with pytest.raises(
        ConfigError, match=r"agent random in seat 'ann' takes no model, got 'small'"
    ):
        agent_of(agent="random", model="small")


def test_an_option_that_an_agent_has_not_is_refused():
    with pytest.raises(
        ConfigError, match=r"agent llm in seat 'ann' has no option 'golf'; .* goal?"
    ):
        agent_of(agent="llm", model="small", golf="win")


def test_an_option_of_a_wrong_value_is_refused():
    with pytest.raises(ConfigError, match=r"agent llm in seat 'ann': "):
        agent_of(agent="llm", model="small", memory={"kind": "elephant"})


def test_a_memory_is_given_the_model_that_it_names():
    agent = agent_of(agent="llm", models=ONE_OF_EACH, memory=RECALL)

    assert isinstance(agent.memory, RecallMemory)
    assert agent.memory.max_tokens == 99
    assert agent.model is ONE_OF_EACH["small"], "the only one that completes prompts"


def test_a_judge_may_have_such_a_memory():
    judge = make_judge(
        "j",
        JudgeSpec(agent="rating", question="Is it rude?", memory=RECALL),
        models=ONE_OF_EACH,
        seed=0,
    )

    assert isinstance(judge._memory, RecallMemory)


@pytest.mark.parametrize(
    ("memory", "got"), [("recall", "None"), ({**RECALL, "model": "small"}, "'small'")]
)
def test_a_memory_that_recalls_needs_an_embedder(memory, got):
    with pytest.raises(ConfigError, match=f"memory 'recall' needs a model that .* got {got}$"):
        agent_of(agent="llm", model="small", models=ONE_OF_EACH, memory=memory)


def test_a_memory_that_asks_no_model_takes_none():
    with pytest.raises(ConfigError, match=r"memory 'window' does not take {'model': "):
        agent_of(agent="llm", models=ONE_OF_EACH, memory={**RECALL, "kind": "window"})


def test_an_embedder_is_no_model_of_an_agent():
    with pytest.raises(ConfigError, match=r"set model: to one of small, got 'near', which embeds"):
        agent_of(agent="llm", model="near", models=ONE_OF_EACH)


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ({"model": "small"}, ["small"]),
        ({"model": "small", "memory": RECALL}, ["small", "near"]),
        ({"memory": RECALL}, ["small", "near", "other"]),
        ({"agent": f"{WORLDS}:Chatter", "memory": RECALL}, ["near"]),
    ],
)
def test_a_seat_may_ask_the_models_that_it_names_or_else_any(spec, names):
    models = {
        "small": {"engine": "scripted"},
        "near": {"engine": "embedding"},
        "other": {"engine": "scripted-embedding"},
    }

    found = models_of(AgentSpec(**spec), run_of({}, models=models))

    assert found == {name: models[name] for name in names}


def test_what_is_absent_is_of_the_kind_of_what_it_stands_for():
    specs = {
        "near": {"engine": "embedding"},
        "small": {"engine": "transformers"},
        "lost": {"engine": "no_such_file.py:Model"},
    }

    assert absent_models(specs) == {
        "near": AbsentEmbedder("near"),
        "small": AbsentModel("small"),
        "lost": AbsentModel("lost"),
    }


async def test_a_function_is_an_agent_in_one_line():
    agent = agent_of(agent=f"{WORLDS}:one_line")

    assert await agent.act(ActionRequest()) == "always the same"


@pytest.mark.parametrize("option", [{"goal": "win"}, {"model": "small"}])
def test_a_function_takes_no_options(option):
    (name,) = option

    with pytest.raises(ConfigError, match=f"one_line in seat 'ann' has no option '{name}'"):
        agent_of(agent=f"{WORLDS}:one_line", **option)


def test_an_object_that_seats_and_episodes_would_share_is_refused(monkeypatch):
    monkeypatch.setattr(f"{WORLDS}.one_line", Chatter())

    with pytest.raises(ConfigError, match=r"is one object, which all episodes would share"):
        agent_of(agent=f"{WORLDS}:one_line")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (f"{JUDGES}:LengthJudge", r"must have observe\(\) and act\(\), got <"),
        (f"{WORLDS}:SEATS", r"expected an agent or a function, got \('ann', 'bob'\)"),
        (f"{WORLDS}:Nobody", "has no 'Nobody'"),
    ],
)
def test_what_is_no_agent_is_refused(name, message):
    with pytest.raises(ConfigError, match=message):
        agent_of(agent=name)


def test_each_episode_has_agents_of_its_own():
    assert agent_of(agent=f"{WORLDS}:Chatter") is not agent_of(agent=f"{WORLDS}:Chatter")
    assert isinstance(agent_of(agent=f"{WORLDS}:Poisoned"), Poisoned)
    assert isinstance(agent_of(agent="random"), RandomAgent)


def test_a_judge_may_sit_in_a_seat():
    judge = agent_of(agent="rating", model="small", question="Is it rude?")

    assert judge.model.name == "small"


def test_a_judge_is_made_with_its_options():
    judge = make_judge(
        "length", JudgeSpec(agent=f"{JUDGES}:LengthJudge", per=2.0), models={}, seed=0
    )

    assert isinstance(judge, LengthJudge)
    assert judge.per == 2.0


PANEL = {
    "agent": "panel",
    "judges": {
        "rude": {"agent": "rating", "model": "small", "question": "Is it rude?"},
        "short": {"agent": "rule", "measure": "words", "most": 50},
    },
}


def test_a_panel_is_made_of_its_judges():
    panel = make_judge(
        "panel", JudgeSpec(**PANEL), models={"small": ScriptedModel("small")}, seed=0
    )

    assert [*panel.judges] == ["rude", "short"]
    assert panel.judges["rude"].model.name == "small"
    assert panel.judges["short"].bounds == (0.0, 50)


def test_a_panel_may_sit_in_a_seat():
    assert [*agent_of(**PANEL).judges] == ["rude", "short"]


def test_judges_of_a_panel_name_models_of_the_run():
    nested = {**PANEL["judges"]["rude"], "model": "smal"}
    data = {
        "world": f"{WORLDS}:Relay",
        "cast": {},
        "judges": {"p": {"agent": "panel", "judges": {"rude": nested}}},
        "models": {"small": {"engine": "scripted"}},
    }

    with pytest.raises(ConfigError, match=r"judges\.p\.judges\.rude\.model names 'smal'"):
        checked(data)


def test_what_is_no_judge_is_refused():
    with pytest.raises(ConfigError, match=r"judge 'j' must have score\(\), got <"):
        make_judge("j", JudgeSpec(agent=f"{WORLDS}:Chatter"), models={}, seed=0)
