import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judge, type NamedEdge, type Question } from './compatibility.ts'

const step = (fromVersion: string, toVersion: string, more: Partial<NamedEdge> = {}): NamedEdge => ({
  id: `${fromVersion}-${toVersion}`,
  fromVersionId: fromVersion,
  toVersionId: toVersion,
  fromVersion,
  toVersion,
  requiresDowntime: false,
  estimatedDurationMinutes: 5,
  riskLevel: 'MEDIUM',
  tested: true,
  ...more,
})

type To = Question<NamedEdge>['to']
const target = (more: Partial<To> = {}): To => ({
  version: '1.1.0',
  status: 'STABLE',
  minPlatformVersion: null,
  maxPlatformVersion: null,
  dependencies: {},
  ...more,
})
const question = (more: Partial<Question<NamedEdge>> = {}): Question<NamedEdge> => ({
  from: { version: '1.0.0' },
  to: target(),
  route: [step('1.0.0', '1.1.0')],
  platformVersion: '1.30.0',
  installed: new Map(),
  ...more,
})
const codes = (asked: Question<NamedEdge>) => {
  const { blockers, warnings } = judge(asked)
  return [...blockers, ...warnings].map(({ code }) => code)
}
const needs = (dependencies: Record<string, string>, installed: readonly (readonly [string, string[]])[] = []) =>
  question({ to: target({ dependencies }), installed: new Map(installed) })

test('a tested step without downtime to a stable version is valid, and nothing is to be said', () => {
  const asked = question()
  expect(judge(asked)).toEqual({ valid: true, blockers: [], warnings: [], path: asked.route })
})

test.each<[string, Question<NamedEdge>, string[]]>([
  ['no route', question({ route: null }), ['NO_ROUTE']],
  ['a downgrade, which no route leads to', question({ from: { version: '1.2.0' }, route: null }), ['DOWNGRADE']],
  [
    'from a release to its candidate',
    question({ from: { version: '1.1.0' }, to: target({ version: '1.1.0-rc.1' }), route: null }),
    ['DOWNGRADE'],
  ],
  [
    'the same number in another build',
    question({ from: { version: '1.1.0+a' }, to: target({ version: '1.1.0+b' }), route: null }),
    ['NO_ROUTE'],
  ],
  ['the end of life', question({ to: target({ status: 'END_OF_LIFE' }) }), ['TARGET_END_OF_LIFE']],
  ['a deprecated target', question({ to: target({ status: 'DEPRECATED' }) }), ['TARGET_DEPRECATED']],
  ['a version in development', question({ to: target({ status: 'DEVELOPMENT' }) }), []],
  ['a platform that is too old', question({ to: target({ minPlatformVersion: '1.31' }) }), ['PLATFORM_VERSION']],
  ['a platform that is too new', question({ to: target({ maxPlatformVersion: '1.29' }) }), ['PLATFORM_VERSION']],
  ['the ends of the range', question({ to: target({ minPlatformVersion: '1.30', maxPlatformVersion: '1.30' }) }), []],
  [
    'an unknown platform',
    question({ platformVersion: null, to: target({ minPlatformVersion: '1.0' }) }),
    ['UNKNOWN_PLATFORM_VERSION'],
  ],
  ['an unknown platform that nobody asks for', question({ platformVersion: null }), []],
  ['a dependency that is met', needs({ kafka: '>=3.6' }, [['kafka', ['3.6.0']]]), []],
  ['one that is missing', needs({ kafka: '>=3.6' }, [['postgresql', ['16.1']]]), ['DEPENDENCY_MISSING']],
  ['one outside of the range', needs({ kafka: '>=3.6' }, [['kafka', ['3.5']]]), ['DEPENDENCY_OUT_OF_RANGE']],
  [
    'one that runs in two versions',
    needs({ kafka: '>=3.6' }, [['kafka', ['3.7.0', '3.5.0']]]),
    ['DEPENDENCY_OUT_OF_RANGE'],
  ],
  ['one that is named like a member of every object', needs({ constructor: '*' }), ['DEPENDENCY_MISSING']],
  ['an untested step', question({ route: [step('1.0.0', '1.1.0', { tested: false })] }), ['UNTESTED_PATH']],
  ['downtime', question({ route: [step('1.0.0', '1.1.0', { requiresDowntime: true })] }), ['DOWNTIME']],
  ['high risk', question({ route: [step('1.0.0', '1.1.0', { riskLevel: 'HIGH' })] }), ['HIGH_RISK']],
  ['two steps', question({ route: [step('1.0.0', '1.0.5'), step('1.0.5', '1.1.0')] }), ['SEVERAL_HOPS']],
  [
    'everything at once',
    question({
      to: target({ status: 'END_OF_LIFE', minPlatformVersion: '2', dependencies: { b: '1', a: '1' } }),
      installed: new Map([['b', ['2']]]),
      route: [step('1.0.0', '1.1.0', { tested: false, requiresDowntime: true, riskLevel: 'HIGH' })],
    }),
    [
      'TARGET_END_OF_LIFE',
      'PLATFORM_VERSION',
      'DEPENDENCY_MISSING',
      'DEPENDENCY_OUT_OF_RANGE',
      'UNTESTED_PATH',
      'DOWNTIME',
      'HIGH_RISK',
    ],
  ],
])('%s', (_, asked, expected) => {
  expect(codes(asked)).toEqual(expected)
})

describe('messages', () => {
  test('several hops are named', () => {
    const route = [step('1.0.0', '1.0.5'), step('1.0.5', '1.1.0')]
    expect(judge(question({ route })).warnings[0]?.message).toContain('1.0.0 → 1.0.5 → 1.1.0')
  })

  test('a dependency says what is needed and what is there', () => {
    expect(judge(needs({ kafka: '>=3.6' }, [['kafka', ['3.5']]])).blockers).toEqual([
      {
        code: 'DEPENDENCY_OUT_OF_RANGE',
        message: 'kafka >=3.6 is needed, and 3.5 is there',
        component: 'kafka',
        required: '>=3.6',
        installed: ['3.5'],
      },
    ])
  })
})

test('an upgrade is valid exactly when nothing blocks it; warnings never do', () => {
  const routes = fc.constantFrom(null, [step('1.0.0', '1.1.0', { tested: false, riskLevel: 'HIGH' })])
  const targets = fc.record({
    version: fc.constantFrom('0.9.0', '1.1.0'),
    status: fc.constantFrom('STABLE', 'DEPRECATED', 'END_OF_LIFE'),
    minPlatformVersion: fc.constantFrom(null, '1.0', '2.0'),
    maxPlatformVersion: fc.constantFrom(null, '1.40', '1.1'),
    dependencies: fc.constantFrom({}, { kafka: '>=3.6' }),
  })
  const installed = fc.constantFrom(new Map(), new Map([['kafka', ['3.6']]]), new Map([['kafka', ['3.5']]]))
  const platforms = fc.constantFrom(null, '1.30.0')
  fc.assert(
    fc.property(routes, targets, installed, platforms, (route, to, there, platformVersion) => {
      const asked = question({ route, to: to as To, installed: there, platformVersion })
      const { valid, blockers } = judge(asked)
      expect(valid).toBe(blockers.length === 0)
      const met = !('kafka' in to.dependencies) || there.get('kafka')?.[0] === '3.6'
      const fits = platformVersion === null || (to.minPlatformVersion !== '2.0' && to.maxPlatformVersion !== '1.1')
      expect(valid).toBe(route !== null && to.version === '1.1.0' && to.status !== 'END_OF_LIFE' && met && fits)
    }),
  )
})
