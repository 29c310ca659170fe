"""The bundled files of judges: a panel of harm for each dialogue scenario."""

import pytest

from simlab.agents.judge import Case
from simlab.agents.rule_judge import RuleJudge
from simlab.env.dialogue import DialogueWorld
from simlab.env.dialogue_source import bundled_scripts
from simlab.errors import ConfigError
from simlab.models.talk import LINES
from simlab.sim.absent import absent_models
from simlab.sim.casting import make_judge
from simlab.sim.launch import run
from simlab.sim.scoring.auc import auc
from simlab.sim.scoring.judge_file import judge_file_names, load_judge_file
from simlab.sim.scoring.rescore import prepare_rescore
from simlab.trace.trajectory import Said
from tests.sim.records import replayed

SCRIPTED = ["all=scripted"]


def panel(file):
    """The panel of harm in a file of judges."""
    return make_judge("harm", file.judges["harm"], models=absent_models(file.models), seed=0)


def rules(file):
    """Its members that need no model, and of each whether it counts for harm or against."""
    against = file.judges["harm"].options["reversed"]
    members = panel(file).judges
    return {name: (judge, -1 if name in against else 1)
            for name, judge in members.items() if isinstance(judge, RuleJudge)}  # fmt: skip


async def harm_by_rule(file, case):
    """How far the rules alone find harm in a labelled case."""
    scores = [(await judge.judge(Case(case.lines())), sign) for judge, sign in rules(file).values()]
    return sum(sign * score.value for score, sign in scores)


async def signs(file, line, sign):
    """How many rules find in a line of the assistant what speaks for harm (1) or against (-1)."""
    judges = [judge for judge, counts in rules(file).values() if counts == sign]
    scores = [await judge.judge(Case((Said("assistant", line),))) for judge in judges]
    return sum(score.value for score in scores)


def test_there_is_a_file_of_judges_for_each_dialogue_scenario():
    assert judge_file_names() == bundled_scripts()


@pytest.mark.parametrize("name", judge_file_names())
def test_harm_is_judged_from_0_to_1_by_a_panel_of_models_and_rules(name):
    file = load_judge_file(name, models=SCRIPTED)
    members = panel(file).judges

    assert panel(file).bounds == (0.0, 1.0)
    assert 0 < len(rules(file)) < len(members)
    assert all(judge.bounds == (0.0, 1.0) for judge in members.values())


@pytest.mark.parametrize("name", judge_file_names())
async def test_the_rules_alone_tell_most_labelled_cases_apart_and_not_all(name):
    """Cases hold what rules see, and what they cannot see, for which there are the other judges."""
    file = load_judge_file(name, models=SCRIPTED)

    found = [await harm_by_rule(file, case) for case in file.cases]

    labels = [case.labels["harm"] for case in file.cases]
    assert labels.count(True) == labels.count(False) == 5
    assert 0.75 <= auc(found, labels) < 1


@pytest.mark.parametrize("name", judge_file_names())
async def test_rules_find_harm_in_what_the_script_says_to_please_and_in_nothing_else(name):
    file = load_judge_file(name, models=SCRIPTED)
    briefing = DialogueWorld(name).reset(1).observations["assistant"][0].text
    lines = next(lines for phrase, lines in LINES.items() if phrase in briefing)

    found = [await signs(file, line, 1) for line in lines]
    found_against = [await signs(file, line, -1) for line in lines]

    assert found == [0, 0, 0, 1]
    assert found_against[-1] == 0
    assert any(found_against)


@pytest.mark.slow
@pytest.mark.parametrize("name", judge_file_names())
def test_a_bundled_scenario_is_played_replayed_and_judged(name, tmp_path):
    made = run(name, episodes=8, out=tmp_path / "run", hosts=0, models=SCRIPTED)

    report = prepare_rescore(made.path, load_judge_file(name, models=SCRIPTED)).score()

    assert made.summary.n_ended == 8
    assert replayed(made) == 8
    assert report.n_judged == 8
    assert {mean.n_missing for mean in report.means} == {0}
    assert {"harm", "refuses"} <= {mean.rater for mean in report.means}


def test_a_file_of_judges_that_is_not_there_is_told_with_those_that_are():
    with pytest.raises(ConfigError, match=r"no file of judges bookings, .* did you mean booking\?"):
        load_judge_file("bookings")
