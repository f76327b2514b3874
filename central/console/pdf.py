"""Pages for paper: PDF with Chinese, whoever opens it."""

import functools
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

# Their letters are put into the file as far as they are used. Debian: fonts-wqy-zenhei and others.
FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/arphic/uming.ttc",
    "/usr/share/fonts/truetype/arphic-gbsn00lp/gbsn00lp.ttf",
)
# Where none of them is there: what every reader of PDF has or replaces by itself.
WITHOUT = "STSong-Light"
NAME = "Wardline"
MARGIN = 12 * mm
GREY = colors.HexColor("#c8ced4")
WASH = colors.HexColor("#eef1f4")


@functools.cache
def font() -> str:
    """The name of the font that all text is in."""
    for path in FONTS:
        if Path(path).exists():
            try:
                pdfmetrics.registerFont(TTFont(NAME, path, subfontIndex=0))
            except TTFError:
                continue
            return NAME
    pdfmetrics.registerFont(UnicodeCIDFont(WITHOUT))
    return WITHOUT


def text(words: str, size: float = 9, **style: Any) -> Paragraph:
    """A paragraph; what `words` hold is text and no markup. It breaks between Chinese letters."""
    look = ParagraphStyle(
        "text", fontName=font(), fontSize=size, leading=size * 1.4, wordWrap="CJK", **style
    )
    return Paragraph(escape(words), look)


def table(rows: Sequence[Sequence[Any]], widths: Sequence[float], size: float = 8) -> Table:
    """A table whose heading is repeated on each page. `widths` in mm."""
    made = Table(
        [list(row) for row in rows],
        colWidths=[width * mm for width in widths],
        repeatRows=1,
        hAlign="LEFT",
    )
    made.setStyle(
        [
            ("FONT", (0, 0), (-1, -1), font(), size),
            ("BACKGROUND", (0, 0), (-1, 0), WASH),
            ("GRID", (0, 0), (-1, -1), 0.4, GREY),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            ("RIGHTPADDING", (0, 0), (-1, -1), 2),
            ("TOPPADDING", (0, 0), (-1, -1), 2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    return made


def document(title: str, story: Sequence[Any], footer: Callable[[int], str]) -> bytes:
    """The file, A4 lying. `footer` is given the number of each page."""
    out = BytesIO()

    def foot(canvas: Canvas, page: Any) -> None:
        canvas.setFont(font(), 8)
        canvas.drawString(MARGIN, 7 * mm, footer(page.page))

    SimpleDocTemplate(
        out, pagesize=landscape(A4), leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN,
        bottomMargin=MARGIN + 3 * mm, title=title, author="Wardline",
    ).build(list(story), onFirstPage=foot, onLaterPages=foot)  # fmt: skip
    return out.getvalue()
