import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

/*
 * What the house promises about its own sources: docs/ARCHITECTURE.md draws it, this test holds it. Each test collects
 * what is wrong as lines `file:line: what` and expects none.
 */

const ROOT = dirname(fileURLToPath(import.meta.url));

/** One row of the import table. Patterns of bare imports; relative ones stay within the package. */
interface Room {
  readonly folder: string;
  readonly mayImport: readonly RegExp[];
  /**
   * `pure`: no clock, randomness, waiting, promise or console; everything comes as input. `env`: these come through
   * its Env alone. `simulated`: nothing real but what its command line prints, the time a run took included.
   */
  readonly world?: 'pure' | 'env' | 'simulated';
}

const MODEL = /^@zabra\/model$/;
const ZAB = /^@zabra\/zab$/;
const TREE = /^@zabra\/tree$/;
const PROTO = /^@zabra\/proto$/;
const JUTE = /^@zabra\/jute$/;
const SERVER = /^@zabra\/server$/;
const SERVER_CORE = /^@zabra\/server\/core$/;
const CLIENT = /^@zabra\/client$/;
const RECIPES = /^@zabra\/client\/recipes$/;
const TESTING = /^@zabra\/testing$/;
const NODE = /^node:/;
const GRPC = /^@grpc\/grpc-js$/;

