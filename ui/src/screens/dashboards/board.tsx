// The grid with its widgets; while it is edited they are moved and sized by hand or by arrow keys.
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import { Link } from "react-router-dom";
import { useCatalog } from "../../api/queries";
import { Failure } from "../../shared/states";
import { counted } from "../../shared/units";
import { useWidth } from "../../shared/width";
import { Boundary } from "../../shell/boundary";
import { useBoardData } from "./data";
import { COLUMNS, type Place, placeOf, settle } from "./grid";
import type { Widget } from "./queries";
import { addressOf, defaultTitle, WidgetBody } from "./widgets";
import { addStyle } from "../../shared/styles";
import style from "./dashboards.css?inline";

addStyle(style);

const ROW = 56;
const GAP = 12;
const NARROW = 760;
const HEAD = 50;

interface Props {
  widgets: readonly Widget[];
  /** Where widgets lie that the viewer may not see. */
  hidden: readonly Place[];
  /** Of how many series a chart was left without, by its id. */
  narrowed: Readonly<Record<string, number>>;
  day: string;
  editing: boolean;
  onChange: (widgets: Widget[]) => void;
  onEdit: (widget: Widget) => void;
  onRemove: (widget: Widget) => void;
}

interface Held {
  id: string;
  sizing: boolean;
  x: number;
  y: number;
  place: Place;
}

const ARROWS: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** `place` moved or sized by whole cells, inside the grid. */
function shifted(place: Place, dx: number, dy: number, sizing: boolean): Place {
  if (sizing) return { ...place, w: Math.max(1, Math.min(COLUMNS - place.x, place.w + dx)), h: Math.max(1, place.h + dy) };
  return { ...place, x: Math.max(0, Math.min(COLUMNS - place.w, place.x + dx)), y: Math.max(0, place.y + dy) };
}

export function Board({ widgets, hidden, narrowed, day, editing, onChange, onEdit, onRemove }: Props) {
  const grid = useRef<HTMLDivElement>(null);
  const width = useWidth(grid);
  const narrow = width > 0 && width < NARROW;
  const catalog = useCatalog(day).data;
  const data = useBoardData(widgets, day);
  const held = useRef<Held | null>(null);
  const [hand, setHand] = useState("");
  const [said, setSaid] = useState("");
  const put = (id: string, place: Place, last: boolean) => {
    const moved = widgets.map((one) => (one.id === id ? { ...one, place } : one));
    onChange(last ? settle(settle(moved, id)) : settle(moved, id));
  };
  const grab = (widget: Widget, sizing: boolean) => (event: PointerEvent<HTMLButtonElement>) => {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { id: widget.id, sizing, x: event.clientX, y: event.clientY, place: placeOf(widget) };
    setHand(widget.id);
  };
  const target = (event: PointerEvent) => {
    const from = held.current!;
    const cell = (width + GAP) / COLUMNS;
    return shifted(from.place, Math.round((event.clientX - from.x) / cell), Math.round((event.clientY - from.y) / (ROW + GAP)), from.sizing);
  };
  const drag = (event: PointerEvent) => held.current && put(held.current.id, target(event), false);
  const drop = (event: PointerEvent) => {
    if (!held.current) return;
    put(held.current.id, target(event), true);
    held.current = null;
    setHand("");
  };
  const press = (widget: Widget) => (event: KeyboardEvent) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const place = shifted(placeOf(widget), arrow[0], arrow[1], event.shiftKey);
    put(widget.id, place, true);
    setSaid(event.shiftKey ? `${place.w} columns wide, ${place.h} rows high` : `column ${place.x + 1}, row ${place.y + 1}`);
  };
  const gridArea = ({ x, y, w, h }: Place) => (narrow ? undefined : { gridColumn: `${x + 1} / span ${w}`, gridRow: `${y + 1} / span ${h}` });
  const order = [...widgets].sort((a, b) => {
    const [p, q] = [placeOf(a), placeOf(b)];
    return p.y - q.y || p.x - q.x;
  });
  return (
    <>
      {data.error !== null && <Failure error={data.error} what="charts" retry={data.retry} />}
      <div ref={grid} className={narrow ? "l-board l-board-narrow" : "l-board"}>
        {order.map((widget) => {
          const place = placeOf(widget);
          const title = widget.title || defaultTitle(widget, catalog);
          const address = addressOf(widget, catalog, day);
          const high = place.h * (ROW + GAP) - GAP;
          const name = title || widget.kind;
          return (
            <section
              key={widget.id}
              aria-label={name}
              className={hand === widget.id ? "l-panel l-widget l-held" : "l-panel l-widget"}
              style={gridArea(place)}
            >
              {(title || editing) && (
                <header className="l-row l-between">
                  <h2 className="l-clip">{address && !editing ? <Link to={address}>{title}</Link> : title}</h2>
                  {editing && (
                    <span className="l-row l-widget-tools">
                      <button
                        type="button"
                        className="l-button l-small l-grip"
                        aria-label={`Move ${name}: drag, or arrow keys; with shift, size it`}
                        onPointerDown={grab(widget, false)}
                        onPointerMove={drag}
                        onPointerUp={drop}
                        onKeyDown={press(widget)}
                      >
                        ✥
                      </button>
                      <button type="button" className="l-button l-small" aria-label={`Change ${name}`} onClick={() => onEdit(widget)}>
                        ✎
                      </button>
                      <button type="button" className="l-button l-small" aria-label={`Remove ${name}`} onClick={() => onRemove(widget)}>
                        ✕
                      </button>
                    </span>
                  )}
                </header>
              )}
              <div className="l-widget-body" tabIndex={widget.kind === "chart" || widget.kind === "number" ? undefined : 0} role="group" aria-label={`${name}, content`}>
                {narrowed[widget.id] !== undefined && <p className="l-muted">Without {counted(narrowed[widget.id]!, "series", "series")} that you may not see.</p>}
                <Boundary what="widget" reset={widget.id}>
                  <WidgetBody widget={widget} data={data} day={day} height={narrow ? 220 : high - HEAD - 14} />
                </Boundary>
              </div>
              {editing && !narrow && (
                <button
                  type="button"
                  className="l-sizer"
                  aria-label={`Size ${name}: drag`}
                  tabIndex={-1}
                  onPointerDown={grab(widget, true)}
                  onPointerMove={drag}
                  onPointerUp={drop}
                />
              )}
            </section>
          );
        })}
        {!editing &&
          hidden.map((place, index) => (
            <section key={index} className="l-panel l-widget l-withheld" aria-label="Not for you to see" style={gridArea(place)}>
              <p className="l-muted">This widget shows a project that you may not see. Who needs it asks for the right to read that project's Dag in Airflow.</p>
            </section>
          ))}
      </div>
      <span className="l-hidden" aria-live="polite">
        {said}
      </span>
    </>
  );
}
