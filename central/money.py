"""Money as it is written. It is kept in integer fen everywhere."""


def yuan(fen: int) -> str:
    """Money in fen as ¥1,230.50."""
    sign = "-" if fen < 0 else ""
    return f"{sign}¥{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
