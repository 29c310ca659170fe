import pytest

from simlab.actors import ActorSystem
from simlab.actors.memory_cluster import MemoryCluster
from simlab.models.model import Usage
from simlab.sim.config import BudgetSpec
from simlab.sim.purse import ActorPurse, PurseActor
from simlab.sim.spending import Spending
from tests.sim.budgets import Asker


@pytest.mark.parametrize("n_hosts", [0, 2])
async def test_what_is_paid_in_one_host_is_spent_for_all(n_hosts):
    spending = Spending(BudgetSpec(tokens=10))
    async with ActorSystem(n_hosts, cluster=MemoryCluster()) as system:
        purse = ActorPurse(await system.spawn(PurseActor, spending, name="purse", host="driver"))
        hosts = system.hosts or ("driver",)
        askers = [await system.spawn(Asker, purse, name=f"ask/{h}", host=h) for h in hosts]

        before = [await asker.ask(None) for asker in askers]
        await askers[0].ask(Usage(prompt_tokens=7, completion_tokens=3, dollars=0.5))
        after = [await asker.ask(None) for asker in askers]

    assert (set(before), set(after)) == ({True}, {False})
    assert (spending.tokens, spending.dollars, spending.refused) == (10, 0.5, True)
