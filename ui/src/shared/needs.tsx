// Why a button is not there: which right it takes, and on what.

export function Needs({ right, project, what }: { right: "edit" | "trigger"; project: string; what: string }) {
  return (
    <p className="l-muted l-screen-only">
      {what} you need the right to {right} the Dag <code>lupus__{project}</code> in Airflow.
    </p>
  );
}