/** The first room whose folder holds the file counts; for a test the last one, its package's. */
const ROOMS: readonly Room[] = [
  { folder: 'packages/model', mayImport: [], world: 'pure' },
  { folder: 'packages/zab', mayImport: [MODEL], world: 'pure' },
  { folder: 'packages/tree', mayImport: [MODEL], world: 'pure' },
  { folder: 'packages/jute', mayImport: [MODEL], world: 'env' },
  { folder: 'packages/proto', mayImport: [MODEL, GRPC, NODE, /^@grpc\/proto-loader$/, /^protobufjs(\/|$)/] },
  // Of Node only its CRC, which is arithmetic (docs/adr/0010).
  {
    folder: 'packages/server/src/core',
    mayImport: [MODEL, ZAB, TREE, PROTO, JUTE, /^node:zlib$/],
    world: 'env',
  },
  { folder: 'packages/server', mayImport: [MODEL, ZAB, TREE, PROTO, JUTE, GRPC, NODE] },
  { folder: 'packages/client/src/recipes', mayImport: [CLIENT], world: 'env' },
  { folder: 'packages/client/src/core', mayImport: [MODEL, PROTO, JUTE], world: 'env' },
  { folder: 'packages/client', mayImport: [MODEL, PROTO, JUTE, GRPC, NODE] },
  { folder: 'packages/testing', mayImport: [SERVER, CLIENT, RECIPES, NODE] },
  {
    folder: 'packages/simulator',
    mayImport: [
      MODEL,
      ZAB,
      TREE,
      PROTO,
      SERVER_CORE,
      /^@zabra\/client(\/core|\/recipes)?$/,
      /^node:(?!fs|net|http|tls|dgram|timers)/,
    ],
    world: 'simulated',
  },
  {
    folder: 'packages/interop',
    mayImport: [MODEL, JUTE, SERVER, /^@zabra\/client(\/recipes)?$/, TESTING, NODE],
  },
  { folder: 'apps/zabra', mayImport: [SERVER, CLIENT, RECIPES, TESTING, NODE, /^commander$/, /^yaml$/] },
  { folder: 'bench', mayImport: [SERVER, CLIENT, RECIPES, TESTING, NODE, /^@zabra\/interop\//] },
  { folder: 'examples', mayImport: [SERVER, CLIENT, RECIPES, TESTING, NODE] },
];

/** Suites that one room writes and another runs on its own implementation; exported to sources only, built into nothing. */
const SUITES = [/^@zabra\/server\/disk-contract$/, /^@zabra\/client\/recipes-suite$/];
/** Beyond its room's row a test may import these, and read files. */
const TEST_TOOLS = [/^vitest$/, /^fast-check$/, NODE, ...SUITES];

/** Names that reach past the inputs, by who may not use them. Methods are written whole, as `Math.random`. */
const CLOCKS = ['Date.now', 'performance', 'Math.random', 'setTimeout', 'setInterval', 'AbortSignal.timeout'];
const OUTSIDE = [
  ...CLOCKS,
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'crypto',
  'console',
  'process',
  'fetch',
];
const FORBIDDEN: Readonly<Record<NonNullable<Room['world']>, ReadonlySet<string>>> = {
  pure: new Set([
    ...OUTSIDE,
    'Date',
    'Buffer',
    'Promise',
    'AbortController',
    'AbortSignal',
    'queueMicrotask',
    'async',
    'await',
  ]),
  env: new Set([...OUTSIDE, 'new Date()']),
  simulated: new Set([...CLOCKS.filter((name) => name !== 'performance'), 'new Date()']),
};

/** Neither written by hand nor committed; the lock file has a test of its own. */
const IGNORED = new Set([
  '.git',
  '.turbo',
  '.zabra',
  'coverage',
  'dist',
  'node_modules',
  'package-lock.json',
]);
const TEXT = /(^\.?[a-z]+|\.(ts|js|json|md|proto|txt|ya?ml|sh))$/i;

const calledNames = new WeakMap<ts.Node, ReadonlySet<string>>();

const files = listFiles('').map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
const sources = files
  .filter(({ path }) => path.endsWith('.ts') && !path.includes('/gen/'))
  .map(({ path, text }) => ({
    path,
    text,
    tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true),
  }));
type Source = (typeof sources)[number];
const tests = sources.filter(({ path }) => path.endsWith('.test.ts'));
const housed = sources.flatMap((source) => {
  const rooms = ROOMS.filter(({ folder }) => source.path.startsWith(`${folder}/`));
  const room = isTest(source.path) ? rooms.at(-1) : rooms[0];
  return room === undefined || source.path.endsWith('.config.ts') ? [] : [{ source, room }];
});

test('every source file stands in a room of the import table', () => {
  const known = new Set(housed.map(({ source }) => source.path));
  const rootFiles = sources.filter(({ path }) => !path.includes('/') || path.endsWith('.config.ts'));
  for (const { path } of rootFiles) known.add(path);
  expect(sources.map(({ path }) => path).filter((path) => !known.has(path))).toEqual([]);
  expect(known.size).toBeGreaterThan(50);
});

test('imports point one way, as the import table says', () => {
  const wrong = housed.flatMap(({ source, room }) => {
    const allowed = isTest(source.path) ? [...room.mayImport, ...TEST_TOOLS] : room.mayImport;
    return importsOf(source)
      .filter(({ name }) => !name.startsWith('.') && !allowed.some((pattern) => pattern.test(name)))
      .filter(({ name }) => !(isTest(source.path) && packageName(name) === manifestOf(source.path).name))
      .map(({ name, line }) => `${source.path}:${line}: ${room.folder} may not import ${name}`);
  });
  expect(wrong).toEqual([]);
});

test('node modules are named with node:', () => {
  const bare = new Set(builtinModules);
  const wrong = sources.flatMap((source) =>
    importsOf(source)
      .filter(({ name }) => bare.has(name))
      .map(({ name, line }) => `${source.path}:${line}: ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('a relative import stays within its package, and a recipe within the recipes but for the public index', () => {
  const wrong = housed.flatMap(({ source }) =>
    importsOf(source)
      .filter(({ name }) => name.startsWith('.'))
      .filter(({ name }) => !isAtHome(source.path, normalize(join(dirname(source.path), name))))
      .map(({ name, line }) => `${source.path}:${line}: ${name}`),
  );
  expect(wrong).toEqual([]);
});

test('what is imported is a dependency of the package that imports it', () => {
  const wrong = housed
    .filter(({ source }) => !isTest(source.path))
    .flatMap(({ source }) => {
      const declared = dependenciesOf(source.path);
      return importsOf(source)
        .filter(({ name }) => !name.startsWith('.') && !NODE.test(name) && !declared.has(packageName(name)))
        .map(({ name, line }) => `${source.path}:${line}: ${name} is not in the package.json`);
    });
  expect(wrong).toEqual([]);
});

test('clock, randomness, timers and console stay outside of what gets them as input', () => {
  const wrong = housed
    .filter(({ source }) => !isTest(source.path))
    .flatMap(({ source, room }) =>
      room.world === undefined ? [] : namesUsed(source, FORBIDDEN[room.world]),
    );
  expect(wrong).toEqual([]);
});

test('no import cycles inside a package', () => {
  expect(cyclesOf(housed.map(({ source }) => source))).toEqual([]);
});

test('no file or folder is a place for whatever', () => {
  const wrong = files.filter(({ path }) =>
    path.split('/').some((part) => /^(utils?|commons?|helpers?|types)(\.|$)/.test(part)),
  );
  expect(wrong.map(({ path }) => path)).toEqual([]);
});

test('every test expects something', () => {
  const checkers = checkerNames();
  const wrong = tests.flatMap((source) =>
    testCalls(source)
      .filter(({ body }) => !mentions(body, checkers))
      .map(({ line }) => `${source.path}:${line}`),
  );
  expect(tests.flatMap(testCalls).length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

test('no test is left out', () => {
  const wrong = tests.flatMap((source) =>
    nodesOf(source.tree)
      .filter(ts.isPropertyAccessExpression)
      .filter(
        ({ expression, name }) =>
          /^(only|skip|todo|fails)$/.test(name.text) && /^(test|it|describe)\b/.test(expression.getText()),
      )
      .map((node) => `${source.path}:${lineOf(source, node)}: ${node.getText()}`),
  );
  expect(wrong).toEqual([]);
});

test('a known shortcoming is an issue, not a note in the source', () => {
  expect(linesWith(new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`))).toEqual([]);
});

