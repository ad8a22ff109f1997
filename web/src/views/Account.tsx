import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { auth, colloquy, type LoginRead, type PartRead } from "../api";
import { logOut } from "../state/account";
import { attempt } from "../state/feedback";
import { me } from "../state/me";
import { isOffline, lookAtServer, parts, status } from "../state/server";
import { theme, type Theme } from "../state/theme";
import { formatMoment } from "../time";
import { OfflineNote } from "./Start";

export function Account(): VNode {
  useEffect(() => {
    document.title = "Account · Colloquy";
    void lookAtServer();
  }, []);
  return (
    <div class="page">
      <header class="page-header">
        <h1>Account</h1>
      </header>
      <div class="column sections">
        <section>
          <h2>{me.value?.username}</h2>
          <p class="quiet">{me.value?.email}</p>
          <p>
            <button class="button" onClick={() => attempt(logOut)}>
              Log out
            </button>
          </p>
        </section>
        <Appearance />
        <Server />
        <Logins />
      </div>
    </div>
  );
}

const THEMES: [Theme, string][] = [
  ["system", "As the device"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function Appearance(): VNode {
  return (
    <section>
      <fieldset class="choices">
        <legend>Appearance</legend>
        {THEMES.map(([value, label]) => (
          <label>
            <input type="radio" name="theme" checked={theme.value === value} onChange={() => (theme.value = value)} />
            {label}
          </label>
        ))}
      </fieldset>
    </section>
  );
}

function Server(): VNode {
  const known = parts.value;
  return (
    <section>
      <h2>This server</h2>
      {isOffline.value && <OfflineNote />}
      {known && (
        <dl class="facts">
          <Part name="Models" part={known.models} embedded="built-in offline models" />
          <Part name="Database" part={known.database} embedded="embedded PostgreSQL" />
          <Part name="Search index" part={known.vectors} embedded="embedded Qdrant engine" />
          {status.value && (
            <>
              <dt>Answers</dt>
              <dd>{status.value.chat.model}</dd>
              <dt>Embeddings</dt>
              <dd>{status.value.embedding.model}</dd>
            </>
          )}
        </dl>
      )}
      <p class="small quiet">
        The API behind this page is described at <a href="/docs" target="_blank" rel="noopener">/docs</a>.
      </p>
    </section>
  );
}

function Part({ name, part, embedded }: { name: string; part: PartRead; embedded: string }): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {part.is_embedded ? embedded : "a service of its own"}
        {part.is_ready ? "" : `, not ready: ${part.detail}`}
      </dd>
    </>
  );
}

function Logins(): VNode {
  const [logins, setLogins] = useState<LoginRead[]>([]);
  useEffect(() => {
    void attempt(async () => setLogins((await auth.listLogins(colloquy, { limit: 100 })).items));
  }, []);
  const end = (login: LoginRead): Promise<void> =>
    attempt(async () => {
      await auth.revokeLogin(colloquy, { login_id: login.id });
      setLogins(logins.filter((each) => each.id !== login.id));
    });
  return (
    <section>
      <h2>Where you are logged in</h2>
      <ul class="logins">
        {logins.map((login) => (
          <li key={login.id}>
            <div>
              <p>{nameDevice(login.user_agent)}</p>
              <p class="small quiet">
                {login.is_current ? "This one" : `Last used ${formatMoment(login.last_used_at)}`}
                {` · ${login.address}`}
              </p>
            </div>
            {!login.is_current && (
              <button class="button" onClick={() => end(login)}>
                End
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Programs call themselves by many names; the usual ones are told apart. */
function nameDevice(userAgent: string): string {
  const browser = /Edg|Firefox|Chrome|Safari/.exec(userAgent)?.[0].replace("Edg", "Edge");
  const system = /Android|iPhone|iPad|Windows|Mac OS X|Linux/.exec(userAgent)?.[0];
  return browser && system ? `${browser} on ${system}` : userAgent || "An unknown device";
}
