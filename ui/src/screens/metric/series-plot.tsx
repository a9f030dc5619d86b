// The large chart of a series, with all that happened to it.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { api, type Schemas, unwrap } from "../../api/client";
import { fetchBatch } from "../../api/queries";
import { columns } from "../../catalog/batches";
import { Chart, type ChartData, type Exclusion, type Marker, type Overlay } from "../../shared/chart";
import { statusOf } from "../../shared/codes";
import { shortDay } from "../../shared/days";
import { complain } from "../../shared/toast";
import { counted } from "../../shared/units";
import { useParam } from "../../state/params";
import { IncidentTrack } from "./incident-track";
import type { Series } from "./metric";

interface Props {
  series: Series;
  /** "all": the other segments; else ids, separated by commas. */
  overlay: string;
  onZoom: (first: string, last: string) => void;
  onSelect: (first: string, last: string) => void;
  onReset?: () => void;
}

/** Where the labels of the newest intervals are still arriving; undefined when none is. */
function immatureFrom(series: Series): number | undefined {
  let from = series.v.length;
  while (from > 0 && statusOf(series.v[from - 1]!) === "immature") from -= 1;
  return from < series.v.length ? from : undefined;
}

const KINDS: Record<Schemas["Event"]["kind"], string> = {
  model_version: "model",
  retraining: "retraining",
  annotation: "",
  new_level: "new level",
};

function markersOf(events: readonly Schemas["Event"][]): Marker[] {
  return events.map((one) => {
    const kind = KINDS[one.kind];
    const label = kind && !one.label.startsWith(kind) ? `${kind} ${one.label}` : one.label;
    return { day: one.first, label: label.trim(), kind: one.kind };
  });
}

/** The other series of the overlay, along this one's days. */
function useOverlays(series: Series, overlay: string): Overlay[] {
  const ids = useMemo(() => {
    const chosen = overlay === "all" ? series.siblings.map((one) => one.id) : overlay.split(",").filter(Boolean);
    return chosen.filter((id) => id !== series.info.id).slice(0, 8);
  }, [overlay, series]);
  const first = series.axis.keys[0];
  const last = series.axis.keys.at(-1);
  const batch = useQuery({
    queryKey: ["overlay", ids, first, last],
    queryFn: () => fetchBatch(ids, { from: first, to: last }),
    enabled: ids.length > 0 && first !== undefined,
    structuralSharing: false,
  });
  return useMemo(() => {
    if (!batch.data) return [];
    const place = new Map(series.axis.keys.map((day, index) => [day, index]));
    const names = new Map(series.siblings.map((one) => [one.id, one.segment || "(all)"]));
    return ids.flatMap((id) => {
      const found = columns(batch.data, id);
      if (!found) return [];
      const y: (number | null)[] = series.axis.keys.map(() => null);
      found.days.forEach((day, index) => {
        const at = place.get(day);
        if (at !== undefined) y[at] = found.y[index] ?? null;
      });
      return [{ name: names.get(id) ?? id, unit: series.info.unit, y }];
    });
  }, [batch.data, ids, series]);
}

/** The band that today's rule would have drawn, in the place of the one it drew then. */
function useBandOfNow(series: Series, wanted: boolean) {
  const rule = series.rules[0];
  return useQuery({
    queryKey: ["band-of-now", series.info.id, rule, series.axis.keys[0], series.axis.keys.at(-1)],
    queryFn: () =>
      // One series is answered at once; only a whole project comes as a stream.
      unwrap<unknown>(
        api.POST("/api/v1/rules:backtest", {
          body: {
            project: series.info.project,
            rule: rule ?? "",
            series: series.info.id,
            parameters: {},
            from: series.axis.keys[0],
            to: series.axis.keys.at(-1),
          },
        }),
      ) as Promise<Schemas["BacktestOut"]>,
    enabled: wanted && rule !== undefined && !series.envelope,
  });
}