test('nothing names a machine on which it was written', () => {
  const places = [`(?<![\\w.])/${'work'}/`, `/${'tmp'}/z(?![a-z])`, `/${'home'}/\\w`, `/${'Users'}/\\w`];
  expect(linesWith(new RegExp(places.join('|')))).toEqual([]);
});

test('package-lock.json names no registry', () => {
  expect(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).not.toContain('"resolved": "http');
});

test('built packages hold none of the planted flaws', () => {
  const declared = readFileSync(join(ROOT, 'packages/model/src/mutant.ts'), 'utf8');
  const mutants = [...declared.matchAll(/\| '([a-z-]+)'/g)].map((match) => match[1] ?? '');
  expect(mutants.length).toBe(7);
  const needles = [...mutants, '__ZABRA_MUTANT__'];
  const wrong = builtFiles().flatMap((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return needles.filter((needle) => text.includes(needle)).map((needle) => `${path}: ${needle}`);
  });
  expect(wrong).toEqual([]);
});

test('docs/zab.md leads from each step of the paper to the line that obeys it and the test that holds it', () => {
  const rows = paperRows();
  expect(rows.length).toBeGreaterThan(10);
  expect(rows.flatMap(faultsOfRow)).toEqual([]);
});

function listFiles(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) ? [] : listFiles(path);
    return entry.isFile() && !IGNORED.has(entry.name) && TEXT.test(entry.name) ? [path] : [];
  });
}

function builtFiles(): readonly string[] {
  return ['packages', 'apps'].flatMap((kind) =>
    readdirSync(join(ROOT, kind)).flatMap((name) => {
      const folder = join(kind, name, 'dist');
      if (!existsSync(join(ROOT, folder))) return [];
      const built = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
      return built.filter((path) => path.endsWith('.js')).map((path) => join(folder, path));
    }),
  );
}

/** A test, or what only tests use. */
function isTest(path: string): boolean {
  return /\.test(-support)?\.ts$/.test(path) || path.includes('/test/');
}

function nodesOf(root: ts.Node): readonly ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

function lineOf(source: Source, node: ts.Node): number {
  return source.tree.getLineAndCharacterOfPosition(node.getStart()).line + 1;
}

function linesWith(pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** Static, dynamic and type-position imports alike. */
function importsOf(source: Source): readonly { readonly name: string; readonly line: number }[] {
  return ts.preProcessFile(source.text, true, true).importedFiles.map(({ fileName, pos }) => ({
    name: fileName,
    line: source.tree.getLineAndCharacterOfPosition(pos).line + 1,
  }));
}

function packageRoot(path: string): string {
  const [kind, name] = path.split('/');
  return kind === 'packages' || kind === 'apps' ? `${kind}/${name}/` : `${kind}/`;
}

function isAtHome(from: string, to: string): boolean {
  const recipes = 'packages/client/src/recipes/';
  if (from.startsWith(recipes) && !isTest(from))
    return to.startsWith(recipes) || to === 'packages/client/src/index.ts';
  return to.startsWith(packageRoot(from));
}

function packageName(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function manifestOf(path: string): {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(join(ROOT, packageRoot(path), 'package.json'), 'utf8'));
}

/** A package may import itself by its own name. */
function dependenciesOf(path: string): ReadonlySet<string> {
  const { name, dependencies = {} } = manifestOf(path);
  return new Set([name, ...Object.keys(dependencies)]);
}

function namesUsed(source: Source, forbidden: ReadonlySet<string>): readonly string[] {
  return nodesOf(source.tree).flatMap((node) => {
    const name = outsideName(node);
    return name !== undefined && forbidden.has(name)
      ? [`${source.path}:${lineOf(source, node)}: ${name}`]
      : [];
  });
}

function outsideName(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AsyncKeyword) return 'async';
  if (ts.isAwaitExpression(node)) return 'await';
  if (ts.isPropertyAccessExpression(node)) return node.getText();
  if (ts.isNewExpression(node)) return node.getText();
  return ts.isIdentifier(node) && isFreeName(node) ? node.text : undefined;
}

