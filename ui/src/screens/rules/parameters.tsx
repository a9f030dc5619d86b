// The parameters of a rule as fields. What differs from today's rule is in the address.
import type { Schemas } from "../../api/client";

type Rule = Schemas["RuleOut"];
type Scalar = number | string | boolean;

const RESERVED = new Set(["s", "kiosk", "day", "from", "to"]);

/** The parameters that can be tried: numbers, switches, words. */
export function scalars(rule: Rule): [string, Scalar][] {
  return Object.entries(rule.parameters).filter(
    (entry): entry is [string, Scalar] => ["number", "string", "boolean"].includes(typeof entry[1]) && !RESERVED.has(entry[0]),
  );
}

/** What the address proposes, read as the type that the parameter has. */
export function proposed(rule: Rule, search: URLSearchParams): Record<string, Scalar> {
  const changes: Record<string, Scalar> = {};
  for (const [name, today] of scalars(rule)) {
    const text = search.get(name);
    if (text === null) continue;
    const value = typeof today === "number" ? Number(text) : typeof today === "boolean" ? text === "true" : text;
    if (value !== today && !(typeof value === "number" && (text.trim() === "" || Number.isNaN(value)))) changes[name] = value;
  }
  return changes;
}

interface Props {
  rule: Rule;
  changes: Record<string, Scalar>;
  onChange: (name: string, value: string | null) => void;
}

export function Parameters({ rule, changes, onChange }: Props) {
  const fields = scalars(rule);
  if (fields.length === 0) return <p className="l-muted">This rule has no parameter that can be tried here.</p>;
  return (
    <div className="l-parameters">
      {fields.map(([name, today]) => {
        const value = changes[name] ?? today;
        const set = (text: string) => onChange(name, text === String(today) ? null : text);
        return (
          <label key={name} className={name in changes ? "l-field l-changed" : "l-field"}>
            <span>
              {name.replaceAll("_", " ")} <span className="l-muted">today {String(today)}</span>
            </span>
            {typeof today === "boolean" ? (
              <select className="l-select" value={String(value)} onChange={(event) => set(event.target.value)}>
                <option value="true">true</option>
                <option value="false">false</option>
              </select>
            ) : (
              <input
                className="l-input"
                type={typeof today === "number" ? "number" : "text"}
                step={typeof today === "number" && Number.isInteger(today) && today > 9 ? 1 : "any"}
                value={String(value)}
                onChange={(event) => set(event.target.value)}
              />
            )}
          </label>
        );
      })}
    </div>
  );
}
