"""Plans: the metric graph of a suite, made once and resolved for many snapshots.

GX builds, for every validation, a graph of the metrics that the expectations need; for a thousand rows that
takes longer than computing them. The graph depends on the suite and the columns' types only, so it is
kept. Each step is the one that GX's own ``Validator.graph_validate`` takes, with GX's own objects and the method
``_validate`` that expectations of one's own define too; a contract test compares the outcomes with those of
``Batch.validate``.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lupus.validate.suite import Suite

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.validator.validation_graph import ExpectationValidationGraph, MetricEdge

# Counts of unexpected values, but none of the values: rows do not leave their tables.
RESULT_FORMAT: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}
BATCH: Final = "snapshot"
"""The name by which an engine knows the slice."""
_KEPT: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """What one expectation needs: its graph, the names by which it knows its metrics, and its result format.

    GX works these out anew for every result, and builds the expectation's configuration some forty times for it.
    """

    expectation: Any
    graph: ExpectationValidationGraph
    metrics: tuple[tuple[str, Any], ...]
    result_format: Mapping[str, Any]

    def result(self, metrics: Mapping[Any, Any], engine: Any) -> ExpectationValidationResult:
        """As ``Expectation.metrics_validate`` makes it of the suite's `metrics`, by their ids."""
        from great_expectations.core import ExpectationValidationResult

        found = self.expectation._validate(
            metrics={name: metrics[id_] for name, id_ in self.metrics},
            runtime_configuration={"result_format": dict(self.result_format)},
            execution_engine=engine,
        )
        said = found.to_json_dict() if isinstance(found, ExpectationValidationResult) else found
        result = ExpectationValidationResult(**said)
        result.expectation_config = self.graph.configuration
        return result


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """For each expectation its step, or the result that says why it has none; and all graphs' edges."""

    steps: tuple[_Step | ExpectationValidationResult, ...]
    edges: tuple[MetricEdge, ...]


def results(suite: Suite, engine: Any, schema: tuple[tuple[str, str], ...]) -> list[ExpectationValidationResult]:
    """GX's results of `suite` on the batch of `engine`, in the suite's order. One that raises is a failed result.

    `schema` are the batch's columns and their types, on which the plan depends.
    """
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validation_graph import ValidationGraph

    plan = _plan_for(suite, schema, engine)
    graph = ValidationGraph(execution_engine=engine, edges=list(plan.edges))
    metrics, aborted = MetricsCalculator(engine, show_progress_bars=False).resolve_validation_graph(
        graph=graph, runtime_configuration=_runtime()
    )
    found = []
    for step in plan.steps:
        if isinstance(step, ExpectationValidationResult):
            found.append(step)
        elif broken := step.graph.get_exception_info(metric_info=aborted):
            found.append(_failed(step.graph.configuration, broken))
        else:
            try:
                result = step.result(metrics, engine)
            except Exception as error:  # as GX does: an expectation may fail in any way
                result = _failed(step.graph.configuration, _info(error))
            found.append(result)
    return found


_plans: dict[tuple[Suite, type, tuple[tuple[str, str], ...]], _Plan] = {}


def _plan_for(suite: Suite, schema: tuple[tuple[str, str], ...], engine: Any) -> _Plan:
    key = (suite, type(engine), schema)
    plan = _plans.get(key)
    if plan is None:
        while len(_plans) >= _KEPT:
            _plans.pop(next(iter(_plans)), None)
        plan = _plans[key] = _make_plan(suite, engine)
    return plan


def _make_plan(suite: Suite, engine: Any) -> _Plan:
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validation_graph import ExpectationValidationGraph

    calculator = MetricsCalculator(engine, show_progress_bars=False)
    steps: list[_Step | ExpectationValidationResult] = []
    edges: list[MetricEdge] = []
    for expected in suite.expected:
        configuration = expected.expectation.configuration
        try:
            needed = expected.expectation.get_validation_dependencies(
                execution_engine=engine, runtime_configuration=_runtime()
            )
            graph = ExpectationValidationGraph(
                configuration=configuration,
                graph=calculator.build_metric_dependency_graph(
                    metric_configurations=needed.get_metric_configurations(), runtime_configuration=_runtime()
                ),
            )
        except Exception as error:  # as GX does: an expectation may fail in any way
            steps.append(_failed(configuration, _info(error)))
            continue
        named = tuple((name, one.id) for name, one in needed.metric_configurations.items())
        steps.append(_Step(expected.expectation, graph, named, dict(needed.result_format)))
        edges.extend(graph.graph.edges)
    return _Plan(tuple(steps), tuple(edges))


def engine_of(frame: pd.DataFrame) -> Any:
    """An engine with `frame` as its batch."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine

    engine = PandasExecutionEngine()
    engine.load_batch_data(BATCH, frame)
    return engine


def _runtime() -> dict[str, Any]:
    # A new one each time: GX changes what it is given.
    return {"result_format": dict(RESULT_FORMAT)}


def _info(error: Exception) -> Any:
    from great_expectations.validator.exception_info import ExceptionInfo

    return ExceptionInfo(exception_traceback="".join(traceback.format_exception(error)), exception_message=str(error))


def _failed(configuration: Any, info: Any) -> ExpectationValidationResult:
    from great_expectations.core import ExpectationValidationResult

    return ExpectationValidationResult(success=False, exception_info=info, expectation_config=configuration)
