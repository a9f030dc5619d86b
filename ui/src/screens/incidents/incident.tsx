// One incident.
import { useTitle } from "../../state/title";

export function Incident() {
  useTitle("Incident");
  return <h1>Incident</h1>;
}
