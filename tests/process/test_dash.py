"""The live page of a real network: what travels, what is harmed, what goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.process.dashpage import dash_page
from tests.process.lab import Lab

pytestmark = pytest.mark.process


def states(frame: Any) -> dict[str, str]:
    return {item["name"]: item["state"] for item in frame["components"]}


def came(journey: Any) -> tuple[str, str]:
    return journey["source"], journey["kind"]


def test_a_lesson_on_the_page(lab: Lab) -> None:
    """A block and a payment travel; a node dies and comes back; the network is cut and heals."""
    lab.run("up", "3", "--wallets", "2")

    async def lesson() -> None:
        async with dash_page(lab) as page:
            shown = states(await page.until("frame", lambda told: len(told["links"]) >= 3))
            assert shown == dict.fromkeys(("n1", "n2", "n3", "w1", "w2"), "running")
            await asyncio.sleep(1.5)  # All nodes are watched closely by then.
            await page.ask("mine", "n2")
            ways = dict[str, str]()

            def has_come(journeys: Any) -> bool:
                blocks = [each for each in journeys if each["kind"] == "block"]
                ways.update((each["target"], each["source"]) for each in blocks)
                return {"n1", "n2", "n3"} <= set(ways)

            await page.until("travel", has_come)
            assert ways["n2"] == "", "it was found there"
            assert {ways["n1"], ways["n3"]} <= {"n1", "n2", "n3"}
            await page.ask("kill", "n3")
            await page.until("frame", lambda told: states(told)["n3"] == "ended")
            await page.ask("cut", "n1")
            await page.until("frame", lambda told: told["sides"] == [["n1"], ["n2", "n3"]])
            await page.ask("heal")
            await page.ask("restart", "n3")
            await page.until(
                "frame", lambda told: states(told)["n3"] == "running" and not told["sides"]
            )
            await page.begin("pay", "w1", "w2", amount="0.1")
            await page.until("travel", lambda told: ("w1", "payment") in map(came, told))
            await page.until("line", lambda told: "is in all 3 pools" in told["said"])
            lab.run("down")
            await page.until("gone", lambda told: "no run is up" in told["said"])
            assert await page.left() == 0

    asyncio.run(lesson())
