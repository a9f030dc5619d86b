// The list of dashboards.
import { useTitle } from "../../state/title";

export function Dashboards() {
  useTitle("Dashboards");
  return <h1>Dashboards</h1>;
}
