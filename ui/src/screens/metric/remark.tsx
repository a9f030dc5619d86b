// After a shift-drag: write something beside these days, or take them out of the baseline.
import { useEffect, useRef, useState } from "react";
import { api, unwrap } from "../../api/client";
import { ApiError } from "../../api/errors";
import { client, useProject } from "../../api/queries";
import { formatDay } from "../../shared/days";
import { Needs } from "../../shared/needs";
import { complain, say } from "../../shared/toast";
import { daysBetween } from "../../shared/days";
import { counted } from "../../shared/units";
import type { Series } from "./metric";

interface Props {
  series: Series;
  first: string;
  last: string;
  onClose: () => void;
}

function fail(error: unknown): void {
  complain(error instanceof ApiError ? `Not saved. ${error.title} ${error.message}` : `Not saved: ${String(error)}`);
}

const reload = (id: string) => client.invalidateQueries({ queryKey: ["series", id] });

export function Remark({ series, first, last, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const { id, project } = series.info;
  const refused = useProject(project).data?.rights.edit === false;
  useEffect(() => dialog.current?.showModal(), []);
  const annotate = async () => {
    try {
      const made = await unwrap(api.POST("/api/v1/annotations", { body: { project, series: id, first, last, text } }));
      await reload(id);
      say("Annotated", () => {
        unwrap(api.DELETE("/api/v1/annotations/{id}", { params: { path: { id: made.id } } }))
          .then(() => reload(id))
          .catch(fail);
      });
      dialog.current?.close();
    } catch (error) {
      fail(error);
    }
  };
  const exclude = async () => {
    try {
      const made = await unwrap(api.POST("/api/v1/exclusions", { body: { project, series: id, first, last, note: text } }));
      await reload(id);
      say("In no baseline any more", () => {
        unwrap(api.DELETE("/api/v1/exclusions/{id}", { params: { path: { id: made.id } } }))
          .then(() => reload(id))
          .catch(fail);
      });
      dialog.current?.close();
    } catch (error) {
      fail(error);
    }
  };
  const span = first === last ? formatDay(first) : `${formatDay(first)} to ${formatDay(last)}`;
  return (
    <dialog ref={dialog} className="l-dialog" aria-labelledby="lupus-remark" onClose={onClose}>
      <h2 id="lupus-remark">{span}</h2>
      <label className="l-field">
        <span>What happened?</span>
        <textarea className="l-input" rows={3} maxLength={2000} value={text} onChange={(event) => setText(event.target.value)} autoFocus />
      </label>
      <p className="l-muted">
        An annotation is a mark on the chart. An exclusion takes {counted(daysBetween(first, last), "day")} of this series out of the baseline: the next bands are
        made without them.
      </p>
      {refused && <Needs right="edit" project={project} what="For either" />}
      <div className="l-row">
        <button type="button" className="l-button l-primary" disabled={refused || !text.trim()} onClick={() => void annotate()}>
          Annotate
        </button>
        <button type="button" className="l-button" disabled={refused} onClick={() => void exclude()}>
          Exclude from the baseline
        </button>
        <button type="button" className="l-button l-quiet" onClick={() => dialog.current?.close()}>
          Cancel
        </button>
      </div>
    </dialog>
  );
}
