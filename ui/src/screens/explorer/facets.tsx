// What the result consists of. A click keeps only that, alt-click takes it away, a second click undoes either.
import type { MouseEvent } from "react";
import type { Facet } from "../../catalog/search";
import type { Field } from "../../catalog/tokens";

interface Props {
  facets: readonly Facet[];
  onToggle: (field: Field, word: string, negated: boolean) => void;
}

export function Facets({ facets, onToggle }: Props) {
  return (
    <div className="l-facets" role="region" aria-label="Narrow down" tabIndex={0}>
      {facets.map((facet) => (
        <section key={facet.field}>
          <h3>{facet.label}</h3>
          {facet.values.map((value) => {
            const click = (event: MouseEvent) => onToggle(facet.field, value.word, value.excluded || (event.altKey && !value.chosen));
            const state = value.chosen ? "l-chosen" : value.excluded ? "l-excluded" : "";
            return (
              <button
                key={value.word}
                type="button"
                className={`l-facet ${state}`}
                aria-pressed={value.chosen || value.excluded}
                title={`${value.shown}\nClick: only these. Alt-click: without these.`}
                onClick={click}
              >
                <span className="l-clip">{value.shown}</span>
                <span className="l-facet-counts">
                  {value.total.toLocaleString("en")}
                  {value.anomalies > 0 && facet.field !== "verdict" && (
                    <span className="l-red" aria-label={`, ${value.anomalies} with findings`}>
                      {" "}
                      {value.anomalies.toLocaleString("en")}
                    </span>
                  )}
                </span>
              </button>
            );
          })}
          {facet.more > 0 && <p className="l-muted l-more">and {facet.more.toLocaleString("en")} more: type {facet.field}:</p>}
        </section>
      ))}
    </div>
  );
}
