// The kinds of widgets, each from real data.
import { useMemo } from "react";
import { Link } from "react-router-dom";
import { useCatalog } from "../../api/queries";
import { type Columns, useColumns } from "../../catalog/batches";
import { type Catalog, entry, rowOf, seriesName } from "../../catalog/catalog";
import { search } from "../../catalog/search";
import { Chart, type Overlay, pointSentence } from "../../shared/chart";
import { isFinding, statusOf } from "../../shared/codes";
import { shortDay } from "../../shared/days";
import { Failure, Show, Skeleton } from "../../shared/states";
import { SmallChart } from "../../shared/small-chart";
import { counted, formatBand, formatValue } from "../../shared/units";
import { Badge, LABELS } from "../../shared/verdict";
import { paths } from "../../state/paths";
import { SeverityTag } from "../incidents/incident-view";
import { STATES, useIncidents } from "../incidents/queries";
import { stateText } from "../incidents/words";
import { ProjectMatrix } from "../project/project-matrix";
import type { BoardData } from "./data";
import { Markdown } from "./markdown";
import type { Widget } from "./queries";

type Of<K extends Widget["kind"]> = Extract<Widget, { kind: K }>;

/** What stands above a widget when it has no title of its own. */
export function defaultTitle(widget: Widget, catalog: Catalog | undefined): string {
  switch (widget.kind) {
    case "chart":
      return widget.series.map((id) => seriesName(catalog, id)).join(", ");
    case "number":
      return seriesName(catalog, widget.series);
    case "wall":
      return widget.query || "All series";
    case "matrix":
      return widget.project;
    case "incidents":
      return widget.project ? `Incidents of ${widget.project}` : "Incidents";
    default:
      return "";
  }
}

/** Where a click on the widget's title leads. */
export function addressOf(widget: Widget, catalog: Catalog | undefined, day: string): string | null {
  const series = widget.kind === "chart" ? widget.series[0] : widget.kind === "number" ? widget.series : undefined;
  if (series !== undefined) {
    const row = catalog ? rowOf(catalog, series) : -1;
    if (!catalog || row < 0) return null;
    const ov = widget.kind === "chart" ? widget.series.slice(1).join(",") : "";
    return paths.metric(entry(catalog, row).project, series, { day, ov });
  }
  if (widget.kind === "wall") return paths.explore({ q: widget.query, day });
  if (widget.kind === "matrix") return paths.project(widget.project, { day });
  if (widget.kind === "incidents") return paths.incidents({ project: widget.project });
  return null;
}

function unitOf(catalog: Catalog | undefined, id: string): string {
  const row = catalog ? rowOf(catalog, id) : -1;
  return catalog && row >= 0 ? entry(catalog, row).unit : "";
}

function along(days: readonly string[], other: Columns): (number | null)[] {
  const place = new Map(other.days.map((day, index) => [day, index]));
  return days.map((day) => other.y[place.get(day) ?? -1] ?? null);
}

function Gone() {
  return <p className="l-muted">This series does not exist any more, or you may not see it.</p>;
}

function ChartBody({ widget, data, catalog, height }: { widget: Of<"chart">; data: BoardData; catalog: Catalog | undefined; height: number }) {
  const days = widget.days ?? 90;
  const [first = "", ...others] = widget.series;
  const main = data.find(first, days);
  const overlays: Overlay[] = [];
  for (const id of main ? others : []) {
    const found = data.find(id, days);
    if (found) overlays.push({ name: seriesName(catalog, id), unit: unitOf(catalog, id), y: along(main!.days, found) });
  }
  if (main === null) return <Gone />;
  if (!main) return data.error === null ? <Skeleton lines={3} height={height} /> : null;
  const unit = unitOf(catalog, first);
  const legend = overlays.length ? 22 : 0;
  return (
    <>
      {overlays.length > 0 && (
        <p className="l-legend l-clip">
          {[seriesName(catalog, first), ...overlays.map((one) => one.name)].map((name, index) => (
            <span key={name}>
              <i style={index ? { background: `var(--l-overlay-${((index - 1) % 8) + 1})` } : undefined} /> {name}{" "}
            </span>
          ))}
        </p>
      )}
      <Chart
        small
        data={main}
        unit={unit}
        overlays={overlays}
        height={Math.max(80, height - legend)}
        label={`${seriesName(catalog, first)}. ${pointSentence(main, unit, main.days.length - 1)}`}
      />
    </>
  );
}

