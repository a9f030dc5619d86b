// "Copy link": an address that shows the same tomorrow, so relative choices become dates.
import { complain, say } from "./toast";

/** Puts `text` on the clipboard, also on a page without https, where browsers have no clipboard to offer. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (done) say(`${what} copied`);
    else complain(`The browser does not allow copying. The text: ${text}`);
  }
}

/** The address of this page with `fixed` parameters (absolute dates) in the place of relative ones; null removes one. */
export function linkHere(fixed: Record<string, string | null> = {}): string {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(fixed)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url.href;
}

export function CopyLink({ fixed }: { fixed?: Record<string, string | null> }) {
  return (
    <button type="button" className="l-button" onClick={() => void copyText(linkHere(fixed), "Link")}>
      Copy link
    </button>
  );
}
