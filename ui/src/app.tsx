// The screens and their addresses, below /plugin/lupus.
import { QueryClientProvider } from "@tanstack/react-query";
import { Link, Route, Routes, useLocation } from "react-router-dom";
import { client } from "./api/queries";
import { useSettledHost } from "./host/settled";
import { Dashboard } from "./screens/dashboards/dashboard";
import { Dashboards } from "./screens/dashboards/dashboards";
import { Explorer } from "./screens/explorer/explorer";
import { Incident } from "./screens/incidents/incident";
import { Incidents } from "./screens/incidents/incidents";
import { Metric } from "./screens/metric/metric";
import { Overview } from "./screens/overview/overview";
import { Project } from "./screens/project/project";
import { Workbench } from "./screens/rules/workbench";
import { Empty } from "./shared/states";
import { Boundary } from "./shell/boundary";
import { Shell } from "./shell/shell";
import { paths } from "./state/paths";

function NoPage() {
  return (
    <Empty title="There is no such page.">
      <p>
        Perhaps the address was cut off. <Link to={paths.overview()}>Overview</Link>
      </p>
    </Empty>
  );
}

export function App() {
  useSettledHost();
  const { pathname } = useLocation();
  return (
    <QueryClientProvider client={client}>
      <Shell>
        <Boundary what="screen" reset={pathname}>
          <Routes>
            <Route index element={<Overview />} />
            <Route path="explore" element={<Explorer />} />
            <Route path="p/:project" element={<Project />} />
            <Route path="p/:project/m/:series" element={<Metric />} />
            <Route path="p/:project/rules/:rule" element={<Workbench />} />
            <Route path="incidents" element={<Incidents />} />
            <Route path="incidents/:id" element={<Incident />} />
            <Route path="d" element={<Dashboards />} />
            <Route path="d/:slug" element={<Dashboard />} />
            <Route path="*" element={<NoPage />} />
          </Routes>
        </Boundary>
      </Shell>
    </QueryClientProvider>
  );
}
