// One series: what is to be seen, and why.
import { useMemo, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router-dom";
import { apiHref, type Schemas } from "../../api/client";
import { type Range, useSeries } from "../../api/queries";
import { statusOf } from "../../shared/codes";
import { copyText, linkHere } from "../../shared/copy";
import { formatDay, isDay, rangeDays } from "../../shared/days";
import { pin } from "../../shared/pin";
import { Show } from "../../shared/states";
import { counted, formatScore, formatValue } from "../../shared/units";
import { Badge, LABELS } from "../../shared/verdict";
import { HeaderSide } from "../../shell/side";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { useParam, useSetParams } from "../../state/params";
import { paths, token } from "../../state/paths";
import { useTitle } from "../../state/title";
import { Remark } from "./remark";
import { SeriesPlot } from "./series-plot";
import { Siblings } from "./siblings";
import { ValueTable } from "./value-table";
import { Why } from "./why";
import { addStyle } from "../../shared/styles";
import style from "./metric.css?inline";

addStyle(style);

export type Series = Schemas["SeriesOut"];

const RANGES = ["30d", "90d", "1y", "3y"];

/** `metric · column · segment`, as one text. */
export function nameOf(info: Schemas["SeriesInfo"]): string {
  return [info.metric, info.column, info.segment].filter(Boolean).join(" · ");
}

function Crumbs({ info }: { info: Schemas["SeriesInfo"] }) {
  const inProject = token("project", info.project);
  const inTable = info.table ? `${inProject} ${token("table", info.table)}` : inProject;
  return (
    <nav aria-label="Where this is" className="l-crumbs">
      <Link to={paths.project(info.project)}>{info.project}</Link> / <Link to={paths.explore({ q: `${inProject} ${token("group", info.group)}` })}>{info.group}</Link>
      {info.table && (
        <>
          {" / "}
          <Link to={paths.explore({ q: inTable })}>{info.table}</Link>
        </>
      )}
      {info.column && (
        <>
          {" / "}
          <Link to={paths.explore({ q: `${inTable} ${token("column", info.column)}` })}>
            <code>{info.column}</code>
          </Link>
        </>
      )}
    </nav>
  );
}

/** The place of the interval that the page speaks of: the one asked for, else the newest that was judged with its labels. */
export function placeOf(series: Series, day: string): number {
  const asked = day ? series.axis.keys.indexOf(day) : -1;
  if (asked >= 0) return asked;
  const firm = series.v.findLastIndex((code) => code >= 0 && statusOf(code) !== "immature");
  return firm >= 0 ? firm : series.v.length - 1;
}

function Page({ series, range, zoomed }: { series: Series; range: Range; zoomed: boolean }) {
  const { info, axis } = series;
  const [params] = useSearchParams();
  const change = useSetParams();
  const [selected, select] = useState<[string, string] | null>(null);
  const at = placeOf(series, params.get("day") ?? "");
  const day = axis.keys[at] ?? "";
  const status = statusOf(series.v[at] ?? -1);
  const score = series.sc[at] ?? null;
  const said = series.sentences.find((one) => one.at === at)?.text ?? (at === axis.keys.length - 1 ? series.sentence : "");
  const waiting = series.v.slice(at + 1).filter((code) => statusOf(code) === "immature").length;
  const first = axis.keys[0] ?? "";
  const last = axis.keys.at(-1) ?? "";
  useTitle(nameOf(info));
  const link = () => linkHere({ r: null, from: first.slice(0, 10) || null, to: last.slice(0, 10) || null, day: day || null });
  const pinIt = () => void pin([info.id], nameOf(info), Math.min(4000, range.days ?? 90));
  const turn = (step: number) => {
    const next = axis.keys[at + step];
    if (next) change({ day: next }, true);
  };
  const search = useSearchKey();
  useKeys([
    { key: "c", label: "copy link", run: () => void copyText(link(), "Link") },
    { key: "d", label: "pin to a dashboard", run: pinIt },
    { key: "j", label: "the day before", run: () => turn(-1) },
    { key: "k", label: "the day after", run: () => turn(1) },
    { key: "a", label: "annotate this day", run: () => day && select([day, day]) },
    { key: "x", label: "overlay the other segments, or not", run: () => change({ ov: params.get("ov") ? null : "all" }, true) },
    search,
  ]);
  const query = new URLSearchParams({ from: first, to: last });
  return (
    <div className="l-stack">
      <HeaderSide>{last && `${axis.cadence} · ${axis.timezone}`}</HeaderSide>
      <div>
        <div className="l-row l-between" style={{ marginBottom: 8 }}>
          <Crumbs info={info} />
          <div className="l-group l-screen-only" role="group" aria-label="Range">
            {RANGES.map((one) => (
              <button
                key={one}
                type="button"
                className="l-button l-small"
                aria-pressed={!zoomed && (params.get("r") ?? "90d") === one}
                onClick={() => change({ from: null, to: null, r: one === "90d" ? null : one })}
              >
                {one}
              </button>
            ))}
          </div>
        </div>
        <div className="l-row l-between">
          <h1 className="l-row">
            <span>
              {info.metric}
              {info.column && (
                <>
                  {" · "}
                  <code>{info.column}</code>
                </>
              )}
            </span>
            {info.segment && <span className="l-tag l-tag-large">{info.segment}</span>}
            {status && <Badge status={status}>{score !== null && status === "anomaly" ? `anomaly · score ${formatScore(score)}` : LABELS[status]}</Badge>}
          </h1>
          <div className="l-row l-screen-only">
            <button type="button" className="l-button" onClick={() => void copyText(link(), "Link")}>
              Copy link
            </button>
            <a className="l-button" href={apiHref(`/api/v1/series/${info.id}.csv?${query}`)} download>
              CSV
            </a>
            <a className="l-button l-wide-only" href={apiHref(`/api/v1/series/${info.id}.png?${query}`)} target="_blank" rel="noreferrer">
              PNG
            </a>
            <button type="button" className="l-button" onClick={pinIt}>
              Pin to dashboard
            </button>
            {series.incidents[0] && (
              <Link className="l-button l-primary" to={paths.incident(series.incidents[0])}>
                Incident
              </Link>
            )}
          </div>
        </div>
        <p className="l-sentence">
          {day && <span className="l-muted">{formatDay(day)}: </span>}
          {said || (status === "ok" ? `${formatValue(series.y[at], info.unit)}, inside its expected range.` : formatValue(series.y[at], info.unit))}
          {waiting > 0 && !params.get("day") && <span className="l-muted"> Labels of {counted(waiting, "newer day")} are still arriving.</span>}
        </p>
      </div>
      <div className="l-metric">
        <section className="l-panel" aria-label="Chart">
          <SeriesPlot
            series={series}
            overlay={params.get("ov") ?? ""}
            onZoom={(from, to) => change({ from, to, r: null })}
            onSelect={(from, to) => select([from, to])}
            onReset={zoomed ? () => change({ from: null, to: null }) : undefined}
          />
          <Siblings series={series} range={range} overlay={params.get("ov") ?? ""} onOverlay={(value) => change({ ov: value }, true)} />
        </section>
        <Why series={series} day={day} status={status} />
      </div>
      <ValueTable series={series} day={day} onDay={(key) => change({ day: key }, true)} />
      {selected && <Remark series={series} first={selected[0]} last={selected[1]} onClose={() => select(null)} />}
    </div>
  );
}

export function Metric() {
  const { series: id = "" } = useParams();
  const [params] = useSearchParams();
  const [r] = useParam("r", "90d");
  const from = params.get("from") ?? "";
  const to = params.get("to") ?? "";
  const zoomed = isDay(from) && isDay(to);
  const range = useMemo<Range>(() => (zoomed ? { from, to } : { days: Math.min(4000, rangeDays(r, 90)) }), [zoomed, from, to, r]);
  const query = useSeries(id, range);
  useTitle("Metric");
  return (
    <Show query={query} what="metric" lines={10}>
      {(series) => <Page series={series} range={range} zoomed={zoomed} />}
    </Show>
  );
}
