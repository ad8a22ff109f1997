/** The one client of this page, and where it keeps its tokens. */

import { createColloquy, keepInStorage, type TokenStore } from "colloquy";

export { auth, chat, ColloquyError, documents, health, iterate, llm } from "colloquy";
export type * from "colloquy";

const KEY = "colloquy.tokens";

const lasting = keepInStorage(localStorage, KEY);
const passing = keepInStorage(sessionStorage, KEY);
let store = sessionStorage.getItem(KEY) ? passing : lasting;

const tokens: TokenStore = { get: () => store.get(), set: (tokens) => store.set(tokens) };

export const colloquy = createColloquy({
  baseUrl: location.origin,
  tokens,
  onLoggedOut: startAnew,
});

// Another tab logged out, or in: what this one shows may be somebody else's.
addEventListener("storage", (event) => {
  if (event.key === KEY && (event.oldValue === null || event.newValue === null)) startAnew();
});

/** What a user saw leaves the memory with the page itself. */
function startAnew(): void {
  location.reload();
}

/** On a computer of one's own a login outlives the tab; on another one it ends with it. */
export function keepLogin(isRemembered: boolean): void {
  void store.set(null);
  store = isRemembered ? lasting : passing;
}
