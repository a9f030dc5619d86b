"""Whatever is run again, in whatever order, the incidents and notices are those of one undisturbed pass."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from act_cases import House, day, project, verdict
from lupus.model import Cadence, CadenceKind, Notice, Role, Severity, SqlSource, Table, Verdict

CADENCES = [
    Cadence(CadenceKind.DAILY, "America/New_York"),
    Cadence(CadenceKind.HOURLY),
    Cadence(CadenceKind.CRON, "America/New_York", "30 6 * * 1-5"),
]

SERIES = [
    ("data", "dep_time", "null_ratio"),
    ("data", "dep_delay", "null_ratio"),
    ("data", "", "success_ratio"),
    ("prediction", "p_late", "null_ratio"),
    ("prediction", "p_late", "log_loss"),
    ("ground_truth", "", "success_ratio"),
]
LABELS = Table("ground_truth", Role.GROUND_TRUTH, SqlSource("db", "truth"), "day", arrives_within=timedelta(days=2))

_FOUND = st.lists(
    st.tuples(
        st.sampled_from(SERIES),
        st.sampled_from([Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]),
        st.integers(0, 2),
    ),
    max_size=3,
)


@st.composite
def _histories(draw: st.DrawFn) -> tuple[Cadence, int, dict[int, list[Verdict]], list[tuple[int, list[Verdict]]]]:
    """A cadence, resolve_after, the true findings of each interval, and disturbed runs that may have found others.

    No two runs find the same: whose finding that is does depend on which of them came first.
    """
    cadence = draw(st.sampled_from(CADENCES))
    resolve_after = draw(st.integers(1, 3))
    length = draw(st.integers(1, 9))

    def verdicts(number: int) -> list[Verdict]:
        return [
            verdict(
                day(max(0, number - late), cadence),
                column,
                metric,
                table=table,
                severity=severity,
                rule=f"found by {number}",
            )
            for (table, column, metric), severity, late in (draw(_FOUND) if draw(st.booleans()) else [])
        ]

    truth = {number: verdicts(number) for number in range(length)}
    strays = [(number, verdicts(number)) for number in draw(st.lists(st.integers(0, length - 1), max_size=6))]
    return cadence, resolve_after, truth, strays


@given(history=_histories(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_order_of_runs_converges(
    history: tuple[Cadence, int, dict[int, list[Verdict]], list[tuple[int, list[Verdict]]]], data: st.DataObject
) -> None:
    cadence, resolve_after, truth, strays = history
    join_within, reopen_within = data.draw(st.sampled_from([(1000, 0), (0, 0), (1, 2), (2, 1)]))
    made = project(
        cadence=cadence,
        resolve_after=resolve_after,
        join_within=join_within,
        reopen_within=reopen_within,
        tables=(LABELS,),
    )
    undisturbed = House(made)
    for number, verdicts in truth.items():
        undisturbed.run(number, *verdicts)

    disturbed = House(made)
    for number, verdicts in data.draw(st.permutations(strays)):
        disturbed.run(number, *verdicts)
    for number in data.draw(st.permutations(list(truth))):
        disturbed.run(number, *truth[number])

    assert disturbed.incidents == undisturbed.incidents


@given(history=_histories(), data=st.data())
@settings(max_examples=150, deadline=None)
def test_reruns_of_a_finished_history_change_nothing(
    history: tuple[Cadence, int, dict[int, list[Verdict]], list[tuple[int, list[Verdict]]]], data: st.DataObject
) -> None:
    cadence, resolve_after, truth, _ = history
    join_within, reopen_within = data.draw(st.sampled_from([(1000, 0), (0, 0), (1, 2), (2, 1)]))
    house = House(
        project(
            cadence=cadence,
            resolve_after=resolve_after,
            join_within=join_within,
            reopen_within=reopen_within,
            tables=(LABELS,),
        )
    )
    notices = {number: house.run(number, *verdicts) for number, verdicts in truth.items()}
    incidents = house.incidents
    for number in data.draw(st.lists(st.sampled_from(list(truth)), max_size=8)):
        assert house.run(number, *truth[number]) == notices[number]
        assert house.incidents == incidents


@given(history=_histories())
@settings(max_examples=100, deadline=None)
def test_every_finding_is_in_one_incident_and_incidents_keep_apart(
    history: tuple[Cadence, int, dict[int, list[Verdict]], list[tuple[int, list[Verdict]]]],
) -> None:
    cadence, resolve_after, truth, strays = history
    house = House(project(cadence=cadence, resolve_after=resolve_after))
    for number, verdicts in [*strays, *truth.items()]:
        house.run(number, *verdicts)

    found = [(finding.found, finding.verdict) for incident in house.incidents for finding in incident.findings]
    assert len(found) == len(set(found))
    counted = {
        (day(number, cadence), one) for number, verdicts in truth.items() for one in verdicts if one.severity != "low"
    }
    assert set(found) <= counted
    assert {(at, one.series, one.interval) for at, one in found} == {
        (at, one.series, one.interval) for at, one in counted
    }
    for earlier, later in zip(house.incidents, house.incidents[1:], strict=False):
        assert cadence.shift(earlier.last, resolve_after).start < later.first.start


@st.composite
def _late(draw: st.DrawFn) -> list[tuple[int, int, str, Severity]]:
    """Findings about an interval, known from a run so many intervals later, when its labels have come."""
    columns = st.sampled_from(["dep_time", "p_late"])
    severities = st.sampled_from([Severity.MEDIUM, Severity.HIGH])
    return draw(
        st.lists(
            st.tuples(st.integers(0, 8), st.integers(0, 3), columns, severities),
            max_size=8,
            unique_by=lambda one: (one[0], one[2]),
        )
    )


@given(late=_late(), resolve_after=st.integers(1, 3), reruns=st.lists(st.integers(0, 8), max_size=8))
@settings(max_examples=150, deadline=None)
def test_late_labels_and_reruns_tell_everything_once(
    late: list[tuple[int, int, str, Severity]], resolve_after: int, reruns: list[int]
) -> None:
    """As the stages do it: every run judges the last four intervals, with all the labels that have come so far."""
    house = House(project(resolve_after=resolve_after))

    def run(number: int, newest: int) -> tuple[Notice, ...]:
        window = range(max(0, number - 3), number + 1)
        verdicts = {
            (about, column): verdict(about, column, severity=severity)
            for about, delay, column, severity in sorted(late)
            if about in window and about + delay <= newest
        }
        return house.run(number, *verdicts.values(), judged=window)

    notices = {number: run(number, number) for number in range(9)}
    incidents = house.incidents
    found = [(one.verdict.series, one.verdict.interval) for incident in incidents for one in incident.findings]
    assert len(found) == len(set(found))
    for number in reruns:
        assert run(number, 8) == notices[number]
        assert house.incidents == incidents
