/** Puts the passages of a document together again: they overlap, and have gaps. */

import type { ChunkRead } from "./api";

export interface Piece {
  text: string;
  isMarked: boolean;
  /** The page that begins here. */
  page: number | null;
}

/** The text of passages in their order, with the range `[start, end)` of the document marked. */
export function joinPassages(chunks: ChunkRead[], start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  let position = chunks[0]?.start ?? 0;
  let page: number | null = null;
  for (const chunk of chunks) {
    if (chunk.end <= position) continue;
    if (chunk.start > position) {
      add(pieces, { text: "\n\n", isMarked: position >= start && chunk.start < end, page: null });
    }
    const from = Math.max(chunk.start, position);
    const isNewPage = chunk.page_first !== null && chunk.page_first !== page;
    if (isNewPage) page = chunk.page_first;
    for (const [begin, stop] of cut(from, chunk.end, [start, end])) {
      add(pieces, {
        text: slice(chunk.text, begin - chunk.start, stop - chunk.start),
        isMarked: begin >= start && stop <= end,
        page: isNewPage && begin === from ? page : null,
      });
    }
    position = chunk.end;
  }
  return pieces;
}

/** What goes on in the same way is one piece. */
function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.at(-1);
  if (last?.isMarked === piece.isMarked && piece.page === null) last.text += piece.text;
  else pieces.push(piece);
}

function cut(from: number, to: number, bounds: number[]): [number, number][] {
  const inside = bounds.filter((bound) => bound > from && bound < to);
  const edges = [from, ...inside, to];
  return edges.slice(1).map((edge, index) => [edges[index]!, edge]);
}

/** The API counts characters, JavaScript counts UTF-16 units. */
function slice(text: string, start: number, end: number): string {
  return Array.from(text).slice(start, end).join("");
}
