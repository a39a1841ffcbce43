"""Motor, depth drive, skin, hand and contact sense against the figures that they were built for."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from simulator.contact import ContactSense
from simulator.depth import DepthDrive
from simulator.hand import Hand
from simulator.motor import RAD_S_PER_DHZ, Motor
from simulator.noise import NOISE_SIZE, even_share, noise_table
from simulator.parameters import (
    DepthDriveParameters,
    FirmwareParameters,
    HandParameters,
    MotorParameters,
    SkinParameters,
)
from simulator.skin import Skin, velocity_factor

SUPPLY_V = 3.98
SPEEDS_DHZ = [500, 800, 1_000, 1_170, 1_500]
SLACK_AND_TIGHT = [0.95, 1.0, 1.05]


def running(speed_dhz: int, friction_share: float = 1.0, load_nm: float = 0.0) -> Motor:
    """Return a motor that has run for half a second."""
    motor = Motor(MotorParameters(), friction_share)
    motor.drive(speed_dhz)
    for _ in range(500):
        motor.step(load_nm, SUPPLY_V)
    return motor


def mean(motor: Motor, load_nm: float, name: str, steps: int = 200) -> float:
    """Return the mean of a quantity of a motor that goes on."""
    total = 0.0
    for _ in range(steps):
        motor.step(load_nm, SUPPLY_V)
        total += getattr(motor, name)
    return total / steps


def ms_to_standstill(motor: Motor) -> int:
    """Return how long a motor goes on."""
    for duration_ms in range(1, 1_000):
        motor.step(0.0, SUPPLY_V)
        if motor.speed_rad_s == 0.0:
            return duration_ms
    return 1_000


@pytest.mark.parametrize("friction_share", SLACK_AND_TIGHT)
@pytest.mark.parametrize("speed_dhz", SPEEDS_DHZ)
def test_motor_spins_up_in_80_to_300_ms(speed_dhz: int, friction_share: float) -> None:
    """The soft start reaches 98 % of any set speed in the time that pens take."""
    motor = Motor(MotorParameters(), friction_share)
    motor.drive(speed_dhz)
    spun_up_ms = 0
    while motor.speed_rad_s < 0.98 * speed_dhz * RAD_S_PER_DHZ:
        motor.step(0.0, SUPPLY_V)
        spun_up_ms += 1

    assert 80 <= spun_up_ms <= 300


@pytest.mark.parametrize("friction_share", SLACK_AND_TIGHT)
@pytest.mark.parametrize("speed_dhz", SPEEDS_DHZ)
def test_motor_holds_its_speed_in_air_within_2_percent(
    speed_dhz: int, friction_share: float
) -> None:
    """Whatever the friction of this very pen."""
    motor = running(speed_dhz, friction_share)

    assert mean(motor, 0.0, "speed_rad_s") == pytest.approx(speed_dhz * RAD_S_PER_DHZ, rel=0.02)


@pytest.mark.parametrize(("speed_dhz", "depth_um"), [(1_000, 1_000), (1_500, 1_500), (500, 2_500)])
def test_motor_droops_and_draws_more_in_skin(speed_dhz: int, depth_um: int) -> None:
    """Load costs 0.5 to 8 % of speed, and its current is the load over the motor's constant."""
    load_nm = Skin(SkinParameters(), 12).torque_nm(depth_um, speed_dhz * RAD_S_PER_DHZ)
    in_air, in_skin = running(speed_dhz), running(speed_dhz, load_nm=load_nm)
    droop = 1.0 - mean(in_skin, load_nm, "speed_rad_s") / mean(in_air, 0.0, "speed_rad_s")
    rise_a = mean(in_skin, load_nm, "current_a") - mean(in_air, 0.0, "current_a")

    assert 0.005 <= droop <= 0.08
    assert rise_a == pytest.approx(load_nm / MotorParameters().torque_constant_nm_per_a, rel=0.05)


@pytest.mark.parametrize("friction_share", SLACK_AND_TIGHT)
@pytest.mark.parametrize("speed_dhz", SPEEDS_DHZ)
def test_brake_stops_within_50_ms(speed_dhz: int, friction_share: float) -> None:
    """The shorted winding and friction bring 150 strokes/s to rest in the maker's 50 ms."""
    motor = running(speed_dhz, friction_share)
    motor.off()

    assert ms_to_standstill(motor) <= 50


