"""`python -m tests.oracle.compare_limits`: the limit algebra of `safety` against its oracle.

    --all   every case of the small worlds; else the slice that the tests take
    --json  print one JSON object

Exit code 0: no difference. 1: some, of which the first few are printed. Nothing here decides who is
right; tests/oracle/README.md says how that is settled.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, combinations, count, islice, permutations, product
from typing import Any, NamedTuple

from safety import drag, limits
from safety.modifiers import Modifier, patient_limits
from tests.oracle import limits as oracle

STEPS = (1, 50, 100, 200, 250)
GUARD_BANDS = (0, 60, 150)
REASONS = (" ", "a depressed scar")
"""A blank is no reason; the cases of `orders` give none at all."""

CHOICES = tuple(product(STEPS, REASONS, (False, True)))
"""Step, reason, and whether all seven layers are required."""

STRIDE = 7
"""The slice takes every seventh choice, one further on for each wish: seven wishes meet all."""

LIMITERS = 8
"""The seven layers, and one of them again. Source: [SAF] 6.6."""

SHOWN = 5
"""So many differences are told, then no more are looked for."""


class World(NamedTuple):
    """Eight limits of one quantity, in places 0 to 7, and a stranger of another in place 8."""

    name: str
    quantity: str
    limits: tuple[oracle.Limit, ...]


class Case(NamedTuple):
    """One wish, under the limits that stand in these places of a world, in this order."""

    world: World
    places: tuple[int, ...]
    asked: int
    step: int
    guard_band: int
    reason: str
    is_required: bool


class Outcome(NamedTuple):
    """How many cases were compared, and what was found."""

    cases: int
    differences: list[str]


def _world(
    name: str, quantity: str, doubled: int, bounds: tuple[tuple[int, int, int | None], ...]
) -> World:
    mine = [
        (layer, quantity, *one) for layer, one in zip((*range(7), doubled), bounds, strict=True)
    ]
    stranger = (6, "passes" if quantity != "passes" else "depth_um", 0, 0, 0)
    return World(name, quantity, (*mine, stranger))


# fmt: off
WORLDS = (
    _world("within the guard band", "depth_um", 6, (
        (0, 151, 100), (0, 60, None), (0, 61, 1), (0, 60, 60),
        (0, 150, None), (1, 149, 90), (0, 0, 0), (0, 59, 0))),
    _world("tighter inwards", "depth_um", 4, (
        (0, 2_500, None), (0, 2_000, None), (50, 1_799, 1_500), (100, 1_500, 1_000),
        (100, 1_201, 751), (150, 951, 500), (201, 800, 437), (101, 1_150, None))),
    _world("tighter outwards", "speed_dhz", 1, (
        (500, 800, 650), (501, 899, 660), (450, 1_000, None), (0, 1_101, 700),
        (200, 1_200, None), (0, 1_350, 1_349), (0, 1_500, 0), (499, 901, 601))),
    _world("contradictory", "depth_um", 5, (
        (0, 2_500, 2_400), (700, 300, None), (0, 600, 450), (401, 400, None),
        (300, 550, 300), (500, 0, None), (0, 499, 251), (450, 450, 450))),
    _world("equal", "passes", 3, (
        (0, 500, None), (0, 500, 500), (250, 500, 250), (0, 500, 400),
        (250, 500, 400), (0, 500, 400), (500, 500, 500), (0, 500, 400))),
    _world("large", "punctures_per_cm2", 0, (
        (0, 10_000, 5_000), (0, 1_000_000, None), (0, 999_999, 250_000), (200, 9_000, 4_000),
        (0, 1_000_000, 10_001), (151, 8_200, None), (250, 7_999, 3_333), (0, 10_050, 5_050))),
)
# fmt: on


def subsets(most: int) -> Iterator[tuple[int, ...]]:
    """Yield all sets of up to so many of the eight places."""
    sizes = range(most + 1)
    return chain.from_iterable(combinations(range(LIMITERS), size) for size in sizes)


def wishes(world: World, places: Iterable[int], guard_band: int, *, every: bool) -> list[int]:
    """Return one less than each bound, the bound and one more; only of the tightest for a slice."""
    mine = [world.limits[place] for place in places if place < LIMITERS]
    bounds = {0, 500}
    if mine and every:
        bounds = {bound for _, _, low, high, _ in mine for bound in (low, high, high - guard_band)}
        bounds |= {soft for *_, soft in mine if soft is not None}
    elif mine:
        tops = (oracle.hard_top, oracle.soft_top)
        bounds = {min(top(one, guard_band) for one in mine) for top in tops}
        bounds |= {max(low for _, _, low, _, _ in mine)}
    near = {bound + more for bound in bounds for more in (-1, 0, 1)}
    return sorted(value for value in near if 0 <= value <= oracle.LARGEST[world.quantity])


def orders(world: World, most: int, *, every: bool) -> Iterator[Case]:
    """Yield all orders of up to so many limits; for a slice with one wish of three in turn."""
    lowest, highest = min(one[2] for one in world.limits), max(one[3] for one in world.limits[:8])
    above = min(highest + 1, oracle.LARGEST[world.quantity])
    kinds = ((lowest, ""), (above, ""), (above, REASONS[-1]))
    number = count()
    for places in subsets(most):
        for order in permutations(places):
            turn = next(number) % len(kinds)
            for asked, reason in kinds if every else kinds[turn : turn + 1]:
                yield Case(world, order, asked, 50, 60, reason, is_required=False)


def cases(*, every: bool) -> Iterator[Case]:
    """Yield all cases, or the slice, which still has all sets of limits and all orders up to 4."""
    number = count()
    for world in WORLDS:
        yield from orders(world, 5 if every else 4, every=every)
        # Every second set has the stranger beside it; the empty one comes with and without.
        sets = [one if len(one) % 2 else (*one, LIMITERS) for one in subsets(LIMITERS)]
        for places, guard_band in product([(), *sets], GUARD_BANDS):
            for asked in wishes(world, places, guard_band, every=every):
                first = 0 if every else next(number) % STRIDE
                for step, reason, is_all in islice(CHOICES, first, None, 1 if every else STRIDE):
                    yield Case(world, places, asked, step, guard_band, reason, is_all)


class Judge:
    """Holds one algebra, as a rule `safety.limits` itself, against the oracle."""

    def __init__(self, algebra: Any = limits) -> None:
        self._algebra = algebra
        self._layers = frozenset(algebra.Layer)
        self._limits = {world.name: self._built(world) for world in WORLDS}

    def _built(self, world: World) -> tuple[Any, ...]:
        """Return the limits of a world; each bears its place as its source."""
        layer, quantity, limit = self._algebra.Layer, self._algebra.Quantity, self._algebra.Limit
        return tuple(
            limit(layer(one), quantity(name), low, high, str(place), soft)
            for place, (one, name, low, high, soft) in enumerate(world.limits)
        )

    def grant(self, case: Case, places: Iterable[int]) -> Any:
        """Return what the algebra grants under the limits in this order."""
        mine = self._limits[case.world.name]
        return self._algebra.grant(
            self._algebra.Quantity(case.world.quantity),
            case.asked,
            tuple(mine[place] for place in places),
            step=case.step,
            required=self._layers if case.is_required else frozenset(),
            guard_band=case.guard_band,
            reason=case.reason,
        )

    def difference(self, case: Case) -> str:
        """Return in what the two differ, or an empty text."""
        try:
            found = self.grant(case, case.places)
            in_order = sorted(case.places)
            if list(case.places) != in_order and found != self.grant(case, in_order):
                return f"{_told(case)}: {found} depends on the order"
        except (LookupError, TypeError, ValueError) as error:
            return f"{_told(case)}: raises {error!r}"
        mine = [case.world.limits[place] for place in case.places]
        wanted = oracle.grant(
            case.world.quantity,
            case.asked,
            mine,
            step=case.step,
            required=frozenset(range(7)) if case.is_required else frozenset(),
            guard_band=case.guard_band,
            reason=case.reason,
        )
        broken = [int(one.source) for one in found.reasons]
        binding = None if found.binding is None else int(found.binding.source)
        deciders = [case.places[place] for place in wanted.deciders]
        top = oracle.hard_top if case.reason.strip() else oracle.soft_top
        tops = [top(case.world.limits[place], case.guard_band) for place in broken]
        is_same = (
            (wanted.granted, wanted.tier) == (found.granted, found.tier.name)
            and sorted(case.places[place] for place in wanted.broken) == sorted(broken)
            and tops == sorted(tops)
            and (binding in deciders if deciders else binding is None)
            and _unknown(wanted, mine, case.world.quantity) == _unknown_told(found.note)
            and (case.asked, case.reason) == (found.asked, found.reason)
        )
        return "" if is_same else f"{_told(case)}: oracle {wanted}, found {found}"


def _told(case: Case) -> str:
    return f"{case._replace(world=case.world._replace(limits=()))}"


def _unknown(wanted: oracle.Granted, mine: list[oracle.Limit], quantity: str) -> set[str]:
    names = {oracle.LAYERS[layer].lower() for layer in wanted.unknown}
    return names or (set() if any(one[1] == quantity for one in mine) else {"any layer"})


def _unknown_told(note: str) -> set[str]:
    start, found, names = note.partition("no limit known from ")
    return set(names.split(", ")) if found and not start else set()


def compare_grants(
    algebra: Any = limits,
    *,
    every: bool = False,
    shown: int = SHOWN,
    say: Callable[[int], object] = lambda _: None,
) -> Outcome:
    """Compare all cases or the slice, up to so many differences; ``say`` hears of progress."""
    judge, differences, number = Judge(algebra), list[str](), 0
    for number, case in enumerate(cases(every=every), 1):
        if difference := judge.difference(case):
            differences.append(difference)
            if len(differences) >= shown:
                break
        if not number % 20_000:
            say(number)
    return Outcome(number, differences)


def compare_refused_inputs() -> Outcome:
    """Compare what is no wish, no step and no guard band: neither side may take it."""
    differences, number = [], 0
    bad: tuple[Any, ...] = (-1, True, False, None, 1.0, float("nan"), "1", 1 << 80)
    for quantity, largest in oracle.LARGEST.items():
        good = {"asked": 1, "step": 1, "guard_band": 0}
        tried = [(name, value) for name in good for value in (*bad, largest + 1)] + [("step", 0)]
        for name, value in tried:
            given = good | {name: value}
            asked = given.pop("asked")
            number += 1
            for side in (
                lambda: limits.grant(limits.Quantity(quantity), asked, (), **given),  # noqa: B023
                lambda: oracle.grant(quantity, asked, (), **given),  # noqa: B023
            ):
                try:
                    differences.append(f"{quantity} {name} = {value!r}: taken as {side()}")
                except ValueError:
                    continue
    return Outcome(number, differences)


def compare_modifiers() -> Outcome:
    """Compare the patient's limits: contradictory, missing and strange limits as well."""
    depths = (None, (0, 1_500, 1_200), (0, 1_000, None), (200, 300, 250), (400, 300, None))
    passes = (None, (1, 3, None), (1, 6, 4))
    strangers: list[oracle.Limit] = [(0, "depth_um", 0, 9, 0), (6, "passes", 0, 0, 0)]
    strangers += [(4, "speed_dhz", 500, 900, None), (5, "depth_um", 0, 1, None)]
    traits = ((250, 0), (250, 1), (0, 3))
    taken = [one for size in range(4) for one in combinations(traits, size)]
    edges = (49, 50, 51, 299, 300, 301, 999, 1_000, 1_001, 1_199, 1_200, 1_201, 1_500, 1_501)
    modifiers = [None, *taken, *(((edge, edge % 7),) for edge in edges), (traits[0],) * 5]
    differences, number = [], 0
    for *bounds, extra, one in product(depths, depths, passes, passes, ([], strangers), modifiers):
        names = ("depth_um", "depth_um", "passes", "passes")
        ours: list[oracle.Limit] = [*extra]
        for layer, name, bound in zip((3, 4, 3, 4), names, bounds, strict=True):
            ours += [] if bound is None else [(layer, name, *bound)]
        mine = tuple(
            limits.Limit(limits.Layer(layer), limits.Quantity(name), low, high, "", soft)
            for layer, name, low, high, soft in ours
        )
        given = None if one is None else tuple(Modifier("a trait", *less) for less in one)
        found = patient_limits(mine, given)
        told = {lim.quantity.value: (lim.low, lim.high, lim.confirm_above) for lim in found}
        is_patient = all(lim.layer is limits.Layer.PATIENT for lim in found)
        number += 1
        wanted = oracle.patient_limits(ours, one)
        if wanted != told or len(told) != len(found) or not is_patient:
            differences.append(f"{ours} less {one}: oracle {wanted}, found {found}")
    return Outcome(number, differences)


