"""The inspection book of a ward on paper."""

from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Spacer, Table

from central.console import pdf
from central.console.context import _, at_date
from central.proving import shown
from central.proving.book import Book

# Widths in mm: of the bed, a day, and each sum.
BED, DAY, SUM = 20, 6.9, 12


def book(found: Book, ward: str, now_ms: int) -> bytes:
    """The PDF of a book in the user's language; `ward` is the ward's name."""
    month = found.month.strftime("%Y-%m")
    title = _("Inspection book · %(ward)s · %(month)s", ward=ward, month=month)
    story: list[Any] = [
        pdf.text(title, 15, spaceAfter=4 * mm),
        pdf.text(_(shown.LEGEND), 8.5, spaceAfter=3 * mm),
        _grid(found),
        Spacer(1, 5 * mm),
        pdf.text(_("What failed"), 12, spaceAfter=2 * mm),
        _failures(found),
        Spacer(1, 9 * mm),
        _signatures(),
    ]
    printed = _("Printed %(time)s by Wardline from the book of proofs", time=at_date(now_ms))
    return pdf.document(
        title, story, lambda page: f"{title} · {printed} · " + _("page %(n)s", n=page)
    )


def _grid(found: Book) -> Table:
    heading = [_("Bed"), *(str(day.day) for day in found.days), _("Days"), _("Failed")]
    rows = [
        [
            pdf.text(line.bed, 8),
            *(shown.day_signs(day) for day in line.days),
            f"{line.days_good}/{found.days_so_far}",
            str(line.total("failed")),
        ]
        for line in found.beds
    ]
    made = pdf.table([heading, *rows], [BED, *([DAY] * len(found.days)), SUM, SUM], 7)
    made.setStyle([("ALIGN", (1, 0), (-1, -1), "CENTER"), ("LEFTPADDING", (1, 0), (-3, -1), 0),
                   ("RIGHTPADDING", (1, 0), (-3, -1), 0)])  # fmt: skip
    return made


def _failures(found: Book) -> Any:
    if not found.failures:
        return pdf.text(_("Nothing failed in this month."))
    rows = [[_("Time"), _("Bed"), _("Box"), _("What failed"), _("Proven again")]]
    for failure in found.failures:
        row = shown.entry(failure.row)
        why = f"{row['leg_words']} · {row['why']}" if row["leg_words"] else row["why"]
        rows.append([
            at_date(row["at_ms"]), pdf.text(row["bed"], 8), pdf.text(row["node"], 8),
            pdf.text(why, 8), at_date(failure.over_ms),
        ])  # fmt: skip
    return pdf.table(rows, [36, 20, 40, 135, 36])


def _signatures() -> Table:
    words = [_("Looked through by"), _("Date"), _("Signature")]
    made = Table(
        [[f"{each} ______________________" for each in words]], colWidths=[90 * mm] * len(words)
    )
    made.setStyle([("FONT", (0, 0), (-1, -1), pdf.font(), 9)])
    return made