@pytest.mark.parametrize("friction_share", SLACK_AND_TIGHT)
@pytest.mark.parametrize("speed_dhz", SPEEDS_DHZ)
def test_unbraked_motor_coasts_for_50_to_200_ms(speed_dhz: int, friction_share: float) -> None:
    """Friction alone takes several times as long."""
    motor = running(speed_dhz, friction_share)
    motor.off(brake=False)

    assert 50 <= ms_to_standstill(motor) <= 200


def test_braking_current_is_negative() -> None:
    """The motor works as a generator."""
    motor = running(1_000)
    motor.off()
    motor.step(0.0, SUPPLY_V)

    assert motor.current_a < 0.0


def test_one_revolution_is_one_stroke() -> None:
    """One second at 100 strokes/s is 100 strokes."""
    motor = running(1_000)
    before = motor.strokes
    mean(motor, 0.0, "speed_rad_s", steps=1_000)

    assert 98 <= motor.strokes - before <= 101


def test_no_load_current_is_what_the_motor_draws_in_air() -> None:
    """The factory's figure for this pen agrees with its physics."""
    for share in SLACK_AND_TIGHT:
        motor = running(1_000, share)
        drawn_ma = 1_000 * mean(motor, 0.0, "current_a")

        assert motor.no_load_ma(1_000) == pytest.approx(drawn_ma, abs=2)


def test_blocked_rotor_draws_the_drivers_limit() -> None:
    """The driver chops; it does not burn."""
    motor = running(1_000)
    motor.locked = True
    motor.step(0.0, SUPPLY_V)

    assert mean(motor, 0.0, "current_a", steps=5) == pytest.approx(0.9)
    assert 0.0 == motor.speed_rad_s


def test_depth_drive_moves_at_its_speed_and_settles_near() -> None:
    """1.5 mm take about 40 ms, and the needles end within backlash and seat of the set depth."""
    for seed in range(20):
        drive = DepthDrive(DepthDriveParameters(), seed)
        drive.move_to(1_500)
        steps = 0
        while drive.moving:
            drive.step()
            steps += 1

        assert 38 == steps
        assert abs(drive.true_um - 1_500) <= 20
        assert abs(drive.measured_um(0) - drive.true_um) <= 5 + 3 * 3.5


def test_depth_drive_shows_backlash_on_reversal() -> None:
    """From above the nut rests on the other flank."""
    drive = DepthDrive(replace(DepthDriveParameters(), seat_spread_um=0.0), seed=1)
    ends = []
    for way in (1_000, 2_000, 1_000):
        drive.move_to(way)
        while drive.moving:
            drive.step()
        ends.append(drive.true_um)

    assert [990.0, 1_990.0, 1_010.0] == ends


def test_stuck_sensor_does_not_pull_the_needles_along() -> None:
    """The stepper counts steps; the sensor is a witness and no guide."""
    drive = DepthDrive(DepthDriveParameters(), seed=1)
    shown_um = drive.measured_um(0)
    drive.sensor_stuck = True
    drive.move_to(1_000)
    for _ in range(100):
        drive.step()

    assert shown_um == drive.measured_um(50)
    assert 980 <= drive.true_um <= 1_020


def test_loose_plate_lets_the_needles_out_at_once() -> None:
    """The sudden +500 um of domain research 4.6, seen by the sensor."""
    drive = DepthDrive(DepthDriveParameters(), seed=1)
    before_um = drive.true_um
    drive.loosen_plate(500)

    assert 500 == drive.true_um - before_um
    assert drive.measured_um(0) > 450


def test_skin_takes_more_energy_the_deeper_and_the_more_needles() -> None:
    """Some 0.1 to 6 mJ per stroke of 12 needles, slowly; the bulge makes even 0 um a touch."""
    skin = Skin(SkinParameters(), 12)
    energies = [skin.energy_j(depth_um) for depth_um in range(-300, 2_501, 100)]

    assert energies == sorted(energies)
    assert 0.0 == energies[0]
    assert 0.0001 < skin.energy_j(250) < 0.001
    assert 0.001 < skin.energy_j(1_000) < 0.003
    assert Skin(SkinParameters(), 36).energy_j(1_000) == pytest.approx(3 * skin.energy_j(1_000))


