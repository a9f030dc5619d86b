// The inbox.
import { useTitle } from "../../state/title";

export function Incidents() {
  useTitle("Incidents");
  return <h1>Incidents</h1>;
}
