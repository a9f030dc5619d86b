// One dashboard: looked at every morning, edited now and then.
import { useState } from "react";
import { Link, useNavigate, useParams } from "react-router-dom";
import { ApiError } from "../../api/errors";
import { client, useLatest, useMe, useProjects } from "../../api/queries";
import { CopyLink } from "../../shared/copy";
import { formatDay, isDay } from "../../shared/days";
import { Empty, Show } from "../../shared/states";
import { complain, say } from "../../shared/toast";
import { counted } from "../../shared/units";
import { HeaderSide } from "../../shell/side";
import { useKeys } from "../../state/keys";
import { useSearchKey } from "../../state/to-search";
import { useParam } from "../../state/params";
import { paths } from "../../state/paths";
import { useTitle } from "../../state/title";
import { Board } from "./board";
import { placeOf, settle } from "./grid";
import { type Board as Dashboard_, type Content, contentOf, make, remove, replace, useDashboard, type Widget } from "./queries";
import { WidgetDialog } from "./widget-dialog";

function failed(error: unknown): void {
  complain(error instanceof ApiError ? `Not saved. ${error.title} ${error.message}` : `Not saved: ${String(error)}`);
}

/** Somebody else saved first: nothing is lost on either side, and the person decides. */
function Conflict({ theirs, onCopy, onTheirs, onMine }: { theirs: Dashboard_; onCopy: () => void; onTheirs: () => void; onMine: () => void }) {
  return (
    <div className="l-failure" role="alert">
      <p>
        <strong>Somebody else saved this dashboard while you edited it.</strong> Theirs has {counted(theirs.body.length, "widget")} and is called “{theirs.title}”. Yours is
        still here, unsaved.
      </p>
      <p className="l-row">
        <button type="button" className="l-button l-primary" onClick={onCopy}>
          Save mine as a copy
        </button>
        <button type="button" className="l-button" onClick={onMine}>
          Replace theirs
        </button>
        <button type="button" className="l-button" onClick={onTheirs}>
          Drop mine, show theirs
        </button>
      </p>
    </div>
  );
}

function Sharing({ content, owner, onChange }: { content: Content; owner: string; onChange: (content: Content) => void }) {
  const projects = useProjects(30).data?.projects.filter((one) => one.may_edit) ?? [];
  const me = useMe().data;
  const foreign = me !== undefined && me.name !== owner;
  return (
    <select
      disabled={foreign}
      title={foreign ? `Only ${owner}, whose dashboard it is, may change who sees it` : undefined}
      className="l-select"
      aria-label="Who sees it"
      value={content.project ?? ""}
      onChange={(event) => onChange({ ...content, project: event.target.value || null })}
    >
      <option value="">only me</option>
      {content.project && !projects.some((one) => one.name === content.project) && <option value={content.project}>readers of {content.project}</option>}
      {projects.map((one) => (
        <option key={one.name} value={one.name}>
          readers of {one.name}
        </option>
      ))}
    </select>
  );
}

