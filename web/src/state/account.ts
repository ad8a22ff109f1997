/** Coming and going. */

import { auth, colloquy, ColloquyError, keepLogin } from "../api";
import { describe, notice } from "./feedback";
import { me } from "./me";

const KNOWN = "colloquy.known";

/** Whether somebody logged in with this browser before. */
export const isKnownBrowser = (): boolean => localStorage.getItem(KNOWN) !== null;

export async function findOut(): Promise<void> {
  if (!(await colloquy.isLoggedIn())) {
    me.value = null;
    return;
  }
  try {
    me.value = await auth.getMe(colloquy);
  } catch (error) {
    me.value = null;
    if (!(error instanceof ColloquyError && error.status === 401)) notice.value = describe(error);
  }
}

export async function logIn(
  username: string,
  password: string,
  isRemembered: boolean,
): Promise<void> {
  keepLogin(isRemembered);
  await colloquy.logIn({ username, password });
  localStorage.setItem(KNOWN, "yes");
  me.value = await auth.getMe(colloquy);
}

export async function register(username: string, email: string, password: string): Promise<void> {
  await auth.register(colloquy, { username, email, password });
  await logIn(username, password, true);
}

/** Everything of the user goes from memory with the page itself. */
export async function logOut(): Promise<void> {
  await colloquy.logOut();
  location.assign("/");
}
