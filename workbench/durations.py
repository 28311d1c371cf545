"""Durations as a person would say them, and how long the rest of some work takes."""

_HOUR = 3600
_SHOW_TIME_LEFT_AFTER_SECONDS = 2.0


def duration(seconds: float) -> str:
    """Say a duration as a person would: "45 s", "3 min 20 s", "2 h 15 min"."""
    whole = max(0, round(seconds))
    if whole < _HOUR:
        return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"
    return f"{whole // _HOUR} h {whole % _HOUR // 60} min"


def time_left(passed: float, done: float, left: float) -> str:
    """Say how long the rest takes: "about 45 s left"; nothing before that can be told.

    Args:
        passed: seconds.
        done: the share done in them; the next is the share that is left.
        left: from 0 to 1.
    """
    if done <= 0 or passed <= _SHOW_TIME_LEFT_AFTER_SECONDS:
        return ""
    return said_left(passed / done * left)


def said_left(seconds: float) -> str:
    """Say how long the rest of some work takes."""
    return f"about {duration(seconds)} left"
