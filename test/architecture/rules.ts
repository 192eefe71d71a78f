import { posix } from 'node:path'
import { type Import, importsOf, type Tree } from './imports.ts'

/** A rule gives one line for each place that breaks it, beginning with the file. */
export type Rule = (path: string, text: string, tree: Tree) => readonly string[]

const isSource = (path: string): boolean => /\.(ts|mts|js|mjs)$/.test(path)
const isTest = (path: string): boolean => /\.test\.ts$|(^|\/)testing\.ts$/.test(path)
const isCore = (path: string): boolean => /^src\/([^/]+\/)?core\//.test(path)
/** The composition root: `main.ts` and the folder that it is cut into. */
const isMain = (path: string): boolean => path === 'src/main.ts' || path.startsWith('src/composition/')

/** The features in the order of DESIGN.md, each with those that it may use. */
const mayUse: Readonly<Record<string, readonly string[]>> = {
  activity: ['tenants'],
  webhooks: ['tenants'],
  relay: [],
  upgrades: ['releases', 'registry', 'charts', 'tenants'],
  releases: ['charts', 'tenants'],
  registry: ['charts', 'tenants'],
  charts: ['tenants'],
  tenants: [],
}
const featureOf = (path: string): string | null => {
  const room = /^src\/([^/]+)\//.exec(path)?.[1] ?? ''
  return Object.hasOwn(mayUse, room) ? room : null
}

const perImport =
  (applies: (path: string) => boolean, refused: (path: string, used: Import) => string | null): Rule =>
  (path, text) => {
    if (!isSource(path) || !applies(path)) return []
    return importsOf(path, text).flatMap((used) => {
      const why = refused(path, used)
      return why === null ? [] : [`${path} imports ${used.specifier}: ${why}`]
    })
  }

/** Packages that only compute: the order and the ranges of versions are the words of every rule about upgrades. */
const purePackages = ['semver']

const coreStaysPure = perImport(
  (path) => isCore(path) && !isTest(path),
  (path, { target }) => {
    const own = /^src\/([^/]+\/)?core\//.exec(path)?.[0] ?? ''
    const pure = target.startsWith(own) || target.startsWith('src/core/') || purePackages.includes(target)
    return pure ? null : 'a core uses its own folder, src/core and what only computes'
  },
)

const infraKnowsNoFeature = perImport(
  (path) => path.startsWith('src/infra/'),
  (_, { target }) => (featureOf(target) !== null || isMain(target) ? 'infra knows no feature' : null),
)

const featuresKeepTheOrder = perImport(
  (path) => featureOf(path) !== null,
  (path, { target }) => {
    const [from, to] = [featureOf(path), featureOf(target)]
    if (isMain(target)) return 'only main.ts knows main.ts'
    if (from === null || to === null || from === to) return null
    if (!mayUse[from]?.includes(to)) return `${from} does not use ${to}`
    return target === `src/${to}/index.ts` ? null : `${to} is used through its index.ts`
  },
)

/** Rooms of `src/upgrades` with the others that each may use: drivers read and act, checks judge, surveys join the two. */
const roomsOfUpgrades: Readonly<Record<string, readonly string[]>> = {
  store: ['core'],
  drivers: ['core', 'store'],
  checks: ['core', 'store', 'drivers', 'commands', 'deps.ts', 'ports.ts', 'views.ts'],
  surveys: ['core', 'store', 'drivers', 'checks', 'ports.ts'],
  commands: ['core', 'store', 'drivers', 'deps.ts', 'ports.ts'],
}
const roomOfUpgrades = (path: string): string | null => /^src\/upgrades\/([^/]+)/.exec(path)?.[1] ?? null

const upgradesJudgeWhatDriversRead = perImport(
  (path) => Object.hasOwn(roomsOfUpgrades, roomOfUpgrades(path) ?? ''),
  (path, { target }) => {
    const [from, to] = [roomOfUpgrades(path) ?? '', roomOfUpgrades(target)]
    if (to === null || to === from || roomsOfUpgrades[from]?.includes(to)) return null
    return `${from} of upgrades does not use ${to}`
  },
)

/** What is thrown is no adapter. */
const isErrorName = (name: string): boolean => /(Error|Failure|Failed|Lost|Problem)$/.test(name)

/** Adapters are made by `new`, or by a function that says so. */
const makes = (name: string): string => (/^(create|open|start|connect)[A-Z]/.test(name) ? '' : 'new ')

const onlyMainConstructs: Rule = (path, text) => {
  if (!isSource(path) || featureOf(path) === null || isTest(path)) return []
  const adapters = importsOf(path, text)
    .filter(({ target }) => target.startsWith('src/infra/'))
    .flatMap(({ names }) => names)
    .filter((name) => !isErrorName(name))
  return adapters
    .filter((name) => new RegExp(`\\b${makes(name)}${name.replaceAll('$', '\\$')}\\s*[(<]`).test(text))
    .map((name) => `${path} constructs ${name}: only main.ts constructs adapters`)
}

const mayHoldSql = (path: string): boolean =>
  /(^|\/)([a-z-]+-)?store\.ts$|\/store\//.test(path) || /^src\/infra\/(engine|events|database)\//.test(path)
