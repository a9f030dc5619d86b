// One line on Airflow's own first page: open incidents, if there are any to see.
import { Link } from "react-router-dom";
import { useLatest, useProjects } from "../api/queries";
import { counted } from "../shared/units";
import { Mark } from "../shared/verdict";
import { paths, token } from "../state/paths";
import { Frame } from "./frame";

function Line() {
  const latest = useLatest();
  const projects = useProjects(1);
  // Nobody asked for Lupus here: when it has nothing to say, or cannot, Airflow's page stays as it is.
  if (!latest.data || !projects.data || projects.data.projects.length === 0) return null;
  const open = latest.data.open_incidents;
  const worst = projects.data.projects.filter((one) => one.findings > 0 || one.open_incidents > 0).slice(0, 4);
  return (
    <section className="l-panel l-home" aria-label="Lupus">
      <strong>Lupus</strong>
      <span className="l-row" style={{ gap: 6 }}>
        <Mark status={open ? "anomaly" : "ok"} />
        <Link to={paths.incidents()} className={open ? "l-red" : undefined}>
          {open ? `${counted(open, "open incident")}` : "no open incidents"}
        </Link>
      </span>
      {worst.map((one) => (
        <Link key={one.name} to={one.latest ? paths.explore({ q: token("project", one.name), day: one.latest }) : paths.project(one.name)}>
          {one.name} <span className="l-muted">{counted(one.findings, "finding")}</span>
        </Link>
      ))}
      <Link className="l-link" style={{ marginLeft: "auto" }} to={paths.overview()}>
        Overview
      </Link>
    </section>
  );
}

export function HomeLine() {
  return (
    <div style={{ order: 2 }}>
      <Frame>
        <Line />
      </Frame>
    </div>
  );
}
