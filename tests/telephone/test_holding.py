"""A call that is left to us for as long as we say."""

from contextlib import AsyncExitStack

from gateway.telephone.ari.actions import Actions
from gateway.telephone.holding import held
from tests.telephone.test_playing import CALLER, Exchange


async def test_a_call_that_is_back_before_its_first_holding_has_ended_stays_held() -> None:
    actions = Actions(Exchange())  # type: ignore[arg-type]
    async with AsyncExitStack() as before, AsyncExitStack() as now:
        await before.enter_async_context(held(actions, CALLER))
        await now.enter_async_context(held(actions, CALLER))
        again = actions.holds[CALLER]
        await before.aclose()
        assert actions.holds == {CALLER: again}
        await now.aclose()
        assert actions.holds == {}
