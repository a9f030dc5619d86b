"""One function per stage: the only place that joins the rooms. All are wired by arguments and can be run again."""

from lupus.stages.act import ActReport, act
from lupus.stages.backtest import Agreement, Backtest, RuleRecord, backtest, suggest
from lupus.stages.charts import series_chart
from lupus.stages.deliver import DeliveryReport, deliver
from lupus.stages.documents import comparison_json, incident_json, point_json, report_json, retrain_json, verdict_json
from lupus.stages.draft import draft_project
from lupus.stages.dry import dry_workspace
from lupus.stages.exclusions import (
    Band,
    BandChange,
    OutcomeEffect,
    effect_of_outcome,
    exclusion_json,
    exclusion_words,
    leave_out,
    why_left_out,
)
from lupus.stages.extract import ExtractReport, extract
from lupus.stages.incidents import TimelineEntry, change_incident, timeline
from lupus.stages.judge import JudgeReport, judge
from lupus.stages.listen import Listener, deliver_all, listen, project_finder
from lupus.stages.measure import MeasureReport, measure
from lupus.stages.missing import Silence, silence_of, tell_missing
from lupus.stages.mlflow_runs import MlflowRun, push_mlflow, read_mlflow_run
from lupus.stages.push import push_metrics
from lupus.stages.report import incident_table, render, report_lines
from lupus.stages.retrain import (
    answer_retrain,
    ask_retrain,
    mark_retrain,
    pending_retrain,
    refuse_if_asked_in_airflow,
    time_out_retrain,
)
from lupus.stages.routes import RouteAnswer, try_routes
from lupus.stages.rule_texts import edited_rules, rule_from_text
from lupus.stages.run import refuse_unmonitored, run, run_range
from lupus.stages.series import (
    SERIES_RULES,
    SeriesFileError,
    backtest_series,
    find_change_points,
    judge_series,
    read_series,
)
from lupus.stages.settings import EnvironmentConnections, Settings
from lupus.stages.turn import Patience
from lupus.stages.upstream import causes_upstream
from lupus.stages.validate import ValidateReport, build_docs, validate
from lupus.stages.why import Why, why
from lupus.stages.why_report import why_json
from lupus.stages.workspace import Workspace, open_workspace

__all__ = [
    "SERIES_RULES",
    "ActReport",
    "Agreement",
    "Backtest",
    "Band",
    "BandChange",
    "DeliveryReport",
    "EnvironmentConnections",
    "ExtractReport",
    "JudgeReport",
    "Listener",
    "MeasureReport",
    "MlflowRun",
    "OutcomeEffect",
    "Patience",
    "RouteAnswer",
    "RuleRecord",
    "SeriesFileError",
    "Settings",
    "Silence",
    "TimelineEntry",
    "ValidateReport",
    "Why",
    "Workspace",
    "act",
    "answer_retrain",
    "ask_retrain",
    "backtest",
    "backtest_series",
    "build_docs",
    "causes_upstream",
    "change_incident",
    "comparison_json",
    "deliver",
    "deliver_all",
    "draft_project",
    "dry_workspace",
    "edited_rules",
    "effect_of_outcome",
    "exclusion_json",
    "exclusion_words",
    "extract",
    "find_change_points",
    "incident_json",
    "incident_table",
    "judge",
    "judge_series",
    "leave_out",
    "listen",
    "mark_retrain",
    "measure",
    "open_workspace",
    "pending_retrain",
    "point_json",
    "project_finder",
    "push_metrics",
    "push_mlflow",
    "read_mlflow_run",
    "read_series",
    "refuse_if_asked_in_airflow",
    "refuse_unmonitored",
    "render",
    "report_json",
    "report_lines",
    "retrain_json",
    "rule_from_text",
    "run",
    "run_range",
    "series_chart",
    "silence_of",
    "suggest",
    "tell_missing",
    "time_out_retrain",
    "timeline",
    "try_routes",
    "validate",
    "verdict_json",
    "why",
    "why_json",
    "why_left_out",
]