export function SeriesPlot({ series, overlay, onZoom, onSelect, onReset }: Props) {
  const [band, setBand] = useParam("band", "judged");
  const overlays = useOverlays(series, overlay);
  const now = useBandOfNow(series, band === "now");
  const data = useMemo<ChartData>(() => {
    const side = band === "now" ? now.data?.today : null;
    const places = side && new Map(now.data!.axis.keys.map((key, index) => [key, index]));
    const along = (column: readonly (number | null)[]) => series.axis.keys.map((key) => column[places!.get(key) ?? -1] ?? null);
    return {
      days: series.axis.keys,
      y: series.y,
      lo: side ? along(side.lo) : series.lo,
      hi: side ? along(side.hi) : series.hi,
      v: series.v.map(statusOf),
      score: series.sc,
      immatureFrom: immatureFrom(series),
      points: series.envelope ? (series.anomalies as [number, number][]) : undefined,
    };
  }, [series, band, now.data]);
  const markers = useMemo(() => markersOf(series.events), [series.events]);
  const exclusions = useMemo<Exclusion[]>(() => series.exclusions.map(({ first, last, reason }) => ({ first, last, reason })), [series.exclusions]);
  useEffect(() => {
    if (band !== "now" || !now.error) return;
    complain(`The band as of now is not to be had. ${now.error.message}`);
    setBand("judged", true);
  }, [band, now.error, setBand]);
  const [plot, setPlot] = useState<[number, number]>([0, 0]);
  const judges = series.rules.length > 0 && !series.envelope;
  return (
    <>
      <div className="l-row l-between l-plot-bar">
        <span className="l-legend" aria-hidden="true">
          <i className="l-key-line" /> {series.envelope ? "mean of the week" : "value"} <i className="l-key-band" /> {series.envelope ? "from least to greatest" : "expected"}{" "}
          <b>◆</b> anomaly
          {exclusions.length > 0 && (
            <>
              {" "}
              <i className="l-key-hatch" /> in no baseline
            </>
          )}
          {markers.length > 0 && " ┆ event"} <i className="l-key-incident" /> incident of the project
        </span>
        <span className="l-row l-screen-only">
          {judges && (
            <span className="l-group" role="group" aria-label="Band">
              <button type="button" className="l-button l-small" aria-pressed={band !== "now"} onClick={() => setBand("judged", true)}>
                As judged
              </button>
              <button type="button" className="l-button l-small" aria-pressed={band === "now"} onClick={() => setBand("now", true)}>
                As of now
              </button>
            </span>
          )}
          {onReset && (
            <button type="button" className="l-button l-small" onClick={onReset}>
              Zoom out
            </button>
          )}
        </span>
      </div>
      <Chart
        data={data}
        unit={series.info.unit}
        label={`${series.info.metric} ${series.info.column} ${series.info.segment}. ${series.sentence} Arrow keys move from day to day.`}
        height={320}
        markers={markers}
        exclusions={exclusions}
        overlays={overlays}
        onPlot={(left, width) => setPlot((before) => (before[0] === left && before[1] === width ? before : [left, width]))}
        onZoom={onZoom}
        onSelect={onSelect}
      />
      <div style={{ marginLeft: plot[0], width: plot[1] }}>
        <IncidentTrack project={series.info.project} days={series.axis.keys} own={series.incidents} />
      </div>
      {(series.events.length > 0 || series.exclusions.length > 0) && (
        <details className="l-events">
          <summary>
            {counted(series.events.length, "event")}, {counted(series.exclusions.length, "exclusion")}
          </summary>
          <ul>
            {series.events.map((one, index) => (
              <li key={`e${index}`}>
                <span className="l-muted">{shortDay(one.first)}</span> {KINDS[one.kind] || "note"} {one.label} {one.by && <span className="l-muted">by {one.by}</span>}
              </li>
            ))}
            {series.exclusions.map((one, index) => (
              <li key={`x${index}`}>
                <span className="l-muted">
                  {shortDay(one.first)}
                  {one.last !== one.first && `–${shortDay(one.last)}`}
                </span>{" "}
                in no baseline: {one.reason} {one.note}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
