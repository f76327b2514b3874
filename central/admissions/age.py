"""A patient's age, as it is said: years, for small children months, for the newborn days."""

from datetime import date

YEARS, MONTHS, DAYS = "years", "months", "days"
MONTHS_UNTIL_YEARS = 2
DAYS_UNTIL_MONTHS = 1
# Beyond this a birth date is a mistake of typing.
OLDEST_YEARS = 130


def age(birth: str, today: date) -> tuple[int, str] | None:
    """(46, "years") for a birth such as "1979-11-02", "1979-11" or "1979"; None when unknown,
    in the future or impossible."""
    try:
        parts = [int(each) for each in birth.split("-")]
        year, month, day = [*parts, 1, 1][:3]
        born = date(year, month, day)
    except ValueError:
        return None
    if born > today:
        return None
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months // 12 > OLDEST_YEARS:
        return None
    if months >= 12 * MONTHS_UNTIL_YEARS or len(parts) == 1:
        return months // 12, YEARS
    if months >= DAYS_UNTIL_MONTHS or len(parts) == 2:
        return months, MONTHS
    return (today - born).days, DAYS