def test_fast_needles_need_less_force() -> None:
    """1.0 at rest, 0.3 to 0.5 above 0.5 m/s, without a step between."""
    factors = [velocity_factor(hertz / 10) for hertz in range(2_000)]

    assert 1.0 == factors[0]
    assert factors == sorted(factors, reverse=True)
    assert max(a - b for a, b in pairwise(factors)) < 0.002
    assert 0.3 == factors[-1]


def test_hand_sets_down_moves_in_rows_and_lifts_off() -> None:
    """About 250 ms after the motor starts, rows of 2 s with short lifts, off when it stops."""
    hand = Hand(HandParameters(), seed=4)
    edges = []
    for now_ms in range(10_000):
        was = hand.on_skin
        hand.step(now_ms, hears_motor=1_000 <= now_ms < 8_000)
        if hand.on_skin is not was:
            edges.append(now_ms)
    downs, ups = edges[::2], edges[1::2]

    assert 1_200 <= downs[0] <= 1_300
    assert all(1_600 <= up - down <= 2_400 for down, up in zip(downs, ups[:-1], strict=False))
    assert all(120 <= down - up <= 180 for up, down in zip(ups, downs[1:], strict=False))
    assert 8_000 < ups[-1] <= 8_240
    assert hand.is_idle


def test_hand_moves_at_20_mm_per_second() -> None:
    """1 s into a row the pen has gone 20 mm."""
    hand = Hand(HandParameters(), seed=4)
    now_ms = 0
    while not hand.on_skin:
        hand.step(now_ms, hears_motor=True)
        now_ms += 1

    assert 20_000 == hand.along_row_um(now_ms - 1 + 1_000)


def test_hand_that_never_hears_a_motor_stays_away() -> None:
    """Nobody needles by hand."""
    hand = Hand(HandParameters(), seed=4)
    for now_ms in range(3_000):
        hand.step(now_ms, hears_motor=False)

    assert hand.away
    assert not hand.on_skin


def sensed(currents_ma: list[int]) -> list[bool]:
    """Return what a sense makes of these currents after the soft start."""
    sense = ContactSense(FirmwareParameters(), slow_ma=124, fast_ma=134)
    for _ in range(FirmwareParameters().contact_blank_ms):
        sense.update(300, 700)
    contacts = []
    for current_ma in currents_ma:
        sense.update(current_ma, 1_000)
        contacts.append(sense.contact)
    return contacts


def test_contact_needs_more_current_for_more_than_50_ms() -> None:
    """A short rise is no contact; a long one is, and it ends with the rise."""
    short = sensed([129] * 100 + [160] * 10 + [129] * 200)
    long = sensed([129] * 100 + [160] * 300 + [129] * 300)

    assert not any(short)
    assert not any(long[:150])
    assert long[200]
    assert all(long[250:400])
    assert not any(long[600:])


def test_contact_has_hysteresis() -> None:
    """Between the thresholds it stays as it was."""
    between_ma = 129 + 4
    contacts = sensed([between_ma] * 500 + [160] * 200 + [between_ma] * 500)

    assert not any(contacts[:500])
    assert all(contacts[-400:])


def test_noise_is_about_normal_and_of_its_name() -> None:
    """Mean 0, deviation 1, bounded, and other for another seed or name."""
    table = noise_table(1, "depth")

    assert NOISE_SIZE == len(table)
    assert sum(table) / NOISE_SIZE == pytest.approx(0.0, abs=0.05)
    assert sum(entry * entry for entry in table) / NOISE_SIZE == pytest.approx(1.0, rel=0.05)
    assert max(map(abs, table)) <= 3.5
    assert table != noise_table(2, "depth")
    assert table != noise_table(1, "speed")


def test_tolerances_are_spread_over_their_whole_range() -> None:
    """Pens differ, within -1 to 1 of what they may."""
    shares = [even_share(seed, "friction") for seed in range(200)]

    assert -1.0 <= min(shares) < -0.9
    assert 0.9 < max(shares) <= 1.0
