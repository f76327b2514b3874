"""What can go wrong between us and the exchange."""


class ExchangeError(Exception):
    """The exchange did not do what it was asked."""

    error_id = "exchange-error"


class ExchangeAwayError(ExchangeError):
    """There is no connection, so nothing was asked."""

    error_id = "exchange-away"


class OutcomeUnknownError(ExchangeError):
    """The connection broke after the question; it may have been done or not."""

    error_id = "exchange-outcome-unknown"


class NoAnswerError(ExchangeError):
    """The exchange did not answer in time; it may have been done or not."""

    error_id = "exchange-no-answer"


class RefusedError(ExchangeError):
    """The exchange answered that it will not. status: as in HTTP."""

    error_id = "exchange-refused"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class GoneError(RefusedError):
    """The channel, bridge or playback is not there, or not with us any more."""

    error_id = "exchange-gone"


class UnreachableError(RefusedError):
    """A phone cannot be rung: it is not registered, or nobody knows it."""

    error_id = "phone-unreachable"


class WrongPasswordError(ExchangeError):
    """The exchange knows no such account."""

    error_id = "exchange-wrong-password"


class UnsuitableExchangeError(ExchangeError):
    """What answers is no Asterisk with ARI, or one too old; says what is needed."""

    error_id = "exchange-unsuitable"


class ReplacedError(ExchangeError):
    """Another program has connected under our application's name."""

    error_id = "exchange-replaced"


class LaneEndedError(Exception):
    """The channel or bridge has ended, and everything it said has been read."""

    error_id = "lane-ended"


class LaneOverflowError(Exception):
    """Nobody read what a channel or bridge said, so the rest was not kept."""

    error_id = "lane-overflow"
