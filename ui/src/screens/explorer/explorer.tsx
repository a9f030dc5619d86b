import { useTitle } from "../../state/title";

export function Explorer() {
  useTitle("Explorer");
  return <h1>Explorer</h1>;
}
