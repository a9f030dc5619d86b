// What was wrong with the project as a whole while this series was measured: its incidents, below the time axis.
import { Link } from "react-router-dom";
import { useIncidents } from "../../api/queries";
import { dayToX, formatDay } from "../../shared/days";
import { paths } from "../../state/paths";

interface Props {
  project: string;
  days: readonly string[];
  /** Those that hold a finding of this series. */
  own: readonly string[];
}

const HALF_DAY = 43_200;

export function IncidentTrack({ project, days, own }: Props) {
  const query = useIncidents({ project, state: "all", limit: 400 });
  const first = dayToX(days[0] ?? "") - HALF_DAY;
  const last = dayToX(days.at(-1) ?? "") + HALF_DAY;
  const shown = (query.data?.rows ?? []).filter((one) => dayToX(one.last) >= first && dayToX(one.first) <= last);
  if (shown.length === 0) return null;
  const share = (x: number) => (100 * (Math.min(last, Math.max(first, x)) - first)) / (last - first);
  return (
    <nav className="l-incident-track" aria-label={`Incidents of ${project} in these days`}>
      {shown.map((one) => {
        const left = share(dayToX(one.first) - HALF_DAY);
        const text = `${formatDay(one.first)}${one.last === one.first ? "" : ` to ${formatDay(one.last)}`}: ${one.title}${own.includes(one.id) ? " (this series too)" : ""}`;
        return (
          <Link
            key={one.id}
            to={paths.incident(one.id)}
            title={text}
            aria-label={text}
            style={{ left: `${left}%`, width: `${share(dayToX(one.last) + HALF_DAY) - left}%` }}
          />
        );
      })}
    </nav>
  );
}
