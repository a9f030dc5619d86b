// What is shown before there is anything to show.
import type { Schemas } from "../../api/client";
import { copyText } from "../../shared/copy";
import { Empty } from "../../shared/states";

const SNIPPET = `# dags/projects/my_product.yaml
project: my_product
start: 2026-01-01
tables:
  data: {source: {files: "/data/features/*.parquet"}, time: day}
`;

export function FirstProject() {
  return (
    <Empty title="Create your first monitor">
      <p>
        A monitor is one YAML file per product. Lupus measures every column of its tables each day, learns what is usual, and
        tells you what is not. There is nothing here yet: no project has run, or none that you may read.
      </p>
      <pre tabIndex={0}>{SNIPPET}</pre>
      <div className="l-row">
        <button type="button" className="l-button l-primary" onClick={() => void copyText(SNIPPET, "Snippet")}>
          Copy the snippet
        </button>
        <span className="l-muted">
          or let <code>lupus init TABLE</code> draft it from your data
        </span>
      </div>
      <p className="l-muted">
        Then <code>lupus check</code> finds mistakes, and the Dag <code>lupus__my_product</code> appears in Airflow.
      </p>
    </Empty>
  );
}

const TITLES: Record<string, string> = {
  down: "The metric store cannot be reached.",
  old: "The metric store is older than this version of Lupus.",
  new: "The metric store was made by a newer version of Lupus.",
};

export function StoreTrouble({ store }: { store: Schemas["StoreHealth"] }) {
  return (
    <Empty title={TITLES[store.state] ?? "The metric store has a problem."}>
      <p>{store.detail}</p>
      {store.state === "old" && <pre tabIndex={0}>lupus db upgrade</pre>}
      <p className="l-muted">Runs go on meanwhile; nothing is lost.</p>
    </Empty>
  );
}
