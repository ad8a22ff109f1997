// What a program sees of the package: no `any` anywhere, and events that are known to the last field.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import ts from 'typescript';

const ENTRY = new URL('../../dist/index.d.ts', import.meta.url).pathname;
const program = ts.createProgram([ENTRY], { strict: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: [] });
const checker = program.getTypeChecker();
const ours = program.getSourceFiles().filter((file) => file.fileName.includes('/sdk/typescript/dist/'));

function listKeywords(kind: ts.SyntaxKind): string[] {
  const found: string[] = [];
  for (const file of ours) {
    const visit = (node: ts.Node): void => {
      if (node.kind === kind) found.push(`${file.fileName}: ${node.parent.getText(file)}`);
      node.forEachChild(visit);
    };
    visit(file);
  }
  return found;
}

function getExport(name: string): ts.Type {
  const entry = program.getSourceFile(ENTRY);
  const module = entry && checker.getSymbolAtLocation(entry);
  const symbol = module && checker.getExportsOfModule(module).find((exported) => exported.name === name);
  assert.ok(symbol, name);
  return checker.getDeclaredTypeOfSymbol(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
}

/** The paths at which a type says nothing. */
function listVague(type: ts.Type, path: string, seen = new Set<ts.Type>()): string[] {
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return [path];
  if (seen.has(type)) return [];
  seen.add(type);
  if (type.isUnionOrIntersection()) return type.types.flatMap((part) => listVague(part, path, seen));
  if (!(type.flags & ts.TypeFlags.Object)) return [];
  if (checker.isArrayType(type)) return checker.getTypeArguments(type as ts.TypeReference).flatMap((part) => listVague(part, `${path}[]`, seen));
  const indexed = checker.getIndexInfosOfType(type).flatMap((info) => listVague(info.type, `${path}[key]`, seen));
  return indexed.concat(
    type.getProperties().flatMap((property) => listVague(checker.getTypeOfSymbol(property), `${path}.${property.name}`, seen)),
  );
}

test('the package has no `any`', () => {
  assert.ok(ours.length > 10);
  assert.deepEqual(listKeywords(ts.SyntaxKind.AnyKeyword), []);
});

for (const name of ['StreamEvent', 'DocumentEvent', 'PullEvent', 'SocketFrame', 'MessageRead', 'DocumentRead']) {
  test(`${name} is known to the last field`, () => assert.deepEqual(listVague(getExport(name), name), []));
}

for (const name of ['StreamEvent', 'DocumentEvent', 'PullEvent', 'SocketFrame', 'SocketCommand']) {
  test(`${name} is told apart by its type`, () => {
    const union = getExport(name);
    assert.ok(union.isUnion());
    const types = union.types.map((part) => {
      const type = part.getProperty('type');
      return type && checker.typeToString(checker.getTypeOfSymbol(type));
    });
    assert.ok(types.every((type) => type?.startsWith('"')), String(types));
    assert.equal(new Set(types).size, types.length);
  });
}