function Page({ board }: { board: Dashboard_ }) {
  const [draft, setDraft] = useState<Content | null>(null);
  const [theirs, setTheirs] = useState<Dashboard_ | null>(null);
  const [dialog, setDialog] = useState<{ widget: Widget | null } | null>(null);
  const [asked, setDay] = useParam("day");
  const day = isDay(asked) ? asked : "";
  const latest = useLatest();
  const navigate = useNavigate();
  const content = draft ?? contentOf(board);
  const editing = draft !== null;
  const wall = paths.dashboard(board.slug, { day, kiosk: "1" });
  const mayEdit = board.may_edit && !board.generated;
  const setWidgets = (widgets: Widget[]) => setDraft({ ...content, widgets });
  const edit = () => mayEdit && setDraft({ ...contentOf(board), widgets: settle(board.body) });
  const save = async (version = board.version) => {
    if (!draft) return;
    try {
      const before = contentOf(board);
      const saved = await replace(board.slug, draft, version);
      setDraft(null);
      setTheirs(null);
      say("Saved", () => {
        replace(board.slug, before, saved.version)
          .then(() => say("As it was before"))
          .catch(failed);
      });
    } catch (error) {
      if (error instanceof ApiError && error.status === 409 && error.detail) setTheirs(error.detail as Dashboard_);
      else failed(error);
    }
  };
  const copy = async () => {
    try {
      const made = await make({ ...content, title: `${content.title} (copy)`, project: null });
      setDraft(null);
      setTheirs(null);
      navigate(paths.dashboard(made.slug));
      say("A copy of your own");
    } catch (error) {
      failed(error);
    }
  };
  const drop = async () => {
    try {
      await remove(board.slug, board.version);
      navigate(paths.dashboards());
      say(`“${board.title}” removed`, () => {
        make(contentOf(board))
          .then((made) => navigate(paths.dashboard(made.slug)))
          .catch(failed);
      });
    } catch (error) {
      failed(error);
    }
  };
  const showTheirs = () => {
    client.setQueryData(["dashboard", board.slug], theirs);
    setDraft(null);
    setTheirs(null);
  };
  const removeWidget = (widget: Widget) => {
    const before = content;
    setWidgets(settle(content.widgets.filter((one) => one.id !== widget.id)));
    say("Widget removed", () => setDraft(before));
  };
  const put = (widget: Widget) => {
    const known = content.widgets.some((one) => one.id === widget.id);
    setWidgets(settle(known ? content.widgets.map((one) => (one.id === widget.id ? widget : one)) : [...content.widgets, widget]));
  };
  const search = useSearchKey();
  useKeys([
    { key: "e", label: "edit", run: edit },
    { key: "n", label: "add a widget", run: () => mayEdit && setDialog({ widget: null }) },
    { key: "w", label: "wall screen", run: () => navigate(wall) },
    search,
  ]);
  const newest = Object.values(latest.data?.projects ?? {}).reduce<string>((most, one) => (one && one > most ? one : most), "");
  return (
    <div className="l-stack">
      <HeaderSide>{day ? formatDay(day) : "newest day"}</HeaderSide>
      <div className="l-row l-between">
        {editing ? (
          <input className="l-input l-title-input" aria-label="Title" value={content.title} maxLength={200} onChange={(event) => setDraft({ ...content, title: event.target.value })} />
        ) : (
          <h1>{board.title}</h1>
        )}
        <div className="l-row l-screen-only l-no-kiosk">
          {editing ? (
            <>
              <Sharing content={content} owner={board.owner} onChange={setDraft} />
              <button type="button" className="l-button" onClick={() => setDialog({ widget: null })}>
                Add a widget
              </button>
              <button type="button" className="l-button l-primary" disabled={!content.title.trim()} onClick={() => void save()}>
                Save
              </button>
              <button type="button" className="l-button" onClick={() => setDraft(null)}>
                Cancel
              </button>
              <button type="button" className="l-button" onClick={() => void drop()}>
                Remove
              </button>
            </>
          ) : (
            <>
              <input type="date" className="l-input" aria-label="Day; empty for the newest" value={day} onChange={(event) => setDay(event.target.value)} />
              <Link className="l-button l-wide-only" to={wall}>
                Wall screen
              </Link>
              <CopyLink fixed={{ day: day || newest.slice(0, 10) || null }} />
              <button type="button" className="l-button" onClick={() => void copy()}>
                Save a copy
              </button>
              {mayEdit && (
                <button type="button" className="l-button l-primary" onClick={edit} aria-keyshortcuts="e">
                  Edit
                </button>
              )}
            </>
          )}
        </div>
      </div>
      {board.generated && !editing && <p className="l-muted">Made by Lupus for {board.project}, and always up to date. Save a copy to change it.</p>}
      {!board.may_edit && !board.generated && board.project && (
        <p className="l-muted">
          Made by {board.owner}. Who may edit the Dag <code>lupus__{board.project}</code> may change it; save a copy to have it your way.
        </p>
      )}
      {theirs && <Conflict theirs={theirs} onCopy={() => void copy()} onTheirs={showTheirs} onMine={() => void save(theirs.version)} />}
      {content.widgets.length + board.hidden.length === 0 ? (
        <Empty title="Nothing is on it yet.">
          <p>
            Press <kbd>d</kbd> on any series in the explorer or on its page to pin its chart, or add a widget here.
          </p>
          {mayEdit && (
            <button type="button" className="l-button l-primary" onClick={() => setDialog({ widget: null })}>
              Add a widget
            </button>
          )}
        </Empty>
      ) : (
        <Board
          widgets={content.widgets}
          hidden={board.hidden.map((place) => placeOf({ id: "", place }))}
          narrowed={board.narrowed}
          day={day}
          editing={editing}
          onChange={setWidgets}
          onEdit={(widget) => setDialog({ widget })}
          onRemove={removeWidget}
        />
      )}
      {dialog && <WidgetDialog widget={dialog.widget} widgets={content.widgets} project={content.project ?? ""} onDone={put} onClose={() => setDialog(null)} />}
    </div>
  );
}

export function Dashboard() {
  const { slug = "" } = useParams();
  const query = useDashboard(slug);
  useTitle(query.data?.title ?? "Dashboard");
  return (
    <Show query={query} what="dashboard" lines={10}>
      {(board) => <Page key={board.slug} board={board} />}
    </Show>
  );
}
