"""What the API promises, over a store in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from lupus.store import open_store
from lupus.ui.schemas import dashboards, incidents, projects, rules
from lupus.ui.schemas import series as answers
from lupus.ui.schemas.common import Refusal
from ui_cases import DAYS, EVIL, LAST, Person, api, fill, series

ANN = Person("ann", {"ads", "spam"}, {"ads"}, {"ads"})
BOB = Person("bob", {"spam"})
EVA = Person("eva", {"ads", "spam"}, {"ads", "spam"}, {"spam"})
HIDDEN = series("secret", "x", "mean")


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    from conftest import POSTGRES, _database

    folder = tmp_path_factory.mktemp("ui")
    made = iter(())
    if request.param == "postgres":
        made = _database(POSTGRES, "postgres", "DROP DATABASE {name} WITH (FORCE)")
        url = next(made)
    else:
        url = f"sqlite:///{folder / 'store.db'}"
    with open_store(url) as store:
        ones = fill(store, "ads", extra=[series("ads", EVIL, "mean")])
        for name in ("spam", "secret"):
            fill(store, name)
    with api(url, folder / "projects", create=False) as (app, client):
        yield SimpleNamespace(
            app=app, ann=client(ANN), bob=client(BOB), eva=client(EVA), url=url, ones=ones, client=client
        )
    next(made, None)


def get(client: Any, path: str, form: type[BaseModel] | None = None, **query: Any) -> Any:
    """The answer to GET, which must have the documented form."""
    answer = client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    if form is not None:
        form.model_validate(answer.json())
    return answer.json()


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    Refusal.model_validate(answer.json())
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    return dict(answer.json())


def test_who_asks(world: SimpleNamespace) -> None:
    me = get(world.ann, "me", projects.Me)
    assert (me["id"], me["projects"], me["store"]["state"]) == ("ann", 2, "ok")


def test_projects_are_those_that_may_be_read_worst_first(world: SimpleNamespace) -> None:
    rows = get(world.ann, "projects", projects.Projects)["projects"]
    assert [row["name"] for row in rows] == ["ads", "spam"]
    ads = rows[0]
    assert (ads["status"], ads["findings"], ads["latest"], ads["open_incidents"]) == (2, 1, LAST.key, 1)
    assert (ads["may_edit"], rows[1]["may_edit"]) == (True, False)
    assert ads["last_run"]["status"] == "ok"
    assert ads["strip"]["keys"][-1] == LAST.key
    assert len(ads["strip"]["keys"]) == 30
    assert [row["name"] for row in get(world.bob, "projects", projects.Projects)["projects"]] == ["spam"]


def test_what_may_not_be_read_looks_as_if_it_were_not_there(world: SimpleNamespace) -> None:
    secret, absent = series("secret", "x", "mean").key.slug, "0" * 16
    for hidden, missing in (
        ("projects/secret", "projects/nothing"),
        ("projects/secret/matrix", "projects/nothing/matrix"),
        ("projects/secret/days/latest", "projects/nothing/days/latest"),
        (f"series/{secret}", f"series/{absent}"),
        (f"series/{secret}.csv", f"series/{absent}.csv"),
        (f"series/{secret}.png", f"series/{absent}.png"),
        (f"series/{secret}/why", f"series/{absent}/why"),
        ("dashboards/starter-secret", "dashboards/starter-nothing"),
        ("incidents?project=secret", "incidents?project=nothing"),
    ):
        one, other = world.ann.get(hidden), world.ann.get(missing)
        first, second = refused(one, 404, "not_found"), refused(other, 404, "not_found")
        assert first["detail"] == second["detail"]
    hidden_incident = get(world.client(Person("root", {"secret"})), "incidents")["rows"][0]["id"]
    refused(world.ann.get(f"incidents/{hidden_incident}"), 404, "not_found")


def test_one_project(world: SimpleNamespace) -> None:
    found = get(world.ann, "projects/ads", projects.ProjectOut)
    assert found["yaml"].startswith("project: ads")
    assert [one["name"] for one in found["rules"]] == ["rows_low"]
    assert found["rights"] == {"edit": True, "trigger": True}
    assert len(found["incidents"]) == 1
    assert found["runs"][0]["key"] == LAST.key


def test_the_matrix_has_a_place_for_the_day_that_never_ran(world: SimpleNamespace) -> None:
    found = get(world.ann, "projects/ads/matrix", projects.Matrix, days=60, by="column")
    keys = found["axis"]["keys"]
    assert keys == [day.key for day in DAYS]  # over the end of summer time, with the hole filled
    whole = next(row for row in found["rows"] if row["column"] == "")
    assert whole["status"][keys.index(DAYS[30].key)] == -1
    assert (whole["status"][-1], whole["findings"][-1]) == (2, 1)


def test_one_day_anomalies_first(world: SimpleNamespace) -> None:
    day = get(world.ann, "projects/ads/days/latest", projects.Day)
    assert (day["total"], day["rows"][0]["status"], day["rows"][0]["metric"]) == (4, 2, "rows")
    assert (day["previous"], day["next"]) == (DAYS[-2].key, None)
    refused(world.ann.get("projects/ads/days/2020-01-01"), 404, "not_found")


def test_the_catalogue(world: SimpleNamespace) -> None:
    found = get(world.ann, "catalog", answers.Catalog)
    assert len(found["id"]) == 7
    assert len({len(found[name]) for name in ("id", "project", "metric", "score", "status", "incident", "tag")}) == 1
    assert found["status"][0] == 2  # anomalies first
    assert found["metrics"][found["metric"][0]] == "rows"
    assert found["incident"][0] >= 0
    assert EVIL in found["columns"]  # as it is: whoever shows it must take it for text
    then = get(world.ann, "catalog", answers.Catalog, day=DAYS[10].key)
    assert set(then["status"]) == {0}
    assert then["days"] == [DAYS[10].key]
    assert get(world.bob, "catalog", answers.Catalog)["projects"] == ["spam"]


def test_a_batch_leaves_out_what_may_not_be_read(world: SimpleNamespace) -> None:
    ids = [one.key.slug for one in world.ones] + [HIDDEN.key.slug, "f" * 16, "0" * 16]
    answer = world.ann.post("/series:batch", json={"ids": ids, "days": 60})
    found = answer.json()
    answers.Batch.model_validate(found)
    assert set(found["s"]) == {one.key.slug for one in world.ones}
    rows = found["s"][world.ones[0].key.slug]
    keys = found["axes"][rows["axis"]]["keys"]
    assert len(keys) == len(rows["y"]) == len(rows["v"]) == 60
    assert (rows["y"][-1], rows["v"][-1], rows["lo"][-1], rows["sc"][-1]) == (3.0, 2, 90.0, 9.7)
    assert rows["y"][keys.index(DAYS[30].key)] is None
    some = world.ann.post("/series:batch", json={"ids": ids, "from": DAYS[3].key, "to": DAYS[5].key}).json()
    assert some["axes"][0]["keys"] == [day.key for day in DAYS[3:6]]


def test_long_spans_are_weeks_that_keep_every_anomaly(world: SimpleNamespace) -> None:
    one = world.ones[0].key.slug
    found = world.ann.post("/series:batch", json={"ids": [one], "days": 900}).json()
    answers.Batch.model_validate(found)
    rows = found["s"][one]
    assert found["envelope"]
    assert rows["anomalies"] == [[int(LAST.start.timestamp()), 3.0]]
    assert rows["lo"][-1] == 3.0
    assert rows["v"][-1] == 2
    alone = get(world.ann, f"series/{one}", answers.SeriesOut, days=900)
    assert alone["anomalies"] == rows["anomalies"]
    assert alone["y"] == rows["y"]


def test_more_than_a_million_points_are_refused(world: SimpleNamespace) -> None:
    with open_store(world.url) as store, store._database.writing(1) as connection:
        connection.execute(sa.text("UPDATE projects SET cadence = 'cron', touched = touched + 1 WHERE name = 'spam'"))
    try:
        from lupus.ui import charts

        before, charts.MOST_POINTS = charts.MOST_POINTS, 100
        try:
            answer = world.bob.post(
                "/series:batch", json={"ids": [series("spam", "", "rows").key.slug] * 3, "days": 60}
            )
            assert answer.status_code == 200  # one series, asked for three times
            answer = world.bob.post(
                "/series:batch", json={"ids": [series("spam", "", "rows").key.slug, "0" * 16], "days": 60}
            )
            assert "118 points" in refused(answer, 413, "too_large")["detail"]
        finally:
            charts.MOST_POINTS = before
    finally:
        with open_store(world.url) as store, store._database.writing(1) as connection:
            connection.execute(
                sa.text("UPDATE projects SET cadence = 'daily', touched = touched + 1 WHERE name = 'spam'")
            )


def test_one_series_with_all_that_its_chart_shows(world: SimpleNamespace) -> None:
    one = world.ones[0].key.slug
    found = get(world.ann, f"series/{one}", answers.SeriesOut)
    assert found["sentence"].startswith("rows 3 is below")
    assert found["info"]["role"] == "data"
    assert found["rules"] == ["rows_low"]
    assert [said["status"] for said in found["sentences"]] == [2]
    assert len(found["incidents"]) == 1
    segments = get(world.ann, f"series/{world.ones[1].key.slug}", answers.SeriesOut)["siblings"]
    assert [one["segment"] for one in segments] == ["", "country=JP"]


def test_csv_is_exact_and_no_formula(world: SimpleNamespace) -> None:
    answer = world.ann.get(f"series/{world.ones[0].key.slug}.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0].startswith("project,series,interval,value")
    assert f"{LAST.key},3.0" in answer.text
    from lupus.ui.charts import _cell

    assert [_cell(text) for text in ("=1+1", "@x", "plain", 1.5, None)] == ["'=1+1", "'@x", "plain", "1.5", None]


def test_a_picture(world: SimpleNamespace) -> None:
    answer = world.ann.get(f"series/{world.ones[0].key.slug}.png", params={"theme": "dark", "width": 400})
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    refused(world.ann.get(f"series/{world.ones[0].key.slug}.png", params={"to": "2001-01-01"}), 404, "not_found")


def test_why(world: SimpleNamespace) -> None:
    found = get(world.ann, f"series/{world.ones[0].key.slug}/why", answers.WhyOut)
    assert found["key"] == LAST.key
    assert [rule["name"] for rule in found["rules"]] == ["rows_low"]
    refused(world.ann.get(f"series/{world.ones[0].key.slug}/why", params={"day": DAYS[30].key}), 404, "not_found")


def test_what_has_not_changed_is_not_sent_again(world: SimpleNamespace) -> None:
    for path in ("projects", "projects/spam", "projects/spam/matrix", "catalog", "incidents?project=spam"):
        first = world.eva.get(path)
        entity = first.headers["etag"]
        again = world.eva.get(path, headers={"If-None-Match": f'"x", {entity}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", entity), path
        assert first.headers["cache-control"] == "private, no-cache"
    # The tag speaks of the user's own projects and rights.
    assert world.ann.get("catalog").headers["etag"] != world.bob.get("catalog").headers["etag"]
    assert world.ann.get("projects/spam").headers["etag"] != world.eva.get("projects/spam").headers["etag"]
    before = get(world.eva, "latest", projects.Latest)["version"]
    pushed = world.eva.post("metrics", json={"project": "spam", "day": LAST.key, "metrics": {"val_auc": 0.9}})
    answers.Pushed.model_validate(pushed.json())
    assert pushed.status_code == 201
    assert get(world.eva, "latest", projects.Latest)["version"] != before
    assert world.eva.get("catalog").headers["etag"] != entity
    found = get(world.eva, f"series/{pushed.json()['ids']['val_auc']}", answers.SeriesOut)
    assert found["y"][-1] == 0.9


@pytest.mark.parametrize(
    ("metrics", "day", "said"),
    [
        ({"a": "nan"}, LAST.key, "finite"),
        ({"a": "inf"}, LAST.key, "finite"),
        ({" ": 1}, LAST.key, "a name"),
        ({}, LAST.key, "at least 1"),
        ({"a": 1}, "yesterday", "names no daily interval"),
        ({"a": 1}, "9999-12-31", "day"),
    ],
)
def test_pushed_metrics_are_checked_as_everywhere(
    world: SimpleNamespace, metrics: dict[str, Any], day: str, said: str
) -> None:
    answer = world.ann.post("metrics", json={"project": "ads", "day": day, "metrics": metrics})
    assert said in refused(answer, 422, "invalid")["detail"]


def test_writes_need_the_right_to_edit(world: SimpleNamespace) -> None:
    one, incident = world.ones[0].key.slug, get(world.bob, "incidents", incidents.Incidents)["rows"][0]
    assert not incident["may_edit"]
    spam = {"project": "spam", "first": LAST.key}
    for answer in (
        world.bob.post("metrics", json={"project": "spam", "day": LAST.key, "metrics": {"a": 1}}),
        world.bob.post("annotations", json={**spam, "text": "x"}),
        world.bob.post("exclusions", json=spam),
        world.bob.patch(f"incidents/{incident['id']}", json={"version": 1, "action": "acknowledge"}),
        world.bob.post("dashboards", json={"title": "x", "project": "spam"}),
    ):
        refused(answer, 403, "not_allowed")
    for answer in (
        world.bob.post("metrics", json={"project": "ads", "day": LAST.key, "metrics": {"a": 1}}),
        world.bob.post("annotations", json={"project": "ads", "first": LAST.key, "text": "x"}),
        world.bob.post("/rules:backtest", json={"project": "ads", "rule": "rows_low", "series": one}),
    ):
        refused(answer, 404, "not_found")


def test_an_incident_is_changed_once_by_two_people_at_once(world: SimpleNamespace) -> None:
    [row] = get(world.ann, "incidents?project=ads", incidents.Incidents)["rows"]
    page = get(world.ann, f"incidents/{row['id']}", incidents.IncidentOut)
    assert EVIL in page["summary"]["title"]
    assert page["findings"][0]["id"] == world.ones[0].key.slug
    change = {"version": row["version"], "action": "acknowledge"}
    first = world.ann.patch(f"incidents/{row['id']}", json=change)
    incidents.IncidentOut.model_validate(first.json())
    assert first.json()["summary"]["state"] == "acknowledged"
    second = world.eva.patch(f"incidents/{row['id']}", json={**change, "action": "resolve", "outcome": "expected"})
    current = refused(second, 409, "conflict")["current"]
    assert current["summary"]["state"] == "acknowledged"
    again = {"version": current["summary"]["version"], "action": "undo"}
    assert world.eva.patch(f"incidents/{row['id']}", json=again).json()["summary"]["state"] == "open"
    for wrong in ({"action": "mute"}, {"action": "comment"}, {"action": "assign"}, {"action": "dance"}):
        refused(world.ann.patch(f"incidents/{row['id']}", json={"version": 9, **wrong}), 422, "invalid")
    log = get(world.ann, "audit", projects.Audit, project="ads")["rows"]
    assert {("ann", "acknowledge incident"), ("eva", "undo incident")} <= {(one["by"], one["action"]) for one in log}
    refused(world.bob.get("audit", params={"project": "spam"}), 403, "not_allowed")


def test_the_effect_of_an_outcome_is_told_before_it_is_saved(world: SimpleNamespace) -> None:
    [row] = get(world.bob, "incidents", incidents.Incidents)["rows"]
    answer = world.bob.post(f"/incidents/{row['id']}:preview", json={"outcome": "fixed"})
    preview = incidents.Preview.model_validate(answer.json())
    assert (preview.intervals, preview.series) == (1, 1)
    assert "1 series" in preview.sentence
    assert get(world.bob, "incidents", incidents.Incidents)["rows"] == [row]


def test_remarks_and_exclusions(world: SimpleNamespace) -> None:
    one = world.ones[1].key.slug
    about = {"project": "ads", "series": one, "first": DAYS[40].key, "last": DAYS[42].key}
    made = world.ann.post("annotations", json={**about, "text": EVIL.replace("\udc80", "")}).json()
    answers.AnnotationOut.model_validate(made)
    left = world.ann.post("exclusions", json={**about, "note": "a test of ours"}).json()
    answers.Exclusion.model_validate(left)
    found = get(world.ann, f"series/{one}", answers.SeriesOut)
    [event] = [event for event in found["events"] if event["kind"] == "annotation"]
    assert (event["first"], event["last"], event["by"]) == (DAYS[40].key, DAYS[42].key, "ann")
    [shown] = found["exclusions"]
    assert (shown["first"], shown["last"], shown["source"]) == (DAYS[40].key, DAYS[42].key, "ann")
    refused(world.bob.delete(f"annotations/{made['id']}"), 404, "not_found")
    assert world.ann.delete(f"annotations/{made['id']}").status_code == 204
    assert world.ann.delete(f"exclusions/{left['id']}").status_code == 204
    refused(world.ann.delete(f"exclusions/{left['id']}"), 404, "not_found")
    assert get(world.ann, f"series/{one}")["exclusions"] == []
    refused(world.ann.post("annotations", json={**about, "series": HIDDEN.key.slug, "text": "x"}), 404, "not_found")
    refused(world.ann.post("annotations", json={**about, "first": "2001-01-01", "text": "x"}), 422, "invalid")


def test_a_dashboard_shows_each_viewer_what_they_may_see(world: SimpleNamespace) -> None:
    chart = {"id": "a", "kind": "chart", "series": [series("spam", "", "rows").key.slug, world.ones[0].key.slug]}
    place = {"x": 6, "y": 4, "w": 3, "h": 2}
    number = {"id": "b", "kind": "number", "series": world.ones[0].key.slug, "place": place}
    matrix = {"id": "c", "kind": "matrix", "project": "ads"}
    text = {"id": "d", "kind": "markdown", "text": EVIL.replace("\udc80", "")}
    made = world.eva.post(
        "dashboards", json={"title": "Every morning", "project": "spam", "widgets": [chart, number, matrix, text]}
    )
    assert made.status_code == 201
    dashboards.DashboardOut.model_validate(made.json())
    slug = made.json()["slug"]
    seen = get(world.bob, f"dashboards/{slug}", dashboards.DashboardOut)
    assert [one["id"] for one in seen["body"]] == ["a", "d"]
    assert (len(seen["hidden"]), seen["hidden"][0], seen["narrowed"]) == (2, place, {"a": 1})
    assert seen["body"][0]["series"] == chart["series"][:1]
    assert not seen["may_edit"]
    refused(world.bob.put(f"dashboards/{slug}", json={"title": "mine", "version": 1}), 403, "not_allowed")
    first = world.eva.put(
        f"dashboards/{slug}", json={"title": "one", "project": "spam", "version": 1, "widgets": [text]}
    )
    assert first.json()["version"] == 2
    editor = world.client(Person("max", {"spam"}, {"spam"}))
    both = {"title": "one", "project": "spam", "widgets": [chart, number, text]}
    world.eva.put(f"dashboards/{slug}", json={**both, "version": 2})
    narrowed = {**chart, "series": chart["series"][:1], "title": "as I see it"}
    saved = editor.put(f"dashboards/{slug}", json={**both, "widgets": [narrowed, text], "version": 3})
    assert saved.json()["narrowed"] == {"a": 1}
    whole = get(world.eva, f"dashboards/{slug}")["body"]  # nothing that the editor could not see was taken away
    assert [(one["id"], one.get("series")) for one in whole] == [
        ("a", chart["series"]), ("d", None), ("b", number["series"]),
    ]  # fmt: skip
    late = world.eva.put(f"dashboards/{slug}", json={"title": "two", "project": "spam", "version": 1})
    assert refused(late, 409, "conflict")["current"]["title"] == "one"
    refused(world.eva.delete(f"dashboards/{slug}", params={"version": 1}), 409, "conflict")
    assert world.eva.delete(f"dashboards/{slug}", params={"version": 4}).status_code == 204
    refused(world.eva.get(f"dashboards/{slug}"), 404, "not_found")


def test_private_dashboards_and_the_generated_ones(world: SimpleNamespace) -> None:
    mine = world.ann.post("dashboards", json={"title": "Mine!", "slug": "mine"}).json()
    refused(world.ann.post("dashboards", json={"title": "Mine!", "slug": "mine"}), 409, "conflict")
    refused(world.eva.get("dashboards/mine"), 404, "not_found")
    rows = get(world.ann, "dashboards", dashboards.Dashboards)["rows"]
    assert [row["slug"] for row in rows] == ["mine", "starter-ads", "starter-spam"]
    starter = get(world.ann, "dashboards/starter-ads", dashboards.DashboardOut)
    assert starter["generated"]
    assert starter["hidden"] == []
    refused(world.ann.put("dashboards/starter-ads", json={"title": "x", "version": 1}), 403, "not_allowed")
    refused(world.ann.post("dashboards", json={"title": "x", "slug": "starter-x"}), 422, "invalid")
    twice = [{"id": "a", "kind": "markdown", "text": ""}] * 2
    refused(world.ann.put("dashboards/mine", json={"title": "x", "version": 1, "widgets": twice}), 422, "invalid")
    assert world.ann.delete("dashboards/mine", params={"version": mine["version"]}).status_code == 204


def test_a_rule_is_tried_on_one_series_at_once(world: SimpleNamespace) -> None:
    question = {"project": "ads", "rule": "rows_low", "parameters": {"min": 101}, "series": world.ones[0].key.slug}
    found = world.ann.post("/rules:backtest", json=question).json()
    rules.BacktestOut.model_validate(found)
    assert (found["today_tally"]["findings"], found["lost_total"]) == (1, 0)
    assert found["gained_total"] == sum(1 for place in range(59) if place != 30 and place % 7 == 0)
    assert [line for line in found["diff"].split("\n") if line[0] in "+-"][2:] == [
        "-  rows_low: {kind: threshold, where: {metric: rows}, min: 50}",
        "+  rows_low: {kind: threshold, where: {metric: rows}, min: 101}",
    ]
    refused(world.ann.post("/rules:backtest", json={**question, "parameters": {"mni": 1}}), 422, "invalid")
    refused(world.ann.post("/rules:backtest", json={**question, "rule": "nothing"}), 404, "not_found")
    assert len(get(world.ann, f"series/{world.ones[0].key.slug}")["sentences"]) == 1  # nothing was stored


def test_a_rule_is_tried_on_all_series_with_progress(world: SimpleNamespace) -> None:
    question = {"project": "ads", "rule": "rows_low", "parameters": {"min": 101}}
    answer = world.ann.post("/rules:backtest", json=question)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [rules.Progress.model_validate(json.loads(line[6:])) for line in answer.text.split("\n\n") if line]
    assert [one.done for one in events[:-1]] == sorted(one.done for one in events[:-1])
    assert events[-1].result is not None
    assert events[-1].result.gained_total > 0
    wrong = world.ann.post("/rules:backtest", json={**question, "parameters": {"mni": 1}})
    assert "mni" in json.loads(wrong.text.split("\n\n")[-2][6:])["problem"]


def test_health_and_retrainings(world: SimpleNamespace) -> None:
    assert get(world.ann, "health", projects.Health)["silent"] == []
    assert get(world.ann, "retrainings")["rows"] == []
    refused(world.ann.post("retrainings/abc:approve", json={}), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("catalog", 5),
        ("projects", 5),
        ("/series:batch", 5),
        ("series", 14),
        ("incidents", 3),
        ("projects/ads/matrix", 3),
    ],
)
def test_the_number_of_statements_does_not_depend_on_the_number_of_series(
    world: SimpleNamespace, path: str, most: int
) -> None:
    said: list[str] = []
    engine = world.app.state.service.store._database.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            said.append(statement)

    world.app.state.answers.clear()
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        if path == "/series:batch":
            world.ann.post(path, json={"ids": [one.key.slug for one in world.ones]})
        elif path == "series":
            world.ann.get(f"series/{world.ones[1].key.slug}")
        else:
            world.ann.get(path)
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert 0 < len(said) <= most, said
