"""The energy that a machine's own counters say it used."""

import ctypes
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POWERCAP = Path("/sys/class/powercap")
_NVML = "libnvidia-ml.so.1"
_LOOK_SECONDS = 60.0
_MICRO, _MILLI = 1e-6, 1e-3
_JOULES_A_WATT_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Counter:
    """What one counter shows."""

    joules: float
    """Since some moment in the past."""
    wraps_at: float = 0.0
    """Where it begins anew, in joules; 0: it doesn't."""


def read_energy(powercap: Path = _POWERCAP) -> dict[str, Counter]:
    """Return every counter that can be read, by its name; none on most machines.

    These are the processors' (RAPL, through Linux's powercap; only root may read them on many
    systems) and NVIDIA's GPUs'. They count the whole machine, other programs as well.
    """
    return _processors(powercap) | _gpus()


class Meter:
    """Adds up what is used from when it is made."""

    def __init__(self, powercap: Path = _POWERCAP) -> None:
        self._powercap = powercap
        self._last, self._looked = read_energy(powercap), time.monotonic()
        self._joules = 0.0
        self._reports = bool(self._last)

    def look(self) -> None:
        """Look at the counters now and then, as they begin anew within the hour."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._add()

    def watt_hours(self) -> float | None:
        """Return what was used so far; None where the machine doesn't report it."""
        self._add()
        return self._joules / _JOULES_A_WATT_HOUR if self._reports else None

    def _add(self) -> None:
        before, self._last, self._looked = self._last, read_energy(self._powercap), time.monotonic()
        self._joules += sum(
            _between(before[name], now) for name, now in self._last.items() if name in before
        )


def _between(before: Counter, after: Counter) -> float:
    used = after.joules - before.joules
    return used if used >= 0 else used + after.wraps_at


def _processors(powercap: Path) -> dict[str, Counter]:
    found = {}
    for zone in powercap.glob("intel-rapl:*"):  # AMD's have this name, too
        try:
            # Of the zones within a package, and of psys, which holds all, it has its share already.
            if (zone / "name").read_text().strip().startswith("package"):
                joules, most = (
                    int((zone / file).read_text()) * _MICRO
                    for file in ("energy_uj", "max_energy_range_uj")
                )
                found[zone.name] = Counter(joules, most)
        except (OSError, ValueError):
            continue  # not for this user to read
    return found


def _gpus() -> dict[str, Counter]:
    """Ask NVIDIA's driver, where there is one; it counts from when it was loaded."""
    try:
        nvml: Any = ctypes.CDLL(_NVML)
    except OSError:
        return {}
    if nvml.nvmlInit_v2() != 0:
        return {}
    found, count = {}, ctypes.c_uint()
    try:
        nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
        for place in range(count.value):
            device, used = ctypes.c_void_p(), ctypes.c_ulonglong()
            reached = nvml.nvmlDeviceGetHandleByIndex_v2(place, ctypes.byref(device)) == 0
            # GPUs before Volta have no such counter.
            if (
                reached
                and nvml.nvmlDeviceGetTotalEnergyConsumption(device, ctypes.byref(used)) == 0
            ):
                found[f"gpu:{place}"] = Counter(used.value * _MILLI)
    finally:
        nvml.nvmlShutdown()
    return found