/** Neither a property's name nor a declaration's: it can only mean the global. */
function isFreeName(node: ts.Identifier): boolean {
  const { parent } = node;
  const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node;
  const isDeclared =
    (ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent)) &&
    parent.name === node;
  return !isMember && !isDeclared;
}

/** Each cycle once, as the files on it. */
function cyclesOf(all: readonly Source[]): readonly string[] {
  const edges = new Map(
    all.map((source) => {
      const targets = importsOf(source).filter(({ name }) => name.startsWith('.'));
      return [source.path, targets.map(({ name }) => normalize(join(dirname(source.path), name)))] as const;
    }),
  );
  const cycles: string[] = [];
  const finished = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || finished.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

/** The callbacks of test(…), it(…) and test.each(…)(…). */
function testCalls(source: Source): readonly { readonly body: ts.Node; readonly line: number }[] {
  return nodesOf(source.tree)
    .filter(ts.isCallExpression)
    .filter((call) => /^(test|it)\b/.test(call.expression.getText()))
    .flatMap((call) => {
      const body = call.arguments.find(
        (given) => ts.isArrowFunction(given) || ts.isFunctionExpression(given),
      );
      return body === undefined ? [] : [{ body, line: lineOf(source, call) }];
    });
}

/** `expect`, fast-check's `assert`, and every function of the repository that calls one of these, by its name. */
function checkerNames(): ReadonlySet<string> {
  const names = new Set(['expect', 'fc.assert']);
  const named = sources.flatMap(({ tree }) => nodesOf(tree).flatMap(nameAndBody));
  let size = 0;
  while (size !== names.size) {
    size = names.size;
    for (const { name, body } of named) if (mentions(body, names)) names.add(name);
  }
  return names;
}

function nameAndBody(node: ts.Node): readonly { readonly name: string; readonly body: ts.Node }[] {
  if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.body && node.name) {
    return [{ name: node.name.getText(), body: node.body }];
  }
  const isFunction =
    ts.isVariableDeclaration(node) && node.initializer && ts.isArrowFunction(node.initializer);
  return isFunction && node.initializer ? [{ name: node.name.getText(), body: node.initializer }] : [];
}

function mentions(body: ts.Node, names: ReadonlySet<string>): boolean {
  const called = calledNames.get(body) ?? new Set(nodesOf(body).filter(ts.isCallExpression).map(calledName));
  calledNames.set(body, called);
  return [...called].some((name) => names.has(name));
}

function calledName(call: ts.CallExpression): string {
  const { expression } = call;
  const text = expression.getText();
  return ts.isPropertyAccessExpression(expression) && text !== 'fc.assert' ? expression.name.text : text;
}

interface PaperRow {
  readonly line: number;
  readonly step: string;
  readonly places: readonly string[];
  readonly tests: readonly string[];
}

/** Rows `| step | packages/zab/src/x.ts:NN | test file › name |`; several places or tests are parted by `<br>`. */
function paperRows(): readonly PaperRow[] {
  const lines = readFileSync(join(ROOT, 'docs/zab.md'), 'utf8').split('\n');
  return lines.flatMap((text, index) => {
    const cells = text.split('|').map((cell) => cell.replaceAll('`', '').trim());
    const [, step = '', places = '', cited = ''] = cells;
    if (!/\.ts:\d+/.test(places)) return [];
    return [{ line: index + 1, step, places: places.split(/\s*<br>\s*/), tests: cited.split(/\s*<br>\s*/) }];
  });
}

function faultsOfRow(row: PaperRow): readonly string[] {
  const at = `docs/zab.md:${row.line}`;
  const lost = row.places.filter((place) => !isStepAt(place, row.step));
  const untested = row.tests.filter((cited) => !isTestNamed(cited));
  return [
    ...lost.map((place) => `${at}: ${place} has no comment with "${row.step}"`),
    ...untested.map((cited) => `${at}: there is no test "${cited}"`),
  ];
}

function isStepAt(place: string, step: string): boolean {
  const [path = '', line = ''] = place.split(':');
  const text = textOf(path)?.split('\n')[Number(line) - 1] ?? '';
  return step !== '' && /\/\/|^\s*\/?\*/.test(text) && text.includes(step);
}

function isTestNamed(cited: string): boolean {
  const [path = '', name = ''] = cited.split(' › ');
  return name !== '' && (textOf(path)?.includes(name) ?? false);
}

function textOf(path: string): string | undefined {
  return files.find((file) => file.path === path)?.text;
}
