// A tab on the Dag's page: the days of its project, and what the newest one found.
import { Link } from "react-router-dom";
import { ProjectMatrix } from "../screens/project/project-matrix";
import { Empty } from "../shared/states";
import { paths } from "../state/paths";
import { projectOf } from "./dag-of";
import { DayFindings } from "./day-findings";
import { Frame } from "./frame";

/** Not every Dag is a project: the tab is there all the same, and says so. */
export function NoProject({ dagId }: { dagId?: string }) {
  return (
    <Empty title="This Dag is no project of Lupus.">
      <p>
        Lupus makes its own Dags, one per project file, called <code>lupus__…</code>. {dagId && <code>{dagId}</code>} is none of them.
      </p>
      <Link className="l-link" to={paths.overview()}>
        All projects
      </Link>
    </Empty>
  );
}

export function DagTab({ dagId }: { dagId?: string }) {
  const project = projectOf(dagId);
  return (
    <Frame>
      {project ? (
        <div className="l-stack">
          <section className="l-panel" aria-label="Findings by day">
            <div className="l-row l-between">
              <h2>Worst verdict of each day</h2>
              <Link className="l-button l-small" to={paths.project(project)}>
                Open in Lupus
              </Link>
            </div>
            <ProjectMatrix project={project} days={60} by="group" />
          </section>
          <DayFindings project={project} day="latest" />
        </div>
      ) : (
        <NoProject dagId={dagId} />
      )}
    </Frame>
  );
}
