"""The interval of a share."""

import math

from comparison.statistics.interval import Interval, Z


def share_interval(count: int, of: int) -> Interval:
    """Return a share with its Wilson interval, which holds near 0 and 1 and for few of them too.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference",
    JASA 22; recommended for few by Brown, Cai and DasGupta 2001, Statistical Science 16.

    Args:
        count: how many are so.
        of: out of how many; at least 1.
    """
    if not 0 <= count <= of or of < 1:
        raise ValueError(f"{count} of {of} were given; 0 to {of} of at least 1 were expected.")
    share, spread = count / of, Z * Z / of
    centre = (share + spread / 2) / (1 + spread)
    margin = math.sqrt(spread * share * (1 - share) + spread * spread / 4) / (1 + spread)
    # At 0 and 1 rounding would leave the ends a hair beside them.
    low = 0.0 if count == 0 else centre - margin
    high = 1.0 if count == of else centre + margin
    return Interval(share, low, high)
