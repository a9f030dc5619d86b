"""The routes, by subject. Each has an auth dependency; a test walks them all."""

from __future__ import annotations

from fastapi import APIRouter

from lupus.ui.routes import catalog, dashboards, incidents, projects, remarks, retraining, rules, series, service

ROUTERS: tuple[APIRouter, ...] = (
    service.router,
    projects.router,
    catalog.router,
    series.router,
    incidents.router,
    remarks.router,
    dashboards.router,
    rules.router,
    retraining.router,
)

__all__ = ["ROUTERS"]
