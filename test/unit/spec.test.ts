import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';
import { expect, test } from 'vitest';

/*
 * Rules and tests know each other: every rule of docs/spec.md is quoted by the title of a test, every test names what it
 * proves. Titles are read from the source, so that a test counts in whichever runner it runs.
 */

const root = fileURLToPath(new URL('../../', import.meta.url));
const RULE = /\b(?:LOG|SYNC|VIEW|PUSH|CAP|PAGE)\d+\b/g;
/** A line of docs/spec.md that begins a rule: a list item, a heading or a table row. */
const RULE_LINE = /^(?:[-*|] *)?(?:\*\*|#+ +(?:\*\*)?)([A-Z]+\d+)\b/;
/** What a title may name instead of a rule: a requirement row, a scenario, or a part of the house. */
const OTHER_SUBJECT = /\bS[1-5]\.\d+|\bScenario \d+\b|\b(?:PLATFORM|HOUSE|BENCH)\b/;
const MUST_NAME_A_SUBJECT = ['test/unit', 'test/contract', 'test/simulation', 'test/vectors', 'test/power', 'test/e2e'];
const TEST_FUNCTIONS = new Set(['test', 'it', 'describe', 'scenario', 'contractCase']);

interface Title {
  readonly file: string;
  /** Titles of the groups around it and its own. */
  readonly text: string;
  readonly isGroup: boolean;
}

/** As much of a syntax tree as is needed to walk it. */
interface Node {
  readonly type: string;
  readonly [property: string]: unknown;
}

const rules = readRules();
const titles = MUST_NAME_A_SUBJECT.flatMap(sourceFiles).flatMap(readTitles);

function readRules(): string[] {
  const lines = readFileSync(`${root}docs/spec.md`, 'utf8').split('\n');
  return lines.flatMap((line) => RULE_LINE.exec(line)?.[1] ?? []);
}

function sourceFiles(folder: string): string[] {
  if (!existsSync(root + folder)) return [];
  return readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`);
}

function readTitles(file: string): Title[] {
  const found: Title[] = [];
  const { program, errors } = parseSync(file, readFileSync(root + file, 'utf8'));
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`);
  collect(program as unknown as Node, [], (groups, title, isGroup) => {
    found.push({ file, text: [...groups, title].join(' '), isGroup });
  });
  return found;
}

/** Calls back for each call like `test('title', …)`, `test.skipIf(x)('title', …)`, `test.each(cases)('title', …)`. */
function collect(
  node: Node,
  groups: readonly string[],
  found: (groups: readonly string[], title: string, isGroup: boolean) => void,
): void {
  let around = groups;
  if (node.type === 'CallExpression') {
    const name = rootName(node['callee'] as Node);
    const [first, ...others] = node['arguments'] as readonly Node[];
    const title = first === undefined ? undefined : textOf(first);
    if (name !== undefined && title !== undefined && others.length > 0) {
      found(groups, title, name === 'describe');
      around = [...groups, title];
    }
  }
  for (const child of children(node)) collect(child, around, found);
}

function children(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The function that a chain of members and calls begins with, when it is one that makes tests. */
function rootName(callee: Node): string | undefined {
  if (callee.type === 'Identifier')
    return TEST_FUNCTIONS.has(String(callee['name'])) ? String(callee['name']) : undefined;
  if (callee.type === 'MemberExpression') {
    const property = callee['property'] as Node;
    const own = rootName(callee['object'] as Node);
    return own === 'test' && property['name'] === 'describe' ? 'describe' : own;
  }
  return callee.type === 'CallExpression' ? rootName(callee['callee'] as Node) : undefined;
}

/** A string, or the fixed text of a template; also of strings joined by +. */
function textOf(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  if (node.type === 'TemplateLiteral') {
    return (node['quasis'] as { readonly value: { readonly cooked: string } }[])
      .map(({ value }) => value.cooked)
      .join('…');
  }
  if (node.type !== 'BinaryExpression') return undefined;
  const [left, right] = [textOf(node['left'] as Node), textOf(node['right'] as Node)];
  return left === undefined && right === undefined ? undefined : `${left ?? '…'}${right ?? '…'}`;
}

function list(problem: string, found: readonly string[]): string {
  return found.length === 0 ? '' : `${problem}:\n  ${[...new Set(found)].toSorted().join('\n  ')}\n`;
}

test('HOUSE every rule of docs/spec.md is quoted by the title of a test', () => {
  const quoted = new Set(titles.flatMap(({ text }) => text.match(RULE) ?? []));
  expect(
    list(
      'rules without a test',
      rules.filter((rule) => !quoted.has(rule)),
    ),
  ).toBe('');
});

test('HOUSE every test names a rule, a requirement, a scenario or a part of the house', () => {
  const nameless = titles.filter(
    ({ text, isGroup }) => !isGroup && text.match(RULE) === null && !OTHER_SUBJECT.test(text),
  );
  expect(
    list(
      'tests that name nothing they prove',
      nameless.map(({ file, text }) => `${file}: ${text}`),
    ),
  ).toBe('');
});

test('HOUSE every rule that a test quotes exists, once', () => {
  const known = new Set(rules);
  const unknown = titles.flatMap(({ file, text }) =>
    (text.match(RULE) ?? []).filter((id) => !known.has(id)).map((id) => `${id} in ${file}`),
  );
  expect(list('rules that docs/spec.md does not have', unknown)).toBe('');
  expect(
    list(
      'ids used twice in docs/spec.md',
      rules.filter((rule, i) => rules.indexOf(rule) !== i),
    ),
  ).toBe('');
});

test('HOUSE the titles are really read', () => {
  expect(titles.length).toBeGreaterThan(100);
  expect(rules).toEqual(expect.arrayContaining(['LOG1', 'LOG15']));
  const shapes: string[] = [];
  const source =
    "test.describe(`a ${1} b`, () => { it.each([1])('c', f); test('d' + e, f); test.skip(why); }); helper('x', f);";
  collect(parseSync('shapes.ts', source).program as unknown as Node, [], (groups, title, isGroup) => {
    shapes.push(`${[...groups, title].join(' ')}${isGroup ? ' (group)' : ''}`);
  });
  expect(shapes).toEqual(['a … b (group)', 'a … b c', 'a … b d…']);
});
