// A chart among many: its name, its mark, its project, and a plot with few ticks.
import type { ReactNode } from "react";
import type { Columns } from "../catalog/batches";
import { Chart, pointSentence } from "./chart";
import { LABELS, Mark, type Status } from "./verdict";

interface Props {
  title: ReactNode;
  /** The title as plain text. */
  name: string;
  side?: string;
  status: Status | null;
  unit: string;
  columns: Columns | null;
  height: number;
}

export function SmallChart({ title, name, side, status, unit, columns, height }: Props) {
  return (
    <>
      <div className="l-card-title">
        <Mark status={status ?? "ok"} size={12} label={status ? LABELS[status] : "not judged"} />
        <span className="l-clip" style={{ flex: 1 }}>
          {title}
        </span>
        {side && <span className="l-muted l-clip l-card-side">{side}</span>}
      </div>
      {columns ? (
        <Chart data={columns} unit={unit} height={height} small label={`${name}. ${pointSentence(columns, unit, columns.days.length - 1)}`} />
      ) : (
        <div style={{ height }} />
      )}
    </>
  );
}