def compare_drag() -> Outcome:
    """Compare the slowest speed at every depth: between two entries that of the deeper one."""
    differences = []
    depths = range(limits.DEPTH_UM_ABSOLUTE + 1)
    for depth_um in depths:
        found = next(
            one.low
            for one in limits.absolute_limits(depth_um)
            if one.quantity is limits.Quantity.SPEED_DHZ
        )
        entry_um = -(-depth_um // drag.SHARE_STEP_UM) * drag.SHARE_STEP_UM
        safe, _ = oracle.slowest_speed_dhz(depth_um, drag.DRAG_UM_MAX)
        least, largest = oracle.slowest_speed_dhz(entry_um, drag.DRAG_UM_MAX)
        if not (safe <= found and least <= found <= largest):
            differences.append(f"{depth_um} um: oracle {safe}, {least} to {largest}, found {found}")
    return Outcome(len(depths), differences)


def compare_strokes() -> Outcome:
    """Compare the strokes of a dose, around all that is round and at both ends."""
    doses = (0, 1, 4_999, 5_000, 5_001, 9_999, 10_000, 10_001, 999_999, 1_000_000)
    patches = (1, 2, 7, 99, 100, 101, 2_500, 65_534, 65_535)
    differences, number = [], 0
    for dose, patch, needles in product(doses, patches, (*range(1, 43), 65_534, 65_535)):
        number += 1
        wanted = oracle.strokes_allowed(dose, patch, needles)
        found = limits.strokes_allowed(dose, patch, needles)
        if (int, wanted) != (type(found), found):
            differences.append(f"{dose} on {patch} by {needles}: oracle {wanted}, found {found}")
    return Outcome(number, differences)


def main(arguments: list[str] | None = None) -> int:
    """Compare everything and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracle.compare_limits")
    parser.add_argument("--all", action="store_true", help="every case, some minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    begin = time.monotonic()

    def say(number: int) -> None:
        sys.stderr.write(f"\r{number:,} cases, {time.monotonic() - begin:.0f} s ")
        sys.stderr.flush()

    outcomes = {
        "grants": compare_grants(every=options.all, say=say),
        "refused inputs": compare_refused_inputs(),
        "modifiers": compare_modifiers(),
        "drag": compare_drag(),
        "strokes": compare_strokes(),
    }
    sys.stderr.write("\n")
    differences = [text for outcome in outcomes.values() for text in outcome.differences]
    seconds = round(time.monotonic() - begin, 1)
    figures: dict[str, object] = {name: outcome.cases for name, outcome in outcomes.items()}
    figures |= {"seconds": seconds, "differences": len(differences)}
    if options.json:
        sys.stdout.write(json.dumps(figures | {"shown": differences[:SHOWN]}) + "\n")
    else:
        lines = [f"{name}: {figure}" for name, figure in figures.items()]
        sys.stdout.write("\n".join([*lines, *differences[:SHOWN]]) + "\n")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
