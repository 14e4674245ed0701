/** Rows come and go so many at a time: in the frames between nothing is made, laid out or painted but the scrolling. */
const STEP = 4;

/** Which rows of a list of equal rows are on the screen, with some above and below; `to` is behind the last. */
export function visibleRows(
  total: number,
  rowHeight: number,
  /** Where the list begins, in pixels from the top of the screen; negative when it is scrolled up. */
  top: number,
  screen: number,
  spare = 8,
): { from: number; to: number } {
  if (rowHeight <= 0 || total === 0) return { from: 0, to: total };
  const from = Math.floor((-top / rowHeight - spare) / STEP) * STEP;
  const to = Math.ceil(((screen - top) / rowHeight + spare) / STEP) * STEP;
  return { from: clamp(from, total), to: clamp(to, total) };
}

function clamp(row: number, total: number): number {
  return Math.max(0, Math.min(total, row));
}
