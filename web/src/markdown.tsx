/**
 * Renders the Markdown of an answer. marked finds its structure; elements are made from that by
 * name, one by one, so whatever HTML a text holds is shown as the text it is.
 */

import { Lexer, Marked, type Token, type Tokens } from "marked";
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";

export interface Citing {
  /** What is shown for the numbers of one marker; null leaves the marker as text. */
  cite(numbers: number[]): ComponentChildren | null;
}

const CITATION = /^\[(\d{1,3}(?: ?, ?\d{1,3}){0,15})\](?!\()/;

interface CitationToken extends Tokens.Generic {
  type: "citation";
  numbers: number[];
}

const marked = new Marked({
  gfm: true,
  extensions: [
    {
      name: "citation",
      level: "inline",
      start: (source: string) => source.search(/\[\d/),
      tokenizer(source: string): CitationToken | undefined {
        const found = CITATION.exec(source);
        if (!found) return undefined;
        return { type: "citation", raw: found[0], numbers: found[1]!.split(",").map(Number) };
      },
    },
  ],
});

/** Give it a `citing` that stays the same while its sources do: it renders only what is new. */
export function Markdown({ text, citing }: { text: string; citing: Citing }): VNode {
  return useMemo(() => {
    const tokens = new Lexer(marked.defaults).lex(text);
    return <div class="prose">{renderAll(tokens, citing)}</div>;
  }, [text, citing]);
}

/** What a screen reader is told of a text: its words, without marks. */
export function toPlainText(text: string): string {
  return text.replace(/\[\d{1,3}(?: ?, ?\d{1,3})*\]/g, "").replace(/[*_`#>|]+/g, "");
}

function renderAll(tokens: Token[] | undefined, citing: Citing): ComponentChildren {
  return tokens?.map((token) => render(token, citing));
}

function render(token: Token, citing: Citing): ComponentChildren {
  const inside = (): ComponentChildren =>
    "tokens" in token && token.tokens ? renderAll(token.tokens, citing) : decode(textOf(token));
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p>{inside()}</p>;
    case "heading":
      return <Heading depth={token["depth"] as number}>{inside()}</Heading>;
    case "blockquote":
      return <blockquote>{inside()}</blockquote>;
    case "list":
      return renderList(token as Tokens.List, citing);
    case "table":
      return renderTable(token as Tokens.Table, citing);
    case "code":
      return (
        <pre tabIndex={0}>
          <code>{textOf(token)}</code>
        </pre>
      );
    case "hr":
      return <hr />;
    case "checkbox":
      return token["checked"] ? "☑ " : "☐ ";
    case "strong":
      return <strong>{inside()}</strong>;
    case "em":
      return <em>{inside()}</em>;
    case "del":
      return <del>{inside()}</del>;
    case "codespan":
      return <code>{textOf(token)}</code>;
    case "br":
      return <br />;
    case "link":
    case "image": // Nothing is loaded from elsewhere because a text says so.
      return <Link href={String(token["href"])}>{inside()}</Link>;
    case "citation":
      return citing.cite((token as CitationToken).numbers) ?? token.raw;
    case "escape":
      return textOf(token);
    case "text":
      return inside();
    default: // HTML, which is no more than text here.
      return "block" in token && token["block"] ? <p>{token.raw}</p> : token.raw;
  }
}

/** Headings of an answer stand below those of the page. */
function Heading({ depth, children }: { depth: number; children: ComponentChildren }): VNode {
  const Tag = depth < 2 ? "h3" : depth < 3 ? "h4" : "h5";
  return <Tag>{children}</Tag>;
}

function Link({ href, children }: { href: string; children: ComponentChildren }): VNode {
  const address = parseAddress(href);
  if (!address) return <>{children}</>;
  return (
    <a href={address} title={address} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Only what a browser opens as a page or a letter: never a script, data or a file. */
function parseAddress(href: string): string | null {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
}

function renderList(list: Tokens.List, citing: Citing): VNode {
  const items = list.items.map((item) => (
    <li>{renderAll(item.tokens, citing)}</li>
  ));
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function renderTable(table: Tokens.Table, citing: Citing): VNode {
  return (
    <div class="table" tabIndex={0} role="region" aria-label="Table">
      <table>
        <thead>
          <tr>
            {table.header.map((cell) => (
              <th scope="col">{renderAll(cell.tokens, citing)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row) => (
            <tr>
              {row.map((cell) => (
                <td>{renderAll(cell.tokens, citing)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function textOf(token: Token): string {
  return "text" in token && typeof token.text === "string" ? token.text : token.raw;
}

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
};

/** Markdown may spell characters as HTML does; the usual ones are read. */
function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|#x([\da-f]{1,6})|([a-z]+));/gi, (raw, decimal, hex, name) => {
    if (name) return ENTITIES[name] ?? raw;
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : raw;
  });
}
