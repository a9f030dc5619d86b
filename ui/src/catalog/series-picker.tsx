// Choose series by the explorer's search.
import { useMemo, useState } from "react";
import { useCatalog } from "../api/queries";
import { entry, seriesName } from "./catalog";
import { search } from "./search";

const OFFERED = 30;

interface Props {
  chosen: readonly string[];
  most: number;
  /** What is searched for at first. */
  first?: string;
  onChange: (ids: string[]) => void;
}

export function SeriesPicker({ chosen, most, first = "", onChange }: Props) {
  const catalog = useCatalog().data;
  const [text, setText] = useState(first);
  const found = useMemo(() => (catalog ? search(catalog, text).rows.subarray(0, OFFERED) : new Int32Array()), [catalog, text]);
  const flip = (id: string) => {
    if (chosen.includes(id)) onChange(chosen.filter((one) => one !== id));
    else onChange([...chosen, id].slice(-most));
  };
  return (
    <div className="l-stack">
      <label className="l-field">
        <span>Search a series</span>
        <input className="l-input" type="search" value={text} placeholder="metric:roc_auc seg:(all)" onChange={(event) => setText(event.target.value)} autoFocus />
      </label>
      {chosen.length > 0 && (
        <p className="l-row">
          {chosen.map((id) => (
            <button key={id} type="button" className="l-button l-small" aria-label={`Remove ${seriesName(catalog, id)}`} onClick={() => flip(id)}>
              {seriesName(catalog, id)} ✕
            </button>
          ))}
        </p>
      )}
      <ul className="l-picker" aria-label="Series found">
        {catalog &&
          Array.from(found, (row) => {
            const one = entry(catalog, row);
            return (
              <li key={one.id}>
                <label>
                  <input type={most === 1 ? "radio" : "checkbox"} checked={chosen.includes(one.id)} onChange={() => flip(one.id)} />{" "}
                  {[one.metric, one.column, one.segment].filter(Boolean).join(" · ")} <span className="l-muted">{one.project}</span>
                </label>
              </li>
            );
          })}
      </ul>
    </div>
  );
}
