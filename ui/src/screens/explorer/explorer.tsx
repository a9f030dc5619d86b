// Hundreds of series narrowed down to the one chart: search, facets, anomalies first.
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate, useSearchParams } from "react-router-dom";
import { api, unwrap } from "../../api/client";
import { ApiError } from "../../api/errors";
import { type Range, useBatch, useCatalog } from "../../api/queries";
import { columns } from "../../catalog/batches";
import { type Catalog, entry, rowOf } from "../../catalog/catalog";
import { type Found, search, type Sort } from "../../catalog/search";
import { toggle } from "../../catalog/tokens";
import { Chart } from "../../shared/chart";
import { copyText, linkHere } from "../../shared/copy";
import { formatDay, rangeDays, shiftDay } from "../../shared/days";
import { pin } from "../../shared/pin";
import { Empty, Failure, Show, Skeleton } from "../../shared/states";
import { complain } from "../../shared/toast";
import { counted } from "../../shared/units";
import { HeaderSide } from "../../shell/side";
import { useKeys } from "../../state/keys";
import { useParam, useSetParams } from "../../state/params";
import { paths } from "../../state/paths";
import { useTitle } from "../../state/title";
import { Facets } from "./facets";
import { SearchBox } from "./search-box";
import { SeriesList } from "./series-list";
import { SeriesWall } from "./series-wall";
import { addStyle } from "../../shared/styles";
import style from "./explorer.css?inline";

addStyle(style);

const RANGES: [string, string][] = [
  ["30d", "Last 30 days"],
  ["90d", "Last 90 days"],
  ["180d", "Last 180 days"],
  ["1y", "Last year"],
];
const SORTS: [Sort, string][] = [
  ["score", "Sort: anomaly score"],
  ["name", "Sort: name"],
  ["value", "Sort: value"],
];
const MOST_OVERLAID = 8;
const NOTHING = new Int32Array(0);

/** Where the cursor stood in a result, for the way back from a chart. */
const positions = new Map<string, number>();

function Overlaid({ catalog, ids, range, onClear }: { catalog: Catalog; ids: string[]; range: Range; onClear: () => void }) {
  const batch = useBatch(ids, range);
  const entries = ids.map((id) => entry(catalog, rowOf(catalog, id))).filter((one) => one.id);
  return (
    <section className="l-panel l-overlay" aria-label="Overlaid series">
      <div className="l-row l-between">
        <div className="l-row">
          {entries.map((one, index) => (
            <span key={one.id} className="l-row" style={{ gap: 4 }}>
              <span className="l-swatch" style={{ background: index ? `var(--l-overlay-${index})` : "var(--l-line)" }} />
              {one.metric} <code>{one.column}</code> {one.segment && <span className="l-tag">{one.segment}</span>}
            </span>
          ))}
        </div>
        <button type="button" className="l-button l-small" onClick={onClear}>
          Clear overlay
        </button>
      </div>
      <Show query={batch} what="overlay">
        {(data) => {
          const [first, ...others] = entries;
          const base = first && columns(data, first.id);
          if (!first || !base) return <p className="l-muted">No values in this range.</p>;
          const place = new Map(base.days.map((day, index) => [day, index]));
          const overlays = others.flatMap((one) => {
            const found = columns(data, one.id);
            if (!found) return [];
            const y: (number | null)[] = base.days.map(() => null);
            found.days.forEach((day, index) => {
              const at = place.get(day);
              if (at !== undefined) y[at] = found.y[index] ?? null;
            });
            return [{ name: `${one.metric} ${one.column}`, unit: one.unit, y }];
          });
          return <Chart data={base} unit={first.unit} height={190} overlays={overlays} label={`${entries.length} series overlaid`} />;
        }}
      </Show>
    </section>
  );
}

