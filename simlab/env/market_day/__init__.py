"""A market day: vendors and buyers who act when they decide to. Start at `MarketDay`."""

from simlab.env.market_day.actions import Answer, Ask, Offer
from simlab.env.market_day.world import MarketDay

__all__ = ["Answer", "Ask", "MarketDay", "Offer"]
