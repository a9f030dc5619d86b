/** The project of a Dag's id; "" when the Dag is none of Lupus'. */
export function projectOf(dagId: string | undefined): string {
  const prefix = "lupus__";
  return dagId?.startsWith(prefix) ? dagId.slice(prefix.length) : "";
}
