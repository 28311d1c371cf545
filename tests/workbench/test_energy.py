"""Energy is read from counters as Linux shows them."""

import pytest

from workbench.energy import Counter, Meter, read_energy

MOST = 262_143_328_850


def zone(folder, name, title, microjoules):
    made = folder / name
    made.mkdir(exist_ok=True)
    (made / "name").write_text(f"{title}\n")
    (made / "energy_uj").write_text(f"{microjoules}\n")
    (made / "max_energy_range_uj").write_text(f"{MOST}\n")


@pytest.fixture()
def powercap(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 4_000_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    return tmp_path


def own(counters):
    """Leave out GPUs, which the machine of the test may have."""
    return {name: one for name, one in counters.items() if not name.startswith("gpu")}


def test_only_whole_packages_count(powercap):
    zone(powercap, "intel-rapl:2", "package-1", 1)
    (powercap / "intel-rapl:2" / "energy_uj").write_text("")  # as where it may not be read
    assert own(read_energy(powercap)) == {"intel-rapl:0": Counter(5.0, pytest.approx(262143.32885))}
    assert own(read_energy(powercap / "nowhere")) == {}


def test_a_meter_adds_up_and_sees_a_counter_begin_anew(powercap):
    if any(name.startswith("gpu") for name in read_energy(powercap)):
        pytest.skip("a GPU's counter runs on meanwhile")
    meter = Meter(powercap)
    zone(powercap, "intel-rapl:0", "package-0", 3_605_000_000)
    assert meter.watt_hours() == pytest.approx(1.0)
    zone(powercap, "intel-rapl:0", "package-0", MOST - 3_600_000_000)
    before = meter.watt_hours()
    zone(powercap, "intel-rapl:0", "package-0", 3_600_000_000)
    assert meter.watt_hours() - before == pytest.approx(2.0)


def test_a_machine_without_counters_reports_nothing(tmp_path):
    if read_energy(tmp_path):
        pytest.skip("a GPU reports its energy")
    assert Meter(tmp_path).watt_hours() is None