function NumberBody({ widget, data, catalog }: { widget: Of<"number">; data: BoardData; catalog: Catalog | undefined }) {
  const found = data.find(widget.series, 30);
  if (found === null) return <Gone />;
  if (!found) return data.error === null ? <Skeleton lines={2} /> : null;
  let at = found.y.length - 1;
  while (at > 0 && found.v[at] === null && found.y[at] === null) at -= 1;
  const unit = unitOf(catalog, widget.series);
  const status = found.v[at] ?? null;
  const day = found.days[at];
  const band = formatBand(found.lo[at], found.hi[at], unit);
  return (
    <div className="l-number">
      <strong className={isFinding(status) ? "l-red" : undefined}>{formatValue(found.y[at], unit)}</strong>
      <span className="l-row l-muted">
        {status && <Badge status={status}>{LABELS[status]}</Badge>}
        {band && <span>expected {band}</span>}
        {day && <span>{shortDay(day)}</span>}
      </span>
    </div>
  );
}

const WALL_CHART = 118;

function WallBody({ widget, catalog, day }: { widget: Of<"wall">; catalog: Catalog | undefined; day: string }) {
  const limit = widget.limit ?? 24;
  const rows = useMemo(() => (catalog ? search(catalog, widget.query ?? "").rows : new Int32Array()), [catalog, widget.query]);
  const shown = rows.subarray(0, limit);
  const batch = useColumns(catalog, shown, 0, Math.max(0, shown.length - 1), day ? { days: widget.days ?? 90, to: day } : { days: widget.days ?? 90 });
  if (!catalog) return <Skeleton lines={4} />;
  if (rows.length === 0) return <p className="l-muted">No series fits this query today.</p>;
  return (
    <>
      {batch.error !== null && <Failure error={batch.error} what="charts" retry={batch.retry} />}
      <div className="l-board-wall">
        {Array.from(shown, (row) => {
          const one = entry(catalog, row);
          const name = [one.metric, one.column, one.segment].filter(Boolean).join(" · ");
          return (
            <div key={one.id}>
              <SmallChart
                title={<Link to={paths.metric(one.project, one.id, { day })}>{name}</Link>}
                name={name}
                status={statusOf(catalog.status[row]!)}
                unit={one.unit}
                columns={batch.find(one.id)}
                height={WALL_CHART}
              />
            </div>
          );
        })}
      </div>
      {rows.length > shown.length && (
        <p className="l-muted">
          {shown.length} of {counted(rows.length, "series", "series")}, anomalies first.{" "}
          <Link className="l-link" to={paths.explore({ q: widget.query, day })}>
            All in the explorer
          </Link>
        </p>
      )}
    </>
  );
}

function IncidentsBody({ widget }: { widget: Of<"incidents"> }) {
  const state = STATES.find((one) => one === widget.state) ?? "active";
  const query = useIncidents({ state, project: widget.project || undefined }, widget.limit ?? 10);
  return (
    <Show query={query} what="list of incidents" lines={4}>
      {(data) =>
        data.rows.length === 0 ? (
          <p className="l-muted">None.</p>
        ) : (
          <ul className="l-lines">
            {data.rows.map((one) => (
              <li key={one.id}>
                <span className="l-row">
                  <SeverityTag severity={one.severity} />
                  <Link to={paths.incident(one.id)} className="l-clip" style={{ flex: 1 }}>
                    <strong>{one.title}</strong>
                  </Link>
                </span>
                <span className="l-muted l-sub-line">
                  {one.project} · {stateText(one)} · {counted(one.series, "series", "series")} · {shortDay(one.first)}
                  {one.last !== one.first && ` – ${shortDay(one.last)}`}
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </Show>
  );
}

interface Props {
  widget: Widget;
  data: BoardData;
  day: string;
  /** The pixels that a chart may fill. */
  height: number;
}

export function WidgetBody({ widget, data, day, height }: Props) {
  const catalog = useCatalog(day).data;
  switch (widget.kind) {
    case "chart":
      return <ChartBody widget={widget} data={data} catalog={catalog} height={height} />;
    case "number":
      return <NumberBody widget={widget} data={data} catalog={catalog} />;
    case "wall":
      return <WallBody widget={widget} catalog={catalog} day={day} />;
    case "matrix":
      return <ProjectMatrix project={widget.project} days={widget.days ?? 30} by={widget.by ?? "group"} to={day || undefined} />;
    case "incidents":
      return <IncidentsBody widget={widget} />;
    default:
      return <Markdown text={widget.text} />;
  }
}
