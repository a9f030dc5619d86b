// All dashboards: one's own, those that are shared, and one that Lupus makes per project.
import { Link, useNavigate } from "react-router-dom";
import type { Schemas } from "../../api/client";
import { ApiError } from "../../api/errors";
import { useMe } from "../../api/queries";
import { formatInstant } from "../../shared/days";
import { Empty, Show } from "../../shared/states";
import { complain } from "../../shared/toast";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { paths } from "../../state/paths";
import { useTitle } from "../../state/title";
import { make, useDashboards } from "./queries";

type Row = Schemas["DashboardRow"];

function Table({ rows, title }: { rows: readonly Row[]; title: string }) {
  return (
    <section className="l-panel l-scroll" aria-label={title} tabIndex={0}>
      <h2>{title}</h2>
      <table className="l-table">
        <thead>
          <tr>
            <th scope="col">Dashboard</th>
            <th scope="col">Seen by</th>
            <th scope="col" className="l-num">
              Widgets
            </th>
            <th scope="col" className="l-wide-only">
              Changed
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <tr key={one.slug}>
              <td>
                <Link to={paths.dashboard(one.slug)}>
                  <strong>{one.title}</strong>
                </Link>
              </td>
              <td>{one.project ? `readers of ${one.project}` : "only you"}</td>
              <td className="l-num">{one.widgets}</td>
              <td className="l-wide-only l-muted">
                {one.generated ? "always up to date" : `${formatInstant(one.changed_at)}${one.owner ? ` · ${one.owner}` : ""}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Dashboards() {
  useTitle("Dashboards");
  const query = useDashboards();
  const me = useMe();
  const navigate = useNavigate();
  const add = async () => {
    try {
      const made = await make({ title: `Dashboard of ${me.data?.name ?? "mine"}`, project: null, widgets: [] });
      navigate(paths.dashboard(made.slug));
    } catch (error) {
      complain(error instanceof ApiError ? `Not made. ${error.title} ${error.message}` : `Not made: ${String(error)}`);
    }
  };
  const search = useSearchKey();
  useKeys([
    { key: "n", label: "new dashboard", run: () => void add() },
    search,
  ]);
  return (
    <div className="l-stack">
      <div className="l-row l-between">
        <h1>Dashboards</h1>
        <button type="button" className="l-button l-primary l-screen-only" onClick={() => void add()}>
          New dashboard
        </button>
      </div>
      <Show query={query} what="list of dashboards">
        {({ rows }) => {
          const made = rows.filter((one) => !one.generated);
          const generated = rows.filter((one) => one.generated);
          return (
            <div className="l-stack">
              {made.length > 0 ? (
                <Table rows={made} title="Made by people" />
              ) : (
                <Empty title="You have no dashboard yet.">
                  <p>
                    A dashboard holds the charts that you look at every morning. Make one here, press <kbd>d</kbd> on any series to pin it, or save a query of the{" "}
                    <Link className="l-link" to={paths.explore()}>
                      explorer
                    </Link>
                    .
                  </p>
                </Empty>
              )}
              {generated.length > 0 && <Table rows={generated} title="Made by Lupus, one per project" />}
            </div>
          );
        }}
      </Show>
    </div>
  );
}
