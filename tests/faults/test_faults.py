"""Whatever is killed, nothing that was acknowledged is lost, nothing is doubled, and no clock is another.

Each target is killed once, in an order and at moments that the seed decides; with --long ten times.
"""

import random
import time
from collections import Counter

import pytest
from findings import Found, look, slowest_job, waiting
from phones import SHORT, Street
from sqlalchemy import text
from town import TARGETS, Kill, Probe

from app.core import clock

# How often each target is killed, and how many seconds lie between two kills.
SHORT_FORM = (1, (2, 6))
LONG_FORM = (10, (3, 13))

# The promises of the suite, in seconds.
SERVES_AGAIN_S = 10
ORPHANS_RUN_S = 30

pytestmark = pytest.mark.timeout(420)


def test_kills_lose_nothing_double_nothing_and_change_no_clock(town, behind, record_property, request):
    seed = request.config.getoption("--seed", default=None) or random.SystemRandom().randrange(10**6)
    times, pauses = LONG_FORM if request.config.getoption("--long", default=False) else SHORT_FORM
    chance = random.Random(seed)
    _allow_one_minute(behind)
    street, probe = Street(town, seed), Probe(town.address)
    since = clock.now()
    street.begin()

    targets = list(TARGETS) * times
    chance.shuffle(targets)
    kills = []
    for target in targets:
        time.sleep(chance.uniform(*pauses))
        kills.append(town.kill(target, chance))
    town.wait_until(town.serves, 60, "HTTP after the last kill")
    time.sleep(5)  # some ordinary life, so that what broke for good shows
    seconds = street.end()
    drained = _seconds_until(lambda: waiting(behind) == 0, at_most=60)
    texts = _seconds_until(lambda: all(town.gateway.texts(key) for key in street.ledger.codes), at_most=100)
    probe.close()
    town.gateway.keep_nobody_waiting()

    found = look(behind, street.ledger, town.gateway, town.folder / "photos", since)
    recoveries = [(kill, _served_again_after(kill, kills, probe)) for kill in kills]
    orphans, slowest = slowest_job(behind, kills)
    record_property(
        "faults", _told(street, seconds, kills, recoveries, found, (orphans, slowest, max(drained, texts)), probe)
    )
    slow = [f"{kill.target}: {recovery:.1f} s" for kill, recovery in recoveries if recovery > SERVES_AGAIN_S]
    assert not street.ledger.wrong, f"seed {seed}: answered as it must not be: {street.ledger.wrong[:20]}"
    assert not found.wrong, f"seed {seed}: {len(found.wrong)} wrong: {found.wrong[:20]}\n{town.logs()}"
    assert not slow, f"seed {seed}: HTTP was not served again within {SERVES_AGAIN_S} s: {slow}"
    assert orphans <= ORPHANS_RUN_S, f"seed {seed}: a job ran {orphans:.1f} s after the last kill that could orphan it"


def _seconds_until(holds, *, at_most: float) -> float:
    """How long it took; what does not hold even then is found afterwards, and named."""
    began = time.monotonic()
    while not holds() and time.monotonic() - began < at_most:
        time.sleep(0.2)
    return time.monotonic() - began


def _allow_one_minute(engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into target_policies (city_id, kind_code, minutes, valid_from) "
                "values (1, :kind, 1, now() - interval '1 day')"
            ),
            {"kind": SHORT},
        )


def _served_again_after(kill: Kill, kills: list[Kill], probe: Probe) -> float:
    """Seconds from a kill until requests could be served, 0 when they always could; told of an outage's last kill."""
    ended = 0.0
    for began, end in probe.outages:
        last = max((one.monotonic for one in kills if one.monotonic <= end), default=0.0)
        if last == kill.monotonic and began <= kill.monotonic + 5:
            ended = max(ended, end - kill.monotonic)
    return ended


def _told(street: Street, seconds: float, kills: list[Kill], recoveries, found: Found, waits, probe: Probe) -> str:
    ledger, counted = street.ledger, street.ledger.counted
    acknowledged = sum(number for what, number in counted.items() if not what.startswith(("answered", "no answer")))
    lines = [f"\n\nFAULTS seed {street.seed}, {len(kills)} kills in {seconds:.0f} s", "  killed"]
    for target in TARGETS:
        slowest = max((recovery for kill, recovery in recoveries if kill.target == target), default=0.0)
        hows = Counter(kill.how for kill in kills if kill.target == target)
        of_it = ", ".join(f"{how} x{number}" for how, number in hows.items())
        lines.append(f"    {target:22} {hows.total():3}   HTTP again after {slowest:4.1f} s   {of_it}")
    down = [end - began for began, end in probe.outages]
    lines.append(
        f"  not served            {len(down)} times, {sum(down):.1f} s in all, {max(down, default=0):.1f} s the longest"
    )
    lines.append(f"  acknowledged {acknowledged} ({acknowledged / seconds:.1f} a second)")
    kinds = ("report", "photo", "move", "entry", "code", "code of a slow gateway")
    lines += [f"    {what:22} {counted[what]:5}" for what in kinds]
    again = {what: number for what, number in counted.items() if what.startswith(("answered", "no answer"))}
    lines.append(f"  tried again           {again}")
    waited = sorted(ledger.waits)
    lines.append(f"  an answer came after  {waited[len(waited) // 2]:.2f} s (half), {waited[-1]:.1f} s (slowest)")
    held = f"while the gateway held {street.town.gateway.held} others for a minute or for ever"
    lines.append(f"  a code came after     {ledger.slowest_code:.1f} s (slowest), {held}")
    lines.append(f"  looked at             {dict(found.looked_at)}")
    orphans, slowest, drained = waits
    lines.append(f"  jobs                  {orphans:.1f} s after the last kill, {slowest:.1f} s in all (slowest)")
    lines.append(f"  drained               {drained:.1f} s after the last request")
    lines.append(f"  left out              {found.left_out or 'nothing'}")
    lines.append(f"  wrong                 {len(found.wrong) + len(ledger.wrong)}")
    return "\n".join(lines)
