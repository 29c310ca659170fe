"""The scripted player plays every bundled world sensibly, through the prompts of LLM agents."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from simlab.agents.llm import LlmAgent
from simlab.env.auction import Auction
from simlab.env.car_sale import CarSale
from simlab.env.environment import Wait
from simlab.env.iterated_dilemma import IteratedDilemma
from simlab.env.market_day import MarketDay
from simlab.env.round_table import RoundTable
from simlab.models.model import ChatMessage, Completion, Sampling
from simlab.models.scripts import sensible
from simlab.seeding import derive


@dataclass
class Scripted:
    """A model that plays by the script; each draw has a seed of its own."""

    seed: int
    n_calls: int = 0

    async def generate(self, prompt, sampling=Sampling(), *, session=None):  # noqa: ARG002
        self.n_calls += 1
        seed = derive(self.seed, self.n_calls)
        return Completion(sensible(prompt, replace(sampling, seed=seed)))


@dataclass
class Played:
    """What happened in an episode."""

    actions: list[tuple[str, Any]] = field(default_factory=list)
    rewards: dict[str, float] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)


async def played(world, seed):
    """An episode in which every answer fits at the first attempt, or an error."""
    model = Scripted(seed)
    agents = {
        seat: LlmAgent(model, seat=seat, role=place.role) for seat, place in world.seats.items()
    }
    episode = Played()
    now = 0.0
    timestep = world.reset(seed)
    while True:
        for seat, observations in timestep.observations.items():
            for observation in observations:
                episode.told.setdefault(seat, []).append(str(observation))
                await agents[seat].observe(observation)
        for seat, reward in timestep.rewards.items():
            episode.rewards[seat] = episode.rewards.get(seat, 0.0) + reward
        episode.ended |= timestep.ended
        if not timestep.requests and timestep.wake is None:
            return episode
        answers = {seat: await agents[seat].act(timestep.requests[seat])
                   for seat in sorted(timestep.requests)}  # fmt: skip
        actions = {seat: each for seat, each in answers.items() if not isinstance(each, Wait)}
        episode.actions += actions.items()
        now = now if actions else timestep.wake
        timestep = world.step(actions, now)


WORLDS = {
    "car_sale": CarSale,
    "dilemma": IteratedDilemma,
    "talk": lambda: IteratedDilemma(talk=True, rounds=4),
    "auction": Auction,
    "round_table": RoundTable,
    "market_day": MarketDay,
}


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS.keys())
async def test_every_bundled_world_is_played_to_its_end_and_the_same_each_time(make):
    first = await played(make(), 7)

    assert set(first.ended) == set(make().seats)
    assert await played(make(), 7) == first


@pytest.mark.parametrize("make", WORLDS.values(), ids=WORLDS.keys())
async def test_other_seeds_play_otherwise(make):
    episodes = [(await played(make(), seed)).actions for seed in (1, 2, 3)]

    assert episodes[0] != episodes[1] or episodes[1] != episodes[2]


def prices_of(seat, episode):
    offers = [offer for who, offer in episode.actions if who == seat]
    return [offer.price for offer in offers if offer.price is not None]


@pytest.mark.parametrize("starts", ["buyer", "seller"])
async def test_car_traders_concede_towards_their_limit_and_never_beyond_it(starts):
    for seed in range(8):
        world = CarSale(starts=starts, buyer_limit=8000, seller_limit=6000)
        episode = await played(world, seed)
        bought, sold = prices_of("buyer", episode), prices_of("seller", episode)

        assert bought == sorted(bought)
        assert sold == sorted(sold, reverse=True)
        assert max(bought, default=0) <= 8000
        assert min(sold, default=8000) >= 6000
        assert sum(episode.rewards.values()) == 2000


async def test_car_traders_part_without_a_deal_where_no_price_suits_both():
    episode = await played(CarSale(buyer_limit=5000, seller_limit=6000), 3)

    assert episode.rewards == {"buyer": 0.0, "seller": 0.0}
    assert episode.ended == {"buyer": "truncated", "seller": "truncated"}


async def test_bidders_bid_their_value_where_the_second_price_is_paid():
    chat = [ChatMessage("user", "Item 1 of 3 is worth $1,070 to you. The highest bid wins and pays "
                        "the second highest bid. Bid in dollars; 0 stays out.")]  # fmt: skip

    assert sensible(chat, Sampling(seed=5)) == '{"amount": 1070}'


async def test_bidders_shade_their_bids_where_their_own_is_paid():
    gains = [(await played(Auction(price_rule="first"), seed)).rewards for seed in range(5)]

    assert all(gain >= 0 for each in gains for gain in each.values())
    assert sum(gain for each in gains for gain in each.values()) > 0


def dilemma(*moves):
    told = [ChatMessage("user", f"Round 1: you cooperated, the other player {move}.")
            for move in moves]  # fmt: skip
    return [*told, ChatMessage("user", "Do you cooperate or defect?")]


def test_the_dilemma_is_played_by_what_the_other_did_last():
    def n_defections(*moves):
        chat = dilemma(*moves)
        return sum("defect" in sensible(chat, Sampling(seed=seed)) for seed in range(400))

    assert n_defections() == 0
    assert n_defections("defected", "cooperated") < 60
    assert 300 < n_defections("cooperated", "defected") < 400


async def test_nobody_at_the_market_trades_at_a_loss_and_somebody_gains():
    episodes = [await played(MarketDay(), seed) for seed in range(5)]

    rewards = [reward for episode in episodes for reward in episode.rewards.values()]
    assert min(rewards) >= 0
    assert max(rewards) > 0


async def test_at_the_round_table_several_speakers_have_their_say_and_a_vote_is_held():
    episode = await played(RoundTable(), 2)

    speakers = {seat for seat, _ in episode.actions if seat.startswith("speaker")}
    assert len(speakers) > 1
    assert episode.told["moderator"][-1].startswith("Votes: ")
