// Groups by days; a group opens into its columns; a cell opens the explorer at that day.
import { Fragment, useState } from "react";
import { Link, useNavigate } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { type MatrixBy, useMatrix } from "../../api/queries";
import { statusOf } from "../../shared/codes";
import { DaysRow } from "../../shared/days-row";
import { shortDay } from "../../shared/days";
import { Empty, Show } from "../../shared/states";
import { paths, token } from "../../state/paths";
import { addStyle } from "../../shared/styles";
import style from "./project.css?inline";

addStyle(style);

type Row = Schemas["MatrixRow"];

/** The explorer's query for a row. */
function queryOf(project: string, row: Row): string {
  return [
    token("project", project),
    row.group && token("group", row.group),
    row.table && token("table", row.table),
    row.column && token("column", row.column),
  ]
    .filter(Boolean)
    .join(" ");
}

function nameOf(row: Row, by: MatrixBy): string {
  if (by === "group") return row.group;
  if (by === "table") return row.table || "(no table)";
  return row.column ? `${row.table}.${row.column}` : row.table || row.group;
}

function worst(row: Row): number {
  return row.findings.reduce((sum, count) => sum + count, 0);
}

interface LineProps {
  project: string;
  row: Row;
  days: readonly string[];
  by: MatrixBy;
  sub?: boolean;
  toggle?: { open: boolean; flip: () => void };
}

function Line({ project, row, days, by, sub, toggle }: LineProps) {
  const navigate = useNavigate();
  const name = nameOf(row, by);
  const query = queryOf(project, row);
  return (
    <tr className={sub ? "l-sub" : undefined}>
      <th scope="row" className="l-clip">
        {toggle && (
          <button type="button" className="l-toggle" aria-expanded={toggle.open} aria-label={`Columns of ${name}`} onClick={toggle.flip}>
            {toggle.open ? "▾" : "▸"}
          </button>
        )}
        <Link to={paths.explore({ q: query })} title={name}>
          {name}
        </Link>{" "}
        <span className="l-muted l-wide-only">{row.series}</span>
      </th>
      <td>
        <DaysRow
          name={name}
          days={days}
          statuses={row.status.map(statusOf)}
          findings={row.findings}
          immature={row.immature}
          onOpen={(day) => navigate(paths.explore({ q: query, day }))}
        />
      </td>
    </tr>
  );
}

function Columns({ project, group, days, to }: { project: string; group: string; days: number; to?: string }) {
  const query = useMatrix(project, { days, by: "column", to });
  if (!query.data) {
    return (
      <tr className="l-sub">
        <th colSpan={2}>
          <Show query={query} what="columns" lines={3}>
            {() => null}
          </Show>
        </th>
      </tr>
    );
  }
  const rows = query.data.rows.filter((row) => row.group === group).sort((a, b) => worst(b) - worst(a));
  return rows.map((row) => <Line key={`${row.table}.${row.column}`} project={project} row={row} days={query.data.axis.keys} by="column" sub />);
}

export function ProjectMatrix({ project, days, by, to }: { project: string; days: number; by: MatrixBy; to?: string }) {
  const query = useMatrix(project, { days, by, to });
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const flip = (group: string) => setOpen((before) => new Set(before.has(group) ? [...before].filter((one) => one !== group) : [...before, group]));
  return (
    <Show query={query} what="matrix">
      {(matrix) => {
        const { keys } = matrix.axis;
        if (matrix.rows.length === 0 || keys.length === 0) {
          return (
            <Empty title="Nothing has been measured yet.">
              <p>
                After the first run there is a row per metric group here. Start one in Airflow, or: <code>lupus run {project} --day …</code>
              </p>
            </Empty>
          );
        }
        return (
          <table className="l-matrix">
            <tbody>
              {matrix.rows.map((row) => (
                <Fragment key={`${row.group}|${row.table}|${row.column}`}>
                  <Line
                    project={project}
                    row={row}
                    days={keys}
                    by={matrix.by}
                    toggle={matrix.by === "group" ? { open: open.has(row.group), flip: () => flip(row.group) } : undefined}
                  />
                  {matrix.by === "group" && open.has(row.group) && <Columns project={project} group={row.group} days={days} to={to} />}
                </Fragment>
              ))}
              <tr>
                <th />
                <td className="l-matrix-axis">
                  <span>{shortDay(keys[0]!)}</span>
                  <span>{shortDay(keys[Math.floor(keys.length / 2)]!)}</span>
                  <span>{shortDay(keys.at(-1)!)}</span>
                </td>
              </tr>
            </tbody>
          </table>
        );
      }}
    </Show>
  );
}
