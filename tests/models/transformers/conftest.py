"""Engines for one test alone."""

import pytest


@pytest.fixture
def own_engine(tiny_weights):
    """Makes engines for one test alone, and closes them."""
    from simlab.models.transformers.engine import TransformersEngine

    engines = []

    def make(weights=tiny_weights, **options):
        engines.append(TransformersEngine(str(weights), **options))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()
