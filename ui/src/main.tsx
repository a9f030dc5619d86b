// Airflow loads this file once and looks up each app as a global of its name.
import uplotStyle from "uplot/dist/uPlot.min.css?inline";
import { DagTab } from "./host/dag-tab";
import { HomeLine } from "./host/home-line";
import { RunTab } from "./host/run-tab";
import { App } from "./app";
import style from "./style.css?inline";

if (!document.getElementById("lupus-style")) {
  const element = document.createElement("style");
  element.id = "lupus-style";
  element.textContent = `${uplotStyle}\n${style}`;
  document.head.append(element);
}

Object.assign(globalThis, {
  Lupus: App,
  "Lupus metrics": DagTab,
  "Lupus verdicts": RunTab,
  "Lupus incidents": HomeLine,
});
