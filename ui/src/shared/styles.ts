// The page's rules: those that everything shares come first, then each screen adds its own when it is loaded.
import uplot from "uplot/dist/uPlot.min.css?inline";
import shell from "../shell/shell.css?inline";
import base from "./base.css?inline";
import chart from "./chart.css?inline";
import controls from "./controls.css?inline";
import parts from "./parts.css?inline";
import states from "./states.css?inline";
import verdict from "./verdict.css?inline";

export function addStyle(...rules: string[]): void {
  const element = document.createElement("style");
  element.textContent = rules.join("\n");
  document.head.append(element);
}

addStyle(uplot, base, shell, controls, verdict, chart, states, parts);
