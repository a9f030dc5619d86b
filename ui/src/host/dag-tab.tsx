export function DagTab() {
  return null;
}
