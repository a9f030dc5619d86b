// Dashboards as the API keeps them.
import { useQuery } from "@tanstack/react-query";
import { api, type Schemas, unwrap } from "../../api/client";
import { client } from "../../api/queries";

export type Board = Schemas["DashboardOut"];
export type Widget = Board["body"][number];
export type Kind = Widget["kind"];

export function useDashboards() {
  return useQuery({ queryKey: ["dashboards"], queryFn: () => unwrap(api.GET("/api/v1/dashboards")) });
}

export function useDashboard(slug: string) {
  return useQuery({
    queryKey: ["dashboard", slug],
    queryFn: () => unwrap(api.GET("/api/v1/dashboards/{slug}", { params: { path: { slug } } })),
  });
}

export interface Content {
  title: string;
  project: string | null;
  widgets: Widget[];
}

export function contentOf(board: Board): Content {
  return { title: board.title, project: board.project ?? null, widgets: board.body };
}

export async function make(content: Content): Promise<Board> {
  const made = await unwrap(api.POST("/api/v1/dashboards", { body: { ...content } }));
  client.setQueryData(["dashboard", made.slug], made);
  void client.invalidateQueries({ queryKey: ["dashboards"] });
  return made;
}

export async function replace(slug: string, content: Content, version: number): Promise<Board> {
  const saved = await unwrap(api.PUT("/api/v1/dashboards/{slug}", { params: { path: { slug } }, body: { ...content, version } }));
  client.setQueryData(["dashboard", slug], saved);
  void client.invalidateQueries({ queryKey: ["dashboards"] });
  return saved;
}

export async function remove(slug: string, version: number): Promise<void> {
  await unwrap(api.DELETE("/api/v1/dashboards/{slug}", { params: { path: { slug }, query: { version } } }));
  client.removeQueries({ queryKey: ["dashboard", slug] });
  void client.invalidateQueries({ queryKey: ["dashboards"] });
}
