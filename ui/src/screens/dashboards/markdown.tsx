// A text widget: elements, never HTML.
import { memo, type ReactNode, useMemo } from "react";
import { type Block, type Inline, parse } from "../../shared/markdown";

function inlines(all: readonly Inline[]): ReactNode {
  return all.map((one, index) => {
    if (typeof one === "string") return one;
    switch (one.kind) {
      case "break":
        return <br key={index} />;
      case "code":
        return <code key={index}>{one.text}</code>;
      case "image":
        return <img key={index} src={one.src} alt={one.alt} />;
      case "link":
        return (
          <a key={index} href={one.href} rel="noreferrer">
            {inlines(one.inside)}
          </a>
        );
      default: {
        const Mark = one.kind;
        return <Mark key={index}>{inlines(one.inside)}</Mark>;
      }
    }
  });
}

/** What stands in an item of a list: a lone text is no paragraph of its own. */
function inItem(item: readonly Block[]): ReactNode {
  const [first, ...rest] = item;
  if (first?.kind !== "text") return blocks(item);
  return (
    <>
      {inlines(first.inside)}
      {blocks(rest)}
    </>
  );
}

function blocks(all: readonly Block[]): ReactNode {
  return all.map((one, index) => {
    switch (one.kind) {
      case "rule":
        return <hr key={index} />;
      case "code":
        return (
          <pre key={index} tabIndex={0}>
            {one.text}
          </pre>
        );
      case "text":
        return <p key={index}>{inlines(one.inside)}</p>;
      case "quote":
        return <blockquote key={index}>{blocks(one.inside)}</blockquote>;
      case "heading": {
        const Heading = `h${one.level}` as "h1";
        return <Heading key={index}>{inlines(one.inside)}</Heading>;
      }
      default: {
        const items = one.items.map((item, place) => <li key={place}>{inItem(item)}</li>);
        return one.first === null ? (
          <ul key={index}>{items}</ul>
        ) : (
          <ol key={index} start={one.first}>
            {items}
          </ol>
        );
      }
    }
  });
}

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const tree = useMemo(() => parse(text), [text]);
  return (
    <div className="l-markdown">
      {blocks(tree)}
    </div>
  );
});
