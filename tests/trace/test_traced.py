"""Every call of a traced function is a span."""

import asyncio
import contextlib

import pytest

from simlab.trace.journal import Journal
from simlab.trace.log import Log
from simlab.trace.tracing import Tag, current_span, span, traced, turn
from simlab.trace.tree import read_tree
from tests.trace.society import open_writer


@pytest.fixture
def act(directory):
    """A turn of a buyer."""
    writer = open_writer(directory)
    with turn(Journal(0, seed=5, writer=writer), "buyer", 0, "act") as root:
        yield root
    writer.close()


@pytest.fixture
def spans(directory):
    """What was recorded: the spans of the turn."""
    return lambda: read_tree(Log(directory), 0).find(lambda node: node.type == "span")


@pytest.mark.usefixtures("act")
def test_interlab_2_a_call_is_a_span_with_its_arguments_and_what_it_returns(spans):
    @traced()
    def haggle(price, *others, limit=4, **more):
        return price + limit, others, more

    assert haggle(3, 1, 2, wish="x") == (7, (1, 2), {"wish": "x"})

    (node,) = spans()
    assert (node.name, node.kind, node.result) == ("haggle", "call", [7, [1, 2], {"wish": "x"}])
    assert node.inputs == {"price": 3, "others": [1, 2], "more": {"wish": "x"}}


class Shy:
    def __trace__(self):
        raise KeyError("no")


@pytest.mark.usefixtures("act")
def test_an_argument_that_cannot_be_kept_does_not_fail_the_function(spans):
    assert traced()(lambda shy: shy is not None)(Shy())

    (node,) = spans()
    assert node.inputs["shy"]["failed"] == "KeyError: 'no'"


@pytest.mark.usefixtures("act")
def test_interlab_2_lambdas_and_names_of_ones_own(spans):
    traced("double", kind="sum", tags=["maths"])(lambda x: 2 * x)(4)
    traced()(lambda: None)()

    double, unnamed = spans()
    assert (double.name, double.kind, double.tags) == ("double", "sum", (Tag("maths"),))
    assert unnamed.name == "<lambda>"


@pytest.mark.usefixtures("act")
async def test_interlab_8_async_calls_nest_and_differ_in_kind(spans):
    """InterLab drops the tags of async functions, and their names."""

    @traced(tags=["slow"])
    async def ask(question):
        """Ask a question."""
        await asyncio.sleep(0)
        return await answer(question)

    @traced()
    async def answer(question):
        return question + "!"

    with span("outer"):
        assert await ask("why") == "why!"

    outer, asked, answered = spans()
    assert (asked.parent, answered.parent) == (outer.id, asked.id)
    assert (asked.kind, asked.result, asked.tags) == ("async call", "why!", (Tag("slow"),))
    assert (ask.__name__, ask.__doc__) == ("ask", "Ask a question.")


@pytest.mark.usefixtures("act")
def test_a_generators_span_is_open_as_long_as_it_is_and_current_while_it_runs(spans):
    """InterLab closes the node of a generator when it is made."""
    inside = []

    @traced()
    def offers(n):
        for price in range(n):
            inside.append(current_span().name)
            yield price

    with span("outer") as outer:
        for _ in offers(2):
            assert current_span() is outer
            with span("consumer"):
                pass

    by_name = {node.name: node for node in spans()}
    assert inside == ["offers", "offers"]
    assert (by_name["offers"].kind, by_name["offers"].result) == ("generator", 2)
    assert by_name["consumer"].parent == outer.id


@pytest.mark.usefixtures("act")
def test_a_traced_generator_takes_values_and_errors_and_returns(spans):
    @traced()
    def bargain():
        price = 10
        while price > 5:
            try:
                price -= yield price
            except ValueError:
                price = 6
        return "deal"

    talk = bargain()
    assert next(talk) == 10
    assert talk.throw(ValueError) == 6
    with pytest.raises(StopIteration) as ended:
        talk.send(3)

    assert ended.value.value == "deal"
    assert spans()[0].result == 2


@pytest.mark.usefixtures("act")
def test_a_generator_that_is_left_early_is_closed_and_finished(spans):
    closed = []

    @traced()
    def offers():
        try:
            while True:
                yield 1
        finally:
            closed.append(current_span().name)

    with contextlib.closing(offers()) as some:
        next(some)

    (node,) = spans()
    assert (node.state, closed) == ("finished", ["offers"])


@pytest.mark.usefixtures("act")
async def test_async_generators_are_traced_alike(spans):
    @traced()
    async def offers():
        try:
            price = 3
            while True:
                await asyncio.sleep(0)
                assert current_span().name == "offers"
                try:
                    price = (yield price) or price
                except KeyError:
                    price = 0
        finally:
            assert current_span().name == "offers"

    some = offers()
    assert await anext(some) == 3
    assert await some.asend(5) == 5
    assert await some.athrow(KeyError) == 0
    await some.aclose()

    (node,) = spans()
    assert (node.kind, node.state, node.result) == ("async generator", "finished", 3)


@pytest.mark.usefixtures("act")
async def test_an_async_generator_that_ends_or_fails_closes_its_span(spans):
    @traced()
    async def offers(n):
        for price in range(n):
            yield 1 / price

    with pytest.raises(ZeroDivisionError):
        async for _ in offers(1):
            pass
    async for _ in offers(0):
        pass

    assert [node.state for node in spans()] == ["error", "finished"]


@pytest.mark.usefixtures("act")
def test_the_object_of_a_method_is_no_input(spans):
    class Seller:
        @traced()
        def haggle(self, price):
            return price

    Seller().haggle(3)

    assert spans()[0].inputs == {"price": 3}


@pytest.mark.usefixtures("act")
def test_a_call_with_wrong_arguments_says_so_itself(spans):
    @traced()
    def haggle(price):
        return price

    with pytest.raises(TypeError, match=r"haggle\(\) takes 1 positional argument but 2 were"):
        haggle(1, 2)

    assert spans()[0].state == "error"
