// Today's rule beside a proposal.
import { useTitle } from "../../state/title";

export function Workbench() {
  useTitle("Workbench");
  return <h1>Workbench</h1>;
}
