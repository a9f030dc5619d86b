// Where widgets lie: twelve columns, nothing overlaps, and nothing hangs in the air.

export const COLUMNS = 12;

export interface Place {
  x: number;
  y: number;
  w: number;
  h: number;
}

interface Placed {
  id: string;
  place?: Partial<Place>;
}

export const DEFAULT: Place = { x: 0, y: 0, w: 6, h: 4 };

/** The place of a widget, inside the grid. */
export function placeOf(widget: Placed): Place {
  const { x, y, w, h } = { ...DEFAULT, ...widget.place };
  const wide = Math.max(1, Math.min(COLUMNS, w));
  return { x: Math.max(0, Math.min(COLUMNS - wide, x)), y: Math.max(0, y), w: wide, h: Math.max(1, Math.min(100, h)) };
}

function overlap(a: Place, b: Place): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/** The widgets, each as high up as it can be without overlapping; `first` keeps its place and the others make room. */
export function settle<T extends Placed>(widgets: readonly T[], first = ""): T[] {
  const places = new Map(widgets.map((one) => [one.id, placeOf(one)]));
  const order = [...widgets].sort((a, b) => {
    const [p, q] = [places.get(a.id)!, places.get(b.id)!];
    return p.y - q.y || Number(b.id === first) - Number(a.id === first) || p.x - q.x;
  });
  const fixed = places.get(first);
  const done: Place[] = [];
  const settled = new Map<string, Place>();
  for (const one of order) {
    const place = { ...places.get(one.id)! };
    const free = (y: number) => done.every((other) => !overlap({ ...place, y }, other)) && (one.id === first || !fixed || !overlap({ ...place, y }, fixed));
    // What is fixed stays where the hand put it until it is let go; then it rises as well.
    if (one.id === first) while (!free(place.y)) place.y += 1;
    else {
      while (!free(place.y)) place.y += 1;
      while (place.y > 0 && free(place.y - 1)) place.y -= 1;
    }
    done.push(place);
    settled.set(one.id, place);
  }
  return widgets.map((one) => ({ ...one, place: settled.get(one.id)! }));
}

/** The first free place for something new, below everything or beside the last. */
export function placeBelow(widgets: readonly Placed[], size: { w: number; h: number }): Place {
  const places = widgets.map(placeOf);
  const bottom = Math.max(0, ...places.map((one) => one.y + one.h));
  for (let y = Math.max(0, bottom - size.h); y <= bottom; y++) {
    for (let x = 0; x + size.w <= COLUMNS; x++) {
      const place = { x, y, ...size };
      if (places.every((one) => !overlap(one, place))) return place;
    }
  }
  return { x: 0, y: bottom, ...size };
}