const sqlForms = /\bsql(<[^>`]*>)?`|\.(selectFrom|insertInto|updateTable|deleteFrom|mergeInto)\(/
const packagesOfSql = ['kysely', 'pg']

const sqlHasItsPlaces: Rule = (path, text) => {
  if (!isSource(path) || !path.startsWith('src/') || isTest(path) || mayHoldSql(path)) return []
  const uses = importsOf(path, text).some(({ target }) => packagesOfSql.includes(target.split('/')[0] ?? ''))
  return uses || sqlForms.test(text)
    ? [`${path} holds SQL: it belongs in store.ts or infra/{engine,events,database}`]
    : []
}

const transactionsAreOpenedOnce: Rule = (path, text) => {
  if (!isSource(path) || !path.startsWith('src/') || isTest(path) || path === 'src/infra/database/pool.ts') return []
  return /\.transaction\(\)/.test(text)
    ? [`${path} opens a transaction by itself: transaction() of infra/database tells a COMMIT that was not answered`]
    : []
}

const coreHasNoClock: Rule = (path, text) => {
  if (!isSource(path) || !isCore(path) || isTest(path)) return []
  const found = text.match(/\bMath\.random\b|\bDate\.now\b|\bnew Date\b/g) ?? []
  return found.map((what) => `${path} uses ${what}: a core has no clock and no randomness`)
}

const longest = 400
const filesStaySmall: Rule = (path, text) => {
  const lines = text.split('\n').length - 1
  return isSource(path) && lines > longest ? [`${path} has ${lines} lines, more than ${longest}`] : []
}

const machinePaths = /(?<![\w.*}$)\]-])\/(?:root|work|home\/[\w.-]+|Users\/[\w.-]+)\//
const registries =
  /\bregistry\.(?:npmjs|yarnpkg)\.(?:org|com)\b|"resolved": *"https?:|\/\/[\w.:-]*(?:artifactory|verdaccio|nexus|jfrog)/i
const noPlaceOfAMachine: Rule = (path, text) =>
  text.split('\n').flatMap((line, i) => {
    const found = machinePaths.exec(line) ?? registries.exec(line)
    return found === null ? [] : [`${path}:${i + 1} names a place of one machine: ${found[0]}`]
  })

const linksLeadSomewhere: Rule = (path, text, tree) => {
  if (!path.endsWith('.md')) return []
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '')
  const links = [...prose.matchAll(/\]\(<?([^)>#\s]+)[^)]*\)|^\[[^\]]+\]:\s*([^\s#]+)/gm)].map(
    (m) => m[1] ?? m[2] ?? '',
  )
  // A document that is named in passing is a link too.
  const named = [...text.matchAll(/`(docs\/[\w./-]+\.md)`/g)]
    .map((m) => `${path} names ${m[1]}`)
    .filter((each) => !exists(tree, each.split(' names ')[1] ?? ''))
  const broken = links.filter(
    (link) => !/^[a-z][a-z0-9+.-]*:/i.test(link) && !exists(tree, posix.join(posix.dirname(path), link)),
  )
  return [
    ...named.map((each) => `${each}, which is not there`),
    ...broken.map((link) => `${path} links to ${link}, which is not there`),
  ]
}

/**
 * A promise names the test that shows it (docs/security.md, docs/reliability.md): by the end of its path, and where a title
 * follows in quotes, by a part of that too.
 */
const promisesAreTested: Rule = (path, text, tree) => {
  if (!/^docs\/[\w-]+\.md$/.test(path)) return []
  const broken: string[] = []
  for (const row of text.split('\n').filter((line) => line.startsWith('|'))) {
    for (const [, file = '', titles = ''] of row.matchAll(/`([\w/.-]+\.test\.ts)`((?:,? "[^"]+")*)/g)) {
      const tests = [...tree].filter(([each]) => each === file || each.endsWith(`/${file}`)).map(([, test]) => test)
      if (tests.length === 0) broken.push(`${path} names ${file}, which is not there`)
      for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g))
        if (!tests.some((test) => test.includes(title))) broken.push(`${path} names "${title}", which ${file} has not`)
    }
  }
  return broken
}

const exists = (tree: Tree, path: string): boolean => {
  const folder = path.endsWith('/') ? path : `${path}/`
  return tree.has(path) || folder === './' || [...tree.keys()].some((file) => file.startsWith(folder))
}

/** The rules of DESIGN.md and CONTRIBUTING.md that a machine can hold. */
export const rules = {
  coreStaysPure,
  infraKnowsNoFeature,
  featuresKeepTheOrder,
  upgradesJudgeWhatDriversRead,
  onlyMainConstructs,
  sqlHasItsPlaces,
  transactionsAreOpenedOnce,
  coreHasNoClock,
  filesStaySmall,
  noPlaceOfAMachine,
  linksLeadSomewhere,
  promisesAreTested,
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

/** Every place of a tree that breaks the rule. */
export function violations(name: RuleName, tree: Tree): readonly string[] {
  const rule: Rule = rules[name]
  return [...tree].flatMap(([path, text]) => rule(path, text, tree))
}
