export function HomeLine() {
  return null;
}
