import { signal } from "@preact/signals";
import type { UserRead } from "../api";

/** Who is here: undefined until it is known, null when nobody is logged in. */
export const me = signal<UserRead | null | undefined>(undefined);
