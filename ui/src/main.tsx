// Airflow loads this file once and looks up each app as a global of its name.
import { askAhead } from "./api/queries";
import { DagTab } from "./host/dag-tab";
import { HomeLine } from "./host/home-line";
import { RunTab } from "./host/run-tab";
import { App } from "./app";
import { daysShown } from "./screens/overview/overview";
import { paths } from "./state/paths";

if (window.location.pathname.replace(/\/$/, "").endsWith(paths.overview())) {
  askAhead(daysShown(new URLSearchParams(window.location.search).get("days")));
}

Object.assign(globalThis, {
  Lupus: App,
  "Lupus metrics": DagTab,
  "Lupus verdicts": RunTab,
  "Lupus incidents": HomeLine,
});
