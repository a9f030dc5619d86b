// One dashboard.
import { useTitle } from "../../state/title";

export function Dashboard() {
  useTitle("Dashboard");
  return <h1>Dashboard</h1>;
}
