import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { importsOf, type Tree } from './architecture/imports.ts'
import { type RuleName, rules, violations } from './architecture/rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Every text file that is committed or about to be. */
function checkout(): Tree {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root })
  const paths = listed.toString('utf8').split('\0').filter(Boolean)
  return new Map(paths.flatMap((path) => readText(path)))
}

function readText(path: string): readonly (readonly [string, string])[] {
  try {
    const text = readFileSync(join(root, path), 'utf8')
    return text.includes('\0') ? [] : [[path, text]]
  } catch {
    // Deleted and not yet committed.
    return []
  }
}

const names = Object.keys(rules) as readonly RuleName[]

describe('this checkout', () => {
  const tree = checkout()

  test('is read', () => {
    expect(tree.has('src/core/problems.ts')).toBe(true)
    expect(importsOf('src/core/problems.ts', tree.get('src/core/problems.ts') ?? '')).toHaveLength(1)
  })

  test.each(names)('%s', (name) => {
    expect(violations(name, tree)).toEqual([])
  })
})

/** For each rule, files that keep it and files that break it: a rule that cannot fail holds nothing. */
const examples: Readonly<Record<RuleName, { good: Record<string, string>; bad: Record<string, string> }>> = {
  coreStaysPure: {
    good: {
      'src/releases/core/a.ts': "import { b } from './b.ts'\nimport type {\n  Json,\n} from '../../core/json.ts'",
      'src/releases/core/a.test.ts': "import fc from 'fast-check'",
      'src/registry/core/a.ts': "import { compare } from 'semver'",
      'src/core/a.ts': " * import { x } from 'fs'\nexport * from './b.ts'",
    },
    bad: {
      'src/releases/core/c.ts': "import { z } from 'zod'",
      'src/releases/core/d.ts': "import type { Db } from '../store.ts'",
      'src/releases/core/e.ts': "const x = await import('node:fs')",
      'src/releases/core/f.ts': "export {\n  a,\n  b,\n} from '../../charts/core/x.ts'",
      'src/core/g.ts': "import 'node:fs'",
    },
  },
  infraKnowsNoFeature: {
    good: { 'src/infra/http/a.ts': "import { x } from '../../core/json.ts'\nimport { y } from '../../config.ts'" },
    bad: {
      'src/infra/http/b.ts': "import type { Release } from '../../releases/index.ts'",
      'src/infra/http/c.ts': "import { main } from '../../main.ts'",
    },
  },
  featuresKeepTheOrder: {
    good: {
      'src/releases/commands/a.ts': "import { charts } from '../../charts/index.ts'\nimport { b } from '../store.ts'",
      'src/upgrades/a.ts': "import type { Release } from '../releases/index.ts'",
    },
    bad: {
      'src/charts/b.ts': "import type { Release } from '../releases/index.ts'",
      'src/releases/c.ts': "import { readChart } from '../charts/archive/read.ts'",
      'src/registry/d.ts': "import type { Release } from '../releases/index.ts'",
      'src/tenants/e.ts': "import { main } from '../main.ts'",
      'src/tenants/g.ts': "import { startServer } from '../composition/server.ts'",
      'src/charts/f.ts': "new Worker(new URL('../releases/worker.ts', import.meta.url))",
    },
  },
  upgradesJudgeWhatDriversRead: {
    good: {
      'src/upgrades/drivers/a.ts': "import type { Execution } from '../core/model.ts'\nimport { b } from './gate/b.ts'",
      'src/upgrades/store/b.ts': "import type { Execution } from '../core/model.ts'",
      'src/upgrades/checks/a.ts': "import type { Room } from '../drivers/room.ts'",
      'src/upgrades/surveys/a.ts': "import { a } from '../checks/a.ts'\nimport { b } from '../drivers/b.ts'",
    },
    bad: {
      'src/upgrades/store/a.ts': "import type { GateRow } from '../drivers/gate/model.ts'",
      'src/upgrades/drivers/b.ts': "import { backup } from '../checks/backup.ts'",
      'src/upgrades/drivers/fleet/c.ts': "import type { Survey } from '../../ports.ts'",
      'src/upgrades/checks/d.ts': "import { workloadFleet } from '../surveys/workload.ts'",
      'src/upgrades/commands/e.ts': "import { resources } from '../checks/resources.ts'",
    },
  },
  onlyMainConstructs: {
    good: {
      'src/charts/a.ts': "import { HelmFailure } from '../infra/helm/types.ts'\nthrow new HelmFailure()",
      'src/charts/a.test.ts': "import { Gateway } from '../infra/helm/gateway.ts'\nnew Gateway()",
      'src/main.ts': "import { Gateway } from './infra/helm/gateway.ts'\nnew Gateway()",
    },
    bad: {
      'src/charts/b.ts': "import { type X, Gateway } from '../infra/helm/gateway.ts'\nconst g = new Gateway({})",
      'src/charts/c.ts': "import { openDatabase } from '../infra/database/pool.ts'\nconst d = openDatabase('')",
    },
  },
  sqlHasItsPlaces: {
    good: {
      'src/charts/store.ts': "import { sql } from 'kysely'\nsql`select 1`",
      'src/infra/database/pool.ts': "import pg from 'pg'",
    },
    bad: {
      'src/charts/b.ts': "import type { Kysely } from 'kysely'",
      'src/infra/http/c.ts': "import pg from 'pg'",
      'src/charts/d.ts': "db.selectFrom('charts')",
      'src/main.ts': "import { Migrator } from 'kysely/migration'",
    },
  },
  transactionsAreOpenedOnce: {
    good: {
      'src/charts/store.ts': 'transaction(db, (tx) => insert(tx))',
      'src/infra/database/pool.ts': 'db.transaction().execute(body)',
    },
    bad: { 'src/charts/b.ts': 'await db.transaction().execute(body)' },
  },
  coreHasNoClock: {
    good: { 'src/core/a.ts': 'const now: Instant = 0', 'src/infra/clock.ts': 'Date.now()' },
    bad: {
      'src/core/b.ts': 'Date.now()',
      'src/releases/core/c.ts': 'new Date()',
      'src/upgrades/core/strategies/d.ts': 'Math.random()',
    },
  },
  filesStaySmall: {
    good: { 'src/a.ts': 'x\n'.repeat(400), 'docs/a.md': 'x\n'.repeat(1000) },
    bad: { 'src/b.ts': 'x\n'.repeat(401) },
  },
  noPlaceOfAMachine: {
    good: {
      'docs/a.md': 'see docs/work/x, $HOME/work/x and $(dir)/root/x, /var/lib/x',
      'package-lock.json': '"resolved": "packages/x"',
    },
    bad: {
      'docs/b.md': ['cd ', 'work', 'x'].join('/'),
      'docs/c.md': ['it is in ', 'root', '.cache'].join('/'),
      'src/d.ts': ["const a = '", 'home', 'somebody', "x'"].join('/'),
      'package-lock.json': `"resolved": "${'https'}://packages.test/x.tgz"`,
      '.npmrc': `registry=https://${['registry', 'npmjs', 'org'].join('.')}/`,
    },
  },
  linksLeadSomewhere: {
    good: {
      'docs/a.md':
        '[b](./b.md#part) [web](https://example.test/x) [root](../README.md) `[x](y.md)` [d](../docs/) [t](#top)',
      'docs/b.md': '```\n[x](nowhere.md)\n```',
      'README.md': '[docs](docs)',
    },
    bad: {
      'docs/c.md': '[gone](gone.md)',
      'docs/d.md': '[a][1]\n\n[1]: ../gone.md',
      'docs/e.md': 'as `docs/gone.md` says',
    },
  },
  promisesAreTested: {
    good: {
      'test/a.test.ts': "test('a title')",
      'docs/a.md': '| so | `test/a.test.ts`, "a title" |\n| so | `a.test.ts` |\n`elsewhere.test.ts`',
    },
    bad: {
      'docs/b.md': '| so | `b.test.ts` |',
      'docs/c.md': '| so | `a.test.ts`, "another title" |',
    },
  },
}

describe.each(names)('%s can fail', (name) => {
  const { good, bad } = examples[name]

  test('what keeps the rule passes', () => {
    expect(violations(name, new Map(Object.entries(good)))).toEqual([])
  })

  test.each(Object.entries(bad))('%s breaks it', (path, text) => {
    expect(violations(name, new Map([...Object.entries(good), [path, text]]))).toEqual([expect.stringContaining(path)])
  })
})