function NoHit({ found, catalog, text, onText }: { found: Found; catalog: Catalog; text: string; onText: (text: string) => void }) {
  const { culprit } = found;
  if (catalog.id.length === 0) {
    return (
      <Empty title="There are no series yet.">
        <p>They appear here after the first run of a project. A run of one day is enough: start it in Airflow, or with</p>
        <pre tabIndex={0}>lupus run PROJECT --day 2026-01-31</pre>
      </Empty>
    );
  }
  const written = culprit ? text.slice(culprit.start, culprit.end) : text;
  return (
    <Empty title="No series fits.">
      <p>
        <code>{written}</code> empties the result.
      </p>
      <div className="l-row">
        <button
          type="button"
          className="l-button l-primary"
          onClick={() => onText(culprit ? `${text.slice(0, culprit.start)}${text.slice(culprit.end)}`.replace(/\s+/g, " ").trim() : "")}
        >
          Search without it
        </button>
        <button type="button" className="l-button" onClick={() => onText("")}>
          Show all series
        </button>
      </div>
    </Empty>
  );
}

export function Explorer() {
  useTitle("Explorer");
  const [params] = useSearchParams();
  const change = useSetParams();
  const [range, setRange] = useParam("r", "90d");
  const [sort, setSort] = useParam("sort", "score");
  const [view, setView] = useParam("view", "list");
  const day = params.get("day") ?? "";
  const asked = params.get("q") ?? "";
  const [text, setText] = useState(asked);
  const written = useRef(asked);
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const query = useCatalog(day);
  const catalog = query.data;
  const overlaid = useMemo(() => (params.get("ov") ?? "").split(",").filter(Boolean).slice(0, MOST_OVERLAID), [params]);

  // The address follows the typing with a pause; "back" and links change the box.
  useEffect(() => {
    if (asked !== written.current) {
      written.current = asked;
      setText(asked);
    }
  }, [asked]);
  useEffect(() => {
    if (text === written.current) return undefined;
    const timer = setTimeout(() => {
      written.current = text;
      change({ q: text.trim() }, true);
    }, 250);
    return () => clearTimeout(timer);
  }, [text, change]);

  const searched = useDeferredValue(text);
  const found = useMemo(() => (catalog ? search(catalog, searched, sort as Sort) : null), [catalog, searched, sort]);
  const rows = found?.rows ?? NOTHING;
  const newest = catalog?.days.reduce((last, one) => (one > last ? one : last), "") ?? "";
  const shownDay = day || newest;
  const days = rangeDays(range, 90);
  const span = useMemo<Range>(() => (day ? { days, to: day } : { days }), [day, days]);

  const place = `${searched.trim()}|${sort}|${day}`;
  const [at, setAt] = useState(() => positions.get(place) ?? 0);
  useEffect(() => setAt(positions.get(place) ?? 0), [place]);
  const go = (to: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    positions.set(place, next);
    setAt(next);
  };
  const current = catalog && rows.length > at ? entry(catalog, rows[at]!) : null;
  const address = (row: number) => {
    const one = entry(catalog!, row);
    return paths.metric(one.project, one.id, { day: day || undefined });
  };
  const overlay = (id: string) => {
    const next = overlaid.includes(id) ? overlaid.filter((one) => one !== id) : [...overlaid, id];
    if (next.length > MOST_OVERLAID) complain(`At most ${MOST_OVERLAID} series are overlaid.`);
    else change({ ov: next.join(",") }, true);
  };
  const pinRow = (row: number) => {
    const one = entry(catalog!, row);
    void pin([one.id], [one.metric, one.column, one.segment].filter(Boolean).join(" · "), days);
  };
  const link = () => linkHere({ q: text.trim() || null, day: shownDay || null });
  const saveAsDashboard = async () => {
    try {
      const title = text.trim() || "All series, anomalies first";
      const widget = { kind: "wall" as const, id: "wall", title, query: text.trim(), limit: 24, days: Math.min(4000, days), place: { x: 0, y: 0, w: 12, h: 12 } };
      const made = await unwrap(api.POST("/api/v1/dashboards", { body: { title, widgets: [widget] } }));
      navigate(paths.dashboard(made.slug));
    } catch (error) {
      complain(error instanceof ApiError ? `Not saved. ${error.title} ${error.message}` : `Not saved: ${String(error)}`);
    }
  };

  useKeys([
    { key: "/", label: "search", run: () => (input.current?.focus(), input.current?.select()) },
    { key: "j", label: "next series", run: () => go(at + 1) },
    { key: "k", label: "previous series", run: () => go(at - 1) },
    { key: "Enter", label: "open its chart", run: () => current && navigate(address(current.row)) },
    { key: "d", label: "pin it to a dashboard", run: () => current && pinRow(current.row) },
    { key: "c", label: "copy link", run: () => void copyText(link(), "Link") },
    { key: "x", label: "overlay it (up to 8)", run: () => current && overlay(current.id) },
    { key: "g", label: "list or wall of charts", run: () => setView(view === "list" ? "wall" : "list") },
  ]);

  return (
    <div className="l-explorer">
      <HeaderSide>{shownDay && `business day ${shownDay}`}</HeaderSide>
      <h1 className="l-hidden">Explorer</h1>
      <div className="l-explorer-bar">
        <SearchBox input={input} catalog={catalog} text={text} onChange={setText} />
        <kbd className="l-wide-only" aria-hidden="true">/</kbd>
        <select className="l-select" aria-label="Range" value={range} onChange={(event) => setRange(event.target.value)}>
          {RANGES.some(([one]) => one === range) || <option value={range}>{`Last ${days} days`}</option>}
          {RANGES.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <select className="l-select" aria-label="Order" value={sort} onChange={(event) => setSort(event.target.value)}>
          {SORTS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <button type="button" className="l-button l-wide-only" aria-pressed={view === "wall"} onClick={() => setView(view === "list" ? "wall" : "list")}>
          Wall
        </button>
        <button type="button" className="l-button" onClick={() => void copyText(link(), "Link")}>
          Copy link
        </button>
        <button type="button" className="l-button l-primary l-wide-only" onClick={() => void saveAsDashboard()}>
          Save as dashboard
        </button>
      </div>
      {query.error && !catalog ? (
        <div style={{ padding: 16 }}>
          <Failure error={query.error} what="catalogue of series" retry={() => void query.refetch()} />
        </div>
      ) : !catalog || !found ? (
        <div style={{ padding: 16 }}>
          <Skeleton lines={12} />
        </div>
      ) : (
        <div className={query.isPlaceholderData ? "l-explorer-body l-stale" : "l-explorer-body"}>
          <Facets facets={found.facets} onToggle={(field, word, negated) => setText(toggle(text, field, word, negated))} />
          <div className="l-explorer-result">
            <div className="l-explorer-sum">
              <span aria-live="polite">
                <strong>{rows.length.toLocaleString("en")}</strong> series · {counted(found.anomalies, "anomaly", "anomalies")} ·{" "}
                {counted(found.warnings, "warning")} · {found.missing.toLocaleString("en")} without data
              </span>
              {shownDay && (
                <span className="l-row" style={{ gap: 2 }}>
                  <button type="button" className="l-button l-quiet l-small" aria-label="The day before" onClick={() => change({ day: shiftDay(shownDay, -1) })}>
                    ‹
                  </button>
                  {formatDay(shownDay)}
                  <button
                    type="button"
                    className="l-button l-quiet l-small"
                    aria-label="The day after"
                    disabled={!day}
                    onClick={() => change({ day: shiftDay(shownDay, 1) })}
                  >
                    ›
                  </button>
                  {day && (
                    <button type="button" className="l-button l-small" onClick={() => change({ day: null })}>
                      Newest
                    </button>
                  )}
                </span>
              )}
              <span className="l-explorer-keys l-wide-only" aria-hidden="true">
                <kbd>j</kbd> <kbd>k</kbd> move · <kbd>Enter</kbd> open · <kbd>d</kbd> pin · <kbd>c</kbd> copy link · <kbd>x</kbd> overlay · <kbd>?</kbd> keys
              </span>
            </div>
            {overlaid.length > 0 && <Overlaid catalog={catalog} ids={overlaid} range={span} onClear={() => change({ ov: null })} />}
            {rows.length === 0 ? (
              <NoHit found={found} catalog={catalog} text={text} onText={setText} />
            ) : view === "wall" ? (
              <SeriesWall catalog={catalog} rows={rows} at={at} range={span} onAt={go} address={address} />
            ) : (
              <SeriesList catalog={catalog} rows={rows} at={at} range={span} overlaid={overlaid} onAt={go} address={address} onPin={pinRow} />
            )}
          </div>
        </div>
      )}
    </div>
  );
}
