// A text widget. micromark shows raw HTML as text and drops dangerous addresses, so its result is safe to insert.
import { micromark } from "micromark";
import { memo, useMemo } from "react";

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const html = useMemo(() => micromark(text), [text]);
  return <div className="l-markdown" dangerouslySetInnerHTML={{ __html: html }} />;
});
