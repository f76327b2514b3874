"""Who is locked out, for how long, and who never: without an exchange."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telephone.guard import (
    FIRST_S,
    FORGOTTEN_AFTER_S,
    MOST_LOCKED,
    MOST_S,
    SPARED_PROVEN_S,
    SPARED_S,
    TRIES,
    TRIES_WITHIN_S,
    Guard,
    never,
    whose,
)
from gateway.telephone.security_log import LogIn, log_in

THERE = "192.0.2.9"
LINE = (
    '[2026-11-28T22:05:39.058] SECURITY[28182] res_security_log.c: SecurityEvent="{event}"'
    ',EventTV="2026-11-28T22:05:39.058+0000",Severity="Error",Service="PJSIP",EventVersion="1"'
    ',AccountID="{account}",SessionID="37e162454a",LocalAddress="IPV4/UDP/127.0.0.1/11181"'
    ',RemoteAddress="IPV4/{transport}/192.0.2.9/47572",Challenge="1/a",Response="c8"'
)


def wrong(address: str = THERE, *, proven: bool = False) -> LogIn:
    return LogIn(False, "0015650a1b2c", address, proven)


def right(address: str = THERE) -> LogIn:
    return LogIn(True, "0015650a1b2c", address, False)


def tried(guard: Guard, now_s: float, times: int = TRIES, *, proven: bool = False) -> None:
    for _ in range(times):
        guard.seen(wrong(proven=proven), now_s)


def test_one_try_fewer_is_not_enough_and_the_last_one_is_for_a_while() -> None:
    guard = Guard()
    tried(guard, 0, TRIES - 1)
    assert guard.locked(0) == ()
    tried(guard, 1, 1)
    assert guard.locked(1) == (THERE,)
    assert guard.locked(FIRST_S) == (THERE,)
    assert guard.locked(1 + FIRST_S) == ()


def test_slow_tries_are_no_guessing() -> None:
    guard = Guard()
    for each in range(TRIES * 3):
        guard.seen(wrong(), each * TRIES_WITHIN_S / (TRIES - 2))
        assert guard.locked(each * TRIES_WITHIN_S / (TRIES - 2)) == ()


def test_each_time_lasts_longer_up_to_a_limit_and_a_quiet_day_begins_anew() -> None:
    guard, now_s, lasted = Guard(), 0.0, []
    for _ in range(10):
        tried(guard, now_s)
        lasted.append(guard.troubles[THERE].until_s - now_s)
        now_s = guard.troubles[THERE].until_s + 1
    assert lasted[:3] == [FIRST_S, 2 * FIRST_S, 4 * FIRST_S]
    assert lasted[-1] == MOST_S
    tried(guard, now_s + FORGOTTEN_AFTER_S + MOST_S)
    assert guard.troubles[THERE].until_s - now_s - FORGOTTEN_AFTER_S - MOST_S == FIRST_S


def test_where_a_telephone_logged_in_what_may_be_forged_locks_nobody_out() -> None:
    guard = Guard()
    guard.seen(right(), 0)
    tried(guard, SPARED_S)
    assert (guard.locked(SPARED_S), guard.spared(SPARED_S)) == ((), (THERE,))
    assert guard.spared(SPARED_S + TRIES_WITHIN_S + 1) == (), "it has given up"
    tried(guard, SPARED_S + 1)
    assert (guard.locked(SPARED_S + 1), guard.spared(SPARED_S + 1)) == ((THERE,), ())


def test_what_cannot_be_forged_locks_out_unless_a_telephone_was_there_just_now() -> None:
    guard = Guard()
    guard.seen(right(), 0)
    tried(guard, SPARED_PROVEN_S, proven=True)
    assert guard.locked(SPARED_PROVEN_S) == ()
    tried(guard, SPARED_PROVEN_S + 1, proven=True)
    assert guard.locked(SPARED_PROVEN_S + 1) == (THERE,)


def test_lines_to_the_world_and_this_machine_are_never_locked_out() -> None:
    guard = Guard(never(["192.0.2.9:5060", "sip.example.org"]))
    tried(guard, 0)
    for _ in range(TRIES):
        guard.seen(wrong("127.0.0.1"), 0)
    assert guard.locked(0) == ()


def test_a_line_that_becomes_one_to_the_world_is_let_in_again() -> None:
    guard = Guard()
    tried(guard, 0)
    guard.exempt = never([f"{THERE}:5060"])
    assert guard.locked(0) == ()


def test_a_clock_that_is_set_back_locks_nobody_out_for_longer() -> None:
    guard, ahead_s = Guard(), 365 * 24 * 3600.0
    tried(guard, ahead_s)
    assert guard.locked(ahead_s) == (THERE,)
    assert guard.locked(0) == ()
    tried(guard, 1)
    assert guard.locked(1) == (THERE,)


def test_a_network_of_ipv6_counts_as_one_and_a_mapped_address_as_itself() -> None:
    assert whose("2001:db8:1:2::7") == whose("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert whose("::ffff:192.0.2.9") == THERE


def test_a_flood_of_addresses_makes_no_endless_list() -> None:
    guard = Guard()
    for each in range(MOST_LOCKED + 50):
        for _ in range(TRIES):
            guard.seen(wrong(f"10.0.{each // 250}.{each % 250 + 1}"), 0)
    assert len(guard.locked(0)) == MOST_LOCKED
    assert "10.0.0.1" not in guard.locked(0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([THERE, "192.0.2.10", "127.0.0.1"]), st.booleans(), st.booleans(),
            st.floats(0, 5000),
        ),
        max_size=80,
    )
)  # fmt: skip
def test_over_a_restart_it_goes_on_as_if_it_had_not_been_away(
    seen: list[tuple[str, bool, bool, float]],
) -> None:
    guard, again, now_s = Guard(), Guard(), 0.0
    for address, fine, proven, passed_s in seen:
        now_s += passed_s
        for each in (guard, again):
            each.seen(LogIn(fine, "x", address, proven), now_s)
        restarted = Guard()
        restarted.restore(json.loads(json.dumps(again.kept())))
        again = restarted
        assert again.locked(now_s) == guard.locked(now_s)
        assert again.spared(now_s) == guard.spared(now_s)
        assert "127.0.0.1" not in guard.locked(now_s)


def test_a_line_of_the_log_is_read() -> None:
    line = LINE.format(event="ChallengeResponseFailed", account="<unknown>", transport="UDP")
    assert log_in(line) == LogIn(False, "<unknown>", THERE, False)
    line = LINE.format(event="SuccessfulAuth", account="0015650a1b2c", transport="TLS")
    assert log_in(line) == LogIn(True, "0015650a1b2c", THERE, True)


@pytest.mark.parametrize(
    "account",
    ['x",RemoteAddress="IPV4/UDP/9.9.9.9/1', 'x",SessionID="1",LocalAddress="', "", "a b"],
)
def test_a_name_with_quotes_speaks_for_no_address(account: str) -> None:
    assert (
        log_in(LINE.format(event="ChallengeResponseFailed", account=account, transport="UDP"))
        is None
    )


@given(st.text())
def test_any_line_is_read_or_passed_over(text: str) -> None:
    assert log_in(text) is None
    quoted = LINE.format(event="ChallengeResponseFailed", account=text, transport="UDP")
    came = log_in(quoted)
    assert came is None or came.address == THERE
