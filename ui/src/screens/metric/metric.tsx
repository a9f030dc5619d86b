import { useTitle } from "../../state/title";

export function Metric() {
  useTitle("Metric");
  return <h1>Metric</h1>;
}
