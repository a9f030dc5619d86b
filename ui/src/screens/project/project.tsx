import { useTitle } from "../../state/title";

export function Project() {
  useTitle("Project");
  return <h1>Project</h1>;
}
