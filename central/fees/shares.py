"""The parts of a bill, under the names of the national medical insurance interface, in fen.

They always sum to the whole:
    medfee_sumamt = fulamt_ownpay_amt + overlmt_selfpay + preselfpay_amt + inscp_scp_amt
    medfee_sumamt = hifp_pay + psn_part_amt
"""

from dataclasses import dataclass, fields
from typing import TypeVar

S = TypeVar("S", bound="Parts")


@dataclass(frozen=True)
class Parts:
    """What of an amount is in the scope of insurance, and why the rest is not."""

    medfee_sumamt: int = 0  # all of it
    fulamt_ownpay_amt: int = 0  # class C, or not in the catalogue
    overlmt_selfpay: int = 0  # above the price limit
    preselfpay_amt: int = 0  # first self-pay of class B
    inscp_scp_amt: int = 0  # in scope

    def __add__(self: S, other: S) -> S:
        names = [each.name for each in fields(self)]
        return type(self)(*(getattr(self, each) + getattr(other, each) for each in names))

    def __neg__(self: S) -> S:
        return type(self)(*(-getattr(self, each.name) for each in fields(self)))

    def __sub__(self: S, other: S) -> S:
        return self + -other

    @property
    def out_of_scope(self) -> int:
        return self.medfee_sumamt - self.inscp_scp_amt


@dataclass(frozen=True)
class Shares(Parts):
    """Who pays it, too. `psn_cash_pay` is less than `psn_part_amt` only where a settlement says
    so: what a personal account pays is known to nobody else."""

    act_pay_dedc: int = 0  # the deductible, as far as it was used up here
    hifp_pay: int = 0  # the insurance fund
    psn_part_amt: int = 0  # the patient
    psn_cash_pay: int = 0

    @classmethod
    def of(cls, parts: Parts, dedc: int, fund: int) -> "Shares":
        own = parts.medfee_sumamt - fund
        return cls(
            parts.medfee_sumamt, parts.fulamt_ownpay_amt, parts.overlmt_selfpay,
            parts.preselfpay_amt, parts.inscp_scp_amt, dedc, fund, own, own,
        )  # fmt: skip


def rounded(numerator: int, denominator: int) -> int:
    """The one rule of rounding: to the nearest fen, a half away from nothing. So what is taken
    back is rounded as what was charged."""
    half_up = (2 * abs(numerator) + denominator) // (2 * denominator)
    return half_up if numerator >= 0 else -half_up
