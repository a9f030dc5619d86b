"""Dashboards that people make for themselves, or share with all who may read a project."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query

from lupus.ui import boards
from lupus.ui.access import Visitor, VisitorDep
from lupus.ui.audit import record
from lupus.ui.errors import CONFLICT, RefusedError
from lupus.ui.schemas.dashboards import DashboardOut, DashboardQuestion, DashboardRow, Dashboards
from lupus.ui.service import Service, ServiceDep

if TYPE_CHECKING:
    from lupus.store.views.rows import Dashboard

router = APIRouter(prefix="/dashboards", tags=["dashboards"])
SlugPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9][a-z0-9_-]*$", description="The dashboard's slug.")]


@router.get("", summary="All dashboards", response_model=Dashboards)
def get_dashboards(visitor: VisitorDep, service: ServiceDep) -> Dashboards:
    """The user's own, those shared with projects they may read, and a generated one per project."""
    stands = service.stands(visitor)
    found = service.views.dashboards(visitor.id, stands)
    names = {owner: visitor.name_of(owner) for owner in {one.owner for one in found}}
    made = [boards.row(one, owner=names[one.owner], may_edit=_may_edit(visitor, one)) for one in found]
    made += [boards.row(boards.starter(one), owner=boards.MAKER, may_edit=False, generated=True) for one in stands]
    return Dashboards(rows=[DashboardRow.model_validate(one) for one in made])


@router.post("", summary="Make a dashboard", response_model=DashboardOut, status_code=201, responses=CONFLICT)
def post_dashboard(visitor: VisitorDep, service: ServiceDep, question: DashboardQuestion) -> DashboardOut:
    """Private, or shared with a project (needs the right to edit it)."""
    from lupus.store.views.rows import Dashboard

    if question.project is not None:
        visitor.edit(service.stand(visitor, question.project).name)
    slug = question.slug or boards.slug_of(question.title, secrets.token_hex(3))
    if slug.startswith(boards.STARTER):
        raise RefusedError.invalid(f"a slug that begins with {boards.STARTER} belongs to a generated dashboard")
    made = Dashboard(slug, question.project, question.title, visitor.id, 1, _body(question), datetime.now(UTC))
    if not service.views.save_dashboard(made):
        raise RefusedError.conflict(f"there is a dashboard {slug!r} already; choose another slug")
    _record(service, visitor, made, "make dashboard")
    return _shown(service, visitor, made)


@router.get("/{slug}", summary="One dashboard", response_model=DashboardOut)
def get_dashboard(visitor: VisitorDep, service: ServiceDep, slug: SlugPath) -> DashboardOut:
    """Each widget is checked against the user's rights; those that they may not see are left out and counted."""
    if slug.startswith(boards.STARTER):
        stand = service.stand(visitor, slug.removeprefix(boards.STARTER))
        return _shown(service, visitor, boards.starter(stand), generated=True)
    return _shown(service, visitor, _readable(service, visitor, slug))


@router.put("/{slug}", summary="Replace a dashboard", response_model=DashboardOut, responses=CONFLICT)
def put_dashboard(
    visitor: VisitorDep, service: ServiceDep, slug: SlugPath, question: DashboardQuestion
) -> DashboardOut:
    """Needs `version`, the one that was edited: when somebody was faster the answer is 409 with theirs."""
    from lupus.store.views.rows import Dashboard

    before = _editable(service, visitor, slug)
    if question.version is None:
        raise RefusedError.invalid("version: say which version was edited")
    if question.project != before.project and question.project is not None:
        visitor.edit(service.stand(visitor, question.project).name)
    if question.project != before.project and before.owner != visitor.id:
        raise RefusedError.not_allowed("only its owner may change with whom a dashboard is shared")
    body = boards.with_hidden(before.body, _body(question), visitor.readable, _homes(service, before.body))
    made = Dashboard(
        slug, question.project, question.title, before.owner, question.version + 1, body, datetime.now(UTC)
    )
    if question.version + 1 < 2 or not service.views.save_dashboard(made):
        theirs = _shown(service, visitor, _readable(service, visitor, slug)).model_dump(mode="json")
        raise RefusedError.conflict("somebody saved this dashboard while you edited it", theirs)
    _record(service, visitor, made, "change dashboard")
    return _shown(service, visitor, made)


@router.delete("/{slug}", summary="Remove a dashboard", status_code=204, responses=CONFLICT)
def delete_dashboard(
    visitor: VisitorDep,
    service: ServiceDep,
    slug: SlugPath,
    version: Annotated[int, Query(ge=1, le=2**53, description="The version seen.")],
) -> None:
    """Its owner may, or who may edit the project that it is shared with."""
    before = _editable(service, visitor, slug)
    if not service.views.remove_dashboard(slug, version):
        theirs = _shown(service, visitor, before).model_dump(mode="json")
        raise RefusedError.conflict("somebody saved this dashboard since you saw it", theirs)
    _record(service, visitor, before, "remove dashboard")


def _body(question: DashboardQuestion) -> list[dict[str, Any]]:
    names = [one.id for one in question.widgets]
    if len(set(names)) != len(names):
        raise RefusedError.invalid("widgets: two have the same id")
    return [one.model_dump(mode="json") for one in question.widgets]


def _may_edit(visitor: Visitor, dashboard: Dashboard) -> bool:
    if dashboard.project is None:
        return dashboard.owner == visitor.id
    return dashboard.project in visitor.editable


def _readable(service: Service, visitor: Visitor, slug: str) -> Dashboard:
    found = service.views.dashboard(slug)
    if found is None or not (found.owner == visitor.id if found.project is None else found.project in visitor.readable):
        raise RefusedError.not_found("dashboard")
    return found


def _editable(service: Service, visitor: Visitor, slug: str) -> Dashboard:
    if slug.startswith(boards.STARTER):
        raise RefusedError.not_allowed("a generated dashboard cannot be changed; save a copy")
    found = _readable(service, visitor, slug)
    if not _may_edit(visitor, found):
        raise RefusedError.not_allowed(f"this needs the right to edit the Dag of {found.project}")
    return found


def _homes(service: Service, body: list[dict[str, Any]]) -> dict[int, str]:
    named = boards.series_in(body)
    return {number: one.key.project for number, (_, one) in service.views.find(named).items()} if named else {}


def _shown(service: Service, visitor: Visitor, dashboard: Dashboard, *, generated: bool = False) -> DashboardOut:
    seen = boards.visible(dashboard.body, visitor.readable, _homes(service, dashboard.body))
    may_edit = not generated and _may_edit(visitor, dashboard)
    owner = boards.MAKER if generated else visitor.name_of(dashboard.owner)
    row = boards.row(dashboard, owner=owner, may_edit=may_edit, generated=generated)
    return DashboardOut.model_validate({**row, "body": seen.widgets, "hidden": seen.hidden, "narrowed": seen.narrowed})


def _record(service: Service, visitor: Visitor, dashboard: Dashboard, action: str) -> None:
    record(
        service,
        visitor,
        project=dashboard.project or "",
        action=action,
        subject=dashboard.id,
        details={"version": dashboard.version},
    )
