import type { CallOptions, Caller } from './operations.js';

interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

/** Yield the items of every page: `for await (const document of iterate(documents.listDocuments, colloquy))`. */
export async function* iterate<Item, Input extends { cursor?: string | null } | undefined>(
  list: (colloquy: Caller, input: Input, options?: CallOptions) => Promise<Page<Item>>,
  colloquy: Caller,
  input?: NonNullable<NoInfer<Input>>,
  options?: CallOptions,
): AsyncGenerator<Item, void> {
  let cursor = input?.cursor ?? null;
  do {
    const page = await list(colloquy, { ...input, cursor } as Input, options);
    yield* page.items;
    cursor = page.next_cursor;
  } while (cursor !== null);
}
