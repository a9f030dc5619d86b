// The one box: tokens with completion, driven by keys.
import { type KeyboardEvent, type RefObject, useEffect, useMemo, useState } from "react";
import type { Catalog } from "../../catalog/catalog";
import { suggestions } from "../../catalog/search";
import { focusIfWanted } from "../../state/to-search";

interface Props {
  input: RefObject<HTMLInputElement | null>;
  catalog: Catalog | undefined;
  text: string;
  onChange: (text: string) => void;
}

/** `text` with the token that is being typed replaced. A completed field waits for its value. */
function completed(text: string, chosen: string): string {
  const kept = text.replace(/\S*$/, "");
  return `${kept}${chosen}${chosen.endsWith(":") ? "" : " "}`;
}

export function SearchBox({ input, catalog, text, onChange }: Props) {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  useEffect(() => focusIfWanted(input.current), [input]);
  const offered = useMemo(() => (open && catalog ? suggestions(catalog, text) : []), [open, catalog, text]);
  const choose = (chosen: string) => {
    onChange(completed(text, chosen));
    setAt(-1);
    input.current?.focus();
  };
  // Who types ahead of the catalog may choose its first suggestion already; Enter then waits for it.
  const awaited = open && !catalog;
  const places = awaited ? 1 : offered.length;
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!places) return;
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      setAt((before) => (before + 1 + step + places + 1) % (places + 1) - 1);
    } else if (event.key === "Enter" && at >= 0 && awaited) {
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0 && offered[at]) {
      event.preventDefault();
      choose(offered[at]);
    } else if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      setOpen(false);
      input.current?.blur();
    }
  };
  const shown = offered.length > 0;
  return (
    <div className="l-search">
      <input
        ref={input}
        className="l-input l-mono"
        type="text"
        role="combobox"
        aria-label="Search series"
        aria-expanded={shown}
        aria-controls="lupus-suggestions"
        aria-autocomplete="list"
        aria-activedescendant={at >= 0 && shown ? `lupus-suggestion-${at}` : undefined}
        placeholder="project: group: table: column: metric: seg: sev: …  or any words"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          onChange(event.target.value);
          setOpen(true);
          setAt(-1);
        }}
        onKeyDown={press}
        onBlur={() => setTimeout(() => setOpen(false), 150)}
      />
      <ul id="lupus-suggestions" role="listbox" aria-label="Completions" className="l-suggestions" hidden={!shown}>
        {offered.map((one, index) => (
          <li
            key={one}
            id={`lupus-suggestion-${index}`}
            role="option"
            aria-selected={index === at}
            className="l-mono"
            onMouseDown={(event) => {
              event.preventDefault();
              choose(one);
            }}
          >
            {one}
          </li>
        ))}
      </ul>
    </div>
  );
}
