"""The times by which host and pen keep each other alive, and how they must relate; waits for none.

Every other module takes these figures from here or is held against them by a test.
Source: [SAF] 8.3, DESIGN 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.registers import LEASE_MS


@dataclass(frozen=True, slots=True)
class TimingProfile:
    """One set of times, in milliseconds.

    Args:
        name: Of the profile.
        heartbeat_ms: From one exchange of the scan to the next.
        cycle_us: One exchange with its gaps, of the length that the profile was made for.
        answer_ms: An exchange without an answer is over after this.
        lease_ms: The pen runs on for so long after the tick that a renewal echoes.
        freshness_ms: Telemetry that is older permits nothing.
        lateness_ms: A scan may come so late.

    Raises:
        ValueError: If the times do not hold together.
    """

    name: str
    heartbeat_ms: int
    cycle_us: int
    answer_ms: int
    lease_ms: int
    freshness_ms: int
    lateness_ms: int

    def __post_init__(self) -> None:
        broken = [text for text, holds in self.relations().items() if not holds]
        if broken:
            raise ValueError(f"timing profile {self.name}: {'; '.join(broken)}")

    @property
    def lease_ms_needed(self) -> int:
        """A lease that outlasts an old echo and three attempts. Source: [SAF] 8.3, row L."""
        return 2 * self.heartbeat_ms + 3 * self.answer_ms + 5

    def relations(self) -> dict[str, bool]:
        """Return every relation in words, and whether it holds. Source: [SAF] 8.3."""
        return {
            "a heartbeat has room for two exchanges": 1_000 * self.heartbeat_ms
            >= 2 * self.cycle_us,
            "an answer has come before the next heartbeat": self.answer_ms < self.heartbeat_ms,
            f"the lease is {self.lease_ms_needed} ms or more": self.lease_ms
            >= self.lease_ms_needed,
            "what permits anything is younger than the lease": self.freshness_ms < self.lease_ms,
            "a late scan still comes in its own period": self.lateness_ms < self.heartbeat_ms,
        }


PROFILE_A = TimingProfile(
    name="A",
    heartbeat_ms=50,
    cycle_us=22_500,
    answer_ms=25,
    lease_ms=LEASE_MS,
    freshness_ms=150,
    lateness_ms=40,
)
"""The profile of every session. Source: DESIGN 5, [SAF] 8.3."""
