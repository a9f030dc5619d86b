// "Pin": puts a chart on a dashboard of one's own, in one click, and can be undone.
import { api, type Schemas, unwrap } from "../api/client";
import { client } from "../api/queries";
import { ApiError } from "../api/errors";
import { complain, say } from "./toast";

type Widget = Schemas["DashboardOut"]["body"][number];

const TARGET = "lupus-pin-target";
const WIDE = 6;
const TALL = 4;

/** The place below everything, or beside the last half-width widget. */
export function placeFor(widgets: readonly Widget[]): { x: number; y: number; w: number; h: number } {
  const bottom = Math.max(0, ...widgets.map(({ place }) => (place?.y ?? 0) + (place?.h ?? TALL)));
  const last = widgets.at(-1)?.place;
  if (last && last.x === 0 && last.w === WIDE && last.y + last.h === bottom) return { x: WIDE, y: last.y, w: WIDE, h: last.h };
  return { x: 0, y: bottom, w: WIDE, h: TALL };
}

function remembered(): string | null {
  try {
    return localStorage.getItem(TARGET);
  } catch {
    return null;
  }
}

/** The dashboard that pins go to: the one last used, else one's own first, else a new one. */
async function target(): Promise<Schemas["DashboardOut"]> {
  const { rows } = await unwrap(api.GET("/api/v1/dashboards"));
  const mine = rows.filter((one) => one.may_edit && !one.generated);
  const row = mine.find((one) => one.slug === remembered()) ?? mine.find((one) => one.project === null) ?? mine[0];
  if (row) return unwrap(api.GET("/api/v1/dashboards/{slug}", { params: { path: { slug: row.slug } } }));
  return unwrap(api.POST("/api/v1/dashboards", { body: { title: "My dashboard", widgets: [] } }));
}

async function save(board: Schemas["DashboardOut"], widgets: Widget[]): Promise<Schemas["DashboardOut"]> {
  const saved = await unwrap(
    api.PUT("/api/v1/dashboards/{slug}", {
      params: { path: { slug: board.slug } },
      body: { title: board.title, project: board.project, widgets, version: board.version },
    }),
  );
  await client.invalidateQueries({ queryKey: ["dashboards"] });
  await client.invalidateQueries({ queryKey: ["dashboard", board.slug] });
  return saved;
}

/** Pins `ids` as one chart called `title`. */
export async function pin(ids: readonly string[], title: string, days = 90): Promise<void> {
  try {
    const board = await target();
    const widget: Widget = {
      kind: "chart",
      id: crypto.randomUUID?.() ?? Math.random().toString(36).slice(2),
      title: title.slice(0, 200),
      series: [...ids],
      days,
      place: placeFor(board.body),
    };
    const saved = await save(board, [...board.body, widget]);
    try {
      localStorage.setItem(TARGET, board.slug);
    } catch {
      // A browser without storage only forgets which dashboard was used last.
    }
    say(`Pinned to “${board.title}”`, () => {
      save(saved, saved.body.filter((one) => one.id !== widget.id))
        .then(() => say("No longer pinned"))
        .catch((error: unknown) => complain(`It stays pinned: ${String(error)}`));
    });
  } catch (error) {
    complain(error instanceof ApiError ? `Not pinned. ${error.title} ${error.message}` : `Not pinned: ${String(error)}`);
  }
}
